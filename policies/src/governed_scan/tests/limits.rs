//! What the source is asked for: its own names, no column too many, no limit below a filter.

use std::sync::{Arc, Mutex};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::MemTable;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType, col, lit};
use datafusion::physical_plan::ExecutionPlan;

use super::fixture::{Columns, HiddenRows, Policy, collect, govern, memory, partitions, raw, restrictions, session};

/// Notes what it is asked for, and promises to apply every condition exactly without applying one.
#[derive(Debug)]
struct Liar {
    inner: Arc<dyn TableProvider>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

#[derive(Debug, Clone, PartialEq)]
struct Asked {
    columns: Vec<String>,
    filters: Vec<String>,
    limit: Option<usize>,
}

#[async_trait]
impl TableProvider for Liar {
    fn schema(&self) -> SchemaRef {
        self.inner.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Exact; filters.len()])
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = self.schema();
        let columns = projection.unwrap().iter().map(|index| schema.field(*index).name().clone()).collect();
        let filters = filters.iter().map(ToString::to_string).collect();
        self.asked.lock().unwrap().push(Asked { columns, filters, limit });
        self.inner.scan(session, projection, &[], None).await
    }
}

async fn check(filter: Option<Expr>, statement: &str, columns: &[&str], filters: &[&str], limit: Option<usize>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let liar = Arc::new(Liar { inner: memory(HiddenRows::Explosive), asked: Arc::clone(&asked) });
    let context = session(64, govern(liar, restrictions(filter, Columns::Masked)));
    let rows = collect(&context, statement).await;
    let rows = rows.unwrap();
    let expected = Asked {
        columns: columns.iter().map(|name| (*name).to_owned()).collect(),
        filters: filters.iter().map(|text| (*text).to_owned()).collect(),
        limit,
    };
    assert_eq!(*asked.lock().unwrap(), [expected], "{statement}: {} rows", rows.len());
}

#[tokio::test]
async fn the_source_gets_the_row_filter_and_leakproof_conditions_in_its_own_names() {
    let tenant = || Some(Policy::Equal.filter());
    let equal = "P.tenant = Utf8(\"tenant_alpha\")";
    check(tenant(), "SELECT id FROM p", &["P.id", "P.tenant"], &[equal], None).await;
    check(tenant(), "SELECT 1 FROM p", &["P.tenant"], &[equal], None).await;
    check(None, "SELECT 1 FROM p", &[], &[], None).await;
    check(None, "SELECT note FROM p", &["P.note", "P.flag"], &[], None).await;
    let statement = "SELECT id FROM p WHERE flag AND score > 0 AND ssn = 'x' AND 1/id = 0";
    let filters = [equal, "P.flag", "P.score > Float64(0)"];
    check(tenant(), statement, &["P.id", "P.ssn", "P.tenant", "P.flag", "P.score"], &filters, None).await;
    // Its salary is narrower than the contract's.
    check(Some(col("salary").gt(lit(100_i64))), "SELECT id FROM p", &["P.id", "P.salary"], &[], None).await;
    // The same condition once.
    let born = || col("id").gt(lit(5_i64));
    check(Some(born()), "SELECT id FROM p WHERE id > 5", &["P.id"], &["P.id > Int64(5)"], None).await;
}

#[tokio::test]
async fn a_source_gets_the_limit_only_where_nothing_else_drops_rows() {
    check(None, "SELECT id FROM p LIMIT 3", &["P.id"], &[], Some(3)).await;
    check(None, "SELECT id FROM p WHERE flag LIMIT 3", &["P.id", "P.flag"], &["P.flag"], None).await;
    let equal = "P.tenant = Utf8(\"tenant_alpha\")";
    let tenant = Some(Policy::Equal.filter());
    check(tenant, "SELECT id FROM p LIMIT 3", &["P.id", "P.tenant"], &[equal], None).await;
}

#[tokio::test]
async fn a_source_that_only_promises_to_filter_shows_nothing_hidden() {
    let liar = Arc::new(Liar { inner: memory(HiddenRows::Explosive), asked: Arc::default() });
    let context = session(64, govern(liar, restrictions(Some(Policy::Equal.filter()), Columns::Clear)));
    let rows = collect(&context, "SELECT DISTINCT tenant FROM p").await.unwrap();
    assert_eq!(rows, ["tenant_alpha"]);
}

#[tokio::test]
async fn a_limit_counts_visible_rows() {
    for columns in [Columns::Clear, Columns::Masked] {
        let table = govern(memory(HiddenRows::Explosive), restrictions(Some(Policy::Equal.filter()), columns));
        let context = session(64, table);
        for (limit, expected) in [(0, 0), (1, 1), (50, 50), (119, 119), (120, 120), (500, 120)] {
            let rows = collect(&context, &format!("SELECT id FROM p LIMIT {limit}")).await.unwrap();
            assert_eq!(rows.len(), expected);
            let visible = |row: &String| row.parse::<usize>().unwrap().is_multiple_of(2);
            assert!(rows.iter().all(visible), "{rows:?}");
            let rows =
                collect(&context, &format!("SELECT count(*) FROM (SELECT 1 FROM p LIMIT {limit})")).await.unwrap();
            assert_eq!(rows, [expected.to_string()]);
        }
        let rows = collect(&context, "SELECT id FROM p WHERE id > 200 LIMIT 30").await.unwrap();
        assert_eq!(rows.len(), 19);
    }
}

#[tokio::test]
async fn a_filter_that_is_never_true_reads_nothing() {
    let liar = Arc::new(Liar { inner: memory(HiddenRows::Explosive), asked: Arc::default() });
    let asked = Arc::clone(&liar.asked);
    let null = lit(datafusion::scalar::ScalarValue::Boolean(None));
    for never in [lit(false), null, Policy::Equal.filter().and(lit(false))] {
        let liar = Arc::clone(&liar) as Arc<dyn TableProvider>;
        let context = session(64, govern(liar, restrictions(Some(never), Columns::Clear)));
        assert_eq!(collect(&context, "SELECT count(*), max(ssn) FROM p").await.unwrap(), ["0|"]);
        assert_eq!(collect(&context, "SELECT * FROM p").await.unwrap().len(), 0);
    }
    assert!(asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_literal_of_the_row_filter_takes_the_type_of_the_source() {
    let dictionary = DataType::Dictionary(Box::new(DataType::UInt16), Box::new(DataType::Utf8));
    for data_type in [DataType::Utf8View, DataType::LargeUtf8, dictionary] {
        let batch = raw(HiddenRows::Explosive);
        let place = batch.schema().index_of("P.tenant").unwrap();
        let mut columns = batch.columns().to_vec();
        columns[place] = arrow::compute::cast(&columns[place], &data_type).unwrap();
        let mut fields: Vec<_> = batch.schema().fields().iter().cloned().collect();
        fields[place] = Arc::new(Field::new("P.tenant", data_type.clone(), true));
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap();
        let inner = Arc::new(MemTable::try_new(batch.schema(), partitions(&batch)).unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let liar = Arc::new(Liar { inner, asked: Arc::clone(&asked) });
        let context = session(64, govern(liar, restrictions(Some(Policy::Equal.filter()), Columns::Clear)));
        let rows = collect(&context, "SELECT count(*) FROM p WHERE tenant <> 'x'").await.unwrap();
        assert_eq!(rows, ["120"], "{data_type}");
        let filters = asked.lock().unwrap().iter().map(|asked: &Asked| asked.filters.join(" AND ")).collect::<String>();
        assert!(!filters.contains("CAST") && filters.contains("tenant_alpha"), "{data_type}: {filters}");
    }
}
