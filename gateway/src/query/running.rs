//! The queries that run now, so that a gateway that stops can end them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

/// The queries that run now, by id. As many as there are permits.
#[derive(Debug, Default)]
pub(crate) struct RunningQueries(Mutex<HashMap<Arc<str>, CancellationToken>>);

/// One query's place in the list; left on drop.
#[derive(Debug)]
pub(super) struct Listed {
    queries: Arc<RunningQueries>,
    id: Arc<str>,
    pub(super) cancel: CancellationToken,
}

impl RunningQueries {
    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, CancellationToken>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lists a query until the answer is dropped. What cancels `caller` cancels the query.
    pub(super) fn list(self: &Arc<Self>, id: &Arc<str>, caller: &CancellationToken) -> Listed {
        let cancel = caller.child_token();
        self.lock().insert(Arc::clone(id), cancel.clone());
        metrics::gauge!("meshgate_queries_running").increment(1);
        Listed { queries: Arc::clone(self), id: Arc::clone(id), cancel }
    }

    /// Cancels every query.
    pub(crate) fn cancel_all(&self) {
        self.lock().values().for_each(CancellationToken::cancel);
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.lock().len()
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.queries.lock().remove(&self.id);
        metrics::gauge!("meshgate_queries_running").decrement(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_listed_until_it_ends_and_can_be_ended() {
        let (queries, caller) = (Arc::new(RunningQueries::default()), CancellationToken::new());
        let listed = queries.list(&"q1".into(), &caller);
        assert_eq!((queries.count(), listed.cancel.is_cancelled()), (1, false));
        queries.cancel_all();
        assert!(listed.cancel.is_cancelled() && !caller.is_cancelled());
        drop(listed);
        assert_eq!(queries.count(), 0);
    }

    #[test]
    fn a_caller_ends_his_own_query() {
        let (queries, caller) = (Arc::new(RunningQueries::default()), CancellationToken::new());
        let (listed, other) =
            (queries.list(&"q1".into(), &caller), queries.list(&"q2".into(), &CancellationToken::new()));
        caller.cancel();
        assert!(listed.cancel.is_cancelled() && !other.cancel.is_cancelled());
    }
}
