//! Plans that wait a moment for their ticket: most clients fetch at once, and need not be planned for twice.
//!
//! Only a short cut: a ticket whose plan is not here is planned again from what it holds itself.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use moka::sync::Cache;

use crate::auth::Caller;
use crate::query::{Origin, Planned, Query};

/// How long a plan waits.
const WAIT: Duration = Duration::from_secs(10);

/// Most plans that wait; the least used make room.
const CAPACITY: u64 = 64;

/// The plans that wait, by the query id of their ticket. Each is used once.
#[derive(Debug)]
pub(super) struct Parked {
    plans: Cache<String, Arc<Mutex<Option<Query<Planned>>>>>,
}

impl Parked {
    pub(super) fn new() -> Self {
        Self { plans: Cache::builder().max_capacity(CAPACITY).time_to_live(WAIT).build() }
    }

    /// Keeps a plan for its ticket.
    pub(super) fn park(&self, query: Query<Planned>) {
        let id = query.id().to_owned();
        self.plans.insert(id, Arc::new(Mutex::new(Some(query.rest()))));
    }

    /// The plan of a ticket, if it still holds for this caller: the same rights under the same policies.
    pub(super) fn take(&self, query_id: &str, caller: &Caller, timeout: Option<Duration>) -> Option<Query<Planned>> {
        let parked = self.plans.remove(query_id)?;
        let query = parked.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        query.resume(&caller.principal, timeout, &Origin::of(caller))
    }
}
