//! A table with hidden rows and columns, and what is left of it when it is secured by hand.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Date32Array, Float64Array, Int32Array, Int64Array, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use catalog::source::{DeltaSource, Location};
use catalog::{Column, Contract, Source, Status, Table, Version};
use datafusion::catalog::TableProvider;
use datafusion::datasource::MemTable;
use datafusion::functions::expr_fn::{concat, lower, right};
use datafusion::logical_expr::{Expr, col, lit, when};
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion::scalar::ScalarValue;

use crate::decision::{ColumnAccess, ColumnMask, Restrictions};
use crate::governed_table;

/// Stands in every hidden text.
pub(super) const HIDDEN: &str = "HIDDEN";
/// The value in the policies; no statement of the tests holds it.
pub(super) const TENANT: &str = "tenant_alpha";
/// How many rows there are; every other one is visible.
pub(super) const ROWS: usize = 240;

/// What the hidden rows hold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum HiddenRows {
    /// Values that make fallible expressions fail.
    Explosive,
    /// Values that do no harm, like those of the visible rows.
    Harmless,
}

/// Which rows are visible; each policy picks the same.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Policy {
    Equal,
    Like,
    In,
    And,
    Function,
}

impl Policy {
    pub(super) const ALL: [Self; 5] = [Self::Equal, Self::Like, Self::In, Self::And, Self::Function];

    pub(super) fn filter(self) -> Expr {
        let tenant = || col("tenant");
        match self {
            Self::Equal => tenant().eq(lit(TENANT)),
            Self::Like => tenant().like(lit("tenant_al%")),
            Self::In => tenant().in_list(vec![lit("nobody"), lit(TENANT)], false),
            Self::And => tenant().eq(lit(TENANT)).and(col("id").gt_eq(lit(0_i64))),
            Self::Function => lower(tenant()).eq(lit(TENANT)),
        }
    }
}

/// Which columns are visible, and how.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Columns {
    /// All in clear.
    Clear,
    /// `ssn`, `salary` and `note` masked, one of them by another column; `tenant` not visible at all.
    Masked,
}

const NAMES: [&str; 8] = ["id", "tenant", "ssn", "salary", "note", "flag", "score", "born"];

/// The contract; the source calls the columns otherwise, and its `salary` is narrower.
pub(super) fn contract() -> Arc<Table> {
    let types = [
        DataType::Int64,
        DataType::Utf8,
        DataType::Utf8,
        DataType::Int64,
        DataType::Utf8,
        DataType::Boolean,
        DataType::Float64,
        DataType::Date32,
    ];
    let columns = NAMES.iter().zip(types).map(|(name, data_type)| Column {
        name: (*name).to_owned(),
        physical_name: format!("P.{name}"),
        data_type,
        required: *name == "id",
        unique: false,
        primary_key_position: None,
        classification: None,
        description: None,
    });
    Arc::new(Table {
        name: "sales.p".parse().unwrap(),
        physical_name: "p".to_owned(),
        description: None,
        columns: columns.collect(),
        source: Source::Delta(DeltaSource { location: Location::Local("/nowhere".into()), credential: None }),
        foreign_keys: Vec::new(),
        share_join_keys: false,
        contract: Arc::new(Contract {
            id: "p".to_owned(),
            name: "p".to_owned(),
            version: "1.0.0".to_owned(),
            status: Status::Active,
            domain: "sales".parse().unwrap(),
            description: None,
            owner: None,
            tags: Vec::new(),
            file: "p.odcs.yaml".into(),
        }),
        product: "p".into(),
    })
}

/// The source's rows: uncontracted column first, then the contract's in another order.
pub(super) fn raw(hidden: HiddenRows) -> RecordBatch {
    let seen = |row: &usize| row.is_multiple_of(2);
    let each = || 0..ROWS;
    let explosive = hidden == HiddenRows::Explosive;
    let text = |visible: fn(usize) -> String, harmless: fn(usize) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(each().map(|row| match (seen(&row), explosive) {
            (true, _) => visible(row),
            (false, true) => format!("{HIDDEN}{row}"),
            (false, false) => harmless(row),
        })))
    };
    let tenants = each().map(|row| match row % 4 {
        0 | 2 => Some(TENANT),
        1 => Some("tenant_beta"),
        _ => None,
    });
    let salaries = each().map(|row| match (seen(&row), explosive) {
        // A few visible rows have none.
        (true, _) => (!row.is_multiple_of(10)).then(|| 100 + i32::try_from(row % 40).unwrap()),
        (false, true) => Some(200),
        (false, false) => Some(150),
    });
    let number = |row: usize| i64::try_from(row).unwrap();
    let scores = each().map(|row| if seen(&row) || !explosive { 0.5 } else { f64::NAN });
    let born = each().map(|row| i32::try_from(row).unwrap() * 30 + if seen(&row) || !explosive { 0 } else { 40_000 });
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("P.extra", text(|row| format!("extra{row}"), |row| format!("extra{row}"))),
        ("P.born", Arc::new(Date32Array::from_iter_values(born))),
        ("P.id", Arc::new(Int64Array::from_iter_values(each().map(number)))),
        ("P.note", text(|row| format!("2024-01-{:02}", row % 28 + 1), |_| "2023-05-05".to_owned())),
        ("P.salary", Arc::new(Int32Array::from_iter(salaries))),
        ("P.ssn", text(|row| format!("{}", 10_000 + row % 50), |_| "77777".to_owned())),
        ("P.tenant", Arc::new(StringArray::from_iter(tenants))),
        ("P.flag", Arc::new(BooleanArray::from_iter(each().map(|row| Some(row.is_multiple_of(3)))))),
        ("P.score", Arc::new(Float64Array::from_iter_values(scores))),
    ];
    let fields = columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), *name != "P.id"));
    let metadata = [("owner".to_owned(), format!("{HIDDEN} metadata"))].into();
    let schema = Schema::new_with_metadata(fields.collect::<Vec<_>>(), metadata);
    RecordBatch::try_new(Arc::new(schema), columns.into_iter().map(|(_, array)| array).collect()).unwrap()
}

/// The rows in several partitions of several small batches.
pub(super) fn partitions(batch: &RecordBatch) -> Vec<Vec<RecordBatch>> {
    let rows = batch.num_rows();
    let part = rows.div_ceil(3);
    let parts = (0..rows).step_by(part).map(|start| batch.slice(start, part.min(rows - start)));
    let small = |part: RecordBatch| -> Vec<RecordBatch> {
        (0..part.num_rows()).step_by(17).map(|at| part.slice(at, 17.min(part.num_rows() - at))).collect()
    };
    parts.map(small).collect()
}

pub(super) fn memory(hidden: HiddenRows) -> Arc<dyn TableProvider> {
    let batch = raw(hidden);
    Arc::new(MemTable::try_new(batch.schema(), partitions(&batch)).unwrap())
}

/// The masks by column, over the contract's names.
fn mask(column: &str) -> Option<Expr> {
    match column {
        "ssn" => Some(concat(vec![lit("***"), right(col("ssn"), lit(2_i64))])),
        "salary" => Some(lit(ScalarValue::Int64(None))),
        "note" => Some(when(col("flag"), lit("masked")).otherwise(col("note")).unwrap()),
        _ => None,
    }
}

pub(super) fn restrictions(filter: Option<Expr>, columns: Columns) -> Arc<Restrictions> {
    let access = NAMES.iter().enumerate().filter(|(_, name)| columns == Columns::Clear || **name != "tenant");
    let access = access.map(|(index, name)| ColumnAccess {
        index,
        mask: mask(name)
            .filter(|_| columns == Columns::Masked)
            .map(|expression| ColumnMask { name: "test".to_owned(), expression }),
    });
    Arc::new(Restrictions {
        columns: access.collect(),
        row_filter: filter,
        smallest_group: None,
        rules: Vec::new(),
        fingerprint: 0,
    })
}

/// `inner` with these restrictions.
pub(super) fn govern(inner: Arc<dyn TableProvider>, restrictions: Arc<Restrictions>) -> Arc<dyn TableProvider> {
    let table = contract();
    let binding = catalog::drift::bind(&table, &inner.schema()).unwrap();
    governed_table(inner, table, &binding, restrictions, Version::Delta(7)).unwrap()
}

/// A table that holds nothing but what the restrictions leave, made without any code of this crate.
pub(super) fn secured(hidden: HiddenRows, columns: Columns) -> Arc<dyn TableProvider> {
    let raw = raw(hidden);
    let visible = BooleanArray::from_iter((0..raw.num_rows()).map(|row| Some(row.is_multiple_of(2))));
    let raw = arrow::compute::filter_record_batch(&raw, &visible).unwrap();
    let rows = raw.num_rows();
    let column = |name: &str| Arc::clone(raw.column_by_name(&format!("P.{name}")).unwrap());
    let text = |name: &str, row: usize| {
        let array = column(name);
        array.as_any().downcast_ref::<StringArray>().unwrap().value(row).to_owned()
    };
    let flags = column("flag");
    let flag = |row: usize| flags.as_any().downcast_ref::<BooleanArray>().unwrap().value(row);
    let masked = |name: &str| -> ArrayRef {
        match name {
            "ssn" => {
                Arc::new(StringArray::from_iter_values((0..rows).map(|row| format!("***{}", &text("ssn", row)[3..]))))
            }
            "salary" => Arc::new(Int64Array::new_null(rows)),
            "note" => Arc::new(StringArray::from_iter_values(
                (0..rows).map(|row| if flag(row) { "masked".to_owned() } else { text("note", row) }),
            )),
            _ => column(name),
        }
    };
    let names = NAMES.iter().filter(|name| columns == Columns::Clear || **name != "tenant");
    let made = names.map(|name| {
        let array = if columns == Columns::Masked { masked(name) } else { column(name) };
        let array = if *name == "salary" { arrow::compute::cast(&array, &DataType::Int64).unwrap() } else { array };
        (Field::new(*name, array.data_type().clone(), *name != "id"), array)
    });
    let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) = made.unzip();
    let schema: SchemaRef = Arc::new(Schema::new(fields));
    let batch = RecordBatch::try_new(Arc::clone(&schema), arrays).unwrap();
    Arc::new(MemTable::try_new(schema, partitions(&batch)).unwrap())
}

pub(super) fn session(batch_size: usize, table: Arc<dyn TableProvider>) -> SessionContext {
    let config = SessionConfig::new()
        .with_target_partitions(3)
        .with_batch_size(batch_size)
        .set_bool("datafusion.execution.parquet.pushdown_filters", true)
        .set_bool("datafusion.explain.show_statistics", true);
    let context = SessionContext::new_with_config(config);
    context.register_table("p", table).unwrap();
    context
}

/// What a caller sees of a statement: the sorted rows, or the text of the error.
///
/// Which of several bad values is met first depends on the order of partitions, so an error does not tell which
/// masked value it was.
pub(super) async fn outcome(context: &SessionContext, statement: &str) -> String {
    match collect(context, statement).await {
        Ok(mut rows) => {
            rows.sort_unstable();
            format!("{} rows\n{}", rows.len(), rows.join("\n"))
        }
        Err(error) => format!("error: {}", without_masked(&error.to_string())),
    }
}

/// `***12` becomes `***`.
fn without_masked(text: &str) -> String {
    let mut parts = text.split("***");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + "***" + part.trim_start_matches(|digit: char| digit.is_ascii_digit()))
}

/// The rows of a statement in their order, as text.
pub(super) async fn collect(context: &SessionContext, statement: &str) -> datafusion::error::Result<Vec<String>> {
    let batches = context.sql(statement).await?.collect().await?;
    let text = arrow::util::pretty::pretty_format_batches(&batches)?.to_string();
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    if batches.iter().all(|batch| batch.num_columns() == 0) {
        return Ok(vec![String::new(); rows]);
    }
    let lines = text.lines().filter(|line| line.starts_with('|')).skip(1);
    let cells = lines.map(|line| line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>().join("|"));
    Ok(cells.collect())
}
