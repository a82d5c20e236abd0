//! The table of threats names tests that exist, and misses no number.

use std::collections::BTreeSet;

use crate::tidy::{root, rust_files};

/// How many threats there are.
const THREATS: usize = 75;

#[test]
fn every_threat_has_a_test_that_exists_or_a_reason() {
    let table = std::fs::read_to_string(root().join("policies/THREATS.md")).unwrap();
    let tests = names_of_tests();
    for number in 1..=THREATS {
        let mut rows = table.lines().filter(|line| line.starts_with(&format!("| T{number} |")));
        let (Some(row), None) = (rows.next(), rows.next()) else { panic!("T{number} has no row, or several") };
        let named: Vec<&str> = row.split('`').skip(1).step_by(2).filter(|word| is_name(word)).collect();
        for name in &named {
            assert!(tests.contains(*name), "T{number} names {name}, which is no test");
        }
        let reason = ["cannot arise", "documented residual"].iter().any(|reason| row.contains(reason));
        assert!(!named.is_empty() || reason, "T{number} has neither a test nor a reason");
    }
}

/// Whether a word in code type is the name of a test: tests are sentences.
fn is_name(word: &str) -> bool {
    word.matches('_').count() >= 2 && word.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

/// The functions of the workspace that are tests.
fn names_of_tests() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for text in rust_files().values() {
        let mut is_test = false;
        for line in text.lines().map(str::trim) {
            if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
                is_test = true;
            } else if let Some(name) = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ") {
                if is_test {
                    names.insert(name.split('(').next().unwrap().to_owned());
                }
                is_test = false;
            }
        }
    }
    names
}
