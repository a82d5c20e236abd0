//! The last look at a plan before it runs: every leaf is governed.

use std::any::Any;
use std::sync::Arc;

use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::sink::DataSinkExec;
use datafusion::datasource::source::DataSourceExec;
use datafusion::functions_table::generate_series::{Empty, GenericSeriesState, TimestampValue};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::memory::{LazyBatchGenerator, LazyMemoryExec};
use datafusion::physical_plan::placeholder_row::PlaceholderRowExec;
use datafusion::physical_plan::work_table::WorkTableExec;

use crate::error::Error;
use crate::governed_scan::GovernedScan;
use crate::own_table::OwnScan;

/// Refuses a plan that reads from anything but governed tables and rows that the statement itself makes.
///
/// Allowed leaves: [`GovernedScan`], [`OwnScan`], the empty relation, the one row of a `SELECT` without `FROM`,
/// `VALUES`, `generate_series`/`range`, and the working table of a recursive query. Plans inside other nodes, such
/// as scalar sub-queries, are children in DataFusion 55 and are looked at like the rest. Types are compared
/// exactly: a node that only claims to be another one is refused.
///
/// # Errors
/// [`Error::UngovernedLeaf`] or [`Error::Write`], which name the type of the node and nothing of its content.
pub fn verify(plan: &Arc<dyn ExecutionPlan>) -> Result<(), Error> {
    let mut open = vec![plan];
    while let Some(plan) = open.pop() {
        if is::<DataSinkExec>(plan) {
            return Err(Error::Write { node: plan.name().to_owned() });
        }
        let children = plan.children();
        if children.is_empty() && !is_allowed_leaf(plan) {
            return Err(Error::UngovernedLeaf { node: plan.name().to_owned() });
        }
        open.extend(children);
    }
    Ok(())
}

fn is_allowed_leaf(plan: &Arc<dyn ExecutionPlan>) -> bool {
    is::<GovernedScan>(plan)
        || is::<OwnScan>(plan)
        || is::<EmptyExec>(plan)
        || is::<PlaceholderRowExec>(plan)
        || is::<WorkTableExec>(plan)
        || exact::<DataSourceExec>(plan).is_some_and(is_values)
        || exact::<LazyMemoryExec>(plan).is_some_and(is_series)
}

/// Not `plan.is()`: that follows `downcast_delegate`, a claim of the node about itself.
fn exact<T: ExecutionPlan>(plan: &Arc<dyn ExecutionPlan>) -> Option<&T> {
    (plan.as_ref() as &dyn Any).downcast_ref()
}

fn is<T: ExecutionPlan>(plan: &Arc<dyn ExecutionPlan>) -> bool {
    exact::<T>(plan).is_some()
}

/// Whether the node holds the rows of a `VALUES`, and not those of a table in memory: nothing marks them, but
/// `VALUES` has one batch, no order, and columns called `column1`, `column2`, …, which no contract has.
fn is_values(node: &DataSourceExec) -> bool {
    let source: &dyn Any = node.data_source().as_ref();
    let Some(memory) = source.downcast_ref::<MemorySourceConfig>() else { return false };
    let [batches] = memory.partitions() else { return false };
    let schema = memory.original_schema();
    let named_by_place =
        schema.fields().iter().enumerate().all(|(index, field)| *field.name() == format!("column{}", index + 1));
    batches.len() <= 1 && memory.sort_information().is_empty() && named_by_place
}

/// Whether the node makes the rows of `generate_series` or `range`.
fn is_series(node: &LazyMemoryExec) -> bool {
    node.generators().iter().all(|generator| {
        let generator = generator.read();
        let generator: &dyn LazyBatchGenerator = &*generator;
        let generator = generator.as_any();
        generator.is::<GenericSeriesState<i64>>()
            || generator.is::<GenericSeriesState<TimestampValue>>()
            || generator.is::<Empty>()
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests may unwrap, and need sessions")]

    use arrow::array::Int64Array;
    use arrow::datatypes::{DataType, Field, Schema};
    use arrow::record_batch::RecordBatch;
    use datafusion::datasource::MemTable;
    use datafusion::prelude::SessionContext;

    use super::*;
    use crate::own_table;

    async fn plan(statement: &str) -> Arc<dyn ExecutionPlan> {
        let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, true)]));
        let rows = Arc::new(Int64Array::from(vec![1, 2, 3]));
        let batch = RecordBatch::try_new(Arc::clone(&schema), vec![rows]).unwrap();
        let context = SessionContext::new();
        let ungoverned = MemTable::try_new(Arc::clone(&schema), vec![vec![batch.clone()]]).unwrap();
        context.register_table("ungoverned", Arc::new(ungoverned)).unwrap();
        context.register_table("own", own_table("own", schema, vec![batch]).unwrap()).unwrap();
        context.sql(statement).await.unwrap().create_physical_plan().await.unwrap()
    }

    #[tokio::test]
    async fn rows_that_the_statement_makes_pass() {
        for statement in [
            "SELECT 1",
            "SELECT * FROM (VALUES (1, 'a'), (2, 'b')) v(x, y) WHERE x > 1",
            "SELECT y FROM (VALUES (1, 'a'), (2, 'b')) v(x, y)",
            "SELECT * FROM generate_series(1, 10)",
            "SELECT * FROM range(timestamp '2024-01-01', timestamp '2024-01-02', interval '1 hour')",
            "SELECT 1 WHERE false",
            "SELECT unnest([1, 2])",
            "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT * FROM r",
            "SELECT (SELECT max(n) FROM own), n FROM own JOIN (VALUES (1)) v(k) ON n = k",
        ] {
            assert!(verify(&plan(statement).await).is_ok(), "{statement}");
        }
    }

    #[tokio::test]
    async fn an_ungoverned_leaf_is_refused_wherever_it_is() {
        for statement in [
            "SELECT * FROM ungoverned",
            "SELECT n FROM own UNION ALL SELECT n FROM ungoverned",
            "SELECT (SELECT max(n) FROM ungoverned)",
            "SELECT n FROM own WHERE n IN (SELECT n FROM ungoverned)",
            "SELECT n FROM own WHERE n > (SELECT min(n) FROM ungoverned) ORDER BY n LIMIT 1",
            "SELECT n FROM own WHERE EXISTS (SELECT 1 FROM ungoverned u WHERE u.n = own.n)",
            "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT u.n FROM r, ungoverned u) SELECT * FROM r",
            "EXPLAIN SELECT n FROM own",
        ] {
            let error = verify(&plan(statement).await).unwrap_err();
            assert!(matches!(error, Error::UngovernedLeaf { .. }), "{statement}: {error}");
        }
        let error = verify(&plan("SELECT * FROM ungoverned").await).unwrap_err();
        assert_eq!(error.to_string(), "the plan reads from DataSourceExec, which is not governed");
    }

    #[tokio::test]
    async fn a_plan_that_writes_is_refused() {
        let error = verify(&plan("INSERT INTO ungoverned SELECT n FROM own").await).unwrap_err();
        assert!(matches!(error, Error::Write { .. }), "{error}");
    }

    #[tokio::test]
    async fn tables_of_the_gateways_own_can_be_read_and_not_changed() {
        let context = SessionContext::new();
        let rows = plan("SELECT count(*) FROM own WHERE n > 1").await;
        let batches = datafusion::physical_plan::collect(rows, context.task_ctx()).await.unwrap();
        let text = arrow::util::pretty::pretty_format_batches(&batches).unwrap().to_string();
        assert!(text.contains("| 2 "), "{text}");
    }
}
