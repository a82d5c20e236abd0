//! Waiting with a bound: nothing in the tests may hang, and nothing waits for a guessed time.

use std::time::{Duration, Instant};

/// Longest that any single step of a test may take, on a busy machine without an idle core.
pub const STEP: Duration = Duration::from_secs(180);

/// What `future` yields.
///
/// # Panics
/// If it takes longer than `bound`.
pub async fn within<T>(bound: Duration, what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(bound, future).await {
        Ok(value) => value,
        Err(_) => panic!("{what} took longer than {bound:?}"),
    }
}

/// Asks again until the answer is `Some`.
///
/// # Panics
/// If there is none after `bound`.
pub async fn eventually<T, F: Future<Output = Option<T>>>(
    bound: Duration,
    what: &str,
    mut question: impl FnMut() -> F,
) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = question().await {
            return value;
        }
        assert!(start.elapsed() < bound, "{what}: not within {bound:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
