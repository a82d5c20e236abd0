//! Tests of views: granted to the owner, with the rules of the caller.
#![expect(clippy::unwrap_used, reason = "tests may unwrap")]

use crate::testing::{filter, names, policies, principal, registry, restrictions};

/// What `ann` sees of `sales.orders` through a view of `olga`: columns and row filter.
fn check(rules: &str, expected: Option<(&str, &str)>) {
    let registry = registry();
    let orders = registry.table(&"sales.orders".parse().unwrap()).unwrap();
    let decision = policies(rules).decide_through_view(&principal("olga"), &principal("ann region=EU"), orders);
    let seen = restrictions(decision);
    let seen = seen.map(|seen| (names(&seen), filter(&seen).replace("Utf8(", "").replace(')', "")));
    let seen = seen.as_ref().map(|(names, filter)| (names.as_str(), filter.as_str()));
    assert_eq!(seen, expected, "{rules}");
}

fn row(who: &str, object: &str, effect: &str) -> String {
    format!("p, user:{who}, sales, {object}, select, {effect}\n")
}

fn filtered(who: &str, kind: &str, predicate: &str) -> String {
    format!("p2, user:{who}, sales, orders, {kind}, \"{predicate}\"\n")
}

fn masked(who: &str, mask: &str) -> String {
    format!("p3, user:{who}, sales, orders.email, {mask}\n")
}

fn two(who: &str) -> String {
    row(who, "orders.id", "allow") + row(who, "orders.email", "allow").as_str()
}

#[test]
fn the_owner_must_be_granted_the_table() {
    check("", None);
    check(&two("ann"), None);
    check(&two("olga"), Some(("id email", "-")));
}

#[test]
fn the_callers_denials_hold() {
    check(&(two("olga") + row("ann", "orders", "deny").as_str()), None);
    check(&(two("olga") + row("ann", "*", "deny").as_str()), None);
    check(&(two("olga") + row("ann", "orders.email", "deny").as_str()), Some(("id", "-")));
    check(&(two("olga") + "p, user:ann, sales, orders, discover, deny"), None);
}

#[test]
fn the_callers_filters_hold_with_and_without_a_grant() {
    let own = filtered("ann", "permissive", "region = 'x'") + filtered("ann", "restrictive", "paid").as_str();
    check(&(two("olga") + own.as_str()), Some(("id email", "region = \"x\" AND paid")));
    check(&(two("olga") + two("ann").as_str() + own.as_str()), Some(("id email", "region = \"x\" AND paid")));
    let attribute = filtered("ann", "permissive", "region = attribute('region')");
    check(&(two("olga") + attribute.as_str()), Some(("id email", "region = \"EU\"")));
}

#[test]
fn the_owners_filter_and_masks_hold_where_the_caller_has_no_grant() {
    let owners =
        two("olga") + filtered("olga", "permissive", "region = 'x'").as_str() + masked("olga", "hash").as_str();
    check(&owners, Some(("id email:hash", "region = \"x\"")));
    check(&(owners.clone() + two("ann").as_str()), Some(("id email", "-")));
    check(&(owners.clone() + row("ann", "orders.id", "allow").as_str()), Some(("id email:hash", "region = \"x\"")));
    check(&(owners.clone() + row("ann", "orders.email", "allow").as_str()), Some(("id email", "region = \"x\"")));
    let both = owners + filtered("ann", "permissive", "status = 'y'").as_str();
    check(&both, Some(("id email:hash", "status = \"y\" AND region = \"x\"")));
}

#[test]
fn the_owners_attributes_are_the_owners() {
    let owners = two("olga") + filtered("olga", "permissive", "region = attribute('region')").as_str();
    check(&owners, Some(("id email", "Boolean(false")));
}

#[test]
fn the_callers_masks_hold_and_do_not_mix_with_others() {
    check(&(two("olga") + masked("ann", "null").as_str()), Some(("id email:null", "-")));
    check(
        &(two("olga") + masked("olga", "hash").as_str() + masked("ann", "hash").as_str()),
        Some(("id email:hash", "-")),
    );
    check(&(two("olga") + masked("olga", "hash").as_str() + masked("ann", "null").as_str()), None);
    check(
        &(two("olga") + masked("olga", "hash").as_str() + masked("ann", "clear").as_str()),
        Some(("id email:hash", "-")),
    );
    let own = two("olga") + masked("olga", "hash").as_str() + two("ann").as_str() + masked("ann", "null").as_str();
    check(&own, Some(("id email:null", "-")));
}

#[test]
fn a_view_of_ones_own_shows_what_one_sees() {
    let registry = registry();
    let orders = registry.table(&"sales.orders".parse().unwrap()).unwrap();
    let rules =
        row("ann", "orders", "allow") + filtered("ann", "permissive", "paid").as_str() + masked("ann", "hash").as_str();
    let (policies, ann) = (policies(&rules), principal("ann"));
    let direct = restrictions(policies.decide(&ann, orders, crate::Action::Select)).unwrap();
    assert_eq!(restrictions(policies.decide_through_view(&ann, &ann, orders)), Some(direct));
}
