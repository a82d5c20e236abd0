//! Tests of differences.
#![expect(clippy::unwrap_used, reason = "tests may unwrap")]

use super::changes;
use crate::principal::Principal;
use crate::testing::{policies, principal, registry};

/// What changes for `who` about `sales.orders` from one set of rules to another.
fn check_as(who: &str, old: &str, new: &str, expected: &[&str]) {
    let registry = registry();
    let table = registry.table(&"sales.orders".parse().unwrap()).unwrap();
    let [was, is] = [old, new].map(|rules| policies(rules).access(&principal(who), table));
    let found: Vec<String> = changes(&was, &is).iter().map(ToString::to_string).collect();
    assert_eq!(found, expected, "{who} from\n{old}\nto\n{new}");
}

fn check(old: &str, new: &str, expected: &[&str]) {
    check_as("ann region=EU", old, new, expected);
}

const SELECT: &str = "p, user:ann, sales, orders, select, allow\n";

fn filtered(predicate: &str) -> String {
    format!("{SELECT}p2, user:ann, sales, orders, permissive, \"{predicate}\"\n")
}

fn masked(mask: &str) -> String {
    format!("{SELECT}p3, user:ann, sales, orders.email, {mask}\n")
}

#[test]
fn rules_that_say_the_same_make_no_difference() {
    check("", "", &[]);
    check(SELECT, "p, role:r, sales, *, select, allow\ng, user:ann, role:r, *", &[]);
    check(&filtered("region = 'EU'"), &filtered("region = attribute('region')"), &[]);
    check(SELECT, &masked("clear"), &[]);
    check_as("bob", SELECT, "", &[]);
}

#[test]
fn a_table_is_gained_with_all_that_it_shows_and_lost_with_a_word() {
    let column = "p, user:ann, sales, orders.email, select, allow\np3, user:ann, sales, orders.email, hash\n";
    let gained = ["gains the table", "may now discover", "may now select", "gains column email, masked as hash(email)"];
    let rows = "rows before: none\nrows now:    every row";
    check("", column, &[&gained[..], &[rows]].concat());
    check(column, "", &["loses the table"]);
}

#[test]
fn an_action_is_gained_and_lost() {
    let operate = format!("{SELECT}p, user:ann, sales, orders, operate, allow");
    check(SELECT, &operate, &["may now operate"]);
    check(&operate, SELECT, &["may no longer operate"]);
    let discover = "p, user:ann, sales, orders, discover, allow";
    check(SELECT, discover, &["may no longer select", "rows before: every row\nrows now:    none"]);
}

#[test]
fn a_column_is_gained_lost_masked_and_unmasked() {
    let denied = format!("{SELECT}p, user:ann, sales, orders.margin, select, deny");
    check(SELECT, &denied, &["loses column margin"]);
    check(&denied, SELECT, &["gains column margin"]);
    check(SELECT, &masked("null"), &["column email is now masked as NULL"]);
    check(&masked("null"), SELECT, &["column email is no longer masked; it was NULL"]);
    check(&masked("constant:'a'"), &masked("constant:'b'"), &["column email is masked as 'b'; it was 'a'"]);
}

#[test]
fn the_rows_are_told_as_predicates_with_the_users_values() {
    check(SELECT, &filtered("paid"), &["rows before: every row\nrows now:    WHERE paid"]);
    check(
        &filtered("region = 'US'"),
        &filtered("region = attribute('region')"),
        &["rows before: WHERE (\"region\" = 'US')\nrows now:    WHERE (\"region\" = 'EU')"],
    );
    check(&filtered("paid"), &filtered("region = attribute('team')"), &["rows before: WHERE paid\nrows now:    none"]);
}

#[test]
fn the_predicates_of_whoever_it_may_be_are_told_as_written() {
    let registry = registry();
    let table = registry.table(&"sales.orders".parse().unwrap()).unwrap();
    let holder = Principal { roles: ["r".to_owned()].into(), ..Principal::named("*") };
    let rules = |attribute: &str| {
        format!(
            "p, role:r, sales, orders, select, allow\np2, role:r, sales, orders, restrictive, \
             \"region = attribute('{attribute}') AND (has_role('lead') OR email = current_user())\""
        )
    };
    let [was, is] = ["region", "area"].map(|attribute| policies(&rules(attribute)).access_as_written(&holder, table));
    let found: Vec<String> = changes(&was, &is).iter().map(ToString::to_string).collect();
    let expected = |attribute: &str| {
        format!("WHERE ((\"region\" = attribute('{attribute}')) AND (has_role('lead') OR (email = current_user())))")
    };
    assert_eq!(found, [format!("rows before: {}\nrows now:    {}", expected("region"), expected("area"))]);
}
