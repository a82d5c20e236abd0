//! The command line.

mod arguments;
mod audit;
mod check;
mod demo;
mod policy;
mod serve;
mod tour;
mod user;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use crate::{server, telemetry};
use arguments::{Arguments, Command, PolicyCommand, UserCommand};

/// How a command ended.
pub(crate) enum Outcome {
    /// 0: what was asked for was done.
    Good,
    /// 1: it was not; the reason has been told.
    Failed,
}

/// A command's reason to fail, as it is shown.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    // Usage errors end here, with 2.
    let arguments = Arguments::parse();
    telemetry::log_to_stderr(arguments.log_directives());
    server::install_tls_provider();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    let code = runtime.block_on(run(arguments.command));
    runtime.shutdown_background();
    code
}

async fn run(command: Command) -> ExitCode {
    let outcome = match command {
        Command::Sql(arguments) => return crate::shell::run(arguments.into_options()).await.into(),
        Command::Demo { dir, once } => demo::run(dir, once).await,
        Command::Serve(arguments) => serve::run(arguments.into_options()).await,
        Command::Audit(arguments) => audit::run(&arguments),
        Command::Check { mesh, online } => check::run(&mesh, online).await,
        Command::Policy(PolicyCommand::Test { mesh }) => policy::test::run(&mesh).await,
        Command::Policy(PolicyCommand::Explain(arguments)) => policy::explain::run(&arguments).await,
        Command::Policy(PolicyCommand::Diff(arguments)) => policy::diff::run(&arguments).await,
        Command::User(UserCommand::Add { name, mesh, attribute, password }) => {
            user::add(&mesh, &name, &attribute, password)
        }
    };
    match outcome {
        Ok(Outcome::Good) => ExitCode::SUCCESS,
        Ok(Outcome::Failed) => ExitCode::FAILURE,
        Err(error) => failed(&error),
    }
}

fn failed(error: &Failure) -> ExitCode {
    let mut text = format!("meshgate: {error}");
    let mut cause = error.source();
    while let Some(inner) = cause {
        // Errors of ours often show their cause already.
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    text.push('\n');
    // Nothing is left to be told when stderr is gone.
    let _ = std::io::stderr().write_all(text.as_bytes());
    ExitCode::FAILURE
}

/// Writes to standard error what a command notes beside its result.
pub(crate) fn note(text: &str) {
    let mut out = std::io::stderr().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.write_all(b"\n"));
}

/// Writes to standard output; a reader who has left is no error.
pub(crate) fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush());
}

/// Waits for Ctrl-C, or for the signal that service managers send.
pub(crate) async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
