//! The memory of one query: a fair share inside its own limit, inside the limit of all queries.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::execution::memory_pool::{
    FairSpillPool, GreedyMemoryPool, MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation,
};

/// The pool that all queries share.
pub(crate) fn shared_pool(bytes: usize) -> Arc<dyn MemoryPool> {
    Arc::new(GreedyMemoryPool::new(bytes))
}

/// A pool inside a pool: what it grants counts against both.
#[derive(Debug)]
pub(crate) struct QueryPool {
    own: FairSpillPool,
    /// Holds, in the shared pool, as much as `own` has granted.
    shared: Arc<dyn MemoryPool>,
    claim: MemoryReservation,
}

impl QueryPool {
    /// A pool of at most `bytes` inside `shared`.
    pub(crate) fn new(bytes: usize, shared: Arc<dyn MemoryPool>) -> Self {
        let claim = MemoryConsumer::new("query").register(&shared);
        Self { own: FairSpillPool::new(bytes), shared, claim }
    }
}

impl std::fmt::Display for QueryPool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "query(used: {})", self.own.reserved())
    }
}

impl MemoryPool for QueryPool {
    fn name(&self) -> &str {
        "query"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.own.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.own.unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.own.grow(reservation, additional);
        self.shared.grow(&self.claim, additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.own.shrink(reservation, shrink);
        self.shared.shrink(&self.claim, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        self.own.try_grow(reservation, additional)?;
        if let Err(error) = self.shared.try_grow(&self.claim, additional) {
            self.own.shrink(reservation, additional);
            return Err(error);
        }
        Ok(())
    }

    fn reserved(&self) -> usize {
        self.own.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        self.own.memory_limit()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may unwrap")]
    use super::*;

    #[test]
    fn a_query_is_bounded_by_its_own_pool_and_by_the_shared_one() {
        let shared = shared_pool(150);
        let first: Arc<dyn MemoryPool> = Arc::new(QueryPool::new(100, Arc::clone(&shared)));
        let second: Arc<dyn MemoryPool> = Arc::new(QueryPool::new(100, Arc::clone(&shared)));
        let a = MemoryConsumer::new("a").register(&first);
        let b = MemoryConsumer::new("b").register(&second);
        assert!(a.try_grow(101).is_err(), "own limit");
        a.try_grow(100).unwrap();
        assert!(b.try_grow(51).is_err(), "shared limit");
        assert_eq!((second.reserved(), shared.reserved()), (0, 100), "a refused claim leaves nothing behind");
        b.try_grow(50).unwrap();
        drop((a, b));
        assert_eq!(shared.reserved(), 0, "all is given back");
    }
}
