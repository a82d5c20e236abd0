//! The shell, `meshgate sql`: a psql-like client for any Flight SQL server.
//!
//! Invariant: it uses nothing else of this crate, so it sees what every other client sees.

mod commands;
mod connection;
mod cookies;
mod describe;
mod error;
mod escape;
mod execute;
mod history;
mod login;
mod obey;
mod options;
mod output;
mod pattern;
mod repl;
mod rows;
mod script;
mod session_options;
mod splitter;
mod type_name;

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use tokio::sync::Notify;
use tokio::task::JoinSet;

use connection::Connection;
use error::Error;
pub(crate) use escape::line as harmless;
use execute::{Flow, Shell};
use login::Login;
use options::Target;
pub use options::{Format, Options};
use output::Writer;
use script::Script;

/// How the shell ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Everything that was asked for was done: 0.
    Good,
    /// A statement failed, or there was no connection: 1.
    Failed,
    /// The options make no sense: 2.
    Usage,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Good => Self::SUCCESS,
            Exit::Failed => Self::FAILURE,
            Exit::Usage => Self::from(2),
        }
    }
}

/// What the shell is connected to on this side.
struct Streams {
    stdout: Box<dyn Write + Send>,
    stderr: Box<dyn Write + Send>,
    stdin_is_terminal: bool,
    stdout_is_terminal: bool,
    /// Notified at every Ctrl-C.
    interrupts: Arc<Notify>,
    /// Whether the process's signals notify it.
    hears_signals: bool,
}

/// Runs the shell: the commands of the options, else their file, else stdin; with a prompt when stdin is a terminal.
/// Results go to stdout, errors to stderr; the first error ends it, but not at a prompt.
pub async fn run(options: Options) -> Exit {
    let streams = Streams {
        stdout: Box::new(BufWriter::new(io::stdout())),
        stderr: Box::new(io::stderr()),
        stdin_is_terminal: io::stdin().is_terminal(),
        stdout_is_terminal: io::stdout().is_terminal(),
        interrupts: Arc::new(Notify::new()),
        hears_signals: true,
    };
    run_on(options, streams).await
}

async fn run_on(options: Options, mut streams: Streams) -> Exit {
    let connection = match prepare(&options, &mut streams) {
        Ok(connection) => connection,
        Err(error) => {
            // Nothing is left to be told when stderr is gone.
            _ = streams.stderr.write_all(error.report(None).as_bytes());
            return if matches!(error, Error::Usage(_)) { Exit::Usage } else { Exit::Failed };
        }
    };
    // Not before the password is there: until then Ctrl-C ends the process.
    let mut listener = JoinSet::new();
    if streams.hears_signals {
        let interrupts = Arc::clone(&streams.interrupts);
        listener.spawn(async move {
            while tokio::signal::ctrl_c().await.is_ok() {
                interrupts.notify_waiters();
            }
        });
    }
    let is_interactive = options.command.is_empty() && options.file.is_none() && streams.stdin_is_terminal;
    let writer = Writer::new(streams.stdout, streams.stdout_is_terminal);
    let mut shell = Shell::new(connection, writer, streams.stderr, streams.interrupts);
    shell.settings.format = options.format.unwrap_or(Format::Table);
    let outcome = match shell.connect().await {
        Err(error) => Err(error),
        Ok(()) if is_interactive => repl::run(&mut shell).await,
        Ok(()) => batch(&mut shell, &options).await,
    };
    match outcome.and_then(|flow| shell.writer.flush().map(|()| flow)) {
        Ok(Flow::Next | Flow::Quit) | Err(Error::PipeClosed) => Exit::Good,
        Ok(Flow::Failed) => Exit::Failed,
        Err(error) => {
            shell.report(&error, None);
            if matches!(error, Error::Usage(_)) { Exit::Usage } else { Exit::Failed }
        }
    }
}

/// Checks the options, asks for a password that is missing, and says what is dangerous.
fn prepare(options: &Options, streams: &mut Streams) -> Result<Connection, Error> {
    let target = Target::parse(&options.url)?;
    if options.tls_ca.is_some() && !target.tls {
        return Err(Error::Usage("certificates are given, but the URL is not grpc+tls://".to_owned()));
    }
    let login = match (&options.user, &options.password) {
        (None, _) => None,
        (Some(user), Some(password)) => Some(Login { user: user.clone(), password: password.clone() }),
        (Some(user), None) if streams.stdin_is_terminal => {
            let prompt = format!("Password of {}: ", escape::line(user));
            let password = rpassword::prompt_password(prompt)
                .map_err(|error| Error::Usage(format!("the password cannot be read: {error}")))?;
            Some(Login { user: user.clone(), password })
        }
        (Some(_), None) => {
            return Err(Error::Usage("there is a user but no password: set MESHGATE_PASSWORD".to_owned()));
        }
    };
    if login.is_some() && !target.tls && !target.is_loopback() {
        let warning = format!("WARNING:  the password travels to {} unencrypted\n", target.host);
        _ = streams.stderr.write_all(warning.as_bytes());
    }
    Ok(Connection::new(target, login, options.tls_ca.clone()))
}

/// Runs what the command line or a pipe brings.
async fn batch(shell: &mut Shell, options: &Options) -> Result<Flow, Error> {
    for text in &options.command {
        let flow = shell.script(Script::of_text(text)).await?;
        if flow != Flow::Next {
            return Ok(flow);
        }
    }
    match &options.file {
        Some(path) if path == Path::new("-") => shell.script(Script::of_reader("stdin", io::stdin())).await,
        Some(path) => {
            let file = File::open(path).map_err(|cause| Error::File { path: path.clone(), cause })?;
            shell.script(Script::of_reader(&path.display().to_string(), file)).await
        }
        None if options.command.is_empty() => shell.script(Script::of_reader("stdin", io::stdin())).await,
        None => Ok(Flow::Next),
    }
}

#[cfg(test)]
mod tests;
