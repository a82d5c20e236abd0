//! Which statements are read steadily, and that hidden rows then decide nothing.
#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests may unwrap, and need sessions of their own")]

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, SchemaRef};
use async_trait::async_trait;
use catalog::{Status, Version};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::not_impl_err;
use datafusion::datasource::MemTable;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, LogicalPlan, TableType, col, lit};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::{SessionConfig, SessionContext};

use super::must_be_steady;
use crate::decision::{ColumnAccess, Restrictions};
use crate::governed_table;
use crate::testing::table;

/// Some columns of each kind, no row.
const TYPED: &str = "SELECT * FROM (VALUES (CAST(1 AS BIGINT), CAST(1 AS INT), 1.5e0, CAST(1.5 AS DECIMAL(15, 2)),
    CAST(1 AS DECIMAL(38, 0)), 'a', DATE '2024-01-01', TIMESTAMP '2024-01-01', true, 1))
    AS t(n, i, f, d, huge, s, day, at, b, hidden) WHERE n > 1";

/// `inner` without its column `hidden`, and without the rows that have one, if `restricted`.
fn govern(inner: Arc<dyn TableProvider>, restricted: bool) -> Arc<dyn TableProvider> {
    let schema = inner.schema();
    let columns: Vec<(&str, DataType)> =
        schema.fields().iter().map(|field| (field.name().as_str(), field.data_type().clone())).collect();
    let contract = Arc::new(table("hr.staff", &columns, Status::Active));
    let binding = catalog::drift::bind(&contract, &schema).unwrap();
    let shown = columns.iter().enumerate().filter(|(_, (name, _))| !restricted || *name != "hidden");
    let restrictions = Restrictions {
        columns: shown.map(|(index, _)| ColumnAccess { index, mask: None }).collect(),
        row_filter: restricted.then(|| col("hidden").eq(lit(0_i64))),
        smallest_group: None,
        rules: Vec::new(),
        fingerprint: 0,
    };
    governed_table(inner, contract, &binding, Arc::new(restrictions), Version::Unversioned).unwrap()
}

async fn context(restricted: bool) -> SessionContext {
    let context = SessionContext::new();
    let frame = context.sql(TYPED).await.unwrap();
    let schema = Arc::new(frame.schema().as_arrow().clone());
    let inner = Arc::new(MemTable::try_new(schema, vec![Vec::new()]).unwrap());
    context.register_table("t", govern(inner, restricted)).unwrap();
    context
}

async fn is_steady(context: &SessionContext, sql: &str) -> bool {
    let plan = context.state().create_logical_plan(sql).await.unwrap_or_else(|error| unreachable!("{sql}: {error}"));
    must_be_steady(&context.state().optimize(&plan).unwrap()).unwrap()
}

#[tokio::test]
async fn what_can_fail_on_a_row_is_read_steadily() {
    let context = context(true).await;
    for sql in [
        "SELECT 1 / n FROM t",
        "SELECT n % i FROM t",
        "SELECT n / -1 FROM t",
        "SELECT n / 0 FROM t",
        "SELECT CAST(s AS BIGINT) FROM t",
        "SELECT s::date FROM t",
        "SELECT CAST(n AS INT) FROM t",
        "SELECT d / 3 FROM t",
        "SELECT huge + huge FROM t",
        "SELECT d * d * d FROM t",
        "SELECT abs(n) FROM t",
        "SELECT -huge FROM t",
        "SELECT s ~ s FROM t",
        "SELECT repeat(s, n) FROM t",
        "SELECT day + INTERVAL '1 month' FROM t",
        "SELECT date_trunc(s, at) FROM t",
        "SELECT n FROM t WHERE b OR 1 / n > 0",
        "SELECT n FROM t ORDER BY 1 / n LIMIT 3",
        "SELECT count(*) FROM t GROUP BY 10 / n",
        "SELECT sum(10 / n) FROM t",
        "SELECT sum(n) FILTER (WHERE 1 / n > 0) FROM t",
        "SELECT sum(n) / count(*) FROM t",
        "SELECT a.n FROM t a JOIN t b ON a.n = b.n AND a.i / b.i > 0",
        "SELECT n FROM t WHERE n IN (SELECT 1 / i FROM t)",
        "SELECT n FROM t UNION ALL SELECT 1 / n FROM t",
        "SELECT sum(n) OVER (ORDER BY n RANGE 1 PRECEDING) FROM t",
        "SELECT 1 / x FROM (VALUES (1), (0)) AS v(x), t",
    ] {
        assert!(is_steady(&context, sql).await, "{sql}");
    }
}

#[tokio::test]
async fn what_cannot_fail_is_read_as_ever() {
    let context = context(true).await;
    for sql in [
        "SELECT * FROM t",
        "SELECT n + i * 2 - n, -n, n / 2, n % 7, n & i FROM t WHERE b OR n > 1",
        "SELECT f / f, sqrt(f), round(f), d + d, d * 2, d * d FROM t",
        "SELECT sum(d * (1 - d)), avg(f), min(s), count(DISTINCT n) FROM t GROUP BY i HAVING count(*) > 1",
        "SELECT avg(n) / count(*) FROM t",
        "SELECT upper(s), s || 'x', left(s, 2), length(s), s LIKE 'a%', try_cast(s AS BIGINT) FROM t",
        "SELECT date_trunc('month', at), extract(year FROM day), day - day FROM t WHERE day > DATE '2024-01-01'",
        "SELECT CASE WHEN n > 1 THEN s ELSE 'x' END, coalesce(n, 0), CAST(n AS TEXT) FROM t",
        "SELECT row_number() OVER (PARTITION BY s ORDER BY n), lag(n) OVER (ORDER BY n) FROM t",
        "SELECT sum(n) OVER (ORDER BY n ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM t",
        "SELECT a.n FROM t a JOIN t b ON a.n = b.i WHERE a.s IN (SELECT s FROM t) ORDER BY 1 LIMIT 3",
        "SELECT n, (SELECT max(i) FROM t) FROM t WHERE EXISTS (SELECT 1 FROM t x WHERE x.n = t.n)",
        "SELECT 1 / x FROM (VALUES (1), (0)) AS v(x)",
    ] {
        assert!(!is_steady(&context, sql).await, "{sql}");
    }
}

#[tokio::test]
async fn whoever_sees_all_of_a_table_is_never_slowed_down() {
    assert!(!is_steady(&context(false).await, "SELECT 1 / n, CAST(s AS BIGINT) FROM t").await);
}

/// What a view is to the policies: a source with a plan.
#[derive(Debug)]
struct Body(LogicalPlan);

#[async_trait]
impl TableProvider for Body {
    fn schema(&self) -> SchemaRef {
        Arc::clone(self.0.schema().inner())
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    fn get_logical_plan(&self) -> Option<Cow<'_, LogicalPlan>> {
        Some(Cow::Borrowed(&self.0))
    }

    async fn scan(
        &self,
        _session: &dyn Session,
        _projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        not_impl_err!("is never run")
    }
}

/// A view that the caller sees all of, over the table of which something is hidden or nothing is.
async fn view(restricted: bool, body: &str) -> SessionContext {
    let context = context(restricted).await;
    let plan = context.state().create_logical_plan(body).await.unwrap();
    context.register_table("v", govern(Arc::new(Body(plan)), false)).unwrap();
    context
}

#[tokio::test]
async fn a_view_hides_what_its_tables_hide_and_fails_where_its_body_fails() {
    let total = view(true, "SELECT n, i FROM t").await;
    assert!(is_steady(&total, "SELECT 1 / n FROM v").await);
    assert!(!is_steady(&total, "SELECT n + i FROM v WHERE n > 1").await);
    let fallible = view(true, "SELECT n FROM t WHERE 1 / i > 0").await;
    assert!(is_steady(&fallible, "SELECT n FROM v").await);
    let open = view(false, "SELECT n FROM t WHERE 1 / i > 0").await;
    assert!(!is_steady(&open, "SELECT 1 / n FROM v").await);
}

/// Twelve visible rows, with `gap` hidden ones before each, in partitions and batches of these sizes.
///
/// `a` holds for all but the sixth and the tenth; `b` is 0 in the fifth, the seventh and the ninth; `c` is no number
/// in the eighth.
fn source(gap: usize, partition: usize, batch: usize) -> Arc<dyn TableProvider> {
    let rows: Vec<Option<usize>> =
        (0..12).flat_map(|row| std::iter::repeat_n(None, gap).chain(std::iter::once(Some(row)))).collect();
    let column = |value: fn(usize) -> i64| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.map_or(0, value))))
    };
    let a: Vec<Option<bool>> = rows.iter().map(|row| Some(row.is_some_and(|row| row != 5 && row != 9))).collect();
    let c: Vec<&str> = rows.iter().map(|row| if *row == Some(7) { "no number" } else { "3" }).collect();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", column(|row| i64::try_from(row).unwrap_or_default())),
        ("a", Arc::new(BooleanArray::from(a))),
        ("b", column(|row| i64::from(![4, 6, 8].contains(&row)))),
        ("c", Arc::new(StringArray::from(c))),
        ("hidden", Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| i64::from(row.is_none()))))),
    ];
    let whole = RecordBatch::try_from_iter(columns).unwrap();
    let cut = |whole: &RecordBatch, size: usize| -> Vec<RecordBatch> {
        (0..whole.num_rows()).step_by(size).map(|at| whole.slice(at, size.min(whole.num_rows() - at))).collect()
    };
    let partitions = cut(&whole, partition).iter().map(|part| cut(part, batch)).collect();
    Arc::new(MemTable::try_new(whole.schema(), partitions).unwrap())
}

/// The rows of a statement in their order, or the kind of its failure.
async fn answer(source: Arc<dyn TableProvider>, batch_size: usize, sql: &str) -> std::result::Result<String, String> {
    let config = SessionConfig::new().with_target_partitions(1).with_batch_size(batch_size);
    let context = SessionContext::new_with_config(config);
    context.register_table("t", govern(source, true)).unwrap();
    let batches: Result<Vec<RecordBatch>> = async { context.sql(sql).await?.collect().await }.await;
    let batches = batches.map_err(|error| error.strip_backtrace())?;
    Ok(arrow::util::pretty::pretty_format_batches(&batches).unwrap().to_string())
}

#[tokio::test]
async fn how_visible_rows_lie_among_hidden_ones_decides_nothing() {
    let statements = [
        "SELECT id FROM t WHERE a OR 10 / b > 0",
        "SELECT id FROM t WHERE NOT a AND 10 / b > 0",
        "SELECT id FROM t WHERE a AND CAST(c AS BIGINT) + 1 / b > 0",
        "SELECT 1 / b FROM t LIMIT 4",
        "SELECT 1 / b FROM t LIMIT 5",
        "SELECT id, b FROM t WHERE 1 / b = 1 LIMIT 4",
        "SELECT id, y FROM (SELECT id, 1 / b AS y FROM t) ORDER BY id LIMIT 2",
        "SELECT 1 / b + CAST(c AS BIGINT) FROM t",
        "SELECT 1 / x FROM (SELECT 0 AS x FROM t)",
    ];
    for batch_size in [1, 3, 8192] {
        for sql in statements {
            let first = answer(source(0, 100, 100), batch_size, sql).await;
            for (gap, partition, batch) in [(0, 5, 2), (1, 7, 3), (3, 10, 4), (9, 25, 25), (2, 100, 1)] {
                let other = answer(source(gap, partition, batch), batch_size, sql).await;
                assert_eq!(other, first, "{sql}, {gap} hidden rows before each, batches of {batch_size}");
            }
        }
    }
}

#[tokio::test]
async fn the_same_rows_leave_in_full_batches_and_none_of_them_twice() {
    let config = SessionConfig::new().with_target_partitions(1).with_batch_size(5);
    let context = SessionContext::new_with_config(config);
    context.register_table("t", govern(source(2, 9, 2), true)).unwrap();
    let sizes = |batches: Vec<RecordBatch>| batches.iter().map(RecordBatch::num_rows).collect::<Vec<_>>();
    let rows = context.sql("SELECT id FROM t").await.unwrap().collect().await.unwrap();
    assert_eq!(sizes(rows), [5, 5, 2]);
    let counted = context.sql("SELECT 1 FROM t").await.unwrap().collect().await.unwrap();
    assert_eq!(counted.iter().map(RecordBatch::num_rows).sum::<usize>(), 12);
    let few = context.sql("SELECT id FROM t LIMIT 7").await.unwrap().collect().await.unwrap();
    assert_eq!(few.iter().map(RecordBatch::num_rows).sum::<usize>(), 7);
}
