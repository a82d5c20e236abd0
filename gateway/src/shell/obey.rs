//! What backslash commands do.

use std::fs::File;
use std::path::Path;
use std::pin::Pin;

use super::commands::{Command, HELP};
use super::connection::Question;
use super::error::Error;
use super::execute::{Flow, Shell};
use super::options::Format;
use super::output::Expanded;
use super::script::Script;

/// Scripts that may run scripts that run scripts.
const DEEPEST: usize = 16;

impl Shell {
    /// Does what a backslash command asks for.
    pub(super) async fn command(&mut self, command: Command) -> Result<Flow, Error> {
        match command {
            Command::Catalogs => self.list_catalogs().await?,
            Command::Domains => self.list_domains().await?,
            Command::Tables { pattern } => self.list_tables(pattern.as_deref()).await?,
            Command::Describe { table } => self.describe(&table).await?,
            Command::Connect { domain } => self.use_domain(domain).await?,
            Command::ConnectionDetails => self.connection_details()?,
            Command::Timing { on } => self.set_timing(on)?,
            Command::Expanded { setting } => self.set_expanded(setting)?,
            Command::Format { format } => self.set_format(format)?,
            Command::Output { file } => self.writer.redirect(file.as_deref())?,
            Command::Include { file } => return self.include(&file).await,
            Command::Help => self.tell(HELP)?,
            Command::Quit => return Ok(Flow::Quit),
        }
        Ok(Flow::Next)
    }

    async fn use_domain(&mut self, domain: Option<String>) -> Result<(), Error> {
        if let Some(domain) = domain {
            self.connection.ask(&Question::UseDomain(domain)).await?;
        }
        let text = match self.connection.domain() {
            Some(domain) => format!("Unqualified tables are those of the domain {domain:?}.\n"),
            None => "No domain is chosen.\n".to_owned(),
        };
        self.tell(&text)
    }

    fn connection_details(&mut self) -> Result<(), Error> {
        let target = self.connection.target();
        let user = self.connection.user().map_or_else(|| "nobody".to_owned(), |user| format!("user {user:?}"));
        let domain = self.connection.domain().map(|domain| format!(", domain {domain:?}")).unwrap_or_default();
        let safety = if target.tls { "encrypted" } else { "not encrypted" };
        let text = format!("Connected to {target} as {user}{domain} ({safety}).\n");
        self.tell(&text)
    }

    fn set_timing(&mut self, on: Option<bool>) -> Result<(), Error> {
        self.settings.timing = on.unwrap_or(!self.settings.timing);
        let text = if self.settings.timing { "Timing is on.\n" } else { "Timing is off.\n" };
        self.tell(text)
    }

    fn set_expanded(&mut self, setting: Option<Expanded>) -> Result<(), Error> {
        let toggled = if self.settings.expanded == Expanded::Off { Expanded::On } else { Expanded::Off };
        self.settings.expanded = setting.unwrap_or(toggled);
        self.tell(match self.settings.expanded {
            Expanded::On => "Expanded display is on.\n",
            Expanded::Off => "Expanded display is off.\n",
            Expanded::Auto => "Expanded display is used automatically.\n",
        })
    }

    fn set_format(&mut self, format: Option<Format>) -> Result<(), Error> {
        self.settings.format = format.unwrap_or(Format::Table);
        let text = format!("The format is {}.\n", format!("{:?}", self.settings.format).to_lowercase());
        self.tell(&text)
    }

    /// Runs a file. Boxed: a script may run a script.
    fn include<'a>(&'a mut self, path: &'a Path) -> Pin<Box<dyn Future<Output = Result<Flow, Error>> + Send + 'a>> {
        Box::pin(async move {
            if self.depth == DEEPEST {
                return Err(Error::Command(format!("files include each other more than {DEEPEST} deep")));
            }
            let file = File::open(path).map_err(|cause| Error::File { path: path.to_owned(), cause })?;
            self.depth += 1;
            let flow = self.script(Script::of_reader(&path.display().to_string(), file)).await;
            self.depth -= 1;
            flow
        })
    }
}
