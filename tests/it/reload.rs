//! Changes of a running mesh.

use tests::deadline::{STEP, eventually};
use tests::retail::{RULES, Retail, USERS};
use tests::{Client, http};

/// Waits until `sql` answers with these lines.
async fn answers(client: &Client, sql: &str, lines: &[&str]) {
    eventually(STEP, sql, || {
        let mut client = client.clone();
        async move { client.query(sql).await.ok().filter(|rows| rows.sorted() == lines) }
    })
    .await;
}

/// Waits until `path` answers with this status.
async fn health(retail: &Retail, path: &str, good: impl Fn(u16, &str) -> bool) {
    let address = retail.gateway.http();
    eventually(STEP, path, || async {
        let (status, body) = http::get(address, path).await;
        good(status, &body).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_policy_holds_for_the_next_statement() {
    let retail = Retail::serve().await;
    let ann = retail.gateway.connect("ann").await;
    answers(&ann, "SELECT count(*) FROM sales.orders", &["3"]).await;
    retail.mesh.rules(&RULES.replace("attribute('region')", "'US'"));
    answers(&ann, "SELECT id FROM sales.orders", &["3", "4"]).await;
    retail.mesh.rules(&RULES.replace("p,  role:analyst, sales, orders, select, allow\n", ""));
    eventually(STEP, "the grant is gone", || {
        let mut ann = ann.clone();
        async move {
            ann.query("SELECT id FROM sales.orders").await.err().filter(|failure| failure.kind == "UndefinedTable")
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_mesh_leaves_the_old_one_in_place_and_health_tells() {
    let retail = Retail::serve().await;
    let ann = retail.gateway.connect("ann").await;
    health(&retail, "/healthz", |status, body| status == 200 && !body.contains("degraded")).await;
    for broken in [
        "this is not a rule\n".to_owned(),
        RULES.replace("region = attribute('region')", "no_such_column = 1"),
        RULES.replace("select, allow", "select, perhaps"),
    ] {
        retail.mesh.rules(&broken);
        health(&retail, "/healthz", |_, body| body.contains("degraded")).await;
        answers(&ann, "SELECT count(*) FROM sales.orders", &["3"]).await;
        retail.mesh.rules(RULES);
        health(&retail, "/healthz", |status, body| status == 200 && !body.contains("degraded")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_policy_opens_nothing() {
    let retail = Retail::serve().await;
    let ann = retail.gateway.connect("ann").await;
    retail.mesh.rules("");
    eventually(STEP, "the grant is gone", || {
        let mut ann = ann.clone();
        async move {
            ann.query("SELECT id FROM sales.orders").await.err().filter(|failure| failure.kind == "UndefinedTable")
        }
    })
    .await;
    let mut sam = retail.gateway.connect("sam").await;
    assert_eq!(sam.fails("SELECT id FROM sales.orders").await.kind, "UndefinedTable");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_attribute_holds_for_the_next_statement() {
    let retail = Retail::serve().await;
    let ann = retail.gateway.connect("ann").await;
    answers(&ann, "SELECT count(*) FROM sales.orders", &["3"]).await;
    let mut users = USERS;
    users[0] = ("ann", &[("region", "APAC")]);
    retail.mesh.users(&users);
    answers(&ann, "SELECT id FROM sales.orders", &["6"]).await;
    users[0] = ("ann", &[]);
    retail.mesh.users(&users);
    answers(&ann, "SELECT id FROM sales.orders", &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_table_appears_and_a_removed_one_is_gone() {
    let retail = Retail::serve().await;
    let sam = retail.gateway.connect("sam").await;
    tests::delta::append(&retail.mesh.path("data/stores"), &[], "SELECT * FROM (VALUES (7, 'Ulm')) AS t(id, city)")
        .await;
    let contract = tests::Contract::delta("sales.stores", "data/stores").columns(&[("id", "bigint"), ("city", "text")]);
    retail.mesh.contract(&contract);
    answers(&sam, "SELECT * FROM sales.stores", &["7|Ulm"]).await;
    std::fs::remove_file(retail.mesh.path(&contract.file())).unwrap();
    eventually(STEP, "the table is gone", || {
        let mut sam = sam.clone();
        async move { sam.query("SELECT * FROM sales.stores").await.err().filter(|failure| failure.kind == "UndefinedTable") }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn appended_rows_are_seen_by_the_next_statement_within_the_bound() {
    let retail = Retail::serve().await;
    let mut sam = retail.gateway.connect("sam").await;
    for expected in ["6", "8", "10"] {
        // The bound of this mesh is zero: no waiting.
        assert_eq!(sam.sorted("SELECT count(*) FROM sales.orders").await, [expected]);
        tests::delta::append(&retail.mesh.path("data/orders"), &["region"], tests::retail::MORE_ORDERS).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_statement_sees_one_version_of_a_table() {
    let retail = Retail::serve().await;
    let mut sam = retail.gateway.connect("sam").await;
    let folder = retail.mesh.path("data/orders");
    let writer = tokio::spawn(async move {
        for _ in 0..10 {
            tests::delta::append(&folder, &["region"], tests::retail::MORE_ORDERS).await;
        }
    });
    while !writer.is_finished() {
        let sql = "SELECT (SELECT count(*) FROM sales.orders) - (SELECT count(*) FROM sales.orders) \
            + (SELECT count(*) FROM sales.orders a JOIN sales.orders b ON a.id = b.id AND a.id = 1) - 1";
        assert_eq!(sam.sorted(sql).await, ["0"]);
    }
    writer.await.unwrap();
}
