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

/// How often plans are looked for whose wait is over.
const SWEEP: Duration = Duration::from_secs(1);

/// Most plans that wait; the least used make room.
const CAPACITY: u64 = 64;

/// The plans that wait, by the query id of their ticket. Each is used once.
#[derive(Debug)]
pub(super) struct Parked {
    plans: Cache<String, Plan>,
}

type Plan = Arc<Mutex<Option<Query<Planned>>>>;

fn taken(plan: &Plan) -> Option<Query<Planned>> {
    plan.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// Ends all plans with the gateway: connections that linger must not keep their records back.
struct Sweeper(Arc<Parked>);

impl Drop for Sweeper {
    fn drop(&mut self) {
        for (_id, plan) in &self.0.plans {
            drop(taken(&plan));
        }
    }
}

impl Parked {
    pub(super) fn new() -> Self {
        let plans = Cache::builder().max_capacity(CAPACITY).time_to_live(WAIT);
        // The cache frees what it has removed when it likes; the record of a plan ends with its wait.
        let plans = plans.eviction_listener(|_id, plan: Plan, cause| {
            if cause.was_evicted() {
                drop(taken(&plan));
            }
        });
        Self { plans: plans.build() }
    }

    /// Ends plans whose wait is over, as long as it is polled, and all others when it is dropped.
    pub(super) fn sweep(self: Arc<Self>) -> impl Future<Output = ()> + Send + 'static {
        let sweeper = Sweeper(self);
        async move {
            let mut sweep = tokio::time::interval(SWEEP);
            loop {
                sweep.tick().await;
                sweeper.0.plans.run_pending_tasks();
            }
        }
    }

    /// Keeps a plan for its ticket.
    pub(super) fn park(&self, query: Query<Planned>) {
        let id = query.id().to_owned();
        self.plans.insert(id, Arc::new(Mutex::new(Some(query.rest()))));
    }

    /// The plan of a ticket, if it still holds for this caller: the same rights under the same policies.
    pub(super) fn take(&self, query_id: &str, caller: &Caller, timeout: Option<Duration>) -> Option<Query<Planned>> {
        let parked = self.plans.remove(query_id)?;
        taken(&parked)?.resume(&caller.principal, timeout, &Origin::of(caller))
    }
}
