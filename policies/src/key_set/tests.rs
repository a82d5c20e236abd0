//! Which sub-queries a rule may hold, what they mean for a principal, and that nothing runs before they are filled.
#![expect(clippy::unwrap_used, reason = "tests may unwrap")]

use datafusion::common::ScalarValue;

use crate::action::Action;
use crate::testing::{decide, filter, load, policies, principal, registry};

fn rules(predicate: &str) -> String {
    let predicate = predicate.replace('"', "\"\"");
    format!("p, user:ann, sales, orders, select, allow\np2, user:ann, sales, orders, permissive, \"{predicate}\"\n")
}

fn problem(predicate: &str) -> String {
    load(&rules(predicate)).map(|_| String::new()).unwrap_or_else(|problems| problems.to_string())
}

const MINE: &str = "id IN (SELECT order_id FROM governance.entitlements WHERE person = current_user() AND level > 2)";

#[test]
fn a_value_may_be_looked_up_in_a_table_of_the_mesh() {
    for predicate in [
        MINE,
        "id IN (SELECT order_id FROM governance.entitlements)",
        "region = 'EU' OR region IN (SELECT region FROM governance.entitlements WHERE person = attribute('name_of'))",
        "lower(region) IN (SELECT region FROM governance.entitlements) AND NOT paid",
        "id NOT IN (SELECT order_id FROM governance.entitlements WHERE level IS NULL)",
        "attribute('region') IN (SELECT region FROM governance.entitlements WHERE has_role('r'))",
        "ID IN (SELECT ORDER_ID FROM Governance.Entitlements WHERE LEVEL IN (1, 2))",
    ] {
        assert_eq!(problem(predicate), "", "{predicate}");
    }
}

#[test]
fn every_other_query_is_refused_with_a_remedy() {
    let nothing_else = "nothing else in it";
    for (predicate, expected) in [
        ("EXISTS (SELECT 1 FROM governance.entitlements)", nothing_else),
        ("id = (SELECT order_id FROM governance.entitlements)", nothing_else),
        ("id = ANY (SELECT order_id FROM governance.entitlements)", nothing_else),
        ("id IN (SELECT order_id FROM governance.entitlements LIMIT 1)", nothing_else),
        ("id IN (SELECT order_id FROM governance.entitlements ORDER BY 1)", nothing_else),
        ("id IN (SELECT order_id FROM governance.entitlements GROUP BY order_id)", nothing_else),
        ("id IN (SELECT order_id FROM governance.entitlements e)", nothing_else),
        ("id IN (SELECT order_id FROM governance.entitlements, sales.orders)", nothing_else),
        ("id IN (SELECT order_id + 1 FROM governance.entitlements)", nothing_else),
        ("id IN (SELECT order_id, level FROM governance.entitlements)", nothing_else),
        ("id IN (SELECT * FROM governance.entitlements)", nothing_else),
        ("id IN (WITH x AS (SELECT 1) SELECT order_id FROM governance.entitlements)", nothing_else),
        ("id IN (SELECT order_id FROM governance.entitlements UNION SELECT 1)", nothing_else),
        ("id IN (SELECT order_id FROM entitlements)", "domain.table"),
        ("id IN (SELECT order_id FROM retail.governance.entitlements)", "domain.table"),
        ("id IN (SELECT order_id FROM governance.nothing)", "not in the catalog"),
        ("id IN (SELECT nothing FROM governance.entitlements)", "no column `nothing`"),
        ("region IN (SELECT name FROM hr.staff)", "not in a view"),
        ("id IN (SELECT tags FROM governance.entitlements)", "cannot be looked up"),
        ("created IN (SELECT region FROM governance.entitlements)", "keys of type"),
        ("id IN (SELECT order_id FROM governance.entitlements WHERE 1 / level = 1)", "operator `/`"),
        ("id IN (SELECT order_id FROM governance.entitlements WHERE region ~ 'x')", "operator `~`"),
        ("id IN (SELECT order_id FROM governance.entitlements WHERE email = 'x')", "cannot be read"),
        (
            "id IN (SELECT order_id FROM governance.entitlements WHERE region IN (SELECT region FROM governance.entitlements))",
            "inside a sub-query",
        ),
        ("\"in keys\"(id, 0)", "cannot be read"),
    ] {
        let problem = problem(predicate);
        assert!(problem.contains(expected) && problem.contains("sales.csv:2"), "{predicate}\n{problem}");
    }
}

#[test]
fn the_condition_holds_the_values_of_the_principal() {
    let policies = policies(&rules(MINE));
    let restrictions = decide(&policies, "ann", "sales.orders", Action::Select).unwrap();
    let [set] = restrictions.key_sets().try_into().unwrap();
    assert_eq!((set.table.to_string().as_str(), set.column.as_str()), ("governance.entitlements", "order_id"));
    let condition = set.condition.as_ref().unwrap().to_string();
    assert_eq!(condition, "person = Utf8(\"ann\") AND level > Int64(2)");
    let registry = registry();
    let table = |name: &str| registry.table(&name.parse().unwrap()).unwrap();
    let read = set.restrictions(table("governance.entitlements")).unwrap();
    assert_eq!((read.columns.len(), read.columns[0].index), (1, 1));
    assert!(set.restrictions(table("sales.orders")).is_none());
}

#[test]
fn a_missing_attribute_in_the_sub_query_closes_the_filter() {
    let predicate = "id NOT IN (SELECT order_id FROM governance.entitlements WHERE region = attribute('region'))";
    let policies = policies(&rules(predicate));
    let without = decide(&policies, "ann", "sales.orders", Action::Select).unwrap();
    assert_eq!(filter(&without), "Boolean(false)");
    let with = decide(&policies, "ann region=EU", "sales.orders", Action::Select).unwrap();
    assert_eq!(with.key_sets().len(), 1);
}

#[test]
fn keys_take_their_places() {
    let policies = policies(&rules(&format!("{MINE} OR NOT {MINE}")));
    let restrictions = decide(&policies, "ann", "sales.orders", Action::Select).unwrap();
    // The same set is looked up once.
    let [set] = restrictions.key_sets().try_into().unwrap();
    let two = vec![ScalarValue::Int32(Some(1)), ScalarValue::Int32(None)];
    for (keys, expected) in [(two, "id IN ([Int64(1), Int64(NULL)])"), (Vec::new(), "Boolean(false)")] {
        let filled = restrictions.with_keys(&[(set.clone(), keys)]).unwrap();
        assert_eq!(filter(&filled), format!("{expected} OR NOT {expected}"));
        assert!(filled.key_sets().is_empty());
    }
    let untouched = restrictions.with_keys(&[]).unwrap();
    assert_eq!(untouched.key_sets(), [set]);
}

#[test]
fn principals_with_other_keys_have_other_fingerprints() {
    let policies = policies(&rules(MINE).replace("user:ann", "role:r"));
    let of = |who: &str| decide(&policies, who, "sales.orders", Action::Select).unwrap().fingerprint;
    assert_eq!(of("ann @r"), of("ann @r"));
    assert_ne!(of("ann @r"), of("bob @r"));
}

#[test]
fn the_explained_view_spells_the_sub_query() {
    let policies = policies(&rules(MINE));
    let registry = registry();
    let table = registry.table(&"sales.orders".parse().unwrap()).unwrap();
    let sql = policies.explain(&principal("ann"), table).sql.unwrap();
    let expected = "IN (SELECT \"order_id\" FROM governance.entitlements WHERE ((person = 'ann') AND (\"level\" > 2)))";
    assert!(sql.contains(expected), "{sql}");
}
