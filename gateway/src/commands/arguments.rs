//! What can be written on the command line.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::{Args, Parser, Subcommand, ValueEnum};

use super::audit;
use crate::server::ServeOptions;
use crate::shell;

/// A governed SQL gateway for a data mesh.
#[derive(Debug, Parser)]
#[command(name = "meshgate", version, about, propagate_version = true)]
pub(super) struct Arguments {
    /// What the log on standard error holds, such as `info` or `gateway=debug`.
    #[arg(long, env = "MESHGATE_LOG", global = true, value_name = "DIRECTIVES")]
    log: Option<String>,

    #[command(subcommand)]
    pub(super) command: Command,
}

impl Arguments {
    /// Servers say what they do; the other commands speak for themselves.
    pub(super) fn log_directives(&self) -> &str {
        let default = match self.command {
            Command::Serve(_) => "info",
            Command::Demo { .. }
            | Command::Sql(_)
            | Command::Check { .. }
            | Command::Audit(_)
            | Command::Policy(_)
            | Command::User(_) => "error",
        };
        self.log.as_deref().unwrap_or(default)
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Write the retail mesh with data, start its gateway and its CRM endpoint, and say how to connect.
    Demo {
        /// Folder for the mesh; a temporary one with --once, else `demo-mesh`.
        #[arg(long)]
        dir: Option<PathBuf>,
        /// Run the tour (three people ask the same question), then exit.
        #[arg(long)]
        once: bool,
    },
    /// Serve a mesh.
    Serve(ServeArguments),
    /// A psql-style shell for this and any other Flight SQL server.
    Sql(SqlArguments),
    /// Validate every file of a mesh.
    Check {
        /// Folder of the mesh.
        #[arg(long)]
        mesh: PathBuf,
        /// Also open every source and compare it with its contract.
        #[arg(long)]
        online: bool,
    },
    /// Read the audit log of a mesh, oldest record first.
    Audit(AuditArguments),
    /// Explain and test policies.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Manage local identities.
    #[command(subcommand)]
    User(UserCommand),
}

#[derive(Debug, Args)]
pub(super) struct ServeArguments {
    /// Folder of the mesh.
    #[arg(long)]
    mesh: PathBuf,
    /// Address for Flight SQL instead of the mesh's; a port of 0 picks one.
    #[arg(long, value_name = "ADDR")]
    flight: Option<String>,
    /// Address for PostgreSQL (not served yet).
    #[arg(long, value_name = "ADDR")]
    postgres: Option<String>,
    /// Address for health and metrics instead of the mesh's; a port of 0 picks one.
    #[arg(long, value_name = "ADDR")]
    http: Option<String>,
}

impl ServeArguments {
    pub(super) fn into_options(self) -> ServeOptions {
        let Self { mesh, flight, postgres, http } = self;
        ServeOptions { mesh, flight, postgres, http }
    }
}

#[derive(Debug, Args)]
pub(super) struct SqlArguments {
    /// The server.
    #[arg(long, env = "MESHGATE_URL", default_value = "grpc://127.0.0.1:31337", value_name = "grpc://HOST:PORT")]
    url: String,
    /// User name.
    #[arg(long, short = 'U', env = "MESHGATE_USER")]
    user: Option<String>,
    /// Password; asked for at a terminal where it is missing. Prefer the environment: others can read command lines.
    #[arg(long, env = "MESHGATE_PASSWORD", hide_env_values = true, hide = true)]
    password: Option<String>,
    /// PEM file of the authority that signed the server's certificate.
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<PathBuf>,
    /// Run these statements and exit; may be given several times.
    #[arg(short = 'c', long = "command", value_name = "SQL")]
    command: Vec<String>,
    /// Run the statements of a file and exit; `-` reads standard input.
    #[arg(short = 'f', long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// How results are printed.
    #[arg(long, value_enum)]
    format: Option<shell::Format>,
}

impl SqlArguments {
    pub(super) fn into_options(self) -> shell::Options {
        let Self { url, user, password, tls_ca, command, file, format } = self;
        shell::Options { url, user, password, tls_ca, command, file, format }
    }
}

#[derive(Debug, Args)]
pub(super) struct AuditArguments {
    /// Folder of the mesh.
    #[arg(long)]
    pub(super) mesh: PathBuf,
    /// Only records of this user.
    #[arg(long, value_name = "NAME")]
    pub(super) user: Option<String>,
    /// Only records of tables of this product.
    #[arg(long, conflicts_with = "table")]
    pub(super) product: Option<String>,
    /// Only records of this table, as `domain.table`.
    #[arg(long)]
    pub(super) table: Option<catalog::TableName>,
    /// Only records from then on: `2026-11-22T10:00:00Z`, `2026-11-22` (UTC), or how long ago, such as `2h`.
    #[arg(long, value_name = "TIME", value_parser = audit::time)]
    pub(super) since: Option<DateTime<Utc>>,
    /// Only records before then.
    #[arg(long, value_name = "TIME", value_parser = audit::time)]
    pub(super) until: Option<DateTime<Utc>>,
    /// Only records that ended like this: Finished, Planned, or the name of an error, such as Cancelled.
    #[arg(long, value_parser = audit::outcome)]
    pub(super) outcome: Option<&'static str>,
    /// How records are printed.
    #[arg(long, value_enum, default_value = "table")]
    pub(super) format: audit::Format,
}

#[derive(Debug, Subcommand)]
pub(super) enum PolicyCommand {
    /// Say which rules make up a user's view of a table, in the order in which they work.
    Explain(ExplainArguments),
    /// Say who gains or loses what between two versions of a mesh.
    ///
    /// Asks about every user of either users.toml, with the attributes there; every other user that a rule names; and
    /// every role, as somebody who holds just that role. Where name and attributes are not known, predicates are
    /// compared as they are written. A view is compared by its own rules; what it reads, with the tables it reads.
    Diff(DiffArguments),
    /// Run the mesh's `policies/tests.yaml`.
    Test {
        /// Folder of the mesh.
        #[arg(long)]
        mesh: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(super) struct ExplainArguments {
    /// Folder of the mesh.
    #[arg(long)]
    pub(super) mesh: PathBuf,
    /// Who asks.
    #[arg(long)]
    pub(super) user: String,
    /// The table, as `domain.table`.
    #[arg(long)]
    pub(super) table: String,
    /// An attribute of the user, instead of the one in users.toml.
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    pub(super) attribute: Vec<(String, String)>,
    /// A role that the identity provider vouches for; may be given several times.
    #[arg(long, value_name = "NAME")]
    pub(super) role: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct DiffArguments {
    /// Folder of the mesh as it was, such as another checkout.
    pub(super) old: PathBuf,
    /// Folder of the mesh as it is to be.
    pub(super) new: PathBuf,
    /// This user only.
    #[arg(long)]
    pub(super) user: Option<String>,
    /// How the differences are printed.
    #[arg(long, value_enum, default_value_t = DiffFormat::Text)]
    pub(super) format: DiffFormat,
    /// Exit with 1 where there is a difference.
    #[arg(long)]
    pub(super) exit_code: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum DiffFormat {
    /// Sentences.
    Text,
    /// A list of {user or role, table, changes}.
    Json,
}

#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    /// Add a user to users.toml.
    Add {
        /// Name of the user.
        name: String,
        /// Folder of the mesh.
        #[arg(long)]
        mesh: PathBuf,
        /// An attribute, such as `region=EU`; may be given several times.
        #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
        attribute: Vec<(String, String)>,
        /// The password; asked for where it is missing.
        #[arg(long, env = "MESHGATE_PASSWORD", hide_env_values = true, hide = true)]
        password: Option<String>,
    },
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        Some(_) | None => Err("write NAME=VALUE".to_owned()),
    }
}
