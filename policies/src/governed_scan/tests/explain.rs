//! What a plan's text tells: nothing of the rules, the source, or hidden rows.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::prelude::SessionContext;

use super::fixture::{Columns, HIDDEN, HiddenRows, Policy, collect, govern, memory, restrictions, session};
use super::sources::parquet;

const STATEMENTS: &[&str] = &[
    "SELECT * FROM p",
    "SELECT id FROM p WHERE ssn = '***10' AND id > 5",
    "SELECT count(*) FROM p WHERE flag",
    "SELECT p.id FROM generate_series(2, 4) AS v(k) JOIN p ON p.id = v.k",
    "SELECT id FROM p ORDER BY id DESC LIMIT 3",
    "SELECT id, (SELECT max(id) FROM p) FROM p WHERE id IN (SELECT id FROM p WHERE score = 0.5)",
];

/// Texts of the rules, of the source and of hidden rows.
const SECRETS: &[&str] =
    &["tenant", HIDDEN, "P.", "parquet", "row_group", "DataSource", "MemTable", "right(", "masked", "240"];

async fn check(table: Arc<dyn TableProvider>) {
    let context = session(64, govern(table, restrictions(Some(Policy::Equal.filter()), Columns::Masked)));
    for statement in STATEMENTS {
        for form in ["", "VERBOSE ", "ANALYZE ", "ANALYZE VERBOSE ", "FORMAT TREE ", "FORMAT PGJSON "] {
            let explain = format!("EXPLAIN {form}{statement}");
            let text = collect(&context, &explain).await.unwrap().join("\n");
            assert!(!text.is_empty(), "{explain}");
            assert_silent(&text, &explain);
        }
        assert_silent(&debugged(&context, statement).await, statement);
    }
}

fn assert_silent(text: &str, statement: &str) {
    for secret in SECRETS {
        assert!(!tells(text, secret), "{statement}: {secret:?} is in\n{text}");
    }
}

/// A number is told as a word of its own: durations have any digits. A join counts the visible rows of both its
/// inputs together, and some more than once, which here may be the number of all rows.
fn tells(text: &str, secret: &str) -> bool {
    if !secret.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.contains(secret);
    }
    let lines = text.lines().map(|line| match line.split_once("metrics=[") {
        Some((before, metrics)) if line.contains("HashJoinExec") => {
            format!("{before}{}", metrics.split_once("], ").map_or("", |(_, after)| after))
        }
        Some(_) | None => line.to_owned(),
    });
    let mut words = lines.flat_map(|line| {
        let words = line.split(|letter: char| !letter.is_alphanumeric() && letter != '.');
        words.map(str::to_owned).collect::<Vec<_>>()
    });
    words.any(|word| word == secret)
}

/// The `Debug` texts of the plans of a statement: DataFusion prints them into some errors.
async fn debugged(context: &SessionContext, statement: &str) -> String {
    let plan = context.state().create_logical_plan(statement).await.unwrap();
    let physical = context.state().create_physical_plan(&plan).await.unwrap();
    format!("{plan:?}{physical:?}")
}

#[tokio::test]
async fn no_explain_over_a_table_in_memory_tells_a_secret() {
    check(memory(HiddenRows::Explosive)).await;
}

#[tokio::test]
async fn no_explain_over_parquet_files_tells_a_secret() {
    let (_folder, table) = parquet(HiddenRows::Explosive).await;
    check(table).await;
}

#[tokio::test]
async fn a_plan_shows_the_table_the_columns_and_the_callers_own_conditions() {
    let table = govern(memory(HiddenRows::Explosive), restrictions(Some(Policy::Equal.filter()), Columns::Masked));
    let context = session(64, table);
    let text = collect(&context, "EXPLAIN SELECT id FROM p WHERE id > 5 AND ssn = 'x'").await.unwrap().join("\n");
    let line = "GovernedScan: table=sales.p, version=7, columns=[id, ssn], conditions=[id > Int64(5)]";
    assert!(text.contains(line), "{text}");
    assert!(text.contains("Rows=Inexact(52)"), "{text}");
    let text = collect(&context, "EXPLAIN ANALYZE SELECT id FROM p").await.unwrap().join("\n");
    let line = text.lines().find(|line| line.contains("GovernedScan")).unwrap();
    assert!(line.contains("metrics=[output_rows=120]"), "{line}");
}
