//! The error table, written down by hand: a change of a code is a change for every client.

use gateway::ErrorKind;
use tonic::Code;

/// Name of a gRPC code as the table writes it.
pub(crate) fn code_name(code: Code) -> String {
    let mut name = String::new();
    for letter in format!("{code:?}").chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}

#[test]
fn every_kind_keeps_its_codes() {
    let table = [
        (ErrorKind::Unauthenticated, "UNAUTHENTICATED", "28000"),
        (ErrorKind::AccessDenied, "PERMISSION_DENIED", "42501"),
        (ErrorKind::InvalidStatement, "INVALID_ARGUMENT", "42601"),
        (ErrorKind::UndefinedTable, "NOT_FOUND", "42P01"),
        (ErrorKind::UndefinedColumn, "INVALID_ARGUMENT", "42703"),
        (ErrorKind::UnsupportedSql, "INVALID_ARGUMENT", "0A000"),
        (ErrorKind::UnsupportedCommand, "UNIMPLEMENTED", "0A000"),
        (ErrorKind::DataError, "INVALID_ARGUMENT", "22000"),
        (ErrorKind::InvalidTicket, "INVALID_ARGUMENT", "26000"),
        (ErrorKind::SnapshotGone, "ABORTED", "40001"),
        (ErrorKind::ContractViolated, "FAILED_PRECONDITION", "55000"),
        (ErrorKind::LimitExceeded, "RESOURCE_EXHAUSTED", "53000"),
        (ErrorKind::Timeout, "DEADLINE_EXCEEDED", "57014"),
        (ErrorKind::Cancelled, "CANCELLED", "57014"),
        (ErrorKind::SourceUnavailable, "UNAVAILABLE", "HV00N"),
        (ErrorKind::SourceFailed, "INTERNAL", "HV000"),
        (ErrorKind::AuditUnavailable, "UNAVAILABLE", "58030"),
        (ErrorKind::Internal, "INTERNAL", "XX000"),
    ];
    assert_eq!(table.map(|(kind, ..)| kind), ErrorKind::ALL);
    for (kind, code, sqlstate) in table {
        assert_eq!(code_name(kind.grpc()), code, "{kind}");
        assert_eq!(kind.sqlstate(), sqlstate, "{kind}");
    }
}
