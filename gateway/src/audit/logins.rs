//! Bounds the records of refused credentials: anybody can send these, so they must not fill the disk.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Most records in one window.
const MOST: u32 = 600;

/// Length of a window.
const WINDOW: Duration = Duration::from_secs(60);

/// Counts records of refused credentials.
#[derive(Debug)]
pub(super) struct Bound {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    since: Instant,
    count: u32,
    left_out: u64,
}

impl Bound {
    pub(super) fn new(now: Instant) -> Self {
        Self { state: Mutex::new(State { since: now, count: 0, left_out: 0 }) }
    }

    /// Whether there is room for one more; then with the number of those that were left out before it.
    pub(super) fn admit(&self, now: Instant) -> Option<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if now.duration_since(state.since) >= WINDOW {
            state.since = now;
            state.count = 0;
        }
        if state.count >= MOST {
            state.left_out += 1;
            return None;
        }
        state.count += 1;
        Some(std::mem::take(&mut state.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_cut_and_counted() {
        let now = Instant::now();
        let bound = Bound::new(now);
        let admitted = (0..10_000).filter(|_| bound.admit(now) == Some(0)).count();
        assert_eq!(admitted, MOST as usize);
        assert_eq!(bound.admit(now + WINDOW), Some(10_000 - u64::from(MOST)));
        assert_eq!(bound.admit(now + WINDOW), Some(0));
    }
}
