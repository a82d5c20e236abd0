//! Tests of the language of predicates.
#![expect(clippy::unwrap_used, reason = "tests may unwrap")]

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::execution::context::ExecutionProps;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::physical_expr::create_physical_expr;

use crate::action::Action;
use crate::testing::{decide, load, order_columns, policies};

fn loads(predicate: &str) -> Result<(), String> {
    let rules = format!("p2, role:r, sales, orders, permissive, \"{}\"", predicate.replace('"', "\"\""));
    load(&rules).map(|_| ()).map_err(|problems| problems.to_string())
}

const TOTAL: [&str; 35] = [
    "region = 'EU'",
    "'EU' = region",
    "region <> 'EU' AND (status = 'x' OR NOT paid)",
    "region IS NULL OR region IS NOT NULL",
    "paid IS TRUE OR paid IS NOT FALSE OR paid IS UNKNOWN",
    "region IN ('EU', 'US', 'UK', 'CH', 'FR')",
    "region NOT IN ('EU')",
    "id BETWEEN 1 AND 5",
    "created BETWEEN '2024-01-01' AND DATE '2024-12-31'",
    "at < TIMESTAMP '2024-01-01 00:00:00'",
    "email LIKE '%@example.org'",
    "email NOT ILIKE 'a_\\_%'",
    "CASE WHEN paid THEN region = 'EU' ELSE false END",
    "CASE region WHEN 'EU' THEN true WHEN 'US' THEN paid ELSE false END",
    "coalesce(region, 'EU') = 'EU'",
    "nullif(region, '') IS NOT NULL",
    "lower(region) = 'eu' AND upper(region) = 'EU'",
    "trim(region) = 'EU' AND ltrim(region) = rtrim(region)",
    "substr(email, 1, 3) = 'ann' AND left(email, 3) = right(email, 3)",
    "substring(email FROM 2 FOR 3) = 'nn@'",
    "region || status = 'EUnew' AND concat(region, status) = 'x'",
    "starts_with(email, 'a') AND ends_with(email, 'g') AND contains(email, '@')",
    "length(email) > 3 AND octet_length(email) < 100",
    "try_cast(status AS int) = 3",
    "try_cast(status AS date) = created",
    "region IS DISTINCT FROM status",
    "margin > 10",
    "margin >= 10.25",
    "id = margin",
    "attribute('level') = id",
    "attribute('day') BETWEEN created AND created",
    "has_role('boss') OR current_user() = email",
    "\"region\" = 'EU'",
    "REGION = 'EU'",
    "true",
];

#[test]
fn total_expressions_are_allowed() {
    for predicate in TOTAL {
        assert_eq!(loads(predicate), Ok(()), "{predicate}");
    }
}

/// Values at the edge of every column's type, in many combinations.
#[expect(clippy::wildcard_enum_match_arm, reason = "the table has no other types")]
fn edges() -> RecordBatch {
    let long = "é".repeat(40_000);
    let texts = [
        None,
        Some(""),
        Some("EU"),
        Some("%_\\"),
        Some("\\"),
        Some("-9999999999999999999"),
        Some("é😀\u{0}"),
        Some(&long),
    ];
    let numbers = [None, Some(i64::MIN), Some(i64::MAX), Some(0), Some(-1), Some(1), Some(2), Some(3)];
    let columns = order_columns().into_iter().map(|(name, data_type)| {
        let shift = name.len() | 1;
        let text = |row: usize| texts[(row * shift) % texts.len()];
        let number = |row: usize| numbers[(row * shift) % numbers.len()];
        let rows = 0..64;
        let column: ArrayRef = match &data_type {
            DataType::Utf8 => Arc::new(rows.map(text).collect::<StringArray>()),
            DataType::Int64 => Arc::new(rows.map(number).collect::<Int64Array>()),
            DataType::Decimal128(_, _) => {
                let most = 999_999_999_999_999_999_i128;
                let wide = rows.map(|row| number(row).map(|number| i128::from(number).clamp(-most, most)));
                Arc::new(wide.collect::<Decimal128Array>().with_data_type(data_type.clone()))
            }
            DataType::Date32 => {
                let clamp = |number: i64| i32::try_from(number.clamp(i64::from(i32::MIN), i64::from(i32::MAX)));
                Arc::new(rows.map(|row| number(row).map(|number| clamp(number).unwrap())).collect::<Date32Array>())
            }
            DataType::Timestamp(_, _) => Arc::new(rows.map(number).collect::<TimestampMicrosecondArray>()),
            DataType::Boolean => {
                Arc::new(rows.map(|row| number(row).map(|number| number > 0)).collect::<BooleanArray>())
            }
            other => unreachable!("{other}"),
        };
        (name, column, true)
    });
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

#[test]
fn an_allowed_expression_fails_on_no_value() {
    let batch = edges();
    let schema = DFSchema::try_from(batch.schema().as_ref().clone()).unwrap();
    for predicate in TOTAL {
        let rules = format!(
            "p, user:ann, sales, orders, select, allow\np2, user:ann, sales, orders, permissive, \"{}\"",
            predicate.replace('"', "\"\"")
        );
        let seen = decide(&policies(&rules), "ann level:3 day=2024-01-01", "sales.orders", Action::Select).unwrap();
        let Some(filter) = &seen.row_filter else {
            continue;
        };
        let properties = ExecutionProps::new();
        let physical = create_physical_expr(filter, &schema, &properties, &PhysicalPlanningContext::default()).unwrap();
        let result = physical.evaluate(&batch);
        assert!(result.is_ok(), "{predicate}: {result:?}");
    }
}

#[test]
fn what_can_fail_or_change_is_refused() {
    for (predicate, expected) in [
        ("id / 2 = 1", "operator `/`"),
        ("id + 1 = 2", "operator `+`"),
        ("id % 2 = 0", "operator `%`"),
        ("-id = 1", "not allowed"),
        ("1/0 = 1", "operator `/`"),
        ("CASE WHEN id = 0 THEN false ELSE 1/id = 1 END", "operator `/`"),
        ("CAST(region AS int) = 1", "can fail"),
        ("region::int = 1", "can fail"),
        ("CAST('x' AS int) = id", ""),
        ("region = 5", ""),
        ("created < at", "can fail"),
        ("id::text::int = 3", "can fail"),
        ("region ~ 'a.*'", "operator `~`"),
        ("region SIMILAR TO 'a'", "not allowed"),
        ("regexp_like(region, 'a')", "`regexp_like`"),
        ("region LIKE status", "computed"),
        ("region LIKE attribute('pattern')", "computed"),
        ("region LIKE 'a!%' ESCAPE '!'", "ESCAPE"),
        ("random() < 0.5", "`random`"),
        ("now() > at", "`now`"),
        ("current_date > created", "`current_date`"),
        ("uuid() = region", "`uuid`"),
        ("to_timestamp(region) = at", "`to_timestamp`"),
        ("date_trunc('year', at) = at", "`date_trunc`"),
        ("repeat(region, 1000000) = 'x'", "`repeat`"),
        ("arrow_cast(region, 'Int64') = 1", "`arrow_cast`"),
        ("version() = 'x'", "`version`"),
        ("substr(email, id, 3) = 'x'", "neither a text nor a whole number"),
        ("substr(email, 1, -1) = 'x'", "out of range"),
        ("left(email, 9999999999) = 'x'", "out of range"),
        ("id IN (SELECT id FROM customers)", ""),
        ("EXISTS (SELECT 1)", "sub-query"),
        ("id = (SELECT 1)", "sub-query"),
        ("nothing = 1", "nothing"),
        ("orders.region = 'EU'", ""),
        ("\"Region\" = 'EU'", "Region"),
        ("region", "not true or false"),
        ("1", "not true or false"),
        ("region = 'EU' garbage", ""),
        ("region = 'EU'; DROP TABLE x", ""),
        ("region = 'EU' -- AND false", "comment"),
        ("region = 'EU' /* AND false */", "comment"),
        ("region = ", ""),
        ("region = $1", ""),
        ("region = $attribute:x", ""),
        ("count(*) > 1", ""),
        ("sum(id) > 1", "not allowed"),
        ("row_number() over () = 1", "not allowed"),
        ("@@version = 'x'", ""),
        ("attribute(region) = 'x'", "needs one name"),
        ("attribute('') = 'x'", "needs one name"),
        ("attribute('a' || 'b') = 'x'", "needs one name"),
        ("attribute('subject') = 'x'", "reserved"),
        ("attribute('Roles') = 'x'", "reserved"),
        ("has_role(region)", "needs one name"),
        ("region = 'EU' AS filter", ""),
        ("show_last_4(region) = 'x'", ""),
    ] {
        let refused = loads(predicate);
        let matches = refused.as_ref().is_err_and(|text| text.contains(expected) && text.contains("sales.csv:1"));
        assert!(matches, "{predicate}: {refused:?}");
    }
}

#[test]
fn what_the_parser_groups_otherwise_than_postgresql_is_refused() {
    for right in ["true AND region = 'EU'", "paid OR id = 1", "paid = true", "NOT paid AND paid", "paid IS NULL"] {
        for distinct in ["paid IS DISTINCT FROM", "paid IS NOT DISTINCT FROM"] {
            let refusal = loads(&format!("{distinct} {right}")).unwrap_err();
            assert!(refusal.contains("is not one value"), "{right}: {refusal}");
        }
        assert_eq!(loads(&format!("paid IS DISTINCT FROM ({right})")), Ok(()));
    }
    assert_eq!(loads("(paid IS DISTINCT FROM true) AND id IS NOT DISTINCT FROM -1"), Ok(()));
    assert_eq!(loads("created IS DISTINCT FROM DATE '2024-01-01'"), Ok(()));
}

#[test]
fn a_deep_predicate_is_refused_and_not_a_crash() {
    let deep = format!("{}paid{}", "(".repeat(2_000), ")".repeat(2_000));
    assert!(loads(&deep).is_err());
    let wide = vec!["id = 1"; 600].join(" OR ");
    assert_eq!(loads(&wide), Ok(()));
}
