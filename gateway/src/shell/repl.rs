//! The prompt: reads lines with an editor, runs what is whole, and goes on after errors.

use std::borrow::Cow;

use reedline::{
    Prompt, PromptEditMode, PromptHistorySearch, PromptHistorySearchStatus, Reedline, Signal, ValidationResult,
    Validator,
};

use super::error::Error;
use super::execute::{Flow, Shell};
use super::splitter::Splitter;
use super::{escape, history};

/// Reads and runs until the user leaves.
pub(super) async fn run(shell: &mut Shell) -> Result<Flow, Error> {
    let mesh = mesh_name(shell).await;
    shell.writer.notice(&welcome(shell))?;
    let mut editor = editor();
    loop {
        let prompt = MeshPrompt::new(&mesh, shell.connection.domain());
        let line;
        (editor, line) = read(editor, prompt).await?;
        match line {
            Signal::Success(text) => {
                // Now, not at the end: a shell may be killed.
                _ = editor.sync_history();
                if run_text(shell, &text).await? == Flow::Quit {
                    return Ok(Flow::Quit);
                }
            }
            Signal::CtrlD => return Ok(Flow::Quit),
            // A new prompt. Signals to come, and those that nobody asked the editor for, are no input.
            Signal::CtrlC | Signal::HostCommand(_) | Signal::ExternalBreak(_) | _ => {}
        }
    }
}

/// Runs everything in a text; the first error ends the text, not the shell.
async fn run_text(shell: &mut Shell, text: &str) -> Result<Flow, Error> {
    for item in Splitter::split(text) {
        match shell.run(&item.text).await {
            Ok(Flow::Next) => {}
            Ok(flow) => return Ok(flow),
            Err(Error::PipeClosed) => return Err(Error::PipeClosed),
            Err(error) => {
                if matches!(error, Error::Interrupted) {
                    // The terminal shows `^C` where the cursor was.
                    shell.writer.notice("\n")?;
                }
                shell.report(&error, None);
                return Ok(Flow::Failed);
            }
        }
    }
    Ok(Flow::Next)
}

/// The editor blocks, so it works on another thread.
async fn read(mut editor: Reedline, prompt: MeshPrompt) -> Result<(Reedline, Signal), Error> {
    let reading = tokio::task::spawn_blocking(move || {
        let line = editor.read_line(&prompt);
        (editor, line)
    });
    let (editor, line) = reading.await.map_err(|error| Error::Command(format!("the editor broke: {error}")))?;
    Ok((editor, line.map_err(|error| Error::Command(format!("the terminal cannot be read: {error}")))?))
}

#[expect(clippy::disallowed_methods, reason = "NO_COLOR is how a user asks every program for none")]
fn editor() -> Reedline {
    let colours = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    Reedline::create()
        .with_history(Box::new(history::open()))
        // As in other shells: what starts with a space is not remembered.
        .with_history_exclusion_prefix(Some(" ".to_owned()))
        .with_validator(Box::new(WholeStatement))
        .with_ansi_colors(colours)
        .use_bracketed_paste(true)
}

/// The mesh is the server's catalog; a server with none or several is called by its address.
async fn mesh_name(shell: &mut Shell) -> String {
    match shell.catalog_names().await.as_deref() {
        Ok([mesh]) => mesh.clone(),
        Ok(_) | Err(_) => shell.connection.target().host.clone(),
    }
}

fn welcome(shell: &Shell) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let user = shell.connection.user().map(|user| format!(" as {user}")).unwrap_or_default();
    format!("meshgate sql {version}, connected to {}{user}. \\? helps, \\q leaves.\n", shell.connection.target())
}

/// Enter runs what is whole and starts a new line in what is not.
struct WholeStatement;

impl Validator for WholeStatement {
    fn validate(&self, text: &str) -> ValidationResult {
        if Splitter::is_incomplete(text) { ValidationResult::Incomplete } else { ValidationResult::Complete }
    }
}

/// `retail=> `, `retail.sales=> `, and `retail-> ` where a statement goes on.
#[derive(Debug)]
struct MeshPrompt {
    name: String,
}

impl MeshPrompt {
    fn new(mesh: &str, domain: Option<&str>) -> Self {
        let name = domain.map_or_else(|| mesh.to_owned(), |domain| format!("{mesh}.{domain}"));
        Self { name: escape::line(&name).into_owned() }
    }
}

impl Prompt for MeshPrompt {
    fn render_prompt_left(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.name)
    }

    fn render_prompt_right(&self) -> Cow<'_, str> {
        Cow::Borrowed("")
    }

    fn render_prompt_indicator(&self, _mode: PromptEditMode) -> Cow<'_, str> {
        Cow::Borrowed("=> ")
    }

    fn render_prompt_multiline_indicator(&self) -> Cow<'_, str> {
        Cow::Owned(format!("{}-> ", self.name))
    }

    fn render_prompt_history_search_indicator(&self, search: PromptHistorySearch) -> Cow<'_, str> {
        let failing = match search.status {
            PromptHistorySearchStatus::Passing => "",
            PromptHistorySearchStatus::Failing => "failing ",
        };
        Cow::Owned(format!("({failing}search: {}) ", search.term))
    }
}
