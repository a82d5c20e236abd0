//! The SQL of an explanation, run by a plain engine over the raw table, gives what the governed table gives.
#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a plain engine, in a test")]

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Int64Array, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{Field, Schema};
use arrow::record_batch::RecordBatch;
use catalog::Version;
use datafusion::catalog::{MemTable, MemorySchemaProvider, SchemaProvider as _, TableProvider};
use datafusion::prelude::{SessionConfig, SessionContext};

use crate::action::Action;
use crate::governed_table;
use crate::masks::{HashKey, Masks};
use crate::testing::{order_columns, policies, principal, registry, restrictions};

/// Rows with NULLs, empty and long texts, and every region and status in all combinations.
fn raw() -> Arc<dyn TableProvider> {
    let texts = |values: &[Option<&str>], step: usize| -> ArrayRef {
        Arc::new((0..60).map(|row| values[row / step % values.len()]).collect::<StringArray>())
    };
    let cells: [ArrayRef; 9] = [
        Arc::new(Int64Array::from_iter_values(0..60)),
        texts(&[Some("EU"), Some("US"), None, Some("eu"), Some("it's")], 1),
        texts(&[Some("draft"), Some("paid"), None, Some("")], 5),
        texts(&[Some("ann@example.org"), Some("b"), None, Some("ÄÖ%_x")], 3),
        Arc::new(
            Decimal128Array::from_iter_values((0..60).map(|row| row * 125 - 900))
                .with_precision_and_scale(18, 2)
                .unwrap(),
        ),
        Arc::new(Date32Array::from_iter((0..60).map(|row| (row % 7 != 0).then_some(18_000 + row * 31)))),
        Arc::new(TimestampMicrosecondArray::from_iter(
            (0..60).map(|row| (row % 9 != 0).then_some(row * 3_000_000_000_000)),
        )),
        Arc::new(BooleanArray::from_iter((0..60).map(|row| [Some(true), Some(false), None][row % 3]))),
        texts(&[Some("123-45-6789"), None], 2),
    ];
    let fields = order_columns().into_iter().map(|(name, data_type)| Field::new(name, data_type, true));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let batch = RecordBatch::try_new(Arc::clone(&schema), cells.to_vec()).unwrap();
    Arc::new(MemTable::try_new(schema, vec![vec![batch]]).unwrap())
}

/// An engine with the table as `sales.orders` and the functions of masks, which reads numbers as PostgreSQL does.
fn engine(table: Arc<dyn TableProvider>) -> SessionContext {
    let config = SessionConfig::new().set_bool("datafusion.sql_parser.parse_float_as_decimal", true);
    let context = SessionContext::new_with_config(config);
    let schema = MemorySchemaProvider::new();
    schema.register_table("orders".to_owned(), table).unwrap();
    context.catalog("datafusion").unwrap().register_schema("sales", Arc::new(schema)).unwrap();
    for function in Masks::new(HashKey::new([7; 32])).functions() {
        context.register_udf(function.as_ref().clone());
    }
    context
}

fn rows(context: &SessionContext, sql: &str) -> String {
    let answer = async { context.sql(sql).await?.collect().await };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let batches = runtime.block_on(answer).unwrap_or_else(|error| unreachable!("{sql}: {error}"));
    let text = arrow::util::pretty::pretty_format_batches(&batches).unwrap().to_string();
    let mut lines: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).skip(1).collect();
    lines.sort_unstable();
    lines.join("\n")
}

/// What `ann` sees through the rules, and through the view that explains them.
fn check(rules: &str) {
    let policies = policies(&format!("p, user:ann, sales, orders, select, allow\n{rules}"));
    let registry = registry();
    let table = registry.table(&"sales.orders".parse().unwrap()).unwrap();
    let ann = principal("ann region=EU level:30 label=it's");
    let sql = policies.explain(&ann, table).sql.unwrap();
    let restricted = restrictions(policies.decide(&ann, table, Action::Select)).unwrap();
    let raw = raw();
    let binding = catalog::drift::bind(table, &raw.schema()).unwrap();
    let governed =
        governed_table(Arc::clone(&raw), Arc::clone(table), &binding, restricted, Version::Unversioned).unwrap();
    let seen = rows(&engine(governed), "SELECT * FROM sales.orders");
    assert_eq!(rows(&engine(raw), &sql), seen, "{rules}\n{sql}");
}

fn check_filter(predicate: &str) {
    check(&format!("p2, user:ann, sales, orders, restrictive, \"{predicate}\""));
}

fn check_mask(column: &str, mask: &str) {
    check(&format!("p3, user:ann, sales, orders.{column}, \"{mask}\""));
}

#[test]
fn the_view_shows_the_rows_of_the_filter() {
    for predicate in [
        "region = attribute('region')",
        "region <> 'EU'",
        "(region IS DISTINCT FROM 'EU') AND (status IS NOT DISTINCT FROM '')",
        "region IN ('EU', 'it''s') OR status IS NULL",
        "region NOT IN ('EU', 'US')",
        "email LIKE '%example%' OR email ILIKE 'äö%' OR email NOT LIKE '_'",
        "id BETWEEN 5 AND attribute('level') AND NOT (id = 7)",
        "paid",
        "paid IS NOT TRUE",
        "paid IS UNKNOWN OR paid IS FALSE",
        "margin > 12.5",
        "created >= DATE '2020-01-01'",
        "at < TIMESTAMP '1972-01-01 00:00:00'",
        "CASE WHEN region = 'EU' THEN paid WHEN status = 'paid' THEN true ELSE id < 9 END",
        "try_cast(status AS int) IS NULL",
        "(lower(region) || 'x') = 'eux'",
        "character_length(email) > 3 AND substr(email, 1, 3) = 'ann'",
        "coalesce(region, status, 'x') = 'x' OR starts_with(email, 'b') OR left(email, 1) = 'Ä'",
        "has_role('lead') OR email = concat(current_user(), '@example.org')",
        "region = attribute('missing')",
    ] {
        check_filter(predicate);
    }
    check(
        "p2, user:ann, sales, orders, permissive, paid\np2, user:ann, sales, orders, permissive, \"id < 10\"\n\
           p2, user:ann, sales, orders, restrictive, \"region = 'EU' OR region IS NULL\"",
    );
}

#[test]
fn the_view_shows_the_values_of_the_masks() {
    for (column, mask) in [
        ("email", "show_last_4"),
        ("email", "show_first_4"),
        ("email", "mask_alphanum"),
        ("email", "hash"),
        ("email", "null"),
        ("email", "constant:'it''s'"),
        ("email", "sql:concat(left(email, 2), '…')"),
        ("margin", "sql:CASE WHEN paid THEN margin END"),
        ("margin", "constant:'1.50'"),
        ("margin", "null"),
        ("created", "truncate_to_year"),
        ("created", "constant:'2000-01-01'"),
        ("at", "truncate_to_month"),
        ("at", "constant:'2000-01-01 10:00:00'"),
        ("paid", "constant:'true'"),
        ("ssn", "sql:attribute('label')"),
    ] {
        check_mask(column, mask);
    }
    check("p, user:ann, sales, orders.margin, select, deny");
}
