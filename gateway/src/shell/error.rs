//! What can go wrong in the shell, and how it is shown.

use std::error::Error as _;
use std::io;
use std::path::PathBuf;

use arrow::error::ArrowError;
use arrow_flight::error::FlightError;
use tonic::{Code, Status};

use super::escape;

/// Why the shell did not do what it was asked to do.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The command line asks for something that cannot be.
    #[error("{0}")]
    Usage(String),
    /// A backslash command that cannot be done.
    #[error("{0}")]
    Command(String),
    /// The server said no.
    #[error("{}", .0.message())]
    Server(Box<Status>),
    /// There was no connection, or it ended.
    #[error("{what} {target}: {}", root_cause(cause.as_ref()))]
    Connection { what: &'static str, target: String, cause: Box<dyn std::error::Error + Send + Sync> },
    /// The server sent what is not Flight SQL, or the result cannot be written in this format.
    #[error("{0}")]
    Result(String),
    /// A file that cannot be read or written.
    #[error("{}: {cause}", path.display())]
    File { path: PathBuf, cause: io::Error },
    /// Nobody reads the results any more.
    #[error("nobody reads the results")]
    PipeClosed,
    /// The user pressed Ctrl-C.
    #[error("cancelled")]
    Interrupted,
}

impl Error {
    /// What a call ended with: the server's answer, or the end of the connection to `target`.
    pub(super) fn from_flight(error: FlightError, target: &str) -> Self {
        if let FlightError::Tonic(status) = error {
            Self::from_status(*status, target)
        } else {
            Self::Result(error.to_string())
        }
    }

    /// The same for a call that does not go through arrow-flight.
    pub(super) fn from_status(status: Status, target: &str) -> Self {
        // Only what goes wrong on this side of the wire has a source; a server's answer never has one.
        let local = status.source().is_some() || (status.code() == Code::Unavailable && !is_from_gateway(&status));
        if local && status.code() != Code::OutOfRange {
            return Self::Connection {
                what: "lost the connection to",
                target: target.to_owned(),
                cause: Box::new(status),
            };
        }
        Self::Server(Box::new(status))
    }

    /// What writing the results ended with.
    pub(super) fn from_output(cause: io::Error, path: &str) -> Self {
        if cause.kind() == io::ErrorKind::BrokenPipe {
            Self::PipeClosed
        } else {
            Self::File { path: path.into(), cause }
        }
    }

    /// Whether the server does not know who asks.
    pub(super) fn is_unauthenticated(&self) -> bool {
        matches!(self, Self::Server(status) if status.code() == Code::Unauthenticated)
    }

    /// Whether the server does not know this action: arrow-rs answers `InvalidArgument` to those.
    pub(super) fn is_unknown_action(&self) -> bool {
        let is_argument = |status: &Status| status.code() == Code::InvalidArgument && !is_from_gateway(status);
        self.is_unimplemented() || matches!(self, Self::Server(status) if is_argument(status))
    }

    /// Whether the server does not know this call.
    pub(super) fn is_unimplemented(&self) -> bool {
        matches!(self, Self::Server(status) if status.code() == Code::Unimplemented)
    }

    /// Whether a new connection is needed.
    pub(super) fn is_connection_lost(&self) -> bool {
        matches!(self, Self::Connection { .. })
    }

    /// The lines for the user, safe for a terminal. `place` is the file and line of a script.
    pub(super) fn report(&self, place: Option<&str>) -> String {
        let place = place.map(|place| format!("{}: ", escape::line(place))).unwrap_or_default();
        let text = self.to_string();
        let mut report = format!("{place}ERROR:  {}\n", escape::lines(text.trim_end()));
        let Self::Server(status) = self else { return report };
        let header = |name: &str| status.metadata().get(name).and_then(|value| value.to_str().ok()).map(escape::line);
        match (header("meshgate-sqlstate"), header("meshgate-error")) {
            (Some(state), Some(kind)) => report.push_str(&format!("SQLSTATE: {state} ({kind})\n")),
            (Some(state), None) => report.push_str(&format!("SQLSTATE: {state}\n")),
            (None, Some(kind)) => report.push_str(&format!("KIND: {kind}\n")),
            (None, None) => report.push_str(&format!("GRPC: {:?}\n", status.code())),
        }
        if let Some(hint) = header("meshgate-hint") {
            report.push_str(&format!("HINT:  {hint}\n"));
        }
        if let Some(id) = header("meshgate-query-id") {
            report.push_str(&format!("QUERY ID: {id}\n"));
        }
        report
    }
}

impl From<ArrowError> for Error {
    fn from(error: ArrowError) -> Self {
        Self::Result(error.to_string())
    }
}

fn is_from_gateway(status: &Status) -> bool {
    status.metadata().contains_key("meshgate-error")
}

/// The innermost text: "connection refused" says more than "transport error".
fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut root = error;
    while let Some(source) = root.source() {
        root = source;
    }
    if let Some(status) = root.downcast_ref::<Status>() {
        return status.message().to_owned();
    }
    root.to_string()
}

#[cfg(test)]
mod tests {
    use tonic::metadata::MetadataMap;

    use super::*;

    fn status(code: Code, message: &str, headers: &[(&'static str, &'static str)]) -> Status {
        let mut metadata = MetadataMap::new();
        for (name, value) in headers {
            metadata.insert(*name, tonic::metadata::MetadataValue::from_static(value));
        }
        Status::with_metadata(code, message, metadata)
    }

    fn check(status: Status, expected: &str) {
        assert_eq!(Error::from_status(status, "grpc://here:1").report(None), expected);
    }

    #[test]
    fn an_error_of_the_gateway_shows_sqlstate_kind_and_query() {
        let headers =
            [("meshgate-sqlstate", "42P01"), ("meshgate-error", "UndefinedTable"), ("meshgate-query-id", "0190")];
        check(
            status(Code::NotFound, "table \"x\" is not in the catalog", &headers),
            "ERROR:  table \"x\" is not in the catalog\nSQLSTATE: 42P01 (UndefinedTable)\nQUERY ID: 0190\n",
        );
    }

    #[test]
    fn an_error_of_another_server_shows_its_grpc_code() {
        check(status(Code::NotFound, "no such table", &[]), "ERROR:  no such table\nGRPC: NotFound\n");
    }

    #[test]
    fn an_unavailable_source_is_not_a_lost_connection() {
        let answer = status(Code::Unavailable, "source of sales.orders", &[("meshgate-error", "SourceUnavailable")]);
        assert!(!Error::from_status(answer, "grpc://here:1").is_connection_lost());
        let lost = status(Code::Unavailable, "tcp connect error", &[]);
        assert!(Error::from_status(lost, "grpc://here:1").is_connection_lost());
    }

    #[test]
    fn an_error_text_cannot_reach_the_terminal_in_clear() {
        check(status(Code::Internal, "a\x1b[31mb\nc", &[]), "ERROR:  a\\x1b[31mb\nc\nGRPC: Internal\n");
    }

    #[test]
    fn an_error_of_a_script_names_file_and_line() {
        let error = Error::Command("no".to_owned());
        assert_eq!(error.report(Some("a.sql:3")), "a.sql:3: ERROR:  no\n");
    }
}
