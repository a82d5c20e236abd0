//! Tests of what is said about masks that meet.
#![expect(clippy::unwrap_used, reason = "tests may unwrap")]

use crate::testing::load;

#[test]
fn the_problem_names_both_rows_and_who_has_them() {
    let rules = "p, role:a, sales, orders, select, allow\np3, role:a, sales, orders.email, hash\n\
                 p3, role:b, sales, orders.email, null\ng, user:ann, role:a, sales\ng, user:ann, role:b, sales";
    let text = load(rules).unwrap_err().to_string();
    assert!(
        text.contains("sales.csv:3: `user:ann` has another mask on column `email` through policies/sales.csv:2"),
        "{text}"
    );
}

#[test]
fn one_subject_with_two_masks_needs_no_grant_to_be_a_problem() {
    let rules = "p3, role:a, sales, orders.email, hash\np3, role:a, sales, orders.email, clear";
    let text = load(rules).unwrap_err().to_string();
    assert!(text.contains("`role:a` has the masks `hash` (policies/sales.csv:1) and `clear`"), "{text}");
}
