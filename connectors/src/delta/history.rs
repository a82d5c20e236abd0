//! Which version of a Delta table was the newest at a time (Delta protocol, "In-Commit Timestamps").

use std::sync::Arc;
use std::time::Duration;

use catalog::Table;
use delta_kernel::Error as KernelError;
use delta_kernel::history_manager::{HistoryCommitType, latest_version_as_of};
use delta_kernel::snapshot::Snapshot;
use deltalake::logstore::LogStoreRef;
use moka::future::Cache;
use tokio::sync::Semaphore;

use super::error::from_log;
use crate::error::Error;

/// Most answers that are kept.
const CAPACITY: u64 = 10_000;

/// How long an answer is kept: a log that is cleaned up forgets its oldest versions.
const AGE: Duration = Duration::from_secs(60);

/// Finds versions by time. Each question reads the list of a log's files, and of some of them the first line.
#[derive(Debug)]
pub(super) struct History {
    versions: Cache<(String, i64), u64>,
    planning: Arc<Semaphore>,
}

impl History {
    /// Reads as many logs at a time as `planning` has permits.
    pub(super) fn new(planning: Arc<Semaphore>) -> Self {
        Self { versions: Cache::builder().max_capacity(CAPACITY).time_to_live(AGE).build(), planning }
    }

    /// The newest version of the table in the log `id` that was there at `unix_ms` (milliseconds since 1970).
    pub(super) async fn version(
        &self,
        table: &Table,
        log_store: &LogStoreRef,
        id: &str,
        unix_ms: i64,
    ) -> Result<u64, Error> {
        let key = (id.to_owned(), unix_ms);
        if let Some(version) = self.versions.get(&key).await {
            return Ok(version);
        }
        let found = self.search(log_store, unix_ms).await.map_err(|cause| Error::failed(table, cause))?;
        let version = found.map_err(|cause| {
            let is_before = matches!(cause, KernelError::LogHistory(_));
            if is_before { Error::BeforeHistory { table: table.name.clone() } } else { from_log(table, cause.into()) }
        })?;
        self.versions.insert(key, version).await;
        Ok(version)
    }

    /// The kernel reads with blocking calls, so it gets a thread.
    async fn search(
        &self,
        log_store: &LogStoreRef,
        unix_ms: i64,
    ) -> Result<Result<u64, KernelError>, tokio::task::JoinError> {
        // Never closed, so there is always a permit in the end.
        let _permit = self.planning.acquire().await;
        let (engine, mut root) = (log_store.engine(None), log_store.root_url().clone());
        if !root.path().ends_with('/') {
            root.set_path(&format!("{}/", root.path()));
        }
        let search = move || {
            let newest = Snapshot::builder_for(root).build(engine.as_ref())?;
            let commit = latest_version_as_of(&newest, engine.as_ref(), unix_ms, HistoryCommitType::Recreatable)?;
            Ok(commit.version)
        };
        tokio::task::spawn_blocking(search).await
    }
}
