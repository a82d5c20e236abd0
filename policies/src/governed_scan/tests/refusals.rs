//! What a governed table refuses, and what it says then.

use std::sync::Arc;

use arrow::array::Int64Array;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use catalog::Version;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::MemTable;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::functions::expr_fn::random;
use datafusion::functions_aggregate::expr_fn::max;
use datafusion::logical_expr::dml::InsertOp;
use datafusion::logical_expr::{Expr, TableType, cast, col, lit, placeholder};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use datafusion::prelude::SessionContext;

use super::fixture::{Columns, HIDDEN, HiddenRows, Policy, contract, govern, memory, outcome, restrictions, session};
use crate::decision::{ColumnAccess, ColumnMask, Restrictions};
use crate::{Error, ScanError, governed_table};

fn governed() -> Arc<dyn TableProvider> {
    govern(memory(HiddenRows::Explosive), restrictions(Some(Policy::Equal.filter()), Columns::Masked))
}

#[tokio::test]
async fn a_condition_that_is_not_leakproof_is_refused_even_when_it_is_handed_over() {
    let (table, context) = (governed(), SessionContext::new());
    for condition in [
        cast(col("note"), DataType::Date32).is_not_null(),
        (lit(1_i64) / (col("id") - lit(5_i64))).gt(lit(0_i64)),
        col("ssn").eq(lit("10010")),
        col("salary").is_null(),
        col("tenant").eq(lit("x")),
        col("flag").and(col("ssn").eq(lit("x"))),
    ] {
        let error = table.scan(&context.state(), None, std::slice::from_ref(&condition), None).await.unwrap_err();
        let text = error.to_string();
        assert!(text.contains("could reveal hidden rows") && !text.contains("ssn"), "{condition}: {text}");
    }
    assert!(table.scan(&context.state(), None, &[col("flag").is_not_null()], None).await.is_ok());
}

#[tokio::test]
async fn a_governed_table_cannot_be_changed_and_has_nothing_to_ask_for() {
    let (table, context) = (governed(), SessionContext::new());
    let state = context.state();
    let rows = || Arc::new(EmptyExec::new(table.schema())) as Arc<dyn ExecutionPlan>;
    assert!(table.insert_into(&state, rows(), InsertOp::Append).await.is_err());
    assert!(table.delete_from(&state, Vec::new()).await.is_err());
    assert!(table.update(&state, Vec::new(), Vec::new()).await.is_err());
    assert!(table.truncate(&state).await.is_err());
    assert!(table.statistics().is_none() && table.constraints().is_none() && table.get_table_definition().is_none());
    assert!(table.get_logical_plan().is_none() && table.get_column_default("id").is_none());
}

#[test]
fn the_schema_has_visible_columns_only_and_masked_ones_are_nullable() {
    let schema = governed().schema();
    let fields: Vec<String> = schema
        .fields()
        .iter()
        .map(|field| format!("{} {} {}", field.name(), field.data_type(), field.is_nullable()))
        .collect();
    let expected = [
        "id Int64 false",
        "ssn Utf8 true",
        "salary Int64 true",
        "note Utf8 true",
        "flag Boolean true",
        "score Float64 true",
        "born Date32 true",
    ];
    assert_eq!(fields, expected);
    assert!(schema.metadata().is_empty());
}

fn misfit(restrictions: Restrictions) -> Error {
    let inner = memory(HiddenRows::Explosive);
    let binding = catalog::drift::bind(&contract(), &inner.schema()).unwrap();
    governed_table(inner, contract(), &binding, Arc::new(restrictions), Version::Delta(1)).unwrap_err()
}

#[test]
fn a_rule_that_does_not_fit_the_source_closes_the_table() {
    let all = |filter| restrictions(filter, Columns::Clear).as_ref().clone();
    for filter in [
        col("nowhere").eq(lit(1)),
        col("id"),
        max(col("id")).gt(lit(1_i64)),
        random().gt(lit(0.5)),
        placeholder("$1"),
        col("tenant").eq(lit("a")).or(col("id").gt(random())),
        col("id").like(lit(true)),
    ] {
        let error = misfit(all(Some(filter.clone())));
        assert!(matches!(error, Error::RuleMisfit { .. }), "{filter}");
        assert_eq!(error.to_string(), "the rules of table \"sales.p\" do not fit its source");
    }
    for (index, expression) in [(0, col("ssn")), (0, col("nowhere")), (7, col("id")), (0, random()), (99, lit(1))] {
        let mut restrictions = all(None);
        let mask = Some(ColumnMask { name: "bad".to_owned(), expression });
        restrictions.columns = vec![ColumnAccess { index, mask }];
        assert!(matches!(misfit(restrictions), Error::RuleMisfit { .. }));
    }
}

#[test]
fn a_binding_that_does_not_fit_the_source_closes_the_table() {
    let inner = memory(HiddenRows::Explosive);
    let good = catalog::drift::bind(&contract(), &inner.schema()).unwrap();
    let mut wrong_type = good.clone();
    wrong_type.columns.iter_mut().for_each(|column| column.cast = false);
    let mut nowhere = good.clone();
    nowhere.columns[0].source_index = 99;
    for binding in [wrong_type, nowhere] {
        let all = restrictions(None, Columns::Clear);
        let error = governed_table(Arc::clone(&inner), contract(), &binding, all, Version::Delta(1)).unwrap_err();
        assert!(matches!(error, Error::BindingMisfit { .. }));
    }
    let twice = Schema::new(vec![Field::new("a", DataType::Int64, true), Field::new("a", DataType::Int64, true)]);
    let mut binding = good.clone();
    binding.columns.truncate(1);
    binding.columns[0].source_index = 0;
    let inner: Arc<dyn TableProvider> = Arc::new(MemTable::try_new(Arc::new(twice), vec![vec![]]).unwrap());
    let all = restrictions(None, Columns::Clear);
    let error = governed_table(inner, contract(), &binding, all, Version::Delta(1)).unwrap_err();
    assert!(matches!(error, Error::BindingMisfit { .. }));
}

/// Where a source fails.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Failing {
    Planning,
    Executing,
    OtherColumns,
}

#[derive(Debug)]
struct Source {
    inner: Arc<dyn TableProvider>,
    failing: Failing,
}

fn secret() -> DataFusionError {
    DataFusionError::Execution(format!("cannot read /{HIDDEN}/file of {HIDDEN}@host"))
}

#[derive(Debug)]
struct FailingStream(SchemaRef);

impl PartitionStream for FailingStream {
    fn schema(&self) -> &SchemaRef {
        &self.0
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let stream = futures::stream::iter([Err(secret()), Err(secret())]);
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.0), stream))
    }
}

#[async_trait]
impl TableProvider for Source {
    fn schema(&self) -> SchemaRef {
        self.inner.schema()
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
        match self.failing {
            Failing::Planning => Err(secret()),
            Failing::Executing => {
                let stream = Arc::new(FailingStream(self.schema()));
                StreamingTable::try_new(self.schema(), vec![stream])?.scan(session, projection, filters, limit).await
            }
            Failing::OtherColumns => {
                let mut projection = projection.unwrap().clone();
                projection.reverse();
                self.inner.scan(session, Some(&projection), filters, limit).await
            }
        }
    }
}

#[tokio::test]
async fn a_failure_below_has_a_fixed_text_and_its_cause_is_kept() {
    for failing in [Failing::Planning, Failing::Executing, Failing::OtherColumns] {
        let inner = Arc::new(Source { inner: memory(HiddenRows::Explosive), failing });
        let table = govern(inner, restrictions(Some(Policy::Equal.filter()), Columns::Masked));
        let context = session(64, table);
        for statement in ["SELECT id FROM p", "SELECT sum(id) FROM p", "SELECT * FROM p a JOIN p b ON a.id = b.id"] {
            let frame = context.sql(statement).await.unwrap();
            let error = frame.collect().await.unwrap_err();
            for text in [error.to_string(), format!("{error:?}")] {
                assert!(!text.contains(HIDDEN) && text.contains("sales.p"), "{text}");
            }
            let scan_error = ScanError::find(&error).unwrap();
            let cause = scan_error.cause().to_string();
            assert_eq!(cause.contains(HIDDEN), failing != Failing::OtherColumns, "{cause}");
        }
    }
}

#[tokio::test]
async fn a_source_that_breaks_its_promise_not_null_fails_the_statement() {
    let nullable = RecordBatch::try_new(
        Arc::new(Schema::new(vec![Field::new("P.id", DataType::Int64, true)])),
        vec![Arc::new(Int64Array::from(vec![Some(1), None]))],
    );
    let nullable = nullable.unwrap();
    let honest: Arc<dyn TableProvider> = Arc::new(MemTable::try_new(nullable.schema(), vec![vec![nullable]]).unwrap());
    let inner = honest.scan(&SessionContext::new().state(), None, &[], None).await.unwrap();
    let promised = Arc::new(Schema::new(vec![Field::new("P.id", DataType::Int64, false)]));
    let inner: Arc<dyn TableProvider> = Arc::new(Planned { schema: promised, plan: inner });
    let mut table = contract().as_ref().clone();
    table.columns.truncate(1);
    let binding = catalog::drift::bind(&table, &inner.schema()).unwrap();
    let mut all = restrictions(Some(col("id").is_not_null()), Columns::Clear).as_ref().clone();
    all.columns.truncate(1);
    // The filter must not fold to true because of the promise.
    let governed =
        governed_table(Arc::clone(&inner), Arc::new(table.clone()), &binding, Arc::new(all.clone()), Version::Delta(1));
    assert_eq!(outcome(&session(64, governed.unwrap()), "SELECT id FROM p").await, "1 rows\n1");
    all.row_filter = None;
    let governed = governed_table(inner, Arc::new(table), &binding, Arc::new(all), Version::Delta(1)).unwrap();
    let seen = outcome(&session(64, governed), "SELECT id FROM p").await;
    assert!(seen.contains("reading table \"sales.p\" failed"), "{seen}");
}

/// A source whose plan does not keep to its schema.
#[derive(Debug)]
struct Planned {
    schema: SchemaRef,
    plan: Arc<dyn ExecutionPlan>,
}

#[async_trait]
impl TableProvider for Planned {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _session: &dyn Session,
        _projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::clone(&self.plan))
    }
}
