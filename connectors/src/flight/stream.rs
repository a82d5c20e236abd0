//! The batches of one endpoint: checked against the plan, bounded in time, and cancelled when nobody reads on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use arrow_flight::decode::FlightRecordBatchStream;
use arrow_flight::error::FlightError;
use arrow_flight::{Action, CancelFlightInfoRequest};
use catalog::Table;
use datafusion::common::{DataFusionError, Result};
use futures::{Stream, StreamExt, TryStreamExt, stream};
use prost::Message;

use super::error::from_stream;
use super::remote::late;
use super::scan::Parts;
use crate::error::Error;

/// How often a stream is opened that has not yielded a batch.
const ATTEMPTS: u32 = 2;

/// How long the attempt to cancel may take.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(1);

/// The batches of `partition`. Nothing happens before the first poll.
pub(super) fn open(
    parts: &Arc<Parts>,
    partition: usize,
    ends: &Arc<Ends>,
) -> Result<impl Stream<Item = Result<RecordBatch>> + Send + use<>> {
    let empty = parts.parts.is_empty();
    if partition >= parts.parts.len().max(1) {
        return Err(DataFusionError::Internal(format!("a remote scan has no partition {partition}")));
    }
    let reading = Reading {
        cancel: Cancel { parts: Arc::clone(parts), ends: Arc::clone(ends), armed: false },
        partition,
        batches: None,
        attempts: 0,
        any: false,
        done: empty,
    };
    Ok(stream::unfold(reading, |mut reading| async move {
        if reading.done {
            return None;
        }
        let next = reading.next().await.transpose()?;
        if next.is_err() {
            reading.done = true;
        }
        Some((next.map_err(DataFusionError::from), reading))
    }))
}

/// A stream on its way.
struct Reading {
    cancel: Cancel,
    partition: usize,
    batches: Option<FlightRecordBatchStream>,
    attempts: u32,
    any: bool,
    done: bool,
}

impl Reading {
    /// The next batch, or nothing at the end of a stream that ended well. A stream that breaks before its first
    /// batch is opened again; later that would repeat rows.
    async fn next(&mut self) -> Result<Option<RecordBatch>, Error> {
        let parts = Arc::clone(&self.cancel.parts);
        loop {
            match self.poll(&parts).await {
                Err(Error::Unavailable { .. }) if !self.any && self.attempts < ATTEMPTS && !parts.call.is_late() => {
                    self.batches = None;
                }
                other => return other,
            }
        }
    }

    async fn poll(&mut self, parts: &Parts) -> Result<Option<RecordBatch>, Error> {
        let table = &parts.call.table;
        let batches = match &mut self.batches {
            Some(batches) => batches,
            None => {
                let part = &parts.parts[self.partition];
                self.cancel.armed = true;
                self.attempts += 1;
                // The call is retried by itself.
                let data =
                    part.remote.get(&parts.call, &part.ticket).await.inspect_err(|_| self.attempts = ATTEMPTS)?;
                let data = FlightRecordBatchStream::new_from_flight_data(data.map_err(FlightError::from));
                self.batches.insert(data)
            }
        };
        // The first batch may take as long as the query may; after that, silence has a limit.
        let idle = Instant::now() + parts.idle_timeout;
        let until = if self.any { parts.call.deadline.min(idle) } else { parts.call.deadline };
        let next = tokio::time::timeout_at(until.into(), batches.next()).await.map_err(|_| late(table))?;
        let schema = batches.schema().cloned();
        let Some(batch) = next.transpose().map_err(|cause| from_stream(table, cause))? else {
            self.cancel.armed = false;
            self.done = true;
            // A stream without a batch still has a schema, and a wrong one is drift like any other.
            return match schema {
                // But for a schema without columns: that is how some servers say that there is no row.
                Some(schema) if !schema.fields().is_empty() => {
                    checked(parts, &RecordBatch::new_empty(schema)).await.map(|_| None)
                }
                Some(_) | None => Ok(None),
            };
        };
        self.any = true;
        checked(parts, &batch).await.map(Some)
    }
}

async fn checked(parts: &Parts, batch: &RecordBatch) -> Result<RecordBatch, Error> {
    match conform(&parts.call.table, batch, &parts.schema) {
        Ok(batch) => Ok(batch),
        Err(error) => {
            // The next query shall see what the table is like now.
            parts.schemas.forget(&parts.call, &parts.source).await;
            Err(error)
        }
    }
}

/// `batch` with exactly the columns of `schema`: others are dropped, a missing one is an error, and so is
/// one of another type.
fn conform(table: &Table, batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, Error> {
    let rows = batch.num_rows();
    if rows == 0 && batch.num_columns() == 0 {
        return Ok(RecordBatch::new_empty(Arc::clone(schema)));
    }
    let columns = schema.fields().iter().map(|field| {
        let index = only(batch.schema_ref(), field.name()).ok_or_else(|| drift(field.name(), "is missing"))?;
        same(batch.column(index), field.data_type()).ok_or_else(|| drift(field.name(), "has another type"))
    });
    let columns = columns.collect::<Result<Vec<_>, String>>().map_err(|cause| Error::failed(table, cause))?;
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)
        .map_err(|cause| Error::failed(table, cause))
}

fn drift(column: &str, what: &str) -> String {
    format!("column {column:?} of the stream {what}")
}

/// Place of the one column with this name.
fn only(schema: &Schema, name: &str) -> Option<usize> {
    let mut places = schema.fields().iter().enumerate().filter(|(_, field)| field.name() == name);
    let (place, _) = places.next()?;
    places.next().is_none().then_some(place)
}

/// `column` as `wanted`, where that is the same type in another encoding.
fn same(column: &ArrayRef, wanted: &DataType) -> Option<ArrayRef> {
    if column.data_type() == wanted {
        return Some(Arc::clone(column));
    }
    if plain(column.data_type()) != plain(wanted) {
        return None;
    }
    cast_with_options(column, wanted, &CastOptions { safe: false, ..CastOptions::default() }).ok()
}

/// A type without its encoding: all strings are one, and a dictionary is what it holds.
pub(super) fn plain(data_type: &DataType) -> DataType {
    if let DataType::Dictionary(_, value) = data_type {
        return plain(value);
    }
    if matches!(data_type, DataType::LargeUtf8 | DataType::Utf8View) {
        return DataType::Utf8;
    }
    if matches!(data_type, DataType::LargeBinary | DataType::BinaryView) {
        return DataType::Binary;
    }
    data_type.clone()
}

/// What the streams of one scan know of each other.
#[derive(Debug, Default)]
pub(super) struct Ends {
    ended: AtomicUsize,
    unread: AtomicBool,
}

/// Tells the remote that its answer is not wanted any more, when the last stream of a scan is dropped and one of
/// them was dropped in the middle.
///
/// The stream itself is reset when it is dropped; this reaches servers that compute elsewhere. While another
/// stream of the same answer is still read, nothing may be cancelled.
struct Cancel {
    parts: Arc<Parts>,
    ends: Arc<Ends>,
    armed: bool,
}

impl Drop for Cancel {
    fn drop(&mut self) {
        self.ends.unread.fetch_or(self.armed, Ordering::AcqRel);
        let ended = self.ends.ended.fetch_add(1, Ordering::AcqRel) + 1;
        if ended != self.parts.parts.len() || !self.ends.unread.load(Ordering::Acquire) {
            return;
        }
        cancel(&self.parts);
    }
}

/// Tells the remote that an answer is not wanted any more. Best effort, ended by its own timeout: there is nobody left
/// to wait for it.
pub(super) fn cancel(parts: &Arc<Parts>) {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    let parts = Arc::clone(parts);
    runtime.spawn(tokio::time::timeout(CANCEL_TIMEOUT, async move {
        let request = CancelFlightInfoRequest::new((*parts.info).clone());
        let action = Action::new("CancelFlightInfo", request.encode_to_vec());
        if let Err(error) = parts.home.act(&parts.call, &action).await {
            tracing::debug!(table = %parts.call.table.name, %error, "cancelling a remote query did not work");
        }
    }));
}
