//! Puts: parameters of prepared statements. Whatever would write is refused.

use std::time::Duration;

use arrow_flight::sql::DoPutPreparedStatementResult;
use arrow_flight::{FlightData, PutResult};
use futures::{Stream, StreamExt};
use prost::Message;
use tonic::{Code, Status};

use super::command::Put;
use super::{Call, Door};
use crate::error::{Error, ErrorKind};

/// How long a client may take to say what it puts.
const PATIENCE: Duration = Duration::from_secs(60);

/// Takes what a client puts, by the descriptor of its first message.
///
/// # Errors
/// Whatever is wrong with it. A statement that writes is refused after the first message: some clients wait for the
/// answer before they close their side.
pub(super) async fn receive<S>(door: &Door, call: &Call, mut messages: S) -> Result<PutResult, Error>
where
    S: Stream<Item = Result<FlightData, Status>> + Send + Unpin + 'static,
{
    let first = tokio::time::timeout(PATIENCE, messages.next()).await.ok().flatten();
    let first = first.ok_or_else(without_descriptor)?.map_err(|status| unread(&status))?;
    let descriptor = first.flight_descriptor.as_ref().ok_or_else(without_descriptor)?;
    match Put::of(descriptor)? {
        Put::Parameters(handle) => {
            let messages = futures::stream::iter([Ok(first)]).chain(messages);
            door.bind_parameters(call, &handle, messages).await?;
            // The same handle, spelled out: some clients take a missing one for an empty one.
            let result = DoPutPreparedStatementResult { prepared_statement_handle: Some(handle) };
            Ok(PutResult { app_metadata: result.encode_to_vec().into() })
        }
        Put::Statement(text) => Err(door.update(call, Door::statement(call, text, Vec::new(), None)).await),
        Put::Prepared(handle) => {
            let statement = door.prepared_statement(call, &handle).await?;
            Err(door.update(call, statement).await)
        }
    }
}

/// Why a message of the client's could not be read.
pub(super) fn unread(status: &Status) -> Error {
    // The library's own code for a message above the limit.
    if status.code() == Code::OutOfRange {
        return Error::new(ErrorKind::LimitExceeded, "a message is too large: send less at a time");
    }
    Error::new(ErrorKind::InvalidStatement, "the messages of the put cannot be read")
}

fn without_descriptor() -> Error {
    Error::new(ErrorKind::InvalidStatement, "the first message of a put must have a descriptor")
}
