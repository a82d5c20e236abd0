//! Delta tables: cached snapshots, read through guarded stores, scanned by the Delta library.

mod error;
mod files;
mod footers;
mod history;
mod log_store;
mod provider;
mod snapshot;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use catalog::{Source, Table, Version};
use tokio::sync::Semaphore;

use self::footers::Footers;
use self::provider::DeltaProvider;
use self::snapshot::Snapshots;
use crate::connectors::{Connector, Options};
use crate::context::{At, CallContext, Opened};
use crate::error::Error;
use crate::storage::Stores;

/// Reads Delta tables.
#[derive(Debug)]
pub(crate) struct DeltaConnector {
    stores: Arc<Stores>,
    snapshots: Snapshots,
    footers: Footers,
    planning: Arc<Semaphore>,
}

impl DeltaConnector {
    pub(crate) fn new(stores: Arc<Stores>, options: &Options) -> Self {
        let planning = Arc::new(Semaphore::new(options.planning.max(1)));
        let snapshots = Snapshots::new(options.snapshot_cache_bytes, Arc::clone(&planning));
        Self { snapshots, footers: Footers::new(options.footer_cache_bytes), stores, planning }
    }
}

#[async_trait]
impl Connector for DeltaConnector {
    async fn open(&self, table: &Arc<Table>, at: At, context: &CallContext) -> Result<Opened, Error> {
        let Source::Delta(source) = &table.source else {
            return Err(Error::unsupported(table, "another connector"));
        };
        self.stores.check_credential(table, source).await?;
        let store = self.stores.open(table, source).await?;
        let loading = self.snapshots.open(table, &store, self.stores.registry(), at);
        let snapshot = tokio::time::timeout(context.remaining(), loading)
            .await
            .map_err(|_| Error::unavailable(table, "the log was not read before the deadline"))??;
        let version = Version::Delta(snapshot.version());
        let provider = DeltaProvider::new(provider::Parts {
            table: Arc::clone(table),
            snapshot,
            store,
            registry: self.stores.registry(),
            footers: self.footers.clone(),
            planning: Arc::clone(&self.planning),
            deadline: context.deadline,
        })?;
        Ok(Opened { provider: Arc::new(provider), version })
    }
}
