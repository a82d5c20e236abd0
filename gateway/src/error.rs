//! The one error of the gateway: what went wrong, in a kind that owns its gRPC code and its SQLSTATE.

use std::fmt;

use tonic::Code;

/// What went wrong, from the caller's point of view. README has the same table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// No credential, or not a good one.
    Unauthenticated,
    /// The object may be known, but this may not be done with it.
    AccessDenied,
    /// Not SQL, or not one statement.
    InvalidStatement,
    /// No such table for this caller.
    UndefinedTable,
    /// No such column for this caller.
    UndefinedColumn,
    /// SQL that the gateway does not serve.
    UnsupportedSql,
    /// A command of a wire protocol that the gateway does not serve.
    UnsupportedCommand,
    /// A value did not fit the statement.
    DataError,
    /// A ticket or a prepared statement that is not valid, or no longer.
    InvalidTicket,
    /// The version that a ticket pins is no longer there.
    SnapshotGone,
    /// A source does not keep its contract.
    ContractViolated,
    /// A limit of the gateway.
    LimitExceeded,
    /// The deadline passed.
    Timeout,
    /// The caller, or the gateway's shutdown, ended it.
    Cancelled,
    /// A source does not answer.
    SourceUnavailable,
    /// A source answered with an error.
    SourceFailed,
    /// The statement cannot be recorded in the audit log.
    AuditUnavailable,
    /// A fault of the gateway.
    Internal,
}

impl ErrorKind {
    /// Every kind, in the order of README's table.
    pub const ALL: [Self; 18] = [
        Self::Unauthenticated,
        Self::AccessDenied,
        Self::InvalidStatement,
        Self::UndefinedTable,
        Self::UndefinedColumn,
        Self::UnsupportedSql,
        Self::UnsupportedCommand,
        Self::DataError,
        Self::InvalidTicket,
        Self::SnapshotGone,
        Self::ContractViolated,
        Self::LimitExceeded,
        Self::Timeout,
        Self::Cancelled,
        Self::SourceUnavailable,
        Self::SourceFailed,
        Self::AuditUnavailable,
        Self::Internal,
    ];

    /// Its name: the value of the gRPC header `meshgate-error`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unauthenticated => "Unauthenticated",
            Self::AccessDenied => "AccessDenied",
            Self::InvalidStatement => "InvalidStatement",
            Self::UndefinedTable => "UndefinedTable",
            Self::UndefinedColumn => "UndefinedColumn",
            Self::UnsupportedSql => "UnsupportedSql",
            Self::UnsupportedCommand => "UnsupportedCommand",
            Self::DataError => "DataError",
            Self::InvalidTicket => "InvalidTicket",
            Self::SnapshotGone => "SnapshotGone",
            Self::ContractViolated => "ContractViolated",
            Self::LimitExceeded => "LimitExceeded",
            Self::Timeout => "Timeout",
            Self::Cancelled => "Cancelled",
            Self::SourceUnavailable => "SourceUnavailable",
            Self::SourceFailed => "SourceFailed",
            Self::AuditUnavailable => "AuditUnavailable",
            Self::Internal => "Internal",
        }
    }

    /// The gRPC status code.
    #[must_use]
    pub fn grpc(self) -> Code {
        match self {
            Self::Unauthenticated => Code::Unauthenticated,
            Self::AccessDenied => Code::PermissionDenied,
            Self::InvalidStatement
            | Self::UndefinedColumn
            | Self::UnsupportedSql
            | Self::DataError
            | Self::InvalidTicket => Code::InvalidArgument,
            Self::UndefinedTable => Code::NotFound,
            Self::UnsupportedCommand => Code::Unimplemented,
            Self::SnapshotGone => Code::Aborted,
            Self::ContractViolated => Code::FailedPrecondition,
            Self::LimitExceeded => Code::ResourceExhausted,
            Self::Timeout => Code::DeadlineExceeded,
            Self::Cancelled => Code::Cancelled,
            Self::SourceUnavailable | Self::AuditUnavailable => Code::Unavailable,
            Self::SourceFailed | Self::Internal => Code::Internal,
        }
    }

    /// The SQLSTATE, where the error does not carry a finer one.
    #[must_use]
    pub fn sqlstate(self) -> &'static str {
        match self {
            Self::Unauthenticated => "28000",
            Self::AccessDenied => "42501",
            Self::InvalidStatement => "42601",
            Self::UndefinedTable => "42P01",
            Self::UndefinedColumn => "42703",
            Self::UnsupportedSql | Self::UnsupportedCommand => "0A000",
            Self::DataError => "22000",
            Self::InvalidTicket => "26000",
            Self::SnapshotGone => "40001",
            Self::ContractViolated => "55000",
            Self::LimitExceeded => "53000",
            Self::Timeout | Self::Cancelled => "57014",
            Self::SourceUnavailable => "HV00N",
            Self::SourceFailed => "HV000",
            Self::AuditUnavailable => "58030",
            Self::Internal => "XX000",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a caller is told. Whatever he may not see has been left out when it was made; the log has the cause.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// What went wrong.
    pub kind: ErrorKind,
    /// The text for the caller.
    pub message: String,
    /// A finer SQLSTATE than the kind's own, such as `22012` for a division by zero.
    pub sqlstate: Option<&'static str>,
    /// The query that it happened to.
    pub query_id: Option<String>,
}

impl Error {
    /// An error of this kind with this text.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), sqlstate: None, query_id: None }
    }

    /// The same with a finer SQLSTATE.
    #[must_use]
    pub fn with_sqlstate(mut self, sqlstate: &'static str) -> Self {
        self.sqlstate = Some(sqlstate);
        self
    }

    /// The same, told of its query.
    #[must_use]
    pub fn of_query(mut self, query_id: &str) -> Self {
        self.query_id.get_or_insert_with(|| query_id.to_owned());
        self
    }

    /// The SQLSTATE that the caller gets.
    #[must_use]
    pub fn sqlstate(&self) -> &'static str {
        self.sqlstate.unwrap_or_else(|| self.kind.sqlstate())
    }
}
