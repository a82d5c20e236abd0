//! One snapshot of a Delta table as a table that can be scanned, and never written to.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use catalog::Table;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::{DataFusionError, Result, Statistics};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use deltalake::delta_datafusion::{DeltaScanConfig, DeltaScanNext};
use futures::FutureExt;
use tokio::sync::Semaphore;

use super::error::from_scan;
use super::files;
use super::footers::Footers;
use super::snapshot::Snapshot;
use crate::error::Error;
use crate::storage::{GuardedRegistry, GuardedStore};

/// What a provider is made of.
pub(super) struct Parts {
    pub(super) table: Arc<Table>,
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) store: Arc<GuardedStore>,
    pub(super) registry: Arc<GuardedRegistry>,
    pub(super) footers: Footers,
    pub(super) planning: Arc<Semaphore>,
    pub(super) deadline: Instant,
}

/// Scans one snapshot. Everything that writes is refused by the trait's own defaults.
pub(super) struct DeltaProvider {
    parts: Parts,
    scan: DeltaScanNext,
    /// The identifier in the table's metadata.
    id: String,
}

impl DeltaProvider {
    pub(super) fn new(parts: Parts) -> Result<Self, Error> {
        let delta = parts.snapshot.table();
        let state = delta.snapshot().map_err(|cause| super::error::from_log(&parts.table, cause))?;
        let config = DeltaScanConfig {
            file_column_name: None,
            // As dictionaries they meet a wrong-result bug in the hash join's filter.
            wrap_partition_values: false,
            // Whatever the session says: rows are filtered while they are decoded.
            enable_parquet_pushdown: true,
            schema_force_view_types: true,
            schema: None,
        };
        // Without a log store the scan can neither register a store nor write.
        let scan =
            DeltaScanNext::new(state.snapshot().clone(), config).map_err(|cause| from_scan(&parts.table, cause))?;
        let id = state.metadata().id().to_owned();
        Ok(Self { parts, scan, id })
    }

    /// Plans the scan; a panic of the library over a hostile log is an error like any other.
    async fn plan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>, Error> {
        let table = &self.parts.table;
        let planning = async {
            let _permit = self.parts.planning.acquire().await;
            AssertUnwindSafe(self.scan.scan(session, projection, filters, limit)).catch_unwind().await
        };
        let plan = tokio::time::timeout_at(self.parts.deadline.into(), planning)
            .await
            .map_err(|_| Error::unavailable(table, "the scan was not planned before the deadline"))?
            .map_err(|_| Error::failed(table, "planning the scan panicked"))?
            .map_err(|cause| from_scan(table, cause))?;
        files::check(&plan, &self.parts.store).map_err(|cause| Error::failed(table, cause))?;
        let kept = self.parts.footers.kept(plan, &self.parts.store, &self.id);
        kept.map_err(|cause| Error::failed(table, cause))
    }
}

impl fmt::Debug for DeltaProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeltaProvider")
            .field("table", &self.parts.table.name)
            .field("snapshot", &self.parts.snapshot)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl TableProvider for DeltaProvider {
    fn schema(&self) -> SchemaRef {
        self.scan.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        // Invariant: a log is only ever replayed against guarded stores; deletion vectors are read here.
        let registry = Arc::as_ptr(&session.runtime_env().object_store_registry).cast::<()>();
        if registry != Arc::as_ptr(&self.parts.registry).cast::<()>() {
            return Err(DataFusionError::Internal("the session has other object stores than ours".to_owned()));
        }
        Ok(self.plan(session, projection, filters, limit).await?)
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        self.scan.supports_filters_pushdown(filters)
    }

    fn statistics(&self) -> Option<Statistics> {
        let rows = usize::try_from(self.parts.snapshot.rows()?).ok()?;
        let mut statistics = Statistics::new_unknown(&self.schema());
        statistics.num_rows = Precision::Inexact(rows);
        Some(statistics)
    }
}
