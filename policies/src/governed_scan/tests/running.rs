//! How a governed scan runs: it can be stopped, run again, and spread.

use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::catalog::TableProvider;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{col, lit};
use datafusion::physical_plan::execution_plan::reset_plan_states;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties, collect};

use super::fixture::{Columns, HiddenRows, Policy, govern, memory, outcome, raw, restrictions, session};
use super::sources::parquet;

/// Rows without end, always ready.
#[derive(Debug)]
struct Endless(RecordBatch, SchemaRef);

impl PartitionStream for Endless {
    fn schema(&self) -> &SchemaRef {
        &self.1
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let batch = self.0.clone();
        let stream = futures::stream::repeat_with(move || Ok(batch.clone()));
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.1), stream))
    }
}

#[tokio::test]
async fn a_filter_that_drops_every_row_can_be_stopped() {
    let batch = raw(HiddenRows::Explosive);
    let schema = batch.schema();
    let endless = Arc::new(Endless(batch, Arc::clone(&schema)));
    let inner: Arc<dyn TableProvider> = Arc::new(StreamingTable::try_new(schema, vec![endless]).unwrap());
    let table = govern(inner, restrictions(Some(col("tenant").eq(lit("nobody"))), Columns::Masked));
    let context = session(64, table);
    let rows = async { outcome(&context, "SELECT id, ssn FROM p").await };
    let stopped = tokio::time::timeout(Duration::from_millis(50), rows).await;
    assert!(stopped.is_err(), "an endless source has ended: {stopped:?}");
}

async fn scan_of(table: &Arc<dyn TableProvider>) -> (Arc<dyn ExecutionPlan>, Arc<TaskContext>) {
    let context = session(64, Arc::clone(table));
    let plan = table.scan(&context.state(), Some(&vec![0, 1]), &[col("flag").is_true()], None).await.unwrap();
    (plan, context.task_ctx())
}

async fn rows(plan: &Arc<dyn ExecutionPlan>, context: &Arc<TaskContext>) -> usize {
    let batches = collect(Arc::clone(plan), Arc::clone(context)).await.unwrap();
    batches.iter().map(RecordBatch::num_rows).sum()
}

#[tokio::test]
async fn a_scan_runs_again_after_a_reset() {
    let table = govern(memory(HiddenRows::Explosive), restrictions(Some(Policy::Like.filter()), Columns::Masked));
    let (plan, context) = scan_of(&table).await;
    assert_eq!(rows(&plan, &context).await, 40);
    let again = reset_plan_states(Arc::clone(&plan)).unwrap();
    assert!(!Arc::ptr_eq(&plan, &again));
    assert_eq!(rows(&again, &context).await, 40);
}

#[tokio::test]
async fn a_scan_spreads_as_its_source_does_and_stays_filtered() {
    let (_folder, inner) = parquet(HiddenRows::Explosive).await;
    let table = govern(inner, restrictions(Some(Policy::Equal.filter()), Columns::Masked));
    let (plan, context) = scan_of(&table).await;
    let mut config = context.session_config().options().as_ref().clone();
    config.optimizer.repartition_file_min_size = 0;
    let wide = plan.repartitioned(8, &config).unwrap().unwrap();
    assert_eq!(wide.output_partitioning().partition_count(), 8);
    assert_eq!(rows(&plan, &context).await, 40);
    assert_eq!(rows(&wide, &context).await, 40);
}

#[tokio::test]
async fn a_recursive_statement_reads_the_same_rows_each_time() {
    for columns in [Columns::Clear, Columns::Masked] {
        let table = govern(memory(HiddenRows::Explosive), restrictions(Some(Policy::In.filter()), columns));
        let context = session(64, table);
        let statement =
            "WITH RECURSIVE r AS (SELECT 0 AS n UNION ALL SELECT p.id + 2 FROM r JOIN p ON p.id = r.n WHERE r.n < 20)
             SELECT count(*), max(n) FROM r";
        assert_eq!(outcome(&context, statement).await, "1 rows\n11|20");
    }
}
