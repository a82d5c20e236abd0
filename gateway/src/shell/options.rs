//! What the command line asks of the shell.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use super::error::Error;

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Aligned columns, as psql writes them.
    Table,
    /// One line for each value.
    Expanded,
    /// Comma-separated values with a header.
    Csv,
    /// Tab-separated values with a header.
    Tsv,
    /// One JSON array of objects.
    Json,
    /// One JSON object a line.
    Jsonl,
    /// A Markdown table.
    Markdown,
    /// An Arrow IPC stream.
    Arrow,
}

/// The options of `meshgate sql`.
#[derive(Clone)]
pub struct Options {
    /// `grpc://HOST:PORT` or `grpc+tls://HOST:PORT`.
    pub url: String,
    /// Who asks; nobody in particular when missing.
    pub user: Option<String>,
    /// The password; asked for when there is a user, none is given, and stdin is a terminal.
    pub password: Option<String>,
    /// The certificates (PEM) that the server's certificate is checked with, instead of the system's.
    pub tls_ca: Option<PathBuf>,
    /// Statements or backslash commands to run instead of reading any.
    pub command: Vec<String>,
    /// A file of statements to run; `-` is stdin.
    pub file: Option<PathBuf>,
    /// How results are written; a table when missing.
    pub format: Option<Format>,
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("url", &self.url)
            .field("user", &self.user)
            .field("password", &self.password.as_ref().map(|_| "…"))
            .field("tls_ca", &self.tls_ca)
            .field("command", &self.command)
            .field("file", &self.file)
            .field("format", &self.format)
            .finish()
    }
}

/// The server that a URL names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// A name or an address, IPv6 in brackets.
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) tls: bool,
}

const DEFAULT_PORT: u16 = 31337;

impl Target {
    /// Reads `grpc://HOST:PORT`, `grpc+tcp://…` or `grpc+tls://…`.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let wrong = |why: &str| Error::Usage(format!("{why}; write grpc://HOST:PORT or grpc+tls://HOST:PORT"));
        let url = url::Url::parse(text).map_err(|error| wrong(&format!("the URL cannot be read: {error}")))?;
        let tls = match url.scheme() {
            "grpc" | "grpc+tcp" => false,
            "grpc+tls" => true,
            other => return Err(wrong(&format!("the URL's scheme {other:?} is not known"))),
        };
        if !url.username().is_empty() || url.password().is_some() {
            // A password in a URL would be seen in the list of processes and in the shell's history.
            return Err(Error::Usage("the URL must not hold a user: use --user and MESHGATE_PASSWORD".to_owned()));
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("the URL has something behind the port"));
        }
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| wrong("the URL names no host"))?;
        Ok(Self { host: host.to_owned(), port: url.port().unwrap_or(DEFAULT_PORT), tls })
    }

    /// Whether what is sent stays on this machine.
    pub(super) fn is_loopback(&self) -> bool {
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// What tonic connects to.
    pub(super) fn http_uri(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}:{}", self.host, self.port)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "grpc+tls" } else { "grpc" };
        write!(f, "{scheme}://{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, expected: Option<(&str, bool)>) {
        let target = Target::parse(url).ok();
        let shown = target.as_ref().map(|target| (target.to_string(), target.is_loopback()));
        assert_eq!(shown, expected.map(|(text, loopback)| (text.to_owned(), loopback)), "{url}");
    }

    #[test]
    fn a_url_names_scheme_host_and_port_and_nothing_else() {
        check("grpc://localhost:31337", Some(("grpc://localhost:31337", true)));
        check("grpc+tcp://127.0.0.1:1", Some(("grpc://127.0.0.1:1", true)));
        check("grpc://[::1]:5", Some(("grpc://[::1]:5", true)));
        check("grpc+tls://mesh.example:443/", Some(("grpc+tls://mesh.example:443", false)));
        check("grpc://mesh.example", Some(("grpc://mesh.example:31337", false)));
        check("http://localhost:1", None);
        check("localhost:31337", None);
        check("grpc://ann:secret@localhost:1", None);
        check("grpc://localhost:1/retail", None);
        check("grpc://", None);
    }

    #[test]
    fn the_password_is_not_in_the_debug_text() {
        let options = Options {
            url: String::new(),
            user: Some("ann".to_owned()),
            password: Some("secret".to_owned()),
            tls_ca: None,
            command: Vec::new(),
            file: None,
            format: None,
        };
        assert!(!format!("{options:?}").contains("secret"));
    }
}
