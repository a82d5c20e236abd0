//! The rows of a governed scan on their way out: exactly the declared schema, no cause of a failure.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use arrow::datatypes::SchemaRef;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use catalog::TableName;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{RecordBatchStream, SendableRecordBatchStream};
use datafusion::physical_plan::metrics::Count;
use futures::{Stream, StreamExt};

use crate::scan_error::ScanError;

/// Passes batches on under the declared schema; ends after the first failure, which becomes a [`ScanError`].
pub(super) struct ShownStream {
    pub(super) hidden: Option<SendableRecordBatchStream>,
    pub(super) schema: SchemaRef,
    pub(super) table: TableName,
    pub(super) output_rows: Count,
}

impl Stream for ShownStream {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(hidden) = &mut self.hidden else { return Poll::Ready(None) };
        let batch = match ready!(hidden.poll_next_unpin(context)) {
            Some(Ok(batch)) => stamp(&batch, &self.schema),
            Some(Err(error)) => Err(error),
            None => {
                self.hidden = None;
                return Poll::Ready(None);
            }
        };
        Poll::Ready(Some(match batch {
            Ok(batch) => {
                self.output_rows.add(batch.num_rows());
                Ok(batch)
            }
            Err(error) => {
                self.hidden = None;
                Err(ScanError::new(self.table.clone(), error).into())
            }
        }))
    }
}

impl RecordBatchStream for ShownStream {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

/// The same columns under the declared names, nullability and (no) metadata.
///
/// Fails when a column has another type than declared, or a NULL where none was declared.
fn stamp(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), batch.columns().to_vec(), &options)
        .map_err(DataFusionError::from)
}
