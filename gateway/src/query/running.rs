//! The queries that run now, so that their callers can cancel them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

/// The queries that run now, by id. As many as there are permits.
#[derive(Debug, Default)]
pub(crate) struct RunningQueries(Mutex<HashMap<Arc<str>, Entry>>);

#[derive(Debug)]
struct Entry {
    subject: Arc<str>,
    cancel: CancellationToken,
}

/// One query's place in the list; left on drop.
#[derive(Debug)]
pub(super) struct Listed {
    queries: Arc<RunningQueries>,
    id: Arc<str>,
    pub(super) cancel: CancellationToken,
}

impl RunningQueries {
    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lists a query until the answer is dropped.
    pub(super) fn list(self: &Arc<Self>, id: &Arc<str>, subject: &Arc<str>) -> Listed {
        let cancel = CancellationToken::new();
        self.lock().insert(Arc::clone(id), Entry { subject: Arc::clone(subject), cancel: cancel.clone() });
        metrics::gauge!("meshgate_queries_running").increment(1);
        Listed { queries: Arc::clone(self), id: Arc::clone(id), cancel }
    }

    /// Cancels a query of `subject`; whether there was one.
    pub(crate) fn cancel(&self, id: &str, subject: &str) -> bool {
        match self.lock().get(id) {
            Some(entry) if &*entry.subject == subject => {
                entry.cancel.cancel();
                true
            }
            Some(_) | None => false,
        }
    }

    /// Cancels every query.
    pub(crate) fn cancel_all(&self) {
        self.lock().values().for_each(|entry| entry.cancel.cancel());
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
    fn only_its_own_caller_cancels_a_query() {
        let queries = Arc::new(RunningQueries::default());
        let listed = queries.list(&"q1".into(), &"ann".into());
        assert!(!queries.cancel("q1", "eve") && !queries.cancel("q2", "ann"));
        assert!(!listed.cancel.is_cancelled());
        assert!(queries.cancel("q1", "ann") && listed.cancel.is_cancelled());
        drop(listed);
        assert_eq!(queries.count(), 0);
    }
}
