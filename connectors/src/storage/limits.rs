//! How far a store in the cloud may be used: time to connect, retries, and whose credentials.

use std::time::Duration;

use object_store::{BackoffConfig, ClientOptions, RetryConfig};

/// How far a store may be used.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Longest time to connect.
    pub(super) connect_timeout: Duration,
    /// May the credentials of this machine be used where the contract names none?
    pub(super) allow_instance_credentials: bool,
}

impl Limits {
    /// The client for a store at `endpoint`, which is encrypted unless the contract says `http://`.
    pub(super) fn client(&self, endpoint: Option<&str>) -> ClientOptions {
        ClientOptions::new()
            .with_connect_timeout(self.connect_timeout)
            .with_timeout(Duration::from_secs(60))
            .with_allow_http(endpoint.is_some_and(|endpoint| endpoint.starts_with("http://")))
    }
}

/// A dead store is an error within seconds, not minutes.
pub(super) fn retry() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(50),
            max_backoff: Duration::from_secs(1),
            base: 2.0,
        },
        max_retries: 3,
        retry_timeout: Duration::from_secs(5),
    }
}
