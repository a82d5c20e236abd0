//! Footers of Parquet files, read once and kept: one budget for all tables, and no table finds another's.

use std::sync::Arc;
use std::time::Duration;

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{HashMap, Result, TableReference};
use datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use datafusion::datasource::physical_plan::{FileScanConfig, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::cache::cache_manager::CachedFileMetadataEntry;
use datafusion::execution::cache::{Cache, CacheEntryInfo, CacheValue};
use datafusion::physical_plan::ExecutionPlan;
use object_store::path::Path;

use crate::storage::GuardedStore;

/// A file of one life of a table in one store.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    store: Arc<str>,
    /// The identifier in the table's own metadata. A table that was made anew in the same place has another.
    table: Arc<str>,
    path: Path,
}

/// The footers of all tables.
#[derive(Debug, Clone)]
pub(super) struct Footers(moka::sync::Cache<Key, CachedFileMetadataEntry>);

impl Footers {
    /// Keeps at most this many bytes of footers.
    pub(super) fn new(bytes: u64) -> Self {
        let weigh = |key: &Key, footer: &CachedFileMetadataEntry| {
            u32::try_from(footer.size() + key.path.as_ref().len()).unwrap_or(u32::MAX)
        };
        Self(moka::sync::Cache::builder().max_capacity(bytes).weigher(weigh).build())
    }

    /// The same scan, with the footers of `table`, read from `store`, kept here.
    pub(super) fn kept(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        store: &Arc<GuardedStore>,
        table: &str,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let kept = self.of(store.id(), table);
        let factory = Arc::new(CachedParquetFileReaderFactory::new(Arc::clone(store) as _, Arc::new(kept)));
        let kept = plan.transform_up(|node| {
            let Some(config) = node.downcast_ref::<DataSourceExec>().and_then(|source| files(source)) else {
                return Ok(Transformed::no(node));
            };
            let Some(parquet) = config.file_source().downcast_ref::<ParquetSource>() else {
                return Ok(Transformed::no(node));
            };
            let parquet = parquet.clone().with_parquet_file_reader_factory(Arc::clone(&factory) as _);
            let config = FileScanConfigBuilder::from(config.clone()).with_source(Arc::new(parquet)).build();
            Ok(Transformed::yes(DataSourceExec::from_data_source(config)))
        });
        kept.data()
    }

    fn of(&self, store: &str, table: &str) -> OfTable {
        OfTable { footers: self.0.clone(), store: store.into(), table: table.into() }
    }
}

fn files(source: &DataSourceExec) -> Option<&FileScanConfig> {
    source.data_source().downcast_ref::<FileScanConfig>()
}

/// What a reader of one table sees of the footers.
struct OfTable {
    footers: moka::sync::Cache<Key, CachedFileMetadataEntry>,
    store: Arc<str>,
    table: Arc<str>,
}

impl OfTable {
    fn key(&self, path: &Path) -> Key {
        Key { store: Arc::clone(&self.store), table: Arc::clone(&self.table), path: path.clone() }
    }
}

/// What asks for entries, limits or names of a whole cache is told nothing: it is shared.
impl Cache<Path, CachedFileMetadataEntry> for OfTable {
    fn get(&self, path: &Path) -> Option<CachedFileMetadataEntry> {
        self.footers.get(&self.key(path))
    }

    fn put(&self, path: &Path, footer: CachedFileMetadataEntry) -> Option<CachedFileMetadataEntry> {
        self.footers.insert(self.key(path), footer);
        None
    }

    fn remove(&self, path: &Path) -> Option<CachedFileMetadataEntry> {
        self.footers.remove(&self.key(path))
    }

    fn contains_key(&self, path: &Path) -> bool {
        self.footers.contains_key(&self.key(path))
    }

    fn len(&self) -> usize {
        0
    }

    fn clear(&self) {}

    fn name(&self) -> String {
        "footers".to_owned()
    }

    fn cache_limit(&self) -> usize {
        self.footers.policy().max_capacity().and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(usize::MAX)
    }

    fn update_cache_limit(&self, _limit: usize) {}

    fn cache_ttl(&self) -> Option<Duration> {
        None
    }

    fn update_cache_ttl(&self, _ttl: Option<Duration>) {}

    fn drop_table_entries(&self, _table: &TableReference) -> Result<()> {
        Ok(())
    }

    fn list_entries(&self) -> HashMap<Path, CacheEntryInfo<CachedFileMetadataEntry>> {
        HashMap::new()
    }
}

#[cfg(test)]
#[path = "footers_tests.rs"]
mod tests;
