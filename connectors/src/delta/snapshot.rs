//! Snapshots of Delta tables: loaded once, kept, and brought up to date with one request.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use catalog::{Table, Version};
use datafusion::execution::object_store::ObjectStoreRegistry;
use deltalake::DeltaTable;
use deltalake::logstore::LogStoreRef;
use moka::future::Cache;
use object_store::ObjectStoreExt;
use object_store::path::Path;
use tokio::sync::{Mutex, Semaphore};

use super::error::from_log;
use super::history::History;
use super::log_store::GuardedLogStore;
use crate::context::At;
use crate::error::Error;
use crate::storage::GuardedStore;

/// After this long the whole log is read again: the next log file may have come and been cleaned up.
const FULL_RELOAD: Duration = Duration::from_secs(300);

/// Most tables whose logs are followed.
const MAX_LOGS: u64 = 100_000;

/// One version of one table, loaded.
pub(super) struct Snapshot {
    table: DeltaTable,
    version: u64,
    rows: Option<u64>,
}

impl Snapshot {
    fn of(delta: DeltaTable) -> Result<Self, deltalake::DeltaTableError> {
        let state = delta.snapshot()?;
        let version = state.version();
        let rows = state.log_data().iter().try_fold(0_u64, |sum, file| {
            let deleted = file.deletion_vector_descriptor().map_or(0, |vector| vector.cardinality);
            let rows = u64::try_from(file.num_records()?).ok()?;
            Some(sum + rows.saturating_sub(u64::try_from(deleted).unwrap_or(0)))
        });
        Ok(Self { table: delta, version, rows })
    }

    /// Number of the commit.
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    /// The table as the library loaded it.
    pub(super) fn table(&self) -> &DeltaTable {
        &self.table
    }

    /// Rows according to the log, where every file's entry has a count.
    pub(super) fn rows(&self) -> Option<u64> {
        self.rows
    }

    /// A guess at the memory that it takes: the log entry of a file is a kilobyte or two.
    fn bytes(&self) -> u32 {
        let files = self.table.snapshot().map_or(0, |state| state.log_data().num_files());
        u32::try_from(files.saturating_mul(2048).saturating_add(65_536)).unwrap_or(u32::MAX)
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").field("version", &self.version).finish_non_exhaustive()
    }
}

/// The log of one table, and what is known of its end.
struct Log {
    store: Arc<GuardedStore>,
    log_store: LogStoreRef,
    known: Mutex<Option<Known>>,
    loading: Mutex<()>,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    version: u64,
    /// Just before the store was asked whether there is a newer one.
    checked: Instant,
    /// When the log was last read as a whole.
    loaded: Instant,
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("store", &self.store).finish_non_exhaustive()
    }
}

/// All snapshots of a process: a bounded cache, and one load at a time per table.
#[derive(Debug)]
pub(super) struct Snapshots {
    logs: Cache<String, Arc<Log>>,
    loaded: Cache<(String, u64), Arc<Snapshot>>,
    history: History,
    planning: Arc<Semaphore>,
}

impl Snapshots {
    pub(super) fn new(bytes: u64, planning: Arc<Semaphore>) -> Self {
        let loaded = Cache::builder().max_capacity(bytes).weigher(|_, snapshot: &Arc<Snapshot>| snapshot.bytes());
        let history = History::new(Arc::clone(&planning));
        Self { logs: Cache::new(MAX_LOGS), loaded: loaded.build(), history, planning }
    }

    /// The snapshot of the table in `store` that `at` asks for.
    pub(super) async fn open(
        &self,
        table: &Table,
        store: &Arc<GuardedStore>,
        registry: Arc<dyn ObjectStoreRegistry>,
        at: At,
    ) -> Result<Arc<Snapshot>, Error> {
        let log = self.log(table, store, registry).await?;
        match at {
            At::Latest { max_age } => self.latest(table, &log, max_age).await,
            At::AsOf { unix_ms } => {
                let version = self.history.version(table, &log.log_store, store.id(), unix_ms).await?;
                self.exact(table, &log, version).await
            }
            At::Version(Version::Delta(version)) => self.exact(table, &log, version).await,
            At::Version(Version::Unversioned) => Err(Error::gone(table, Version::Unversioned)),
        }
    }

    async fn log(
        &self,
        table: &Table,
        store: &Arc<GuardedStore>,
        registry: Arc<dyn ObjectStoreRegistry>,
    ) -> Result<Arc<Log>, Error> {
        if let Some(log) = self.logs.get(store.id()).await {
            return Ok(log);
        }
        let log_store = GuardedLogStore::new(store, registry).map_err(|cause| Error::failed(table, cause))?;
        let log = Arc::new(Log {
            store: Arc::clone(store),
            log_store: Arc::new(log_store),
            known: Mutex::new(None),
            loading: Mutex::new(()),
        });
        // Whoever comes first wins, so that all follow the same log. (`or_insert` of the cache would be
        // a look and an insertion, with room for another between the two.)
        Ok(self.logs.get_with_by_ref(store.id(), async { log }).await)
    }

    /// The newest snapshot, known to be at most `max_age` old.
    async fn latest(&self, table: &Table, log: &Log, max_age: Duration) -> Result<Arc<Snapshot>, Error> {
        let asked = Instant::now();
        let mut known = log.known.lock().await;
        let cached = match *known {
            Some(known) => self.cached(log, known.version).await.map(|snapshot| (known, snapshot)),
            None => None,
        };
        let checked = Instant::now();
        let (now_known, snapshot) = match cached {
            Some((known, snapshot)) if known.checked >= asked || known.checked.elapsed() <= max_age => {
                return Ok(snapshot);
            }
            Some((known, snapshot)) if known.loaded.elapsed() < FULL_RELOAD => {
                let snapshot = self.advance(table, log, snapshot).await?;
                (Known { version: snapshot.version, checked, loaded: known.loaded }, snapshot)
            }
            Some(_) | None => {
                let snapshot = self.load(table, log, None).await?;
                (Known { version: snapshot.version, checked, loaded: checked }, snapshot)
            }
        };
        *known = Some(now_known);
        Ok(snapshot)
    }

    /// `snapshot` if it is still the newest, else the newest.
    async fn advance(&self, table: &Table, log: &Log, snapshot: Arc<Snapshot>) -> Result<Arc<Snapshot>, Error> {
        match log.store.head(&log.commit(snapshot.version + 1)).await {
            Err(object_store::Error::NotFound { .. }) => return Ok(snapshot),
            Err(cause) => return Err(from_log(table, cause.into())),
            Ok(_) => {}
        }
        let mut delta = snapshot.table.clone();
        let updated = self.bounded(delta.update_incremental(None)).await;
        match updated.map_err(|cause| from_log(table, cause)) {
            Ok(()) => self.keep(table, log, delta).await,
            Err(error @ Error::Unavailable { .. }) => Err(error),
            // The log between the two may have been cleaned up: start again from its newest checkpoint.
            Err(_) => self.load(table, log, None).await,
        }
    }

    /// Exactly `version`.
    async fn exact(&self, table: &Table, log: &Log, version: u64) -> Result<Arc<Snapshot>, Error> {
        if let Some(snapshot) = self.cached(log, version).await {
            return Ok(snapshot);
        }
        let _one_at_a_time = log.loading.lock().await;
        if let Some(snapshot) = self.cached(log, version).await {
            return Ok(snapshot);
        }
        match self.load(table, log, Some(version)).await {
            Ok(snapshot) if snapshot.version == version => Ok(snapshot),
            Ok(_) | Err(Error::Failed { .. }) => Err(Error::gone(table, Version::Delta(version))),
            Err(error) => Err(error),
        }
    }

    async fn load(&self, table: &Table, log: &Log, version: Option<u64>) -> Result<Arc<Snapshot>, Error> {
        let mut delta = DeltaTable::new(Arc::clone(&log.log_store));
        let loading = self.bounded(delta.update_incremental(version)).await;
        loading.map_err(|cause| from_log(table, cause))?;
        self.keep(table, log, delta).await
    }

    async fn keep(&self, table: &Table, log: &Log, delta: DeltaTable) -> Result<Arc<Snapshot>, Error> {
        let snapshot = Snapshot::of(delta).map_err(|cause| from_log(table, cause))?;
        let snapshot = Arc::new(snapshot);
        self.loaded.insert((log.store.id().to_owned(), snapshot.version), Arc::clone(&snapshot)).await;
        Ok(snapshot)
    }

    async fn cached(&self, log: &Log, version: u64) -> Option<Arc<Snapshot>> {
        self.loaded.get(&(log.store.id().to_owned(), version)).await
    }

    /// Reading a log blocks a thread: only a few at a time.
    async fn bounded<T>(&self, reading: impl Future<Output = T>) -> T {
        // Never closed, so there is always a permit in the end.
        let _permit = self.planning.acquire().await;
        reading.await
    }
}

impl Log {
    /// Path of the log file of `version`.
    fn commit(&self, version: u64) -> Path {
        Path::from_iter([self.store.id(), "_delta_log", &format!("{version:020}.json")])
    }
}

#[cfg(test)]
#[path = "snapshot_tests.rs"]
mod tests;
