//! `mesh.toml` as it is written, before it is checked.

use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use serde::Deserialize;

use super::audit::RawAudit;
use super::auth::RawAuth;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawConfig {
    pub(super) name: String,
    #[serde(default)]
    pub(super) insecure: bool,
    #[serde(default = "RawListener::flight")]
    pub(super) flight: RawListener,
    pub(super) postgres: Option<RawListener>,
    #[serde(default = "RawListener::http")]
    pub(super) http: RawListener,
    pub(super) tls: Option<RawTls>,
    #[serde(default)]
    pub(super) auth: RawAuth,
    #[serde(default)]
    pub(super) policy: RawPolicy,
    #[serde(default)]
    pub(super) limits: RawLimits,
    #[serde(default)]
    pub(super) cache: RawCache,
    pub(super) audit: Option<RawAudit>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawListener {
    pub(super) listen: String,
}

impl RawListener {
    fn flight() -> Self {
        Self { listen: "127.0.0.1:31337".into() }
    }

    fn http() -> Self {
        Self { listen: "127.0.0.1:8080".into() }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTls {
    pub(super) cert: PathBuf,
    pub(super) key: PathBuf,
    pub(super) client_ca: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawPolicy {
    pub(super) hash_key: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawLimits {
    pub(super) memory: ByteSize,
    pub(super) query_memory: ByteSize,
    #[serde(with = "humantime_serde")]
    pub(super) query_timeout: Duration,
    pub(super) queries: usize,
    pub(super) queue: usize,
    pub(super) rows: u64,
    pub(super) statement: ByteSize,
}

impl Default for RawLimits {
    fn default() -> Self {
        Self {
            memory: ByteSize::gib(4),
            query_memory: ByteSize::gib(1),
            query_timeout: Duration::from_secs(300),
            queries: 16,
            queue: 64,
            rows: 0,
            statement: ByteSize::mib(1),
        }
    }
}

impl RawLimits {
    /// Limits under which nothing could run.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut found = Vec::new();
        let floor = ByteSize::mib(1);
        for (key, size) in [("memory", self.memory), ("query_memory", self.query_memory)] {
            if size < floor {
                found.push(format!("limits.{key} is below {floor}"));
            }
        }
        if self.queries == 0 {
            found.push("limits.queries is 0".into());
        }
        if self.query_timeout.is_zero() {
            found.push("limits.query_timeout is 0".into());
        }
        if self.statement < ByteSize::kib(1) || self.statement > ByteSize::mib(16) {
            found.push("limits.statement is not between 1KiB and 16MiB".into());
        }
        found
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawCache {
    pub(super) snapshots: ByteSize,
    pub(super) footers: ByteSize,
    #[serde(with = "humantime_serde")]
    pub(super) snapshot_max_age: Duration,
}

impl Default for RawCache {
    fn default() -> Self {
        Self { snapshots: ByteSize::mib(256), footers: ByteSize::mib(512), snapshot_max_age: Duration::from_secs(5) }
    }
}
