//! Schemas and batches as Flight messages.

use std::pin::Pin;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Schema, SchemaRef};
use arrow::ipc::writer::IpcWriteOptions;
use arrow_flight::encode::{DictionaryHandling, FlightDataEncoderBuilder};
use arrow_flight::error::FlightError;
use arrow_flight::{FlightData, IpcMessage, SchemaAsIpc};
use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt};
use tonic::Status;

use super::split::split;
use super::status;
use crate::error::{Error, ErrorKind};

/// Largest size of a message of more than one row: half of what Go clients accept by default.
const MESSAGE_BYTES: usize = 2 << 20;

/// A stream of Flight messages.
pub(super) type Messages = Pin<Box<dyn Stream<Item = Result<FlightData, Status>> + Send>>;

/// A schema as an encapsulated IPC message: what `FlightInfo`, `SchemaResult` and `table_schema` hold.
///
/// # Errors
/// [`ErrorKind::Internal`] where Arrow cannot encode it.
pub(super) fn schema(schema: &Schema) -> Result<Bytes, Error> {
    let options = IpcWriteOptions::default();
    let IpcMessage(bytes) = SchemaAsIpc::new(schema, &options).try_into().map_err(|error| internal(&error))?;
    Ok(bytes)
}

/// `batches` as messages: first `schema`, also when no batch follows. An error ends the stream with its status.
///
/// # Errors
/// [`ErrorKind::Internal`] where the encoder would send another schema than was promised.
pub(super) fn messages<S>(schema: &SchemaRef, batches: S) -> Result<Messages, Error>
where
    S: Stream<Item = Result<RecordBatch, Error>> + Send + 'static,
{
    let promised = Arc::clone(schema);
    let batches = batches.flat_map(move |batch| {
        let parts = batch.and_then(|batch| as_promised(batch, &promised)).map(|batch| split(batch, MESSAGE_BYTES));
        futures::stream::iter(match parts {
            Ok(parts) => parts.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(FlightError::Tonic(Box::new(status::of(&error))))],
        })
    });
    let encoder = FlightDataEncoderBuilder::new()
        .with_schema(Arc::clone(schema))
        .with_dictionary_handling(DictionaryHandling::Resend)
        // They are cut already.
        .with_max_flight_data_size(usize::MAX)
        .build(batches);
    if encoder.known_schema().as_ref() != Some(schema) {
        // The encoder turns LargeList into List; the data would not fit the promise.
        return Err(internal(&"the encoder changes the schema"));
    }
    Ok(encoder.map_err(of_encoder).boxed())
}

/// One batch as messages.
///
/// # Errors
/// As [`messages`].
pub(super) fn batch(batch: RecordBatch) -> Result<Messages, Error> {
    messages(&batch.schema(), futures::stream::iter([Ok(batch)]))
}

/// The batch with exactly the promised schema, nullability included: clients compare.
fn as_promised(batch: RecordBatch, promised: &SchemaRef) -> Result<RecordBatch, Error> {
    if batch.schema_ref() == promised {
        return Ok(batch);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(promised), batch.columns().to_vec(), &options)
        .map_err(|error| internal(&error))
}

fn of_encoder(error: FlightError) -> Status {
    match error {
        FlightError::Tonic(status) => *status,
        FlightError::Arrow(_)
        | FlightError::NotYetImplemented(_)
        | FlightError::ProtocolError(_)
        | FlightError::DecodeError(_)
        | FlightError::ExternalError(_) => status::of(&internal(&error)),
    }
}

/// "internal error" for the caller, the cause for the log.
pub(super) fn internal(cause: &dyn std::fmt::Display) -> Error {
    tracing::error!(%cause, "a Flight message could not be made");
    Error::new(ErrorKind::Internal, "internal error")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may unwrap")]
    use arrow::array::{ArrayRef, Int64Array, StringArray};
    use arrow::datatypes::{DataType, Field};
    use arrow_flight::decode::FlightRecordBatchStream;

    use super::*;

    fn ints(nullable: bool) -> SchemaRef {
        Arc::new(Schema::new(vec![Field::new("a", DataType::Int64, nullable)]))
    }

    fn rows(schema: SchemaRef, values: Vec<i64>) -> RecordBatch {
        RecordBatch::try_new(schema, vec![Arc::new(Int64Array::from(values)) as ArrayRef]).unwrap()
    }

    async fn decode(messages: Messages) -> Result<(SchemaRef, usize), Status> {
        let mut stream = FlightRecordBatchStream::new_from_flight_data(messages.map_err(FlightError::from));
        let mut count = 0;
        while let Some(batch) = stream.next().await {
            count += batch.map_err(of_encoder)?.num_rows();
        }
        Ok((Arc::clone(stream.schema().unwrap()), count))
    }

    #[tokio::test]
    async fn the_schema_comes_even_without_rows() {
        let empty = messages(&ints(false), futures::stream::empty()).unwrap();
        assert_eq!(decode(empty).await.unwrap(), (ints(false), 0));
    }

    #[tokio::test]
    async fn a_batch_of_other_nullability_is_sent_as_promised() {
        let batches = futures::stream::iter([Ok(rows(ints(false), vec![1, 2]))]);
        assert_eq!(decode(messages(&ints(true), batches).unwrap()).await.unwrap(), (ints(true), 2));
        let text = RecordBatch::try_from_iter([("a", Arc::new(StringArray::from(vec!["x"])) as ArrayRef)]).unwrap();
        let batches = futures::stream::iter([Ok(text)]);
        let error = decode(messages(&ints(true), batches).unwrap()).await.unwrap_err();
        assert_eq!((error.code(), error.message()), (tonic::Code::Internal, "internal error"));
    }

    #[tokio::test]
    async fn an_error_after_the_first_batch_fails_the_call() {
        let error = Error::new(ErrorKind::SourceFailed, "source failed").of_query("q1");
        let batches = futures::stream::iter([Ok(rows(ints(false), vec![1])), Err(error)]);
        let status = decode(messages(&ints(false), batches).unwrap()).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::Internal);
        assert_eq!(status.metadata().get("meshgate-error").unwrap(), "SourceFailed");
        assert_eq!(status.metadata().get("meshgate-query-id").unwrap(), "q1");
    }

    #[tokio::test]
    async fn large_batches_are_split_below_what_clients_accept() {
        let batch = rows(ints(false), (0..2_000_000).collect());
        let sizes: Vec<usize> =
            super::batch(batch).unwrap().map_ok(|message| message.data_body.len()).try_collect().await.unwrap();
        assert!(sizes.len() > 8 && sizes.iter().all(|size| *size < 3 << 20), "{sizes:?}");
    }

    #[test]
    fn a_schema_that_the_encoder_would_change_is_refused() {
        let item = Arc::new(Field::new_list_field(DataType::Int64, true));
        let schema = Arc::new(Schema::new(vec![Field::new("a", DataType::LargeList(item), true)]));
        assert!(messages(&schema, futures::stream::empty()).is_err());
    }
}
