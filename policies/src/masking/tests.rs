//! Tests of masks: which one applies, and what it gives.
#![expect(clippy::unwrap_used, reason = "tests may unwrap")]

use arrow::array::{Array, RecordBatch, RecordBatchOptions};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Schema};
use arrow::util::display::array_value_to_string;
use datafusion::common::DFSchema;
use datafusion::execution::context::ExecutionProps;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::physical_expr::create_physical_expr;
use std::sync::Arc;

use crate::action::Action;
use crate::testing::{decide, load, names, order_columns, policies};

const GRANT: &str = "p, role:a, sales, orders, select, allow\np, role:b, sales, orders.id, select, allow\n";

/// The mask that a principal has on `email`; `clear`, or `denied` for the whole table.
fn check(who: &str, masks: &[(&str, &str)], expected: &str) {
    let rows: String =
        masks.iter().map(|(role, mask)| format!("p3, role:{role}, sales, orders.email, {mask}\n")).collect();
    let seen = decide(&policies(&(GRANT.to_owned() + rows.as_str())), who, "sales.orders", Action::Select);
    let seen = seen.map_or_else(
        || "denied".to_owned(),
        |restrictions| {
            let names = names(&restrictions);
            names
                .split(' ')
                .find(|name| name.starts_with("email"))
                .map_or("hidden", |name| name.split(':').nth(1).unwrap_or("clear"))
                .to_owned()
        },
    );
    assert_eq!(seen, expected, "{who} with {masks:?}");
}

#[test]
fn a_column_has_no_mask_or_one() {
    check("u @a", &[], "clear");
    check("u @a", &[("a", "hash")], "hash");
    check("u @a", &[("b", "hash")], "clear");
    check("u @a @b", &[("b", "hash")], "hash");
    check("u @a @b", &[("a", "hash"), ("b", "hash")], "hash");
    check("u @b", &[("b", "hash")], "hidden");
}

#[test]
fn two_different_masks_deny_the_table() {
    check("u @a @b", &[("a", "hash"), ("b", "null")], "denied");
    check("u @a @b", &[("a", "constant:'x'"), ("b", "constant:'y'")], "denied");
    check("u @a", &[("a", "hash"), ("b", "null")], "hash");
    check("u @b", &[("b", "hash")], "hidden");
}

#[test]
fn an_explicit_clear_row_lifts_every_mask_of_the_column() {
    check("u @a @b", &[("a", "hash"), ("b", "clear")], "clear");
    check("u @a @b @c", &[("a", "hash"), ("b", "null"), ("c", "clear")], "clear");
    check("u @a", &[("a", "hash"), ("b", "clear")], "hash");
}

#[test]
fn a_conflict_that_the_rows_show_is_found_at_load() {
    let masks = "p3, role:a, sales, orders.email, hash\np3, role:b, sales, orders.email, null\n";
    let conflict = |rows: &str| load(&(GRANT.to_owned() + masks + rows)).err().map(|problems| problems.len());
    assert_eq!(conflict(""), None);
    assert_eq!(conflict("g, user:u, role:a, sales\ng, user:u, role:b, sales"), Some(1));
    assert_eq!(conflict("g, user:u, role:a, *\ng, user:u, role:b, sales\ng, user:v, role:a, sales"), Some(1));
    assert_eq!(conflict("g, user:u, role:a, hr\ng, user:u, role:b, sales"), None);
    assert_eq!(conflict("g, role:a, role:b, sales"), Some(1));
    assert_eq!(conflict("g, role:a, role:b, sales\np3, role:a, sales, orders.email, clear"), Some(1));
    assert_eq!(
        conflict("g, role:a, role:b, sales\ng, role:a, role:c, sales\np3, role:c, sales, orders.email, clear"),
        None
    );
    assert_eq!(conflict("p3, role:a, sales, orders.email, null"), Some(1), "two masks of one subject");
}

/// What a mask on a column of `sales.orders` shows instead of a value.
fn check_value(column: &str, mask: &str, value: Option<&str>, expected: Option<&str>) {
    let rules =
        format!("p, user:ann, sales, orders.{column}, select, allow\np3, user:ann, sales, orders.{column}, \"{mask}\"");
    let seen = decide(&policies(&rules), "ann name=Ann", "sales.orders", Action::Select).unwrap();
    let expression = &seen.columns[0].mask.as_ref().unwrap().expression;
    let schema = Arc::new(Schema::new(
        order_columns()
            .iter()
            .map(|(name, data_type)| arrow::datatypes::Field::new(*name, data_type.clone(), true))
            .collect::<Vec<_>>(),
    ));
    let columns = schema.fields().iter().map(|field| {
        let text = arrow::array::StringArray::from(vec![value.filter(|_| field.name() == column)]);
        cast(&text, field.data_type()).unwrap()
    });
    let batch =
        RecordBatch::try_new_with_options(Arc::clone(&schema), columns.collect(), &RecordBatchOptions::new()).unwrap();
    let logical = DFSchema::try_from(schema.as_ref().clone()).unwrap();
    let physical =
        create_physical_expr(expression, &logical, &ExecutionProps::new(), &PhysicalPlanningContext::default())
            .unwrap();
    let result = physical.evaluate(&batch).unwrap().into_array(1).unwrap();
    let promised: &DataType = schema.field_with_name(column).unwrap().data_type();
    assert_eq!(result.data_type(), promised, "{mask} keeps the type of {column}");
    let shown = result.is_valid(0).then(|| array_value_to_string(&result, 0).unwrap());
    assert_eq!(shown.as_deref(), expected, "{mask} on {column} {value:?}");
}

#[test]
fn a_mask_gives_a_value_of_the_columns_type() {
    check_value("email", "show_last_4", Some("ann@example.org"), Some("****.org"));
    check_value("email", "show_first_4", Some("ann@example.org"), Some("ann@****"));
    check_value("email", "mask_alphanum", Some("Ann7@x"), Some("Xxx0@x"));
    check_value("email", "null", Some("x"), None);
    check_value("email", "constant:'it''s'", Some("x"), Some("it's"));
    check_value("created", "truncate_to_year", Some("2024-05-06"), Some("2024-01-01"));
    check_value("created", "truncate_to_month", Some("2024-05-06"), Some("2024-05-01"));
    check_value("at", "truncate_to_month", Some("2024-05-06T07:08:09"), Some("2024-05-01T00:00:00"));
    check_value("created", "constant:'2000-01-01'", Some("2024-05-06"), Some("2000-01-01"));
    check_value("margin", "constant:'1.5'", Some("7"), Some("1.50"));
    check_value("margin", "null", Some("7"), None);
    check_value("paid", "constant:'false'", Some("true"), Some("false"));
    check_value("email", "sql:left(email, 1) || '…'", Some("ann"), Some("a…"));
    check_value("email", "sql:CASE WHEN paid THEN email END", Some("ann"), None);
    check_value("margin", "sql:NULL", Some("7"), None);
    check_value("id", "sql:try_cast(email AS bigint)", Some("7"), None);
    check_value("margin", "sql:0", Some("7"), Some("0.00"));
}

#[test]
fn null_stays_null_under_a_mask() {
    for mask in ["show_last_4", "show_first_4", "mask_alphanum", "hash"] {
        check_value("email", mask, None, None);
    }
    check_value("created", "truncate_to_year", None, None);
}

#[test]
fn a_mask_with_a_missing_attribute_shows_null() {
    check_value("email", "sql:attribute('nickname')", Some("x"), None);
    check_value("email", "sql:coalesce(attribute('nickname'), email)", Some("x"), None);
    check_value("email", "sql:attribute('nickname') || 'x'", Some("x"), None);
}

#[test]
fn a_mask_that_does_not_fit_is_refused_at_load() {
    for (column, mask) in [
        ("id", "hash"),
        ("id", "constant:'x'"),
        ("created", "constant:'2024-02-30'"),
        ("email", "truncate_to_year"),
        ("id", "sql:email"),
        ("created", "sql:email"),
        ("id", "sql:id + 1"),
        ("id", "sql:cast(email AS bigint)"),
        ("email", "sql:upper(nothing)"),
        ("email", "sql:email AS other"),
        ("email", "sql:(SELECT 1)"),
    ] {
        let rules =
            format!("p, user:ann, sales, orders, select, allow\np3, user:ann, sales, orders.{column}, \"{mask}\"");
        let problems = load(&rules).unwrap_err();
        assert_eq!(problems.iter().map(|problem| problem.line).collect::<Vec<_>>(), [Some(2)], "{mask} on {column}");
    }
}

#[test]
fn the_key_is_not_in_what_can_be_printed() {
    let rules = "p, user:ann, sales, orders, select, allow\np3, user:ann, sales, orders.email, hash";
    let policies = policies(rules);
    let seen = decide(&policies, "ann", "sales.orders", Action::Select).unwrap();
    for text in
        [format!("{policies:?}"), format!("{seen:?}"), seen.columns[3].mask.as_ref().unwrap().expression.to_string()]
    {
        assert!(!text.contains("7, 7, 7") && !text.contains("0707"), "{text}");
    }
}
