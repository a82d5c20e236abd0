//! Why a table is not given. For records that auditors read: the caller is told the same in every case.

use std::collections::BTreeSet;

use crate::action::Action;
use crate::coverage::Coverage;
use crate::decide::Question;
use crate::decision::RuleId;
use crate::masking::Masking;
use crate::rules::{Effect, Place};

/// What keeps a principal from reading a table, with the rules that have to do with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// No rule grants it.
    NotGranted,
    /// These rules deny it.
    Denied(BTreeSet<RuleId>),
    /// These masks claim a column, and differ.
    Conflict(BTreeSet<RuleId>),
    /// These rules grant it; the contract's status, its classification, or a view's owner keeps it back. None where
    /// all of that lets the principal in, and it was something else.
    Withheld(BTreeSet<RuleId>),
}

impl Obstacle {
    /// `None` stands for a question that no rule can give a yes to.
    pub(crate) fn of(question: Option<&Question<'_>>) -> Self {
        let Some(question) = question else { return Self::NotGranted };
        if question.view(Action::Select).is_some() {
            return Self::Withheld(BTreeSet::new());
        }
        let grants: Vec<_> = question.compiled.grants(&question.table.name, &question.reach).collect();
        let rules = |effect: Effect, actions: &[Action], whole: bool| -> BTreeSet<RuleId> {
            let meant = grants.iter().filter(|grant| {
                grant.effect == effect && actions.contains(&grant.action) && (!whole || grant.column.is_none())
            });
            meant.map(|grant| grant.place.id()).collect()
        };
        let denied = rules(Effect::Deny, &[Action::Select, Action::Discover], true);
        let granted = rules(Effect::Allow, &[Action::Select], false);
        if !denied.is_empty() {
            return Self::Denied(denied);
        }
        if granted.is_empty() {
            return Self::NotGranted;
        }
        let conflict = conflict(question);
        if conflict.is_empty() { Self::Withheld(granted) } else { Self::Conflict(conflict) }
    }
}

/// The masks that claim an open column together with a different one.
fn conflict(question: &Question<'_>) -> BTreeSet<RuleId> {
    let masking = Masking::new(question);
    let open = Coverage::of_select(question, &masking).columns();
    let places = open.into_iter().filter_map(|column| masking.of(column).err()).flat_map(|conflict| conflict.places);
    places.map(|place: Place| place.id()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{policies, principal, registry};

    fn check(rules: &str, who: &str, table: &str, expected: &str) {
        let registry = registry();
        let table = registry.table(&table.parse().unwrap_or_else(|_| unreachable!())).unwrap_or_else(|| unreachable!());
        let found = policies(rules).obstacle(&principal(who), table);
        let text = |ids: BTreeSet<RuleId>| ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        let found = match found {
            Obstacle::NotGranted => "not granted".to_owned(),
            Obstacle::Denied(rules) => format!("denied {}", text(rules)),
            Obstacle::Conflict(rules) => format!("conflict {}", text(rules)),
            Obstacle::Withheld(rules) => format!("withheld {}", text(rules)),
        };
        assert_eq!(found, expected.replace('L', "policies/sales.csv:"), "{rules}");
    }

    #[test]
    fn what_keeps_a_table_back_is_named_with_its_rules() {
        check("", "ann", "sales.orders", "not granted");
        check("p, user:ann, sales, orders, discover, allow\n", "ann", "sales.orders", "not granted");
        check("p2, user:ann, sales, orders, permissive, \"true\"\n", "ann", "sales.orders", "not granted");
        let denied = "p, user:ann, sales, *, select, allow\np, role:r, sales, orders, select, deny\n\
                      p, user:ann, sales, orders.email, select, deny\ng, user:ann, role:r, sales\n";
        check(denied, "ann", "sales.orders", "denied L2");
        let operate = "p, user:ann, sales, orders, discover, allow\np, user:ann, sales, orders, operate, deny\n";
        check(operate, "ann", "sales.orders", "not granted");
        check("p, user:ann, sales, *, select, allow\n", "ann", "sales.plans", "withheld L1");
        check("p, user:ann, sales, *, select, allow\n", "ann", "sales.ledger", "withheld L1");
        check("p, user:ann, sales, *, select, allow\n", "ann", "sales.orders", "withheld ");
    }

    #[test]
    fn masks_that_only_a_token_brings_together_are_a_conflict() {
        let rules = "p, user:ann, sales, orders, select, allow\n\
                     p3, role:a, sales, orders.email, null\np3, role:b, sales, orders.email, hash\n\
                     p3, role:a, sales, orders.status, null\n";
        check(rules, "ann @a @b", "sales.orders", "conflict L2 L3");
        check(rules, "ann @a", "sales.orders", "withheld ");
        let cleared = format!("{rules}p3, user:ann, sales, orders.email, clear\n");
        check(&cleared, "ann @a @b", "sales.orders", "withheld ");
    }
}
