//! The running gateway: the loaded mesh, and what all queries share.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use catalog::{Name, Problem, Problems};
use connectors::Connectors;
use datafusion::common::Result as EngineResult;
use datafusion::execution::SessionState;
use datafusion::execution::disk_manager::DiskManagerBuilder;
use datafusion::execution::memory_pool::MemoryPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use policies::{HashKey, Principal};
use sha2::{Digest, Sha256};
use tokio::task::JoinHandle;

use crate::admission::Admission;
use crate::audit::Audit;
use crate::auth::{Authenticator, Users};
use crate::config::{Config, OnFailure};
use crate::mesh::Mesh;
use crate::metadata::{self, VisibleTable};
use crate::query::{RunningQueries, memory};
use crate::runtime::QueryRuntime;
use crate::server::StartError;
use crate::session;

/// Most bytes that one query may spill to disk.
const SPILL_BYTES: u64 = 16 << 30;

/// Statements that wait for their turn to be planned. As many are planned at a time as may run or wait to.
const PLANNING_QUEUE: usize = 1_024;

/// The running gateway. One for each mesh that a process serves.
#[derive(Debug)]
pub struct Gateway {
    folder: PathBuf,
    mesh: ArcSwap<Mesh>,
    degraded: Mutex<Option<String>>,
    hash_key: HashKey,
    pub(crate) audit: Audit,
    authenticator: Authenticator,
    pub(crate) connectors: Connectors,
    pub(crate) planning: Admission,
    pub(crate) admission: Admission,
    pub(crate) running: Arc<RunningQueries>,
    base_state: SessionState,
    memory: Arc<dyn MemoryPool>,
    runtime: QueryRuntime,
}

impl Gateway {
    /// Loads the mesh in `folder` and makes everything that its queries will share. For the questions of its own
    /// operator: nothing is written to the audit log.
    ///
    /// # Errors
    /// Where the mesh has mistakes, or the system refuses threads or randomness.
    pub async fn start(folder: &Path) -> Result<Arc<Self>, StartError> {
        Self::make(folder, |_config| Ok(Audit::off())).await
    }

    /// The same for a gateway that others ask: it records in the audit log, where the mesh has one.
    ///
    /// # Errors
    /// As [`Gateway::start`]; also where the audit log must be written and cannot be.
    pub async fn start_audited(folder: &Path) -> Result<Arc<Self>, StartError> {
        let open = |config: &Config| config.audit.as_ref().map_or_else(|| Ok(Audit::off()), Audit::open);
        Self::make(folder, |config| open(config).map_err(StartError::Audit)).await
    }

    async fn make(
        folder: &Path,
        audit: impl FnOnce(&Config) -> Result<Audit, StartError>,
    ) -> Result<Arc<Self>, StartError> {
        let hash_key = hash_key(folder).await?;
        let mesh = Mesh::load(folder, &hash_key, 1).await?;
        let config = &mesh.config;
        let audit = audit(config)?;
        let connectors = Connectors::new(connectors::Options {
            snapshot_cache_bytes: config.cache.snapshots_bytes,
            footer_cache_bytes: config.cache.footers_bytes,
            ..connectors::Options::default()
        })?;
        let planning_runtime = RuntimeEnvBuilder::new()
            .with_object_store_registry(connectors.object_stores())
            // The engine's own cache finds a footer by its path alone; the connectors have a better one.
            .with_metadata_cache_limit(0)
            .build_arc()?;
        Ok(Arc::new(Self {
            folder: folder.to_owned(),
            degraded: Mutex::new(None),
            hash_key,
            audit,
            authenticator: Authenticator::new()?,
            planning: Admission::new(config.limits.queries + config.limits.queue, PLANNING_QUEUE),
            admission: Admission::new(config.limits.queries, config.limits.queue),
            running: Arc::default(),
            base_state: session::base(planning_runtime),
            memory: memory::shared_pool(config.limits.memory_bytes),
            runtime: QueryRuntime::start()?,
            connectors,
            mesh: ArcSwap::from_pointee(mesh),
        }))
    }

    /// The mesh of this moment.
    #[must_use]
    pub fn current(&self) -> Arc<Mesh> {
        self.mesh.load_full()
    }

    /// Loads the mesh on a thread of its own: a large one takes seconds, and calls must be answered meanwhile.
    async fn load(&self, version: u64) -> Result<Mesh, Problems> {
        let (folder, hash_key) = (self.folder.clone(), self.hash_key.clone());
        let load = move || futures::executor::block_on(Mesh::load(&folder, &hash_key, version));
        tokio::task::spawn_blocking(load).await.unwrap_or_else(|error| {
            let message = format!("the load did not end: {error}");
            Err(Problem::in_file(Path::new(""), message, "read the log, and report it").into())
        })
    }

    /// Loads the mesh anew: a good one replaces the running one whole; a broken one changes nothing but health.
    /// Queries that run keep what they began with.
    ///
    /// # Errors
    /// Every mistake of the new mesh.
    pub async fn reload(&self) -> Result<u64, Problems> {
        let version = self.current().version + 1;
        let loaded = self.load(version).await;
        let (outcome, last) = self.replace(version, loaded);
        // To free a large mesh takes a while as well. Where that fails, there is nothing left to do.
        let _ = tokio::task::spawn_blocking(move || drop(last)).await;
        outcome
    }

    /// Replaces the mesh by one that was loaded, and gives the one before.
    #[expect(clippy::cognitive_complexity, reason = "what the macros of the log and the metrics expand to counts")]
    fn replace(&self, version: u64, loaded: Result<Mesh, Problems>) -> (Result<u64, Problems>, Option<Arc<Mesh>>) {
        let mut degraded = self.degraded.lock().unwrap_or_else(PoisonError::into_inner);
        match loaded {
            Ok(mesh) => {
                if mesh.config.audit != self.current().config.audit {
                    tracing::warn!("[audit] has changed: the gateway follows when it is started again");
                }
                let last = self.mesh.swap(Arc::new(mesh));
                *degraded = None;
                metrics::gauge!("meshgate_policy_version").set(u32::try_from(version).unwrap_or(u32::MAX));
                tracing::info!(version, "mesh reloaded");
                (Ok(version), Some(last))
            }
            Err(problems) => {
                *degraded =
                    Some(format!("the mesh folder has {} problems; the last good mesh is served", problems.len()));
                metrics::counter!("meshgate_reload_failures_total").increment(1);
                tracing::error!(%problems, "mesh not reloaded: the last good one stays");
                (Err(problems), None)
            }
        }
    }

    /// Why the gateway is not in full health; `None` when it is.
    #[must_use]
    pub fn degraded(&self) -> Option<String> {
        let mesh = self.degraded.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let audit = self.audit.broken().map(|(why, _)| why);
        let all: Vec<String> = mesh.into_iter().chain(audit).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }

    /// Why no statement is answered; `None` where they are.
    #[must_use]
    pub fn stopped(&self) -> Option<String> {
        self.audit.broken().filter(|(_, on_failure)| *on_failure == OnFailure::Stop).map(|(why, _)| why)
    }

    /// Folder of the mesh.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Name of the mesh: the SQL catalog.
    #[must_use]
    pub fn mesh(&self) -> Name {
        self.current().config.name.clone()
    }

    /// The users of this moment.
    #[must_use]
    pub fn users(&self) -> Arc<Users> {
        Arc::clone(&self.current().users)
    }

    /// Counts the loads of the mesh.
    #[must_use]
    pub fn policy_version(&self) -> u64 {
        self.current().version
    }

    /// What proves credentials.
    #[must_use]
    pub fn authenticator(&self) -> &Authenticator {
        &self.authenticator
    }

    /// The tables that `principal` may discover, sorted by domain and name.
    #[must_use]
    pub fn visible_tables(&self, principal: &Principal) -> Vec<VisibleTable> {
        metadata::visible_tables(&self.current(), principal)
    }

    /// How many queries run.
    #[must_use]
    pub fn queries(&self) -> usize {
        self.running.count()
    }

    /// How many more queries may run at this moment.
    #[must_use]
    pub fn free_permits(&self) -> usize {
        self.admission.free()
    }

    /// Bytes of memory that all queries hold together.
    #[must_use]
    pub fn memory_held(&self) -> usize {
        self.memory.reserved()
    }

    pub(crate) fn base_state(&self) -> &SessionState {
        &self.base_state
    }

    /// An environment for one query to run in: its own memory and spill folder over the guarded stores.
    pub(crate) fn query_environment(&self, mesh: &Mesh) -> EngineResult<Arc<RuntimeEnv>> {
        let pool = memory::QueryPool::new(mesh.config.limits.query_memory_bytes, Arc::clone(&self.memory));
        RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(pool))
            .with_disk_manager_builder(DiskManagerBuilder::default().with_max_temp_directory_size(SPILL_BYTES))
            .with_metadata_cache_limit(0)
            .with_object_store_registry(self.connectors.object_stores())
            .build_arc()
    }

    /// Runs work on the query runtime.
    pub(crate) fn spawn<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        self.runtime.spawn(work)
    }
}

/// The key of the `hash` mask: the configured one, or a random one for the life of the process.
async fn hash_key(folder: &Path) -> Result<HashKey, StartError> {
    let config = crate::config::Config::load(folder)?;
    match config.hash_key {
        Some(reference) => {
            let secret = connectors::read_secret(&reference).await.map_err(StartError::HashKey)?;
            Ok(HashKey::new(Sha256::digest(secret.expose()).into()))
        }
        None => Ok(HashKey::new(crate::auth::random_bytes::<32>()?)),
    }
}
