//! Reads the log of a Delta table through its guarded store only, and never writes.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use datafusion::execution::TaskContext;
use datafusion::execution::object_store::ObjectStoreRegistry;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use delta_kernel::Engine;
use deltalake::delta_datafusion::engine::DataFusionEngine;
use deltalake::kernel::Version;
use deltalake::kernel::transaction::TransactionError;
use deltalake::logstore::{CommitOrBytes, LogStore, LogStoreConfig, LogStoreRef, StorageConfig, default_logstore};
use deltalake::{DeltaResult, DeltaTableError};
use object_store::ObjectStore;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use tokio::runtime::Handle;
use uuid::Uuid;

use crate::storage::GuardedStore;

/// A log store over one guarded store.
///
/// Invariant: its engine finds stores in the registry of guarded stores only. The library's own engine takes
/// one store for everything, and fetches whatever looks like a presigned URL with a plain HTTP client.
pub(super) struct GuardedLogStore {
    inner: LogStoreRef,
    context: Arc<TaskContext>,
}

impl GuardedLogStore {
    pub(super) fn new(
        store: &Arc<GuardedStore>,
        registry: Arc<dyn ObjectStoreRegistry>,
    ) -> Result<Self, datafusion::error::DataFusionError> {
        let root: Arc<dyn ObjectStore> = Arc::clone(store) as Arc<dyn ObjectStore>;
        let prefixed = Arc::new(PrefixStore::new(Arc::clone(&root), Path::from(store.id())));
        let inner = default_logstore(prefixed, root, store.root(), &StorageConfig::default());
        let runtime = RuntimeEnvBuilder::new().with_object_store_registry(registry).build_arc()?;
        let context = Arc::new(TaskContext::default().with_runtime(runtime));
        Ok(Self { inner, context })
    }
}

#[async_trait]
impl LogStore for GuardedLogStore {
    fn name(&self) -> String {
        "GuardedLogStore".to_owned()
    }

    async fn read_commit_entry(&self, version: Version) -> DeltaResult<Option<Bytes>> {
        self.inner.read_commit_entry(version).await
    }

    async fn write_commit_entry(&self, _: Version, _: CommitOrBytes, _: Uuid) -> Result<(), TransactionError> {
        Err(read_only())
    }

    async fn abort_commit_entry(&self, _: Version, _: CommitOrBytes, _: Uuid) -> Result<(), TransactionError> {
        Err(read_only())
    }

    async fn get_latest_version(&self, start_version: Version) -> DeltaResult<Version> {
        self.inner.get_latest_version(start_version).await
    }

    fn object_store(&self, operation_id: Option<Uuid>) -> Arc<dyn ObjectStore> {
        self.inner.object_store(operation_id)
    }

    fn root_object_store(&self, operation_id: Option<Uuid>) -> Arc<dyn ObjectStore> {
        self.inner.root_object_store(operation_id)
    }

    fn engine(&self, _: Option<Uuid>) -> Arc<dyn Engine> {
        Arc::new(DataFusionEngine::new(Arc::clone(&self.context), Handle::current()))
    }

    fn config(&self) -> &LogStoreConfig {
        self.inner.config()
    }
}

fn read_only() -> TransactionError {
    let cause = DeltaTableError::Generic("the log is read only".to_owned());
    TransactionError::LogStoreError { msg: "refused".to_owned(), source: Box::new(cause) }
}
