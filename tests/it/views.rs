//! SQL products: grants as the owner, row and column rules as the caller.

use tests::Contract;
use tests::retail::{RULES, Retail};

#[tokio::test(flavor = "multi_thread")]
async fn a_view_shows_each_caller_his_own_rows() {
    let retail = Retail::serve().await;
    let sql = "SELECT customer_id, total FROM insights.totals ORDER BY 1";
    let mut ann = retail.gateway.connect("ann").await;
    let mut sam = retail.gateway.connect("sam").await;
    let mut eve = retail.gateway.connect("eve").await;
    assert_eq!(ann.rows(sql).await.lines(), ["10|125.0", "11|50.0"]);
    assert_eq!(sam.rows(sql).await.lines(), ["10|125.0", "11|50.0", "12|70.0", "13|20.0", "14|10.0"]);
    assert_eq!(eve.fails(sql).await.kind, "UndefinedTable");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_does_not_launder_masked_or_denied_columns() {
    let retail = Retail::serve().await;
    let query = "SELECT id, email FROM sales.orders";
    retail.mesh.contract(&Contract::view("insights.mails", query).columns(&[("id", "bigint"), ("email", "text")]));
    let query = "SELECT id, margin FROM sales.orders";
    retail.mesh.contract(
        &Contract::view("insights.margins", query).columns(&[("id", "bigint"), ("margin", "double precision")]),
    );
    retail.mesh.rules(&format!(
        "{RULES}p, role:analyst, insights, mails, select, allow\np, role:analyst, insights, margins, select, allow\n"
    ));
    let mut sam = retail.gateway.connect("sam").await;
    tests::deadline::eventually(tests::deadline::STEP, "the views are there", || {
        let mut sam = sam.clone();
        async move { sam.query("SELECT * FROM insights.margins").await.ok() }
    })
    .await;
    assert_eq!(sam.rows("SELECT margin FROM insights.margins WHERE id = 1").await.lines(), ["9.0"]);
    let mut ann = retail.gateway.connect("ann").await;
    let mails = ann.rows("SELECT email FROM insights.mails").await;
    assert_eq!(mails.count(), 3);
    assert!(!mails.lines().join(" ").contains('@'), "{mails:?}");
    match ann.query("SELECT margin FROM insights.margins").await {
        Ok(rows) => assert!(rows.lines().iter().all(|line| line == "NULL"), "{rows:?}"),
        Err(failure) => assert!(!failure.message.contains("margin\" of table \"sales"), "{failure:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_that_names_itself_is_an_error_and_not_a_crash() {
    let retail = Retail::serve().await;
    retail.mesh.contract(&Contract::view("insights.a", "SELECT id FROM insights.b").columns(&[("id", "bigint")]));
    retail.mesh.contract(&Contract::view("insights.b", "SELECT id FROM insights.a").columns(&[("id", "bigint")]));
    let mut sam = retail.gateway.connect("sam").await;
    for _ in 0..50 {
        if sam.query("SELECT * FROM insights.a").await.is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
    assert_eq!(sam.sorted("SELECT count(*) FROM sales.orders").await, ["6"]);
}
