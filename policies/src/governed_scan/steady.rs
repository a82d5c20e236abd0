//! The rows of a hidden tree one after the other, in full batches: nothing of how they lie below can be noticed.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::BatchCoalescer;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::{Stream, StreamExt, TryStreamExt, stream};

/// All partitions of `root` in their order, cut into batches of the session's size; about `limit` rows will do.
pub(super) fn rows(
    root: &Arc<dyn ExecutionPlan>,
    limit: Option<usize>,
    context: Arc<TaskContext>,
) -> SendableRecordBatchStream {
    let schema = root.schema();
    let size = context.session_config().batch_size().max(1);
    let partitions = root.properties().output_partitioning().partition_count();
    let tree = Arc::clone(root);
    let batches =
        stream::iter(0..partitions).map(move |partition| tree.execute(partition, Arc::clone(&context))).try_flatten();
    let cut = Cut {
        batches: batches.boxed(),
        coalescer: BatchCoalescer::new(Arc::clone(&schema), limit.map_or(size, |limit| size.min(limit.max(1)))),
        ended: false,
        wanted: limit,
    };
    let full = stream::try_unfold(cut, |mut cut| async {
        let next = cut.next().await?;
        Ok(next.map(|batch| (batch, cut)))
    });
    Box::pin(RecordBatchStreamAdapter::new(schema, full))
}

/// Batches on their way to be cut anew.
struct Cut<Batches> {
    batches: Batches,
    coalescer: BatchCoalescer,
    ended: bool,
    /// How many more rows will do.
    wanted: Option<usize>,
}

impl<Batches: Stream<Item = Result<RecordBatch>> + Unpin> Cut<Batches> {
    /// The next full batch; the last one may be smaller.
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        if self.wanted == Some(0) {
            return Ok(None);
        }
        while !self.ended && !self.coalescer.has_completed_batch() {
            match self.batches.next().await {
                Some(batch) => self.coalescer.push_batch(batch?)?,
                None => {
                    self.coalescer.finish_buffered_batch()?;
                    self.ended = true;
                }
            }
        }
        let batch = self.coalescer.next_completed_batch();
        if let (Some(wanted), Some(batch)) = (&mut self.wanted, &batch) {
            *wanted = wanted.saturating_sub(batch.num_rows());
        }
        Ok(batch)
    }
}
