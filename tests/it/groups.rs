//! Tables that a role sees in groups of some size only, through every door.

use tests::retail::{RULES, Retail};

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_in_groups_gets_no_small_one_in_any_form() {
    let retail = Retail::serve().await;
    retail.mesh.rules(&format!("{RULES}p4, user:sam, sales, orders, 2\n"));
    let mut sam = retail.gateway.connect("sam").await;
    let refused = "in groups of at least 2 rows only";
    tests::deadline::eventually(tests::deadline::STEP, "the rule holds", || {
        let mut sam = sam.clone();
        async move { sam.query("SELECT id FROM sales.orders").await.err() }
    })
    .await;
    assert_eq!(sam.sorted("SELECT region, count(*) FROM sales.orders GROUP BY region").await, ["EU|3", "US|2"]);
    let sql = "SELECT r.region, p.name FROM (SELECT region, count(*) AS n FROM sales.orders GROUP BY region) r \
        JOIN customers.profiles p ON p.id = r.n + 8 ORDER BY 1";
    assert_eq!(sam.rows(sql).await.lines(), ["EU|Bob", "US|Ada"]);
    for sql in [
        "SELECT * FROM sales.orders",
        "SELECT max(email) FROM sales.orders",
        "SELECT count(*) FROM sales.orders o JOIN customers.profiles p ON p.id = o.customer_id",
        "EXPLAIN SELECT id FROM sales.orders",
    ] {
        let failure = sam.fails(sql).await;
        assert_eq!(failure.kind, "UnsupportedSql", "{sql} {failure:?}");
        assert!(failure.message.contains(refused), "{failure:?}");
    }
    // Values bound to placeholders are conditions like any other.
    let handle = sam.prepare("SELECT count(*) FROM sales.orders WHERE region = 'APAC'").await.unwrap();
    assert_eq!(sam.execute(&handle).await.unwrap().count(), 0);
    // A product that shows small groups of it cannot be read, and one that shows large ones can.
    assert_eq!(sam.sorted("SELECT customer_id FROM insights.totals").await, ["10"]);
    let grants = "SELECT rows, smallest_group FROM system.grants WHERE table_name = 'orders' ORDER BY action";
    assert_eq!(sam.rows(grants).await.lines(), ["NULL|NULL", "all|2"]);
    // Others see rows.
    let mut ann = retail.gateway.connect("ann").await;
    assert_eq!(ann.rows("SELECT id FROM sales.orders ORDER BY id").await.lines(), ["1", "2", "5"]);
}
