//! Cancelling a query by its ticket, from another call than the one that fetches the result.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use futures::{Stream, StreamExt};
use moka::future::Cache;
use tokio_util::sync::CancellationToken;

use crate::error::{Error, ErrorKind};

/// Most queries that are remembered; the least used make room and can then be cancelled by hanging up only.
const CAPACITY: u64 = 100_000;

/// How long a query can be cancelled after it was planned.
const MEMORY: Duration = Duration::from_secs(24 * 60 * 60);

/// Cancels queries by subject and by the query id of their ticket.
#[derive(Debug)]
pub(super) struct Cancels {
    tokens: Cache<(Arc<str>, String), CancellationToken>,
}

impl Cancels {
    pub(super) fn new() -> Self {
        Self { tokens: Cache::builder().max_capacity(CAPACITY).time_to_live(MEMORY).build() }
    }

    /// Cancels a query, now or as soon as it begins. May be repeated.
    pub(super) async fn cancel(&self, subject: &Arc<str>, query_id: &str) {
        self.token(subject, query_id).await.cancel();
    }

    /// What tells that the query is cancelled.
    pub(super) async fn token(&self, subject: &Arc<str>, query_id: &str) -> CancellationToken {
        let key = (Arc::clone(subject), query_id.to_owned());
        self.tokens.get_with(key, async { CancellationToken::new() }).await
    }
}

/// `batches` until `token` is cancelled: then one error, and the query itself is dropped.
pub(super) fn until_cancelled<S>(
    batches: S,
    token: CancellationToken,
) -> impl Stream<Item = Result<RecordBatch, Error>> + Send
where
    S: Stream<Item = Result<RecordBatch, Error>> + Send + 'static,
{
    futures::stream::unfold(Some((batches.boxed(), token)), async |state| {
        let (mut batches, token) = state?;
        tokio::select! {
            biased;
            () = token.cancelled() => Some((Err(cancelled()), None)),
            batch = batches.next() => batch.map(|batch| (batch, Some((batches, token)))),
        }
    })
}

/// What the reader of a cancelled query is told.
pub(super) fn cancelled() -> Error {
    Error::new(ErrorKind::Cancelled, "the query was cancelled")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_cancelled_query_ends_with_one_error_and_is_dropped() {
        let (cancels, ann) = (Cancels::new(), Arc::from("ann"));
        let (sender, receiver) = tokio::sync::oneshot::channel::<()>();
        let endless = futures::stream::pending::<Result<RecordBatch, Error>>().map(move |batch| {
            let _held = &sender;
            batch
        });
        let stream = until_cancelled(endless, cancels.token(&ann, "q1").await);
        cancels.cancel(&ann, "q1").await;
        cancels.cancel(&ann, "q1").await;
        let items: Vec<_> = stream.collect().await;
        assert_eq!(items, [Err(cancelled())]);
        assert!(receiver.await.is_err(), "the source of the rows is gone");
        assert!(cancels.token(&ann, "q1").await.is_cancelled(), "a cancelled query does not begin again");
    }

    #[tokio::test]
    async fn nobody_cancels_the_query_of_another() {
        let (cancels, ann) = (Cancels::new(), Arc::from("ann"));
        let token = cancels.token(&ann, "q1").await;
        cancels.cancel(&Arc::from("bob"), "q1").await;
        cancels.cancel(&ann, "q2").await;
        assert!(!token.is_cancelled());
        let rows = futures::stream::iter([Err(cancelled()), Err(cancelled())]);
        assert_eq!(until_cancelled(rows, token).count().await, 2);
    }
}
