//! The checked configuration of a mesh: what `mesh.toml` says, with defaults filled in.
//!
//! Environment and configuration files are read here and in [`catalog::load`] only.

mod audit;
mod auth;
mod oidc;
mod raw;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use catalog::{Name, Problem, Problems};

pub use audit::{Audit, OnFailure, Rotation, Statements};
pub use auth::{Auth, CertificateName};
pub use oidc::{Jwks, Oidc};
use raw::{RawConfig, RawLimits};

/// Name of the configuration file in a mesh folder.
pub const FILE: &str = "mesh.toml";

/// Largest `mesh.toml` that is read, in bytes.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// The checked configuration of one mesh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Name of the mesh: the SQL catalog.
    pub name: Name,
    /// Where Flight SQL clients connect.
    pub flight: SocketAddr,
    /// Where health, readiness and metrics are served.
    pub http: SocketAddr,
    /// Whether `[postgres]` was written; that door is not there yet.
    pub asks_for_postgres: bool,
    /// Certificates, where the listeners speak TLS.
    pub tls: Option<Tls>,
    /// Whether plaintext beyond loopback was asked for.
    pub insecure: bool,
    /// Who may come in.
    pub auth: Auth,
    /// Secret that keys the `hash` mask; random per start where there is none.
    pub hash_key: Option<catalog::source::CredentialRef>,
    /// Limits on everything.
    pub limits: Limits,
    /// Caches.
    pub cache: Cache,
    /// The audit log, where there is one.
    pub audit: Option<Audit>,
}

/// PEM files of the listeners, made absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// Certificate chain of the gateway.
    pub cert: PathBuf,
    /// Private key of the gateway.
    pub key: PathBuf,
    /// Authority that signs the certificates of clients; where given, a client must show one.
    pub client_ca: Option<PathBuf>,
}

/// Limits; every one bounds something that a caller could make large.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Memory of all queries together, in bytes.
    pub memory_bytes: usize,
    /// Memory of one query, in bytes.
    pub query_memory_bytes: usize,
    /// Longest run of one query.
    pub query_timeout: Duration,
    /// Queries that run at a time.
    pub queries: usize,
    /// Queries that wait for their turn.
    pub queue: usize,
    /// Most rows of one result; `None`: no limit.
    pub rows: Option<u64>,
    /// Longest statement in bytes.
    pub statement_bytes: usize,
}

/// Sizes and ages of the caches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cache {
    /// Memory of Delta snapshots, in bytes.
    pub snapshots_bytes: u64,
    /// Memory of Parquet footers, in bytes.
    pub footers_bytes: u64,
    /// How old a snapshot may be when a statement begins.
    pub snapshot_max_age: Duration,
}

impl Config {
    /// Reads and checks `mesh.toml` of a mesh folder.
    ///
    /// # Errors
    /// Every mistake of the file, with its line where it is known.
    pub fn load(folder: &Path) -> Result<Self, Problems> {
        let text = read(folder, Path::new(FILE), MAX_FILE_BYTES)?;
        Self::parse(folder, &text)
    }

    /// Checks the text of a `mesh.toml` whose mesh lies in `folder`.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn parse(folder: &Path, text: &str) -> Result<Self, Problems> {
        let file = Path::new(FILE);
        let raw: RawConfig = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| line_of(text, span.start));
            Problem::at(
                file,
                line,
                error.message(),
                "write mesh.toml as the manual describes it; unknown keys are errors",
            )
        })?;
        let RawConfig { name, insecure, flight, postgres, http, tls, auth, policy, limits, cache, audit } = raw;
        let mut problems = Problems::default();
        let mut problem = |message: String, remedy: &str| problems.push(Problem::in_file(file, message, remedy));

        let name = name.parse::<Name>().map_err(|error| problem(error.to_string(), "choose another `name`")).ok();
        let flight = address(&flight.listen).map_err(|bad| problem(bad, "write `listen = \"HOST:PORT\"`")).ok();
        let http = address(&http.listen).map_err(|bad| problem(bad, "write `listen = \"HOST:PORT\"`")).ok();
        for (section, listen) in [("flight", flight), ("http", http)] {
            let open = listen.is_some_and(|listen| !listen.ip().is_loopback());
            if open && tls.is_none() && !insecure {
                problem(
                    format!("[{section}] listens beyond loopback without TLS"),
                    "add [tls] cert and key, or write `insecure = true` at the top if something else encrypts",
                );
            }
        }
        let hash_key = policy.hash_key.and_then(|text| {
            credential(folder, &text).map_err(|bad| problem(bad, "write `env:NAME` or `file:PATH`")).ok()
        });
        for message in limits.problems() {
            problem(message, "choose a larger number, or leave the key out");
        }
        let tls = tls.map(|tls| Tls {
            cert: folder.join(tls.cert),
            key: folder.join(tls.key),
            client_ca: tls.client_ca.map(|path| folder.join(path)),
        });
        let mut found = Vec::new();
        let audit = audit.and_then(|audit| audit.check(folder, text, &mut found));
        let takes_certificates = tls.as_ref().is_some_and(|tls| tls.client_ca.is_some());
        let auth = auth.check(takes_certificates, text, &mut found);
        found.into_iter().for_each(|problem| problems.push(problem));
        problems.or(())?;
        let (Some(name), Some(flight), Some(http), Some(auth)) = (name, flight, http, auth) else {
            return Err(Problem::in_file(file, "is incomplete", "give the mesh a name").into());
        };
        Ok(Self {
            name,
            flight,
            http,
            asks_for_postgres: postgres.is_some(),
            tls,
            insecure,
            auth,
            hash_key,
            limits: Limits::from(limits),
            cache: Cache {
                snapshots_bytes: cache.snapshots.as_u64(),
                footers_bytes: cache.footers.as_u64(),
                snapshot_max_age: cache.snapshot_max_age,
            },
            audit,
        })
    }
}

impl From<RawLimits> for Limits {
    fn from(raw: RawLimits) -> Self {
        let RawLimits { memory, query_memory, query_timeout, queries, queue, rows, statement } = raw;
        let bytes = |size: bytesize::ByteSize| usize::try_from(size.as_u64()).unwrap_or(usize::MAX);
        Self {
            memory_bytes: bytes(memory),
            query_memory_bytes: bytes(query_memory),
            query_timeout,
            queries,
            queue,
            rows: (rows > 0).then_some(rows),
            statement_bytes: bytes(statement),
        }
    }
}

/// Reads a text file of the mesh, at most `max_bytes` long.
///
/// # Errors
/// One problem that names the file.
pub fn read(folder: &Path, file: &Path, max_bytes: u64) -> Result<String, Problem> {
    let path = folder.join(file);
    let size = std::fs::metadata(&path)
        .map_err(|error| {
            Problem::in_file(file, format!("cannot be read: {error}"), "create it, or correct its rights")
        })?
        .len();
    if size > max_bytes {
        return Err(Problem::in_file(file, format!("is larger than {max_bytes} bytes"), "split it or make it smaller"));
    }
    std::fs::read_to_string(&path)
        .map_err(|error| Problem::in_file(file, format!("cannot be read: {error}"), "write it in UTF-8"))
}

/// One-based line of a byte offset.
#[must_use]
pub fn line_of(text: &str, offset: usize) -> u64 {
    let before = text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count();
    before as u64 + 1
}

/// Parses `HOST:PORT`; a host name is resolved.
///
/// # Errors
/// A text that names what was refused.
pub fn address(text: &str) -> Result<SocketAddr, String> {
    use std::net::ToSocketAddrs;
    text.to_socket_addrs()
        .ok()
        .and_then(|mut all| all.next())
        .ok_or_else(|| format!("{text:?} is not an address to listen on"))
}

fn credential(folder: &Path, text: &str) -> Result<catalog::source::CredentialRef, String> {
    use catalog::source::CredentialRef;
    match text.split_once(':') {
        Some(("env", name)) if !name.is_empty() => Ok(CredentialRef::Environment(name.to_owned())),
        Some(("file", path)) if !path.is_empty() => Ok(CredentialRef::File(folder.join(path))),
        _ => Err(format!("{text:?} does not say where a secret is")),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may unwrap")]
    use super::*;

    fn check(text: &str, refused_because: &str) {
        let problems = Config::parse(Path::new("/mesh"), text).unwrap_err().to_string();
        assert!(problems.contains(refused_because), "{problems}");
    }

    #[test]
    fn a_name_is_all_that_a_mesh_needs() {
        let config = Config::parse(Path::new("/mesh"), "name = \"retail\"").unwrap();
        assert_eq!(config.flight.to_string(), "127.0.0.1:31337");
        assert_eq!(config.limits.query_timeout, Duration::from_secs(300));
        assert_eq!(config.limits.rows, None);
        assert_eq!(config.auth.users, Path::new("users.toml"));
    }

    #[test]
    fn mistakes_are_refused_with_their_place() {
        check("", "missing field `name`");
        check("name = \"Retail\"", "is not a name");
        check("name = \"r\"\nspeed = 9", "mesh.toml:2: unknown field `speed`");
        check("name = \"r\"\n[flight]\nlisten = \"nowhere\"", "not an address");
        check("name = \"r\"\n[limits]\nqueries = 0", "limits.queries");
        check("name = \"r\"\n[limits]\nmemory = \"much\"", "mesh.toml:3");
    }

    #[test]
    fn plaintext_beyond_loopback_must_be_asked_for() {
        let open = "name = \"r\"\n[flight]\nlisten = \"0.0.0.0:31337\"";
        check(open, "without TLS");
        assert!(Config::parse(Path::new("/mesh"), &format!("insecure = true\n{open}")).is_ok());
        let tls = format!("{open}\n[tls]\ncert = \"c.pem\"\nkey = \"k.pem\"");
        assert_eq!(Config::parse(Path::new("/mesh"), &tls).unwrap().tls.unwrap().cert, Path::new("/mesh/c.pem"));
    }
}
