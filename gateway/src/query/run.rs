//! Running: a task on the query runtime drives the plan into a bounded channel that the client's call reads.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use futures::{Future, Stream, StreamExt};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::division::Divided;
use super::plan::{AbortOnDrop, Planned};
use super::running::Listed;
use super::{Common, Query, wire};
use crate::admission::Permit;
use crate::audit::Written;
use crate::error::{Error, ErrorKind};
use crate::failure;

/// Batches between the plan and the client.
const CHANNEL: usize = 4;

/// The plan runs. A stream of batches, each exactly in the query's schema; dropping it cancels the query.
///
/// Never a partial result: the stream ends with an error unless the plan ran to its end.
#[derive(Debug)]
pub struct Running {
    batches: mpsc::Receiver<RecordBatch>,
    end: oneshot::Receiver<Result<(), Error>>,
    schema: SchemaRef,
    row_limit: Option<u64>,
    ending: Ending,
    /// The task's own deadline does not help where an operator never gives control back.
    deadline: Pin<Box<Sleep>>,
    _task: AbortOnDrop<()>,
    _listed: Listed,
}

/// Whether the stream has come to its end, and whether that may be told.
#[derive(Debug)]
enum Ending {
    /// Batches may follow.
    Open,
    /// The record of the end is on its way.
    Recording(Written, Result<(), Error>),
    /// The end has been told.
    Told,
}

impl Query<Planned> {
    /// Waits for a permit and starts the plan, which ends when `cancelled` says so, also where nobody reads.
    ///
    /// # Errors
    /// [`ErrorKind::LimitExceeded`] where too many queries wait, [`ErrorKind::Timeout`] at the deadline.
    pub async fn run(self, cancelled: &CancellationToken) -> Result<Query<Running>, Error> {
        let Self { mut common, phase } = self;
        let permit = match common.gateway.admission.permit(common.deadline.into()).await {
            Ok(permit) => permit,
            Err(error) => return Err(common.recorded(error).await),
        };
        let Planned { plans, divided, task, schema, .. } = phase;
        let listed = common.gateway.running.list(&common.id, cancelled);
        let (send, batches) = mpsc::channel(CHANNEL);
        let (tell, end) = oneshot::channel();
        let out = Out {
            send,
            schema: Arc::clone(&schema),
            deadline: common.deadline,
            cancel: listed.cancel.clone(),
            rows_left: common.statement.row_limit,
        };
        let driving = async move {
            let outcome = out.drive_all(plans, divided, &task, permit).await;
            // Nobody waits when the client is gone.
            let _ = tell.send(outcome);
        };
        let task = AbortOnDrop(common.gateway.spawn(driving));
        let row_limit = common.gateway.current().config.limits.rows;
        let deadline = Box::pin(sleep_until(common.deadline.into()));
        let ending = Ending::Open;
        let phase = Running { batches, end, schema, row_limit, ending, deadline, _task: task, _listed: listed };
        Ok(Query { common, phase })
    }
}

/// The plan's side of the channel.
struct Out {
    send: mpsc::Sender<RecordBatch>,
    schema: SchemaRef,
    deadline: Instant,
    cancel: CancellationToken,
    /// How many more rows the caller wants, where he has said so: of all plans together.
    rows_left: Option<u64>,
}

impl Out {
    /// Sends the batches of every plan, one plan after the other. The permit is held until the end.
    async fn drive_all(
        mut self,
        plans: Vec<Arc<dyn ExecutionPlan>>,
        divided: Option<Divided>,
        task: &Arc<TaskContext>,
        _permit: Permit,
    ) -> Result<(), Error> {
        for plan in plans {
            let Some(part @ Divided::Part(_)) = &divided else {
                let stream = execute_stream(plan, Arc::clone(task)).map_err(|error| failure::told(&error))?;
                self.drive(stream).await?;
                continue;
            };
            for partition in part.partitions(plan.properties().output_partitioning().partition_count()) {
                let stream = plan.execute(partition, Arc::clone(task)).map_err(|error| failure::told(&error))?;
                self.drive(stream).await?;
            }
        }
        Ok(())
    }

    /// Sends every batch of one plan.
    async fn drive(&mut self, mut stream: SendableRecordBatchStream) -> Result<(), Error> {
        if self.rows_left == Some(0) {
            return Ok(());
        }
        let cancelled = || Error::new(ErrorKind::Cancelled, "the query was cancelled");
        let deadline = sleep_until(self.deadline.into());
        tokio::pin!(deadline);
        loop {
            let batch = tokio::select! {
                biased;
                () = self.cancel.cancelled() => return Err(cancelled()),
                () = self.send.closed() => return Err(cancelled()),
                () = &mut deadline => return Err(Common::late()),
                next = stream.next() => match next {
                    Some(batch) => batch.map_err(|error| failure::told(&error))?,
                    None => return Ok(()),
                },
            };
            let batch = self.wanted(batch);
            if batch.num_rows() == 0 {
                continue;
            }
            let batch = wire::batch(&batch, &self.schema).map_err(|error| failure::told(&error.into()))?;
            tokio::select! {
                biased;
                () = self.cancel.cancelled() => return Err(cancelled()),
                () = &mut deadline => return Err(Common::late()),
                sent = self.send.send(batch) => if sent.is_err() { return Err(cancelled()) },
            }
        }
    }
}

impl Out {
    /// As many rows of `batch` as are still wanted.
    fn wanted(&mut self, batch: RecordBatch) -> RecordBatch {
        let Some(left) = &mut self.rows_left else { return batch };
        let rows = batch.num_rows().min(usize::try_from(*left).unwrap_or(usize::MAX));
        *left -= rows as u64;
        batch.slice(0, rows)
    }
}

impl Query<Running> {
    /// Columns of the batches.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.phase.schema)
    }

    /// The plan has ended like this: the record is sent.
    fn end(&mut self, outcome: Result<(), Error>) {
        self.phase.batches.close();
        let outcome = outcome.map_err(|error| self.common.failed(error));
        if outcome.is_ok() {
            self.common.record.finish();
        }
        self.phase.ending = Ending::Recording(self.common.record.write(), outcome);
    }

    /// The end as the client is told it: a success only when its record is written.
    fn told(&mut self, recorded: Result<(), Error>, outcome: Result<(), Error>) -> Option<Result<RecordBatch, Error>> {
        self.phase.ending = Ending::Told;
        let recorded = if outcome.is_ok() { recorded } else { Ok(()) };
        let recorded = recorded.map_err(|error| self.common.failed(error));
        outcome.and(recorded).err().map(Err)
    }

    /// The mesh's own limit on rows is an error, not a shorter result.
    fn beyond_limit(&self) -> Option<Error> {
        let limit = self.phase.row_limit.filter(|limit| self.common.record.rows() > *limit)?;
        let message = format!("the result has more than {limit} rows (limits.rows); select less, or use LIMIT");
        Some(Error::new(ErrorKind::LimitExceeded, message))
    }
}

impl Stream for Query<Running> {
    type Item = Result<RecordBatch, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let query = self.get_mut();
        loop {
            match &mut query.phase.ending {
                Ending::Told => return Poll::Ready(None),
                Ending::Recording(written, outcome) => {
                    let recorded = ready!(Pin::new(written).poll(context));
                    let outcome = std::mem::replace(outcome, Ok(()));
                    return Poll::Ready(query.told(recorded, outcome));
                }
                Ending::Open => {}
            }
            if query.phase.deadline.as_mut().poll(context).is_ready() {
                query.end(Err(Common::late()));
            } else if let Some(batch) = ready!(query.phase.batches.poll_recv(context)) {
                query.common.record.sent(batch.num_rows(), wire::bytes(&batch));
                match query.beyond_limit() {
                    Some(error) => query.end(Err(error)),
                    None => return Poll::Ready(Some(Ok(batch))),
                }
            } else {
                let outcome = ready!(Pin::new(&mut query.phase.end).poll(context));
                // The task ended without a word: it panicked.
                query.end(outcome.unwrap_or_else(|_| Err(Error::new(ErrorKind::Internal, "internal error"))));
            }
        }
    }
}
