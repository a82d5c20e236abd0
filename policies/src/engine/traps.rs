//! What Casbin is known to trip over: each trap by name, asked of Casbin as it is set up here and of the compiled rules.
#![expect(clippy::unwrap_used, reason = "tests may unwrap")]

use arrow::datatypes::DataType;
use catalog::{Registry, Status};
use std::sync::Arc;

use super::*;
use crate::compiled::Compiled;
use crate::confirm::same_answer;
use crate::testing::{decide, load, policies, table};

use super::tests::compile;

/// `sales.orders` and `sales.orders2` with columns whose names mean something to a pattern, or have several bytes.
fn strange() -> Arc<Registry> {
    let columns = ["id", "größe", "名前", "a.*b", "(x", "[y", "$", "a", "a.b"].map(|name| (name, DataType::Utf8));
    let tables = ["sales.orders", "sales.orders2"].map(|name| table(name, &columns, Status::Active)).to_vec();
    Arc::new(Registry::new("retail".parse().unwrap(), tables, Vec::new()))
}

/// The columns of `sales.orders` that `subject` may select. Casbin and the compiled rules must agree on each.
fn seen(rules: &str, subject: &str) -> Vec<String> {
    let registry = strange();
    let (rules, compiled) = compile(rules, &registry);
    let engine = futures::executor::block_on(Engine::new(&rules)).unwrap();
    let subject = Subject(subject.into());
    let table = registry.table(&"sales.orders".parse().unwrap()).unwrap();
    let allowed = |index: usize, compiled: &Compiled| {
        assert!(
            same_answer(&engine, compiled, &subject, (table, index), Action::Select).unwrap(),
            "{subject:?} {index}"
        );
        let object = format!("orders.{}", table.columns[index].name);
        engine.allows(&subject, &table.name.domain, &object, Action::Select).unwrap()
    };
    let open = (0..table.columns.len()).filter(|index| allowed(*index, &compiled));
    open.map(|index| table.columns[index].name.clone()).collect()
}

fn check(rules: &str, subject: &str, expected: &[&str]) {
    assert_eq!(seen(rules, subject), expected, "{subject} with\n{rules}");
}

/// The rules do not load, for a reason that holds `text`.
fn refused(rules: &str, text: &str) {
    let problems = load(rules).map(|_| ()).unwrap_err().to_string();
    assert!(problems.contains(text), "{rules}\n{problems}");
}

#[test]
fn names_of_several_bytes_are_compared_whole() {
    check("p, user:zoë, sales, orders.größe, select, allow", "user:zoë", &["größe"]);
    check("p, user:zoë, sales, orders.größe, select, allow", "user:zo", &[]);
    check("p, role:分析, sales, orders.名前, select, allow\ng, user:é, role:分析, *", "user:é", &["名前"]);
    // The same letter, written as one character and as two.
    check("p, user:é, sales, orders.id, select, allow", "user:e\u{301}", &[]);
}

#[test]
fn characters_of_patterns_are_letters_like_any_other() {
    check("p, user:a, sales, orders.(x, select, allow", "user:a", &["(x"]);
    check(
        "p, user:a, sales, orders.[y, select, allow\np, user:a, sales, orders.$, select, allow",
        "user:a",
        &["[y", "$"],
    );
    for name in ["role:a.*", "role:^a", "role:a|b", "role:(", "role:[a-z]+", "role:\\", "role:a*", "role:**"] {
        let rules = format!("p, {name}, sales, orders.id, select, allow\ng, user:x, {name}, sales");
        check(&rules, name, &["id"]);
        check(&rules, "user:x", &["id"]);
        for other in ["role:ab", "role:a", "role:b", "user:ab", "role:"] {
            check(&rules, other, &[]);
        }
    }
    // A pattern is refused even where a column has that name.
    let own = [("a.*b", DataType::Utf8)];
    let tables = vec![table("sales.orders", &own, Status::Active)];
    let registry = Registry::new("retail".parse().unwrap(), tables, Vec::new());
    let file = crate::rules::RuleFile {
        path: "x.csv".into(),
        text: "p, user:a, sales, orders.a.*b, select, allow".to_owned(),
    };
    let mut problems = catalog::Problems::default();
    crate::rules::read(&[file], &registry, &mut problems);
    assert!(problems.to_string().contains("is a pattern"), "{problems}");
}

#[test]
fn a_name_does_not_cover_names_that_begin_with_it() {
    check("p, user:a, sales, orders2, select, allow", "user:a", &[]);
    check("p, user:a, sales, orders.a, select, allow", "user:a", &["a"]);
    check("p, user:a, sales, orders.a.b, select, allow", "user:a", &["a.b"]);
    check("p, user:ann, sales, orders, select, allow", "user:an", &[]);
    check("p, user:ann, sales, orders, select, allow", "user:anna", &[]);
}

#[test]
fn a_wrong_count_of_fields_does_not_load_in_any_order() {
    let good = "p, user:ann, sales, orders, select, allow";
    for bad in
        ["p, user:ann, sales, orders, select", "g, user:ann, role:x", "p, user:bob, sales, orders, select, deny, 1"]
    {
        refused(&format!("{good}\n{bad}"), "fields after the first");
        refused(&format!("{bad}\n{good}"), "fields after the first");
    }
}

#[test]
fn an_unknown_type_of_row_does_not_load() {
    for word in ["p9", "p0", "g2", "g3", "e", "m", "r", "policy", "P", "pp"] {
        refused(&format!("{word}, user:ann, sales, orders, select, deny"), "is not a type of row");
    }
}

#[test]
fn no_rules_and_empty_fields_allow_nothing() {
    check("", "user:ann", &[]);
    check("# nothing\n\n", "", &[]);
    let nothing = policies("");
    for who in ["ann", "", "*"] {
        for action in Action::ALL {
            assert_eq!(decide(&nothing, who, "sales.orders", action), None, "{who} {action}");
        }
    }
    refused("p, , , , ,", "is not a subject");
    refused("p, \"\", \"\", \"\", \"\", \"\"", "is not a subject");
    refused("g, , ,", "is not a subject");
    refused("p, user:ann, sales, \"\", select, allow", "is not in the catalog");
    // A principal without a name is nobody, whatever is granted.
    let all = policies("p, role:r, sales, *, select, allow");
    assert_eq!(decide(&all, " @r", "sales.orders", Action::Select), None);
}

#[test]
fn an_effect_is_allow_or_deny_and_nothing_else() {
    for effect in ["Allow", "DENY", "indeterminate", "override", "true", "1", "allow deny", "allowed", "\" allow\""] {
        refused(&format!("p, user:ann, sales, orders, select, {effect}"), "is not an effect");
    }
}

#[test]
fn a_user_and_a_role_of_one_name_are_two_subjects() {
    let rules = "p, role:ann, sales, orders.id, select, allow\np, user:ann, sales, orders.a, select, allow";
    check(rules, "user:ann", &["a"]);
    check(rules, "role:ann", &["id"]);
    check(&format!("{rules}\ng, user:ann, role:ann, sales"), "user:ann", &["id", "a"]);
    check(&format!("{rules}\ng, user:bob, role:ann, sales"), "user:bob", &["id"]);
    // A claim of the identity provider that says `ann` is the role, never the user.
    let policies = policies("p, user:ann, sales, orders, select, allow");
    assert_eq!(decide(&policies, "bob @ann @user:ann", "sales.orders", Action::Select), None);
}

#[test]
fn objects_and_domains_are_not_in_the_graph_of_roles() {
    // `g` and `g2` would share one graph: a table or domain called like a role must not be reached through it.
    let rules = "g, role:orders2, role:orders, sales\np, role:orders, sales, orders2, select, allow\n\
                 g, user:ann, role:sales, sales\np, role:sales, sales, orders.id, select, allow";
    check(rules, "role:orders2", &[]);
    check(rules, "user:ann", &["id"]);
    refused("g, orders, role:x, sales", "is not a subject");
    refused("g2, orders, role:x, sales", "is not a type of row");
}

#[test]
fn a_chain_of_ten_roles_does_not_load_and_one_of_nine_is_not_cut() {
    let chain = |links: usize| {
        let rows = (0..links).map(|link| match link {
            0 => "g, user:ann, role:r1, sales\n".to_owned(),
            link => format!("g, role:r{link}, role:r{}, *\n", link + 1),
        });
        format!("{}p, role:r{links}, sales, orders.id, select, allow", rows.collect::<String>())
    };
    check(&chain(9), "user:ann", &["id"]);
    refused(&chain(10), "more than 9 links");
}

#[test]
fn a_ring_of_roles_does_not_load() {
    refused("g, role:a, role:b, sales\ng, role:b, role:c, *\ng, role:c, role:a, sales", "hold each other");
}

#[test]
fn the_star_of_a_domain_is_every_domain_and_not_one_of_that_name() {
    let rules = "p, role:a, sales, orders.id, select, allow\ng, user:ann, role:a, *";
    check(rules, "user:ann", &["id"]);
    let engine = futures::executor::block_on(Engine::new(&compile(rules, &strange()).0)).unwrap();
    assert!(engine.holds(&Subject::user("ann"), &Subject::role("a"), &"hr".parse().unwrap()));
}

#[test]
fn the_order_of_rows_is_no_matter() {
    let allow = "p, role:a, sales, orders, select, allow";
    let deny = "p, role:b, sales, orders.id, select, deny";
    let (first, second) = ("g, user:ann, role:a, sales", "g, user:ann, role:b, *");
    let expected = ["größe", "名前", "a.*b", "(x", "[y", "$", "a", "a.b"];
    for rows in [[allow, deny, first, second], [second, first, deny, allow], [deny, second, allow, first]] {
        check(&rows.join("\n"), "user:ann", &expected);
    }
}

#[test]
fn a_file_that_is_cut_in_a_row_does_not_load() {
    // A row that ends early must never be read as another row. Only words of free length could be: the last field of
    // a `p2` or `p3` row, which is why predicates stand in quotes.
    let rows = [
        "p, user:ann, sales, orders.email, select, allow",
        "g, user:ann, role:analyst, sales",
        "p2, role:analyst, sales, orders, restrictive, \"id < 100\"",
        "p3, role:analyst, sales, orders.email, show_last_4",
    ];
    for row in rows {
        for end in 1..row.len() {
            assert!(load(&row[..end]).is_err(), "{} loads", &row[..end]);
        }
        assert!(load(row).is_ok(), "{row}");
    }
}
