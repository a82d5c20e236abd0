//! Tests of row filters: the published truth table, attributes and identity.

use crate::action::Action;
use crate::testing::{decide, filter, policies};

/// `A` and `B` grant; `N` grants nothing; the filters are on `region`.
fn rules(text: &str) -> String {
    let mut rules = String::new();
    for word in text.split(' ') {
        let rule = match word.split_once(':') {
            None => format!("p, role:{word}, sales, orders, select, allow"),
            Some((role, "table")) => format!("p, role:{role}, sales, orders, select, allow"),
            Some((role, column)) if column.starts_with('.') => {
                format!("p, role:{role}, sales, orders{column}, select, allow")
            }
            Some((role, part)) => {
                let (kind, value) = part.split_at(1);
                let kind = if kind == "+" { "permissive" } else { "restrictive" };
                format!("p2, role:{role}, sales, orders, {kind}, \"region = '{value}'\"")
            }
        };
        rules.push_str(&rule);
        rules.push('\n');
    }
    rules
}

fn check(who: &str, text: &str, expected: &str) {
    check_rules(who, &rules(text), expected);
}

fn check_rules(who: &str, rules: &str, expected: &str) {
    let seen = decide(&policies(rules), who, "sales.orders", Action::Select);
    let seen = seen.map_or_else(|| "denied".to_owned(), |restrictions| filter(&restrictions));
    let short = seen.replace("region = Utf8(", "").replace("\")", "").replace('"', "");
    assert_eq!(short, expected, "{who} with\n{rules}");
}

#[test]
fn the_truth_table_of_the_readme_holds() {
    // One granting role.
    check("u @A", "A", "-");
    check("u @A", "A A:+x", "x");
    check("u @A", "A A:+x A:+y", "x OR y");
    check("u @A", "A A:-x", "x");
    check("u @A", "A A:+x A:-y A:-z", "x AND y AND z");
    // Two granting roles.
    check("u @A @B", "A B", "-");
    check("u @A @B", "A A:+x B", "-");
    check("u @A @B", "A A:+x B B:+y", "x OR y");
    check("u @A @B", "A A:+x B B:-y", "y");
    check("u @A @B", "A A:+x B B:+x", "x");
    // A role that grants nothing never widens, and is not lost.
    check("u @N", "A N:+x", "denied");
    check("u @A @N", "A N:+x", "x");
    check("u @A @N", "A N:+x N:+y", "x OR y");
    check("u @A @N", "A A:+x N:+y", "x");
    check("u @A @N", "A A:+x N:-y", "x AND y");
    check("u @A @B @N", "A A:+x B N:+y", "x OR y");
}

#[test]
fn a_role_has_the_filters_of_the_roles_that_it_holds() {
    let steward = "g, role:S, role:A, sales\n";
    check_rules("u @S", &(rules("A A:+x") + steward), "x");
    check_rules("u @S", &(rules("A A:+x S") + steward), "x");
    check_rules("u @S", &(rules("A A:+x S S:+y") + steward), "x OR y");
    check_rules("u @S @B", &(rules("A A:+x S B") + steward), "-");
    let lifted = rules("A A:+x S") + steward + "p2, role:S, sales, orders, permissive, \"true\"";
    check_rules("u @S", &lifted, "-");
}

#[test]
fn a_row_is_seen_when_every_visible_column_of_it_is_granted() {
    check("u @A @B", "A:.email B B:+x", "x");
    check("u @A @B", "A:.email B:.id B:+x", "x");
    check("u @A @B", "A:.email A:+y B:.id B:+x", "y AND x");
    check("u @A @B", "A:.email A:+y B B:+x", "x");
    check("u @A @B", "A:.ssn A:+y B B:+x", "y AND x");
    check("u @A @B", "A:.email A:+y B:.email B:+x", "y OR x");
}

#[test]
fn a_filter_of_another_table_or_principal_is_not_used() {
    let other = "p2, role:B, sales, orders, permissive, \"region = 'x'\"\np2, role:A, sales, customers, restrictive, \"id = 1\"";
    check_rules("u @A", &(rules("A") + other), "-");
}

fn check_predicate(who: &str, predicate: &str, expected: &str) {
    let rules =
        format!("p, role:r, sales, orders, select, allow\np2, role:r, sales, orders, permissive, \"{predicate}\"");
    let seen = decide(&policies(&rules), &format!("{who} @r"), "sales.orders", Action::Select);
    assert_eq!(seen.map(|restrictions| filter(&restrictions)).as_deref(), Some(expected), "{who}: {predicate}");
}

#[test]
fn an_attribute_is_a_typed_literal() {
    check_predicate("ann region=EU", "region = attribute('region')", "region = Utf8(\"EU\")");
    check_predicate("ann region=x'\"or", "region = attribute('region')", "region = Utf8(\"x'\"or\")");
    check_predicate("ann region=%", "region = attribute('region')", "region = Utf8(\"%\")");
    check_predicate("ann id:7", "id = attribute('id')", "id = Int64(7)");
    check_predicate("ann id=7", "id = attribute('id')", "id = Int64(7)");
    check_predicate("ann id:7", "region = attribute('id')", "region = Utf8(\"7\")");
    check_predicate("ann day=2024-01-31", "created >= attribute('day')", "created >= Date32(\"2024-01-31\")");
    check_predicate("ann m=10.5", "margin < attribute('m')", "margin < Decimal128(10.50,18,2)");
    check_predicate(
        "ann a=x b=y",
        "region IN (attribute('a'), attribute('b'))",
        "region = Utf8(\"x\") OR region = Utf8(\"y\")",
    );
    check_predicate("ann paid=true", "paid = attribute('paid')", "paid");
    check_predicate("ann a=EU", "region || 'x' = lower(attribute('a'))", "region || Utf8(\"x\") = Utf8(\"eu\")");
}

#[test]
fn a_missing_attribute_makes_the_whole_filter_false() {
    for predicate in [
        "region = attribute('region')",
        "NOT (region = attribute('region'))",
        "region <> attribute('region') OR true",
        "true OR region = attribute('region')",
        "attribute('region') IS NULL",
        "coalesce(attribute('region'), 'x') = 'x'",
        "CASE WHEN attribute('region') = 'x' THEN false ELSE true END",
        "region IN ('x', attribute('region'))",
    ] {
        check_predicate("ann", predicate, "Boolean(false)");
        check_predicate("ann region=", predicate, "Boolean(false)");
        check_predicate("ann Region=EU", predicate, "Boolean(false)");
    }
}

#[test]
fn an_attribute_of_the_wrong_type_makes_the_whole_filter_false() {
    check_predicate("ann id=seven", "id = attribute('id')", "Boolean(false)");
    check_predicate("ann id=seven", "NOT (id = attribute('id'))", "Boolean(false)");
    check_predicate("ann day:7", "created = attribute('day')", "Boolean(false)");
    check_predicate("ann paid:1", "paid = attribute('paid')", "Boolean(false)");
    check_predicate("ann id=99999999999999999999", "id <> attribute('id')", "Boolean(false)");
}

#[test]
fn a_missing_attribute_in_one_filter_leaves_the_others() {
    let missing = "p2, role:A, sales, orders, permissive, \"region = attribute('region')\"\n";
    check_rules("u @A", &(rules("A A:+x") + missing), "x");
    let restrictive = missing.replace("permissive", "restrictive");
    check_rules("u @A", &(rules("A A:+x") + restrictive.as_str()), "Boolean(false)");
}

#[test]
fn identity_is_folded_and_cannot_be_claimed() {
    check_predicate("ann", "region = current_user()", "region = Utf8(\"ann\")");
    check_predicate("ann", "region = current_user", "region = Utf8(\"ann\")");
    check_predicate("ann current_user=bob subject=bob sub=bob", "region = current_user()", "region = Utf8(\"ann\")");
    check_predicate("ann", "has_role('r')", "-");
    check_predicate("ann", "has_role('boss') OR region = 'x'", "region = Utf8(\"x\")");
    check_predicate("ann boss=true", "has_role('boss')", "Boolean(false)");
    check_predicate("ann", "CASE WHEN has_role('r') THEN region = 'x' ELSE true END", "region = Utf8(\"x\")");
}

#[test]
fn a_filter_that_is_never_true_lets_nothing_pass() {
    check_predicate("ann", "false", "Boolean(false)");
    check_predicate("ann", "NULL", "Boolean(false)");
    check_predicate("ann", "region = NULL", "Boolean(false)");
    check_predicate("ann", "true", "-");
}

#[test]
fn a_literal_is_folded_so_that_the_source_can_use_it() {
    check_predicate("ann", "region = CAST('a' AS text)", "region = Utf8(\"a\")");
    check_predicate("ann", "created >= '2024-01-01'", "created >= Date32(\"2024-01-01\")");
    check_predicate("ann", "created >= DATE '2024-01-01'", "created >= Date32(\"2024-01-01\")");
    check_predicate("ann", "id = 5", "id = Int64(5)");
    check_predicate("ann", "margin > 10.5", "margin > Decimal128(10.50,18,2)");
    check_predicate("ann", "region = lower('EU')", "region = Utf8(\"eu\")");
}
