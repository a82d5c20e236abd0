//! The connectors of a process behind one door: dispatch by the kind of source.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use catalog::{Source, Table};
use datafusion::execution::object_store::ObjectStoreRegistry;

use crate::context::{At, CallContext, Opened};
use crate::delta::DeltaConnector;
use crate::error::Error;
use crate::flight::FlightConnector;
use crate::storage::Stores;

/// Reads one kind of source.
#[async_trait]
pub trait Connector: Send + Sync + std::fmt::Debug {
    /// Opens `table` at a version.
    ///
    /// # Errors
    /// See [`Error`]: the source does not answer, is not what it should be, or does not have the version.
    async fn open(&self, table: &Arc<Table>, at: At, context: &CallContext) -> Result<Opened, Error>;
}

/// Limits and permissions of the connectors.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Most bytes (estimated) that cached snapshots of Delta tables may take.
    pub snapshot_cache_bytes: u64,
    /// Most bytes that cached footers of Parquet files may take.
    pub footer_cache_bytes: u64,
    /// May an object store be opened with the credentials of the machine that the gateway runs on?
    pub allow_instance_credentials: bool,
    /// Most requests at a time to the store of one product.
    pub store_requests: usize,
    /// Most snapshots and scans of Delta tables that are planned at a time: each blocks a thread.
    pub planning: usize,
    /// Longest time to connect to a source.
    pub connect_timeout: Duration,
    /// Longest time between two batches of a remote stream.
    pub idle_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            snapshot_cache_bytes: 256 * 1024 * 1024,
            footer_cache_bytes: 512 * 1024 * 1024,
            allow_instance_credentials: false,
            store_requests: 64,
            planning: 16,
            connect_timeout: Duration::from_millis(1200),
            idle_timeout: Duration::from_secs(60),
        }
    }
}

/// All connectors of a process, with their caches and connections. Survives a reload of the catalog, because
/// everything is kept by the definition of the source, not by the name of the table.
#[derive(Debug)]
pub struct Connectors {
    stores: Arc<Stores>,
    delta: DeltaConnector,
    flight: FlightConnector,
}

impl Connectors {
    /// Connectors with empty caches and no connection.
    ///
    /// # Errors
    /// None today; the caller should be ready for options that cannot be met.
    pub fn new(options: Options) -> Result<Self, Error> {
        let stores = Arc::new(Stores::new(&options));
        let delta = DeltaConnector::new(Arc::clone(&stores), &options);
        Ok(Self { stores, delta, flight: FlightConnector::new(&options) })
    }

    /// Opens `table` at a version.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn open(&self, table: &Arc<Table>, at: At, context: &CallContext) -> Result<Opened, Error> {
        match &table.source {
            Source::Delta(_) => self.delta.open(table, at, context).await,
            Source::FlightSql(_) | Source::Flight(_) => self.flight.open(table, at, context).await,
            // The gateway plans the query of such a table itself and never opens it here.
            Source::MeshSql(_) => Err(Error::unsupported(table, "planning by the gateway")),
        }
    }

    /// The stores of every source opened so far, and nothing else: for each query's runtime environment.
    #[must_use]
    pub fn object_stores(&self) -> Arc<dyn ObjectStoreRegistry> {
        self.stores.registry()
    }
}
