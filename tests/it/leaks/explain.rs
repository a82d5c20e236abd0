//! EXPLAIN tells what the reader may know.

use tests::vault::{HIDDEN, OTHER_HIDDEN, Vault};

use super::{look, no_secret_in};

/// Every spelling of EXPLAIN.
const FORMS: [&str; 7] = [
    "EXPLAIN",
    "EXPLAIN VERBOSE",
    "EXPLAIN FORMAT INDENT",
    "EXPLAIN FORMAT TREE",
    "EXPLAIN FORMAT PGJSON",
    "EXPLAIN FORMAT GRAPHVIZ",
    "EXPLAIN ANALYZE",
];

/// What would tell of policies, files, remote statements or hidden statistics.
const TRACES: [&str; 14] = [
    "tenant",
    "attribute",
    "upper(",
    "'a'",
    "a%",
    ".parquet",
    "data/p",
    "file:",
    "grpc",
    "127.0.0.1",
    "bytes_scanned",
    "pruned",
    "row_groups",
    "Exact(",
];

#[tokio::test(flavor = "multi_thread")]
async fn no_form_of_explain_shows_a_policy_a_file_or_a_statistic() {
    let vault = Vault::serve(HIDDEN).await;
    for user in ["ann", "like", "list", "both", "function", "masked"] {
        let mut client = vault.gateway.connect(user).await;
        for table in ["p", "q"] {
            for form in FORMS {
                let sql = format!("{form} SELECT id FROM hr.{table} WHERE city = 'Ulm'");
                let text = format!("{:?}", client.query(&sql).await.map(|rows| rows.lines()));
                no_secret_in(&text, &sql);
                for trace in TRACES {
                    assert!(!text.contains(trace), "{user}: {sql} shows {trace}:\n{text}");
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn explain_is_the_same_whatever_is_hidden() {
    let (one, two) = (Vault::serve(HIDDEN).await, Vault::serve(OTHER_HIDDEN).await);
    for user in ["ann", "masked"] {
        let (mut here, mut there) = (one.gateway.connect(user).await, two.gateway.connect(user).await);
        for table in ["p", "q"] {
            for form in &FORMS[..6] {
                for body in [
                    "SELECT * FROM hr.TABLE",
                    "SELECT a.id FROM hr.TABLE a JOIN hr.TABLE b ON a.city = b.city WHERE b.id > 1",
                    "SELECT count(*) FROM hr.TABLE WHERE 1/(salary-200) >= 0",
                    "SELECT max(id) FROM hr.TABLE",
                ] {
                    let sql = format!("{form} {}", body.replace("TABLE", table));
                    assert_eq!(look(&mut here, &sql).await, look(&mut there, &sql).await, "{user}: {sql}");
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn explain_does_not_run_or_show_what_the_gate_refuses() {
    let vault = Vault::serve(HIDDEN).await;
    let mut ann = vault.gateway.connect("ann").await;
    for form in FORMS {
        for body in ["DELETE FROM hr.p", "COPY hr.p TO 'x.csv'", "CREATE TABLE t AS SELECT * FROM hr.p", "SET a = 1"] {
            ann.fails(&format!("{form} {body}")).await;
        }
        ann.fails(&format!("{form} {form} SELECT id FROM hr.locked")).await;
    }
}
