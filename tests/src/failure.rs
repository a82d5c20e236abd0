//! An error as a client sees it: code, headers, text.

use std::fmt;

use arrow_flight::error::FlightError;
use tonic::{Code, Status};

/// An error as a client sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// gRPC status code.
    pub code: Code,
    /// Header `meshgate-error`; empty where there is none.
    pub kind: String,
    /// Header `meshgate-sqlstate`; empty where there is none.
    pub sqlstate: String,
    /// Header `meshgate-query-id`; empty where there is none.
    pub query_id: String,
    /// The text.
    pub message: String,
}

impl Failure {
    /// The failure without what differs from query to query, for comparing two answers.
    #[must_use]
    pub fn shape(&self) -> (Code, String, String, String) {
        let message = match self.query_id.as_str() {
            "" => self.message.clone(),
            id => self.message.replace(id, "ID"),
        };
        (self.code, self.kind.clone(), self.sqlstate.clone(), message)
    }

    /// Everything that the client was sent, for searching it.
    #[must_use]
    pub fn everything(&self) -> String {
        format!("{self:?}")
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.message)
    }
}

impl std::error::Error for Failure {}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        let header = |name: &str| {
            status.metadata().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
        };
        Self {
            code: status.code(),
            kind: header("meshgate-error"),
            sqlstate: header("meshgate-sqlstate"),
            query_id: header("meshgate-query-id"),
            message: status.message().to_owned(),
        }
    }
}

impl From<FlightError> for Failure {
    fn from(error: FlightError) -> Self {
        let FlightError::Tonic(status) = error else { panic!("the client itself failed: {error}") };
        (*status).into()
    }
}
