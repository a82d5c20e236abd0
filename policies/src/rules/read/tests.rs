//! Tests of reading rule files: what loads, and what is said about what does not.
#![expect(clippy::unwrap_used, reason = "tests may unwrap")]

use crate::masks::HashKey;
use crate::policies::Policies;
use crate::rules::{RuleFile, model};
use crate::testing::{load, registry};

/// The lines that have a problem, and a text that one of the problems must hold.
fn check(rules: &str, lines: &[u64], text: &str) {
    let problems = load(rules).err().unwrap_or_default();
    let found: Vec<u64> = problems.iter().filter_map(|problem| problem.line).collect();
    assert_eq!(found, lines, "{rules}\n{problems}");
    assert!(problems.to_string().contains(text), "{problems}");
    assert!(problems.iter().all(|problem| !problem.remedy.is_empty()), "{problems}");
}

#[test]
fn good_rows_load() {
    let rules = "\u{FEFF}# who\r\n\r\n  p , role:analyst , sales , orders , select , allow  \r\n\
                 p, role:analyst, sales, *, discover, allow\n\
                 p, user:ann@example.org, sales, customers.a.b, select, deny\n\
                 p2, role:analyst, sales, orders, permissive, \"region = attribute('region')\"\n\
                 p2, role:analyst, sales, orders, restrictive, status <> 'draft'\n\
                 p3, role:analyst, sales, orders.email, \"constant:'a, b'\"\n\
                 g, user:ann, role:analyst, sales\ng, role:steward, role:analyst, *\n";
    check(rules, &[], "");
}

#[test]
fn every_problem_is_reported_at_once_with_its_line() {
    let rules = "p, user:ann, sales, orders, select, allow\np, ann, sales, orders, select, allow\n\n\
                 p, user:ann, slaes, orders, select, allow\np2, user:ann, sales, orders, permissive, id / 0 = 1\n\
                 g, role:x, role:y, sales\ng, role:y, role:x, sales\n";
    check(rules, &[2, 4, 5, 6, 7], "did you mean `sales`?");
}

#[test]
fn a_row_has_its_number_of_fields() {
    for row in [
        "p, user:ann, sales, orders, select",
        "p, user:ann, sales, orders, select, allow, x",
        "p, user:ann, sales, orders, select, allow,",
        "p",
        "p2, user:ann, sales, orders, permissive",
        "p2, user:ann, sales, orders, permissive, region IN ('a', 'b')",
        "p3, user:ann, sales, orders.email",
        "g, user:ann, role:x",
        "g, user:ann, role:x, sales, y",
    ] {
        check(row, &[1], "fields after the first");
    }
}

#[test]
fn an_unknown_word_is_refused() {
    for (row, text) in [
        ("p9, user:ann, sales, orders, select, allow", "`p9` is not a type of row"),
        ("g2, user:ann, role:x, sales", "`g2` is not a type of row"),
        ("P, user:ann, sales, orders, select, allow", "`P` is not a type of row"),
        ("p, user:ann, sales, orders, slect, allow", "did you mean `select`?"),
        ("p, user:ann, sales, orders, *, allow", "\"*\" is not an action"),
        ("p, user:ann, sales, orders, select, Allow", "\"Allow\" is not an effect"),
        ("p, user:ann, sales, orders, select, ", "\"\" is not an effect"),
        ("p2, user:ann, sales, orders, permisive, paid", "is not a kind of filter"),
        ("p2, user:ann, sales, orders, permissive, ", "the predicate is empty"),
        ("p3, user:ann, sales, orders.email, show_last4", "did you mean `show_last_4`?"),
        ("p3, user:ann, sales, orders.email, constant:x", "is not quoted"),
        ("p3, user:ann, sales, orders.email, sql:", "the expression is empty"),
    ] {
        check(row, &[1], text);
    }
}

#[test]
fn a_subject_is_a_user_or_a_role() {
    for subject in ["ann", "", "User:ann", "user:", "role: x", "user:*", "group:x", "*", "role:", "user"] {
        check(&format!("p, {subject}, sales, orders, select, allow"), &[1], "write user:NAME or role:NAME");
    }
    check(&format!("p, user:{}, sales, orders, select, allow", "x".repeat(256)), &[1], "too long");
    check("g, user:ann, user:bob, sales", &[1], "is not a role");
    check("g, ann, role:x, sales", &[1], "is not a subject");
    check("g, role:x, role:x, sales", &[1], "its own member");
}

#[test]
fn an_object_is_in_the_catalog() {
    for (row, text) in [
        ("p, user:ann, sales, ordres, select, allow", "did you mean `orders`?"),
        ("p, user:ann, sales, staff, select, allow", "\"sales.staff\" is not in the catalog"),
        ("p, user:ann, sales, orders.emial, select, allow", "did you mean `email`?"),
        ("p, user:ann, sales, orders.Email, select, allow", "did you mean `email`?"),
        ("p, user:ann, sales, orders., select, allow", "has no column"),
        ("p, user:ann, sales, .email, select, allow", "is not in the catalog"),
        ("p, user:ann, sales, ord*, select, allow", "is a pattern"),
        ("p, user:ann, sales, orders.*, select, allow", "is a pattern"),
        ("p, user:ann, sales, ördérs, select, allow", "is not in the catalog"),
        ("p, user:ann, sales, , select, allow", "is not in the catalog"),
        ("p, user:ann, *, orders, select, allow", "only a `g` row may say `*`"),
        ("p, user:ann, , orders, select, allow", "is not in the catalog"),
        ("p, user:ann, Sales, orders, select, allow", "did you mean `sales`?"),
        ("p2, user:ann, sales, *, permissive, paid", "only a `p` row may say `*`"),
        ("p2, user:ann, sales, orders.email, permissive, paid", "is not in the catalog"),
        ("p3, user:ann, sales, orders, hash", "does not name a column"),
        ("p3, user:ann, sales, *, hash", "does not name a column"),
        ("g, user:ann, role:x, slaes", "did you mean `sales`?"),
        ("p, user:ann, sales, orders.email, operate, allow", "about whole tables"),
    ] {
        check(row, &[1], text);
    }
}

#[test]
fn the_same_row_twice_is_a_problem() {
    let row = "p, user:ann, sales, orders, select, allow";
    check(&format!("{row}\n{}", row.replace(", ", ",")), &[2], "the same row stands at policies/sales.csv:1");
    check(&format!("{row}\n{}", row.replace("allow", "deny")), &[], "");
}

#[test]
fn a_line_that_casbin_would_guess_at_is_refused() {
    check("p, \"user:ann, sales, orders, select, allow", &[1], "does not end");
    check("p, user:ann, sales, orders\u{0}, select, allow", &[1], "U+0000");
    check("p, user:ann\u{200B}, sales, orders, select, allow", &[1], "U+200B");
    check("p2, user:ann, sales, orders, permissive, region = \"x\"", &[1], "in the middle of a field");
}

#[test]
fn problems_of_many_files_are_sorted_by_place_and_a_file_counts_once() {
    let file = |path: &str, text: &str| RuleFile { path: path.into(), text: text.to_owned() };
    let files = vec![file("b.csv", "x"), file("a.csv", "\nx"), file("b.csv", "")];
    let load = Policies::load(files, None, registry(), HashKey::new([0; 32]));
    let problems = futures::executor::block_on(load).unwrap_err();
    let places: Vec<String> =
        problems.iter().map(|problem| format!("{}:{:?}", problem.file.display(), problem.line)).collect();
    assert_eq!(places, ["a.csv:Some(2)", "b.csv:None", "b.csv:Some(1)"]);
}

#[test]
fn endless_problems_end() {
    let problems = load(&"x\n".repeat(100_000)).unwrap_err();
    assert!(problems.len() < 1_010, "{}", problems.len());
}

#[test]
fn another_model_is_a_problem() {
    let load = |text: &str| {
        let own = RuleFile { path: "policies/model.conf".into(), text: text.to_owned() };
        futures::executor::block_on(Policies::load(Vec::new(), Some(own), registry(), HashKey::new([0; 32]))).is_ok()
    };
    assert!(load(model::MODEL));
    assert!(!load(&model::MODEL.replace("deny))", "deny)) || true")));
}
