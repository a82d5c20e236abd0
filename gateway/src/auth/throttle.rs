//! Makes repeated wrong passwords slow: per user and address, and per address.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use moka::future::Cache;
use moka::ops::compute::Op;

use crate::error::{Error, ErrorKind};

/// Failures that cost nothing, for one user from one address.
const FREE_PER_USER: u32 = 5;

/// Failures that cost nothing, for all users from one address.
const FREE_PER_ADDRESS: u32 = 50;

/// The first wait; each further failure doubles it.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// How long failures are remembered.
const MEMORY: Duration = Duration::from_secs(15 * 60);

/// Most users and addresses that are remembered.
const CAPACITY: u64 = 100_000;

/// Whose failures are counted. Not a user alone: then anybody could lock him out.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    User(String, Option<IpAddr>),
    Address(Option<IpAddr>),
}

/// Failures of one key.
#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last: Instant,
}

/// Counts failed logins.
#[derive(Debug)]
pub(super) struct Throttle {
    failures: Cache<Key, Failures>,
}

impl Throttle {
    pub(super) fn new() -> Self {
        Self { failures: Cache::builder().max_capacity(CAPACITY).time_to_live(MEMORY).build() }
    }

    /// Lets an attempt through, unless too many have failed. The answer does not depend on whether the user exists.
    pub(super) async fn admit(&self, user: &str, address: Option<IpAddr>, now: Instant) -> Result<(), Error> {
        for (key, free) in keys(user, address) {
            let Some(failures) = self.failures.get(&key).await else { continue };
            if now < failures.last + wait(failures.count, free) {
                let message = "too many failed logins: wait a minute, then try again";
                return Err(Error::new(ErrorKind::LimitExceeded, message));
            }
        }
        Ok(())
    }

    /// Counts a failure.
    pub(super) async fn failed(&self, user: &str, address: Option<IpAddr>, now: Instant) {
        for (key, _) in keys(user, address) {
            self.failures
                .entry(key)
                .and_compute_with(async |entry| {
                    let count = entry.map_or(0, |entry| entry.into_value().count);
                    Op::Put(Failures { count: count.saturating_add(1), last: now })
                })
                .await;
        }
    }

    /// Forgets the failures of a user who got in. Those of his address stay: they may be of other users.
    pub(super) async fn succeeded(&self, user: &str, address: Option<IpAddr>) {
        self.failures.invalidate(&Key::User(user.to_owned(), address)).await;
    }
}

fn keys(user: &str, address: Option<IpAddr>) -> [(Key, u32); 2] {
    [(Key::User(user.to_owned(), address), FREE_PER_USER), (Key::Address(address), FREE_PER_ADDRESS)]
}

fn wait(count: u32, free: u32) -> Duration {
    let Some(excess) = count.checked_sub(free) else { return Duration::ZERO };
    FIRST_WAIT.saturating_mul(1_u32.checked_shl(excess).unwrap_or(u32::MAX)).min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may unwrap")]
    use super::*;

    #[tokio::test]
    async fn the_sixth_wrong_password_has_to_wait_and_nobody_else() {
        let (throttle, now) = (Throttle::new(), Instant::now());
        let (here, there) = (Some("10.0.0.1".parse().unwrap()), Some("10.0.0.2".parse().unwrap()));
        for _ in 0..FREE_PER_USER {
            throttle.admit("ann", here, now).await.unwrap();
            throttle.failed("ann", here, now).await;
        }
        let error = throttle.admit("ann", here, now).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::LimitExceeded);
        throttle.admit("ann", there, now).await.unwrap();
        throttle.admit("bob", here, now).await.unwrap();
        throttle.admit("ann", here, now + FIRST_WAIT).await.unwrap();
        throttle.failed("ann", here, now).await;
        throttle.admit("ann", here, now + FIRST_WAIT).await.unwrap_err();
        throttle.succeeded("ann", here).await;
        throttle.admit("ann", here, now).await.unwrap();
    }

    #[tokio::test]
    async fn guessing_user_names_is_slow_too() {
        let (throttle, now) = (Throttle::new(), Instant::now());
        let here = Some("10.0.0.1".parse().unwrap());
        for attempt in 0..FREE_PER_ADDRESS {
            throttle.failed(&format!("user{attempt}"), here, now).await;
        }
        throttle.admit("ann", here, now).await.unwrap_err();
        throttle.admit("ann", None, now).await.unwrap();
    }

    #[test]
    fn a_wait_doubles_up_to_a_minute() {
        let seconds: Vec<u64> = [0, 4, 5, 6, 7, 11, 40, u32::MAX].map(|count| wait(count, 5).as_secs()).into();
        assert_eq!(seconds, [0, 0, 1, 2, 4, 60, 60, 60]);
    }
}
