//! A caller who sees everything loses nothing by the governed scan but the look below.

use std::sync::Arc;

use arrow::datatypes::{Field, Schema};
use arrow::record_batch::RecordBatch;
use catalog::Version;
use datafusion::catalog::TableProvider;
use datafusion::datasource::MemTable;
use datafusion::logical_expr::{TableProviderFilterPushDown, col, lit};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::SessionContext;

use super::fixture::{Columns, HiddenRows, contract, govern, memory, outcome, partitions, raw, restrictions, session};
use super::sources::parquet_of;
use crate::{governed_table, verify};

/// The rows of the fixture under the contract's own names.
pub(super) fn renamed() -> RecordBatch {
    let batch = raw(HiddenRows::Harmless);
    let fields: Vec<Field> =
        batch.schema().fields().iter().map(|field| field.as_ref().clone().with_name(&field.name()[2..])).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), batch.columns().to_vec()).unwrap()
}

fn plain() -> Arc<dyn TableProvider> {
    let batch = renamed();
    let by_id = vec![vec![col("id").sort(true, false)]; 3];
    Arc::new(MemTable::try_new(batch.schema(), partitions(&batch)).unwrap().with_sort_order(by_id))
}

/// `inner` for a caller who sees everything, under a contract of its names and types.
pub(super) fn whole(inner: Arc<dyn TableProvider>) -> Arc<dyn TableProvider> {
    let mut table = contract().as_ref().clone();
    for column in &mut table.columns {
        column.physical_name = column.name.clone();
        column.data_type = inner.schema().field_with_name(&column.name).unwrap().data_type().clone();
    }
    let table = Arc::new(table);
    let binding = catalog::drift::bind(&table, &inner.schema()).unwrap();
    governed_table(inner, table, &binding, restrictions(None, Columns::Clear), Version::Unversioned).unwrap()
}

async fn explain(context: &SessionContext, statement: &str) -> (Arc<dyn ExecutionPlan>, String) {
    let plan = context.sql(statement).await.unwrap().create_physical_plan().await.unwrap();
    let text = datafusion::physical_plan::displayable(plan.as_ref()).indent(false).to_string();
    (plan, text)
}

#[tokio::test]
async fn a_count_comes_from_the_statistics() {
    let (plan, text) = explain(&session(64, whole(plain())), "SELECT count(*) FROM p").await;
    assert!(!text.contains("GovernedScan"), "{text}");
    assert!(verify(&plan).is_ok());
}

#[tokio::test]
async fn the_order_of_the_source_is_used() {
    let (_, text) = explain(&session(64, whole(plain())), "SELECT id FROM p ORDER BY id").await;
    assert!(!text.contains("SortExec"), "{text}");
    let restricted = govern(memory(HiddenRows::Harmless), restrictions(None, Columns::Masked));
    let (_, text) = explain(&session(64, restricted), "SELECT id FROM p ORDER BY id").await;
    assert!(text.contains("SortExec"), "{text}");
}

#[tokio::test]
async fn leakproof_conditions_are_applied_below_and_no_others() {
    let table = whole(plain());
    let fallible = (lit(1_i64) / (col("id") - lit(4_i64))).gt(lit(-1_i64));
    let support = table.supports_filters_pushdown(&[&col("id").gt(lit(1_i64)), &fallible]).unwrap();
    assert_eq!(support, [TableProviderFilterPushDown::Exact, TableProviderFilterPushDown::Unsupported]);
    let context = session(64, table);
    let (_, text) = explain(&context, "SELECT ssn FROM p WHERE id > 5 AND flag").await;
    assert!(!text.contains("FilterExec"), "{text}");
    // The caller's own mistake is told as such.
    let seen = outcome(&context, "SELECT id FROM p WHERE 1/(id - 4) > -1").await;
    assert!(seen.contains("Divide by zero"), "{seen}");
}

async fn check(inner: Arc<dyn TableProvider>) {
    let (governed, inner) = (session(64, whole(Arc::clone(&inner))), session(64, inner));
    for statement in [
        "SELECT id, tenant, ssn, salary, note, flag, score, born FROM p WHERE id > 100 AND ssn LIKE '1%'",
        "SELECT count(*) FROM p WHERE flag",
        "SELECT 1 FROM p",
        "SELECT id FROM p WHERE flag ORDER BY id LIMIT 7",
        "SELECT id, note FROM p ORDER BY id DESC LIMIT 7",
        "SELECT max(salary), min(born) FROM p WHERE note IS NOT NULL",
        "SELECT p.id FROM (VALUES (2), (3)) v(k) JOIN p ON p.id = v.k",
        "SELECT count(*) FROM (SELECT id FROM p WHERE flag LIMIT 9)",
        "SELECT count(*) FROM (SELECT id FROM p LIMIT 9)",
        "SELECT a.id FROM p a JOIN p b ON a.id = b.salary WHERE b.flag",
        "SELECT tenant, count(*) FROM p GROUP BY tenant",
        "SELECT id FROM p WHERE id < 0 OR 1/(id - 300) > -1",
    ] {
        assert_eq!(outcome(&governed, statement).await, outcome(&inner, statement).await, "{statement}");
        let (plan, text) = explain(&governed, statement).await;
        assert!(verify(&plan).is_ok(), "{statement}");
        assert!(!text.contains("parquet"), "{text}");
    }
}

#[tokio::test]
async fn every_statement_answers_as_over_the_source_itself() {
    check(plain()).await;
    let (_folder, files) = parquet_of(&renamed()).await;
    check(files).await;
}
