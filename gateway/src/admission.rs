//! Lets a bounded number of queries run, and a bounded number wait for their turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::error::{Error, ErrorKind};

/// The slots that queries run in, and the queue before them.
#[derive(Debug)]
pub(crate) struct Admission {
    slots: Arc<Semaphore>,
    waiting: AtomicUsize,
    queue: usize,
}

/// The right to run one query; given back on drop.
#[derive(Debug)]
pub(crate) struct Permit(#[expect(dead_code, reason = "held for its Drop")] OwnedSemaphorePermit);

impl Admission {
    /// `queries` run at a time, `queue` wait.
    pub(crate) fn new(queries: usize, queue: usize) -> Self {
        Self { slots: Arc::new(Semaphore::new(queries)), waiting: AtomicUsize::new(0), queue }
    }

    /// How many slots are free.
    pub(crate) fn free(&self) -> usize {
        self.slots.available_permits()
    }

    /// Waits for a slot, at most until the deadline.
    ///
    /// # Errors
    /// [`ErrorKind::LimitExceeded`] where the queue is full, [`ErrorKind::Timeout`] at the deadline.
    pub(crate) async fn permit(&self, deadline: Instant) -> Result<Permit, Error> {
        if let Ok(permit) = Arc::clone(&self.slots).try_acquire_owned() {
            return Ok(Permit(permit));
        }
        let _place = Place::take(&self.waiting, self.queue)?;
        match tokio::time::timeout_at(deadline, Arc::clone(&self.slots).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(Permit(permit)),
            Ok(Err(_closed)) => Err(Error::new(ErrorKind::Cancelled, "the gateway is shutting down")),
            Err(_elapsed) => {
                Err(Error::new(ErrorKind::Timeout, "the statement waited for its turn until its deadline"))
            }
        }
    }
}

/// A place in the queue; left on drop.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize, queue: usize) -> Result<Self, Error> {
        let place = Place(waiting);
        if waiting.fetch_add(1, Ordering::AcqRel) >= queue {
            drop(place);
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                "too many statements are waiting (limits.queue); try again in a moment",
            ));
        }
        Ok(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may unwrap")]
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn a_full_queue_refuses_and_a_freed_slot_admits() {
        let soon = || Instant::now() + Duration::from_millis(20);
        let admission = Admission::new(1, 1);
        let first = admission.permit(soon()).await.unwrap();
        assert_eq!(admission.permit(soon()).await.unwrap_err().kind, ErrorKind::Timeout);
        let (second, third) = tokio::join!(admission.permit(soon()), admission.permit(soon()));
        let kinds = [second.unwrap_err().kind, third.unwrap_err().kind];
        assert!(kinds.contains(&ErrorKind::LimitExceeded) && kinds.contains(&ErrorKind::Timeout), "{kinds:?}");
        drop(first);
        assert!(admission.permit(soon()).await.is_ok());
    }
}
