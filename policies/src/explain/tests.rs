//! Tests of explanations.
#![expect(clippy::unwrap_used, reason = "tests may unwrap")]

mod view;

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
roles   analyst  user:ann > role:analyst  [policies/sales.csv:6]
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
fn a_role_is_explained_by_the_shortest_chain_that_leads_to_it() {
    let rules = "g, user:ann, role:lead, sales\ng, role:lead, role:analyst, *\ng, role:analyst, role:reader, sales\n\
                 g, role:guest, role:visitor, sales\ng, role:lead, role:clerk, hr\np, role:reader, sales, *, select, allow";
    let text = explained(rules, "ann @guest @stranger", "sales.orders");
    let roles: Vec<&str> = text.lines().skip(2).take(6).collect();
    assert_eq!(
        roles,
        [
            "roles   analyst  user:ann > role:lead > role:analyst  [policies/sales.csv:1, policies/sales.csv:2]",
            "        guest  vouched for by the identity provider",
            "        lead  user:ann > role:lead  [policies/sales.csv:1]",
            "        reader  user:ann > role:lead > role:analyst > role:reader  \
             [policies/sales.csv:1, policies/sales.csv:2, policies/sales.csv:3]",
            "        stranger  vouched for by the identity provider",
            "        visitor  role:guest > role:visitor  [policies/sales.csv:4]",
        ]
    );
}

#[test]
fn rules_that_change_nothing_are_marked() {
    let rules = "p, role:a, sales, orders, select, allow\np, role:b, sales, orders, select, allow\n\
                 p2, role:a, sales, orders, permissive, paid\np2, role:b, sales, orders, restrictive, \"id > 3\"\n\
                 p3, role:a, sales, orders.email, null\np3, role:b, sales, orders.email, clear\n\
                 p3, role:a, sales, orders.margin, null\np, role:b, sales, orders.margin, select, deny";
    let text = explained(rules, "ann @a @b", "sales.orders");
    let idle: Vec<&str> = text.lines().filter_map(|line| line.trim().strip_suffix("  (without effect)")).collect();
    let expected = [
        "filters p2, role:a, sales, orders, permissive, \"paid\"  [policies/sales.csv:3]",
        "masks   p3, role:a, sales, orders.email, null  [policies/sales.csv:5]",
        "p3, role:a, sales, orders.margin, null  [policies/sales.csv:7]",
    ];
    assert_eq!(idle, expected, "{text}");
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
