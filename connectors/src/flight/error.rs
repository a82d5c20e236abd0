//! What a gRPC status or a broken stream means to us.

use arrow_flight::error::FlightError;
use catalog::Table;
use tonic::{Code, Status};

use crate::credentials::CredentialError;
use crate::error::Error;

/// Whether the status says that the server did not answer, as opposed to answering no.
pub(super) fn is_unavailable(status: &Status) -> bool {
    // A status that came over the wire has no cause; one that was made from a transport error has.
    let local = std::error::Error::source(status).is_some();
    match status.code() {
        Code::Unavailable | Code::DeadlineExceeded => true,
        Code::Cancelled | Code::Unknown | Code::Internal | Code::Aborted | Code::ResourceExhausted => {
            local || is_truncated(status)
        }
        Code::Ok
        | Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::OutOfRange
        | Code::Unimplemented
        | Code::DataLoss
        | Code::Unauthenticated => false,
    }
}

/// Whether a stream ended without its final status, as when a proxy cuts it: the library only says so in words.
fn is_truncated(status: &Status) -> bool {
    status.message().contains("missing grpc-status") || status.message().contains("Unexpected EOF")
}

/// The error that a status is for the caller.
pub(super) fn into_error(table: &Table, status: Status) -> Error {
    if is_unavailable(&status) {
        return Error::unavailable(table, status);
    }
    match status.code() {
        Code::Unauthenticated | Code::PermissionDenied => Error::credential(table, CredentialError::Refused),
        Code::Ok
        | Code::Cancelled
        | Code::Unknown
        | Code::InvalidArgument
        | Code::DeadlineExceeded
        | Code::NotFound
        | Code::AlreadyExists
        | Code::ResourceExhausted
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unimplemented
        | Code::Internal
        | Code::Unavailable
        | Code::DataLoss => Error::failed(table, status),
    }
}

/// The error that a broken stream of batches is for the caller.
pub(super) fn from_stream(table: &Table, error: FlightError) -> Error {
    match error {
        FlightError::Tonic(status) => into_error(table, *status),
        other @ (FlightError::Arrow(_)
        | FlightError::NotYetImplemented(_)
        | FlightError::ProtocolError(_)
        | FlightError::DecodeError(_)
        | FlightError::ExternalError(_)) => Error::failed(table, other),
    }
}
