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

    /// Lists a query until the answer is dropped.
    pub(super) fn list(self: &Arc<Self>, id: &Arc<str>) -> Listed {
        let cancel = CancellationToken::new();
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
        let queries = Arc::new(RunningQueries::default());
        let listed = queries.list(&"q1".into());
        assert_eq!((queries.count(), listed.cancel.is_cancelled()), (1, false));
        queries.cancel_all();
        assert!(listed.cancel.is_cancelled());
        drop(listed);
        assert_eq!(queries.count(), 0);
    }
}
