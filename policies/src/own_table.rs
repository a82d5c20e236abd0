//! Tables of the gateway's own making, such as `system.products`: rows that are already this caller's.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PhysicalExpr, PlanProperties, ReplaceChildrenOptions,
};

/// A table of rows that the gateway made for one caller; [`verify`](crate::verify()) lets it pass.
///
/// Invariant: every row and column may be seen by everybody who can name the table. Nothing is filtered or masked
/// here. Never give it rows of a source.
///
/// # Errors
/// When a batch does not have the `schema`.
pub fn own_table(name: &str, schema: SchemaRef, batches: Vec<RecordBatch>) -> Result<Arc<dyn TableProvider>> {
    if batches.iter().any(|batch| batch.schema() != schema) {
        return Err(DataFusionError::Internal(format!("a batch of \"{name}\" does not have the table's schema")));
    }
    Ok(Arc::new(OwnTable { name: name.into(), schema, batches }))
}

/// See [`own_table`].
struct OwnTable {
    name: Arc<str>,
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
}

impl fmt::Debug for OwnTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnTable").field("name", &self.name).finish_non_exhaustive()
    }
}

#[async_trait]
impl TableProvider for OwnTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let rows = MemorySourceConfig::try_new_exec(
            std::slice::from_ref(&self.batches),
            Arc::clone(&self.schema),
            projection.cloned(),
        )?;
        Ok(Arc::new(OwnScan { name: Arc::clone(&self.name), rows }))
    }
}

/// Leaf of a plan that reads a table of the gateway's own making.
pub struct OwnScan {
    name: Arc<str>,
    rows: Arc<dyn ExecutionPlan>,
}

impl fmt::Debug for OwnScan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnScan").field("name", &self.name).finish_non_exhaustive()
    }
}

impl DisplayAs for OwnScan {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match format {
            DisplayFormatType::Default | DisplayFormatType::Verbose => write!(f, "OwnScan: table={}", self.name),
            DisplayFormatType::TreeRender => writeln!(f, "table={}", self.name),
        }
    }
}

impl ExecutionPlan for OwnScan {
    fn name(&self) -> &'static str {
        "OwnScan"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.rows.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if children.is_empty() { Ok(self) } else { Err(DataFusionError::Internal("OwnScan is a leaf".to_owned())) }
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        if children.is_empty() { Ok(self) } else { Err(DataFusionError::Internal("OwnScan is a leaf".to_owned())) }
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        self.rows.execute(partition, context)
    }
}
