//! Tests of decisions: grants, denials, actions, status, roles.
#![expect(clippy::unwrap_used, reason = "tests may unwrap")]

use crate::action::Action;
use crate::decision::Decision;
use crate::principal::Principal;
use crate::testing::{decide, filter, names, policies, principal, registry, table};

const ALL: &str = "id region status email margin created at paid";

/// What `ann` sees of `sales.orders` with a `select`; `denied` for nothing.
fn check(rules: &str, expected: &str) {
    check_as("ann", rules, expected);
}

fn check_as(who: &str, rules: &str, expected: &str) {
    let seen = decide(&policies(rules), who, "sales.orders", Action::Select);
    let seen = seen.map_or_else(|| "denied".to_owned(), |restrictions| names(&restrictions));
    assert_eq!(seen, expected, "{who} with\n{rules}");
}

/// Actions that `ann` may do with `sales.orders`.
fn check_actions(rules: &str, expected: &[Action]) {
    let policies = policies(rules);
    let allowed = |action: &Action| decide(&policies, "ann", "sales.orders", *action).is_some();
    assert_eq!(Action::ALL.into_iter().filter(allowed).collect::<Vec<_>>(), expected, "{rules}");
}

#[test]
fn what_no_rule_allows_is_denied() {
    check("", "denied");
    check("p, user:bob, sales, orders, select, allow", "denied");
    check("p, user:ann, sales, customers, select, allow", "denied");
    check("p, user:ann, hr, *, select, allow", "denied");
    check("p, role:ann, sales, orders, select, allow", "denied");
    check("p2, user:ann, sales, orders, permissive, \"true\"", "denied");
    check("p3, user:ann, sales, orders.email, clear", "denied");
}

#[test]
fn a_grant_opens_the_table_or_the_column_that_it_names() {
    check("p, user:ann, sales, orders, select, allow", ALL);
    check("p, user:ann, sales, *, select, allow", ALL);
    check("p, user:ann, sales, orders.email, select, allow", "email");
    check("p, user:ann, sales, orders.email, select, allow\np, user:ann, sales, orders.id, select, allow", "id email");
}

#[test]
fn deny_wins_at_every_level_and_in_every_order() {
    for (allow, deny, expected) in [
        ("orders", "orders", "denied"),
        ("*", "orders", "denied"),
        ("orders", "*", "denied"),
        ("orders.email", "*", "denied"),
        ("orders.email", "orders", "denied"),
        ("orders", "orders.email", "id region status margin created at paid"),
        ("*", "orders.email", "id region status margin created at paid"),
        ("orders.email", "orders.email", "denied"),
        ("orders", "customers", ALL),
    ] {
        let allow = format!("p, role:reader, sales, {allow}, select, allow");
        let deny = format!("p, user:ann, sales, {deny}, select, deny");
        let member = "g, user:ann, role:reader, sales";
        check(&format!("{allow}\n{deny}\n{member}"), expected);
        check(&format!("{member}\n{deny}\n{allow}"), expected);
    }
}

#[test]
fn a_restricted_column_needs_a_rule_that_names_it() {
    let base = "p, user:ann, sales, *, select, allow";
    check(base, ALL);
    check(&format!("{base}\np, user:ann, sales, orders.ssn, select, allow"), &format!("{ALL} ssn"));
    check(&format!("{base}\np3, user:ann, sales, orders.ssn, show_last_4"), &format!("{ALL} ssn:show_last_4"));
    check(&format!("{base}\np3, user:ann, sales, orders.ssn, clear"), &format!("{ALL} ssn"));
    check(&format!("{base}\np3, user:bob, sales, orders.ssn, clear"), ALL);
    check("p3, user:ann, sales, orders.ssn, clear", "denied");
    let denied = format!("{base}\np3, user:ann, sales, orders.ssn, hash\np, user:ann, sales, orders.ssn, select, deny");
    check(&denied, ALL);
}

#[test]
fn actions_give_what_they_say_and_select_gives_discover() {
    let rule = |object: &str, action: &str, effect: &str| format!("p, user:ann, sales, {object}, {action}, {effect}\n");
    check_actions(&rule("orders", "select", "allow"), &[Action::Discover, Action::Select]);
    check_actions(&rule("orders", "discover", "allow"), &[Action::Discover]);
    check_actions(&rule("orders", "ingest", "allow"), &[Action::Ingest]);
    check_actions(&rule("orders", "operate", "allow"), &[Action::Operate]);
    let discover = rule("*", "discover", "allow");
    check_actions(&(discover.clone() + rule("orders", "select", "deny").as_str()), &[Action::Discover]);
    let select = rule("*", "select", "allow");
    check_actions(&(select.clone() + rule("orders", "discover", "deny").as_str()), &[]);
    check_actions(&(select + rule("orders", "operate", "deny").as_str()), &[Action::Discover, Action::Select]);
}

#[test]
fn operate_and_discover_give_no_right_to_data() {
    for action in [Action::Operate, Action::Discover, Action::Ingest] {
        let policies = policies(&format!("p, user:ann, sales, orders, {action}, allow"));
        assert_eq!(decide(&policies, "ann", "sales.orders", Action::Select), None, "{action}");
        let restrictions = decide(&policies, "ann", "sales.orders", action).unwrap();
        assert_eq!(filter(&restrictions), "Boolean(false)", "{action} shows no row");
    }
}

#[test]
fn discover_shows_the_columns_of_select_where_there_is_one() {
    let both = "p, user:ann, sales, *, discover, allow\np, user:ann, sales, orders.email, select, allow";
    let policies = policies(both);
    let discover = decide(&policies, "ann", "sales.orders", Action::Discover).unwrap();
    assert_eq!(names(&discover), "email");
    assert_eq!(filter(&discover), "-");
}

#[test]
fn discover_alone_shows_no_column_that_is_denied_or_restricted() {
    let rules = "p, user:ann, sales, orders, discover, allow\np, user:ann, sales, orders.email, select, deny";
    let discover = decide(&policies(rules), "ann", "sales.orders", Action::Discover).unwrap();
    assert_eq!(names(&discover), "id region status margin created at paid");
}

#[test]
fn a_draft_is_for_its_owner_and_a_retired_table_for_nobody() {
    let rules = "p, role:all, sales, *, select, allow\np, role:all, sales, *, operate, allow\n\
                 g, user:ann, role:all, *\ng, user:olga, role:all, *";
    let rules = policies(rules);
    for (who, table, expected) in [
        ("ann", "sales.plans", false),
        ("olga", "sales.plans", true),
        ("ann", "sales.ledger", false),
        ("olga", "sales.ledger", false),
        ("ann", "sales.customers", true),
    ] {
        for action in [Action::Select, Action::Discover, Action::Operate] {
            assert_eq!(decide(&rules, who, table, action).is_some(), expected, "{who} {action} {table}");
        }
    }
    assert_eq!(decide(&policies(""), "olga", "sales.plans", Action::Select), None, "an owner needs a grant too");
}

#[test]
fn roles_come_from_rows_and_from_the_identity_provider() {
    let grant = "p, role:reader, sales, orders, select, allow\n";
    check(&format!("{grant}g, user:ann, role:reader, sales"), ALL);
    check(&format!("{grant}g, user:ann, role:reader, *"), ALL);
    check(&format!("{grant}g, user:ann, role:reader, hr"), "denied");
    check(&format!("{grant}g, user:ann, role:lead, *\ng, role:lead, role:reader, sales"), ALL);
    check(&format!("{grant}g, user:ann, role:lead, hr\ng, role:lead, role:reader, sales"), "denied");
    check_as("eve @reader", grant, ALL);
    check_as("eve @lead", &format!("{grant}g, role:lead, role:reader, sales"), ALL);
    check_as("eve @role:reader", grant, "denied");
    check_as("role:reader", grant, "denied");
    check_as("reader", grant, "denied");
}

#[test]
fn a_name_is_compared_whole_and_as_written() {
    let grant = "p, user:ann, sales, orders, select, allow";
    for stranger in ["Ann", "ann ", "an", "anna", "*", "ann,", "user:ann", "%", "a.n"] {
        check_as_whole(stranger, grant);
    }
}

fn check_as_whole(subject: &str, rules: &str) {
    let registry = registry();
    let orders = registry.table(&"sales.orders".parse().unwrap()).unwrap();
    let decision = policies(rules).decide(&Principal::named(subject), orders, Action::Select);
    assert_eq!(decision, Decision::Deny, "{subject:?}");
}

#[test]
fn a_principal_without_a_name_is_denied_even_with_roles() {
    let mut nobody = principal("x @reader");
    nobody.subject = "".into();
    let registry = registry();
    let orders = registry.table(&"sales.orders".parse().unwrap()).unwrap();
    let policies = policies("p, role:reader, sales, orders, select, allow");
    assert_eq!(policies.decide(&nobody, orders, Action::Select), Decision::Deny);
}

#[test]
fn a_table_that_the_rules_were_not_checked_against_is_denied() {
    let policies = policies("p, user:ann, sales, *, select, allow");
    let stranger = table("sales.secrets", &[("id", arrow::datatypes::DataType::Int64)], catalog::Status::Active);
    let changed = table("sales.orders", &[("id", arrow::datatypes::DataType::Int64)], catalog::Status::Active);
    for table in [stranger, changed] {
        assert_eq!(policies.decide(&principal("ann"), &table, Action::Select), Decision::Deny);
    }
}

#[test]
fn the_fingerprint_is_of_what_is_seen_and_not_of_who_sees() {
    let rules = "p, role:r, sales, orders, select, allow\np2, role:r, sales, orders, permissive, \"region = attribute('region')\"\n\
                 p3, role:h, sales, orders.email, hash";
    let policies = policies(rules);
    let print = |who: &str| decide(&policies, who, "sales.orders", Action::Select).unwrap().fingerprint;
    assert_eq!(print("ann @r region=EU"), print("bob @r region=EU"));
    assert_ne!(print("ann @r region=EU"), print("ann @r region=US"));
    assert_ne!(print("ann @r region=EU"), print("ann @r @h region=EU"));
    assert_ne!(print("ann @r region=EU"), print("ann @r"));
}

#[test]
fn the_rules_behind_a_yes_are_named_and_the_others_are_not() {
    let rules = "p, user:ann, sales, orders, select, allow\np, user:bob, sales, orders, select, allow\n\
                 p2, user:ann, sales, orders, permissive, \"paid\"\np3, user:ann, sales, orders.email, hash\n\
                 p3, user:bob, sales, orders.email, null";
    let seen = decide(&policies(rules), "ann", "sales.orders", Action::Select).unwrap();
    let lines: Vec<u64> = seen.rules.iter().map(|rule| rule.line).collect();
    assert_eq!(lines, [1, 3, 4]);
}

#[test]
fn roles_are_listed_by_domain() {
    let policies = policies("g, user:ann, role:a, sales\ng, role:a, role:b, *\ng, user:ann, role:c, hr");
    let roles = |domain: &str| policies.roles(&principal("ann @idp"), &domain.parse().unwrap());
    assert_eq!(roles("sales"), ["a", "b", "idp"]);
    assert_eq!(roles("hr"), ["c", "idp"]);
}
