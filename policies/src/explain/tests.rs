//! Tests of explanations.
#![expect(clippy::unwrap_used, reason = "tests may unwrap")]

use crate::testing::{policies, principal, registry};

fn explained(rules: &str, who: &str, table: &str) -> String {
    let registry = registry();
    let table = registry.table(&table.parse().unwrap()).unwrap();
    policies(rules).explain(&principal(who), table).to_string()
}

#[test]
fn an_explanation_shows_rules_and_the_view_that_it_equals() {
    let rules = "p, role:analyst, sales, *, select, allow\np, user:ann, sales, orders.margin, select, deny\n\
                 p2, role:analyst, sales, orders, permissive, \"region = attribute('region')\"\n\
                 p3, role:analyst, sales, orders.email, show_last_4\np3, role:analyst, sales, orders.at, null\n\
                 g, user:ann, role:analyst, sales\np, user:bob, sales, orders, select, allow";
    let expected = "user    ann
table   sales.orders
roles   analyst
may     discover, select
grants  p, role:analyst, sales, *, select, allow  [policies/sales.csv:1]
denials p, user:ann, sales, orders.margin, select, deny  [policies/sales.csv:2]
filters p2, role:analyst, sales, orders, permissive, \"region = attribute('region')\"  [policies/sales.csv:3]
masks   p3, role:analyst, sales, orders.email, show_last_4  [policies/sales.csv:4]
        p3, role:analyst, sales, orders.at, null  [policies/sales.csv:5]
hidden  margin, ssn
sees    SELECT id, region, status, show_last_4(email) AS email, created, NULL AS at, paid FROM sales.orders WHERE (\"region\" = 'EU')";
    assert_eq!(explained(rules, "ann region=EU", "sales.orders"), expected);
}

#[test]
fn an_explanation_says_why_nothing_is_seen() {
    assert!(explained("", "ann", "sales.orders").ends_with("sees    nothing"));
    let draft = explained("p, user:ann, sales, *, select, allow", "ann", "sales.plans");
    assert!(draft.contains("note    the contract is draft") && draft.ends_with("sees    nothing"), "{draft}");
    let rules = "p, role:a, sales, orders, select, allow\np3, role:a, sales, orders.email, hash\np3, role:b, sales, orders.email, null";
    let conflict = explained(rules, "ann @a @b", "sales.orders");
    assert!(conflict.contains("two different masks"), "{conflict}");
}
