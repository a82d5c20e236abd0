//! The compiled form and Casbin give the same answers, on random rules and on those that Casbin is known to
//! trip over.
#![expect(clippy::unwrap_used, reason = "tests may unwrap")]

use catalog::{Problems, Registry};
use std::sync::Arc;

use super::*;
use crate::compiled::Compiled;
use crate::confirm::same_answer;
use crate::masks::{HashKey, Masks};
use crate::roles;
use crate::rules::{RuleFile, read};
use crate::testing::registry;

/// A small generator, the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }

    fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.roll(words.len())]
    }
}

const ROLES: [&str; 6] = ["role:a", "role:b", "role:c", "role:d", "role:ann", "role:*b"];
const USERS: [&str; 3] = ["user:ann", "user:bob", "user:a"];

fn random_rules(dice: &mut Dice) -> String {
    let mut rows = std::collections::BTreeSet::new();
    for _ in 0..dice.roll(14) {
        let subject = if dice.roll(3) == 0 { dice.pick(&USERS) } else { dice.pick(&ROLES) };
        let domain = dice.pick(&["sales", "sales", "hr"]);
        let tables: &[&str] = if domain == "hr" {
            &["*", "staff", "staff.id"]
        } else {
            &["*", "orders", "orders.id", "orders.ssn", "customers", "customers.a.b", "customers.id"]
        };
        let object = dice.pick(tables);
        let action = if object.contains('.') {
            dice.pick(&["select", "select", "discover"])
        } else {
            dice.pick(&["select", "select", "discover", "operate"])
        };
        let effect = dice.pick(&["allow", "allow", "allow", "deny"]);
        rows.insert(format!("p, {subject}, {domain}, {object}, {action}, {effect}"));
    }
    for _ in 0..dice.roll(10) {
        let from = dice.roll(ROLES.len());
        let member = if dice.roll(2) == 0 { dice.pick(&USERS) } else { ROLES[from] };
        let role = ROLES[(from + 1 + dice.roll(ROLES.len())) % ROLES.len()];
        // Only upwards, so that there is no ring.
        let upwards = member.starts_with("user:") || member < role;
        if upwards && member != role {
            rows.insert(format!("g, {member}, {role}, {}", dice.pick(&["sales", "hr", "*"])));
        }
    }
    rows.into_iter().collect::<Vec<_>>().join("\n")
}

pub(super) fn compile(text: &str, registry: &Arc<Registry>) -> (Rules, Compiled) {
    let mut problems = Problems::default();
    let file = RuleFile { path: "x.csv".into(), text: text.to_owned() };
    let rules = read(&[file], registry, &mut problems);
    roles::check(&rules.memberships, &mut problems);
    let masks = Masks::new(HashKey::new([0; 32]));
    let compiled = Compiled::new(&rules, Arc::clone(registry), &masks, &mut problems);
    assert!(problems.is_empty(), "{problems}\n{text}");
    (rules, compiled)
}

#[test]
fn the_compiled_rules_give_casbins_answers() {
    let registry = registry();
    let mut dice = Dice(20_250_101);
    let (mut asked, mut allowed) = (0, 0);
    for _ in 0..150 {
        let text = random_rules(&mut dice);
        let (rules, compiled) = compile(&text, &registry);
        let engine = futures::executor::block_on(Engine::new(&rules)).unwrap();
        for subject in USERS.iter().chain(&ROLES).map(|name| Subject((*name).into())) {
            for name in ["sales.orders", "sales.customers", "hr.staff"] {
                let table = registry.table(&name.parse().unwrap()).unwrap();
                for (action, column) in
                    [(Action::Select, 0), (Action::Select, 2), (Action::Discover, 0), (Action::Operate, 0)]
                {
                    assert!(
                        same_answer(&engine, &compiled, &subject, (table, column), action).unwrap(),
                        "{subject:?} {action} {name} column {column} with\n{text}"
                    );
                    asked += 1;
                    let object = format!("{}.{}", table.name.table, table.columns[column].name);
                    allowed += usize::from(engine.allows(&subject, &table.name.domain, &object, action).unwrap());
                }
            }
        }
    }
    assert!(allowed > asked / 20 && allowed < asked / 2, "{allowed} of {asked}: the rules are worth testing");
}

#[test]
fn the_compiled_roles_are_casbins_roles() {
    let registry = registry();
    let mut dice = Dice(4711);
    for _ in 0..150 {
        let text = random_rules(&mut dice);
        let (rules, compiled) = compile(&text, &registry);
        let engine = futures::executor::block_on(Engine::new(&rules)).unwrap();
        for domain in ["sales", "hr"].map(|name| name.parse::<Name>().unwrap()) {
            for member in USERS.iter().chain(&ROLES).map(|name| Subject((*name).into())) {
                let reach = compiled.graph.reach(&domain, compiled.graph.id(&member));
                for role in ROLES.iter().map(|name| Subject((*name).into())) {
                    let own = member == role || compiled.graph.id(&role).is_some_and(|id| reach.contains(&id));
                    assert_eq!(own, engine.holds(&member, &role, &domain), "{member:?} {role:?} {domain}\n{text}");
                }
            }
        }
    }
}

#[test]
fn the_longest_chain_that_loads_is_not_cut() {
    let mut rows: Vec<String> =
        (0..8).map(|index| format!("g, role:r{index}, role:r{}, {}", index + 1, ["sales", "*"][index % 2])).collect();
    rows.push("g, user:ann, role:r0, sales".to_owned());
    rows.push("p, role:r8, sales, orders, select, allow".to_owned());
    let registry = registry();
    let (rules, _) = compile(&rows.join("\n"), &registry);
    let engine = futures::executor::block_on(Engine::new(&rules)).unwrap();
    let ann = Subject::user("ann");
    assert!(engine.allows(&ann, &"sales".parse().unwrap(), "orders.id", Action::Select).unwrap());
    assert!(!engine.allows(&ann, &"hr".parse().unwrap(), "staff.id", Action::Select).unwrap());
}

#[test]
fn casbin_without_rules_denies_with_our_object_match() {
    let engine = futures::executor::block_on(Engine::new(&Rules::default())).unwrap();
    let domain = "sales".parse().unwrap();
    assert!(!engine.allows(&Subject::user("ann"), &domain, "orders", Action::Select).unwrap());
    assert!(!engine.allows(&Subject("".into()), &domain, "", Action::Select).unwrap());
}

#[test]
fn an_object_covers_itself_and_its_columns() {
    for (written, asked, expected) in [
        ("*", "orders", true),
        ("*", "orders.id", true),
        ("orders", "orders", true),
        ("orders", "orders.id", true),
        ("orders", "orders2", false),
        ("orders.id", "orders", false),
        ("orders.id", "orders.id", true),
        ("orders.id", "orders.id.x", false),
        ("customers.a.b", "customers.a.b", true),
        ("customers.a", "customers.a.b", false),
        ("", "", false),
        ("*", "", false),
        ("ö", "ö.ä", true),
    ] {
        assert_eq!(covers(written, asked), expected, "{written} covers {asked}");
    }
}
