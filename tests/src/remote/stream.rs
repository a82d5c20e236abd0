//! The result stream of the remote, with its faults.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow_flight::error::FlightError;
use datafusion::execution::SendableRecordBatchStream;
use futures::{Stream, StreamExt};
use tonic::Status;

use super::{Fault, SECRET, Shared};

/// Counts a stream for as long as it lives.
struct Open(Arc<Shared>);

impl Open {
    fn new(shared: Arc<Shared>) -> Self {
        shared.streams.fetch_add(1, Ordering::SeqCst);
        Self(shared)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.streams.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The batches that the remote sends instead of `source`'s.
pub(super) fn faulty(
    source: SendableRecordBatchStream,
    fault: Fault,
    shared: &Arc<Shared>,
) -> impl Stream<Item = Result<RecordBatch, FlightError>> + Send + use<> {
    let open = Open::new(Arc::clone(shared));
    let schema = faulty_schema(&source.schema(), fault);
    source.enumerate().then(move |(index, batch)| {
        let (schema, shared) = (Arc::clone(&schema), Arc::clone(&open.0));
        async move {
            match fault {
                Fault::Stall(after) if index >= after => std::future::pending::<()>().await,
                Fault::Break(after) if index >= after => return Err(broken()),
                Fault::None
                | Fault::Stall(_)
                | Fault::Break(_)
                | Fault::Refuse
                | Fault::RefuseLists
                | Fault::ExtraColumn
                | Fault::MissingColumn
                | Fault::IgnoreFilters => {}
            }
            shared.batches.fetch_add(1, Ordering::SeqCst);
            let batch = batch.map_err(|error| FlightError::from(Status::internal(error.to_string())))?;
            Ok(reshape(&batch, &schema))
        }
    })
}

/// The schema that the remote announces instead of `schema`.
pub(super) fn faulty_schema(schema: &SchemaRef, fault: Fault) -> SchemaRef {
    let mut fields: Vec<Field> = schema.fields().iter().map(|field| field.as_ref().clone()).collect();
    match fault {
        Fault::ExtraColumn => fields.push(Field::new("not_asked_for", DataType::Int64, true)),
        Fault::MissingColumn => drop(fields.pop()),
        Fault::None | Fault::Stall(_) | Fault::Break(_) | Fault::Refuse | Fault::RefuseLists | Fault::IgnoreFilters => {
        }
    }
    Arc::new(Schema::new(fields))
}

/// The error of a statement that breaks.
pub(super) fn broken() -> FlightError {
    FlightError::from(Status::internal(format!("disk /var/lib/{SECRET} at 10.0.0.1 is broken")))
}

/// The batch with the columns of `schema`: cut, or filled with a column of numbers.
fn reshape(batch: &RecordBatch, schema: &SchemaRef) -> RecordBatch {
    let mut columns: Vec<ArrayRef> = batch.columns().iter().take(schema.fields().len()).cloned().collect();
    if columns.len() < schema.fields().len() {
        columns.push(Arc::new(Int64Array::from(vec![7; batch.num_rows()])));
    }
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options).unwrap()
}
