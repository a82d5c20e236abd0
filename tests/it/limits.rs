//! Everything has a limit, and the gateway outlives whoever meets it.

use std::time::{Duration, Instant};

use futures::StreamExt;
use tests::deadline::{STEP, eventually, within};
use tests::retail::Retail;
use tonic::Code;

/// A statement that never ends by itself.
const ENDLESS: &str =
    "SELECT count(*) FROM range(1000000000) a CROSS JOIN range(1000000000) b WHERE a.value + b.value < 0";

/// A cross join of the orders with themselves, often enough to never end.
const ENDLESS_JOIN: &str = "SELECT count(*) FROM sales.orders a, sales.orders b, sales.orders c, sales.orders d, \
    sales.orders e, sales.orders f, sales.orders g, sales.orders h, sales.orders i, sales.orders j, sales.orders k, \
    sales.orders l WHERE a.id + b.id + c.id + d.id + e.id + f.id + g.id + h.id + i.id + j.id + k.id + l.id = 0";

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_longer_than_the_limit_is_refused() {
    let retail = Retail::serve_with("[limits]\nstatement = \"4KiB\"\n").await;
    let mut sam = retail.gateway.connect("sam").await;
    let padded = |length: usize| format!("SELECT 1 /* {} */", "x".repeat(length));
    assert_eq!(sam.sorted(&padded(3_000)).await, ["1"]);
    let failure = sam.fails(&padded(5_000)).await;
    assert_eq!((failure.code, failure.kind.as_str()), (Code::ResourceExhausted, "LimitExceeded"), "{failure:?}");
    assert!(sam.prepare(&padded(5_000)).await.is_err());
}

/// Asks for something deep; whatever the answer is, the gateway must live on.
async fn survives(sql: &str) {
    let retail = Retail::serve().await;
    let mut sam = retail.gateway.connect("sam").await;
    if let Err(failure) = sam.query(sql).await {
        assert_ne!(failure.code, Code::Internal, "{failure:?}");
    }
    assert_eq!(sam.sorted("SELECT 1").await, ["1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn deep_parentheses_are_no_crash() {
    survives(&format!("SELECT {}1{}", "(".repeat(20_000), ")".repeat(20_000))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_prefix_operators_are_no_crash() {
    survives(&format!("SELECT {}true", "NOT ".repeat(50_000))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_operators_in_a_row_are_no_crash() {
    survives(&format!("SELECT 1 {}", "+ 1 ".repeat(50_000))).await;
    survives(&format!("SELECT count(*) FROM sales.orders WHERE id = 1 {}", "OR id = 2 ".repeat(20_000))).await;
    survives(&format!("SELECT 1 {}", "UNION ALL SELECT 1 ".repeat(20_000))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deep_sub_queries_are_no_crash() {
    survives(&format!("SELECT * FROM {}sales.orders{}", "(SELECT * FROM ".repeat(5_000), ")".repeat(5_000))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_longest_chains_that_are_taken_are_no_crash() {
    for chain in [
        format!("SELECT 1 WHERE 0 < 1{}", " + 1".repeat(2_990)),
        format!("SELECT 1 WHERE true{}", " OR false".repeat(1_490)),
        format!("SELECT count(*) FROM sales.orders WHERE id = 1{}", " OR id = 2".repeat(1_490)),
        format!("SELECT 1{}", " IS NULL".repeat(1_490)),
        format!("SELECT '1'{}", "::text".repeat(1_490)),
        format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(990)),
        format!("SELECT {}1", "- ".repeat(2_990)),
        format!("SELECT {}true", "NOT ".repeat(2_990)),
    ] {
        survives(&chain).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_list_is_no_crash() {
    survives(&format!("SELECT 1 WHERE 1 IN ({})", vec!["1"; 100_000].join(","))).await;
    survives(&format!("SELECT {}", vec!["1"; 20_000].join(","))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_wants_too_much_memory_fails_alone() {
    let retail = Retail::serve_with("[limits]\nquery_memory = \"16MiB\"\n").await;
    let mut sam = retail.gateway.connect("sam").await;
    // The lists are used, or the optimizer would not make them.
    let hungry = "WITH d AS (SELECT concat(a.id, b.id, c.id, d.id, e.id, f.id, g.id, repeat('x', 200)) AS x \
        FROM sales.orders a, sales.orders b, sales.orders c, sales.orders d, sales.orders e, sales.orders f, \
        sales.orders g) SELECT cardinality(array_agg(x)) FROM d";
    let failure = sam.fails(hungry).await;
    assert_eq!((failure.code, failure.kind.as_str()), (Code::ResourceExhausted, "LimitExceeded"), "{failure:?}");
    assert_eq!(failure.sqlstate, "53200", "{failure:?}");
    assert_eq!(sam.sorted("SELECT count(*) FROM sales.orders").await, ["6"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_ends_at_its_deadline() {
    let retail = Retail::serve_with("[limits]\nquery_timeout = \"1s\"\n").await;
    let mut sam = retail.gateway.connect("sam").await;
    let start = Instant::now();
    let failure = sam.fails(ENDLESS_JOIN).await;
    assert_eq!((failure.code, failure.kind.as_str()), (Code::DeadlineExceeded, "Timeout"), "{failure:?}");
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    assert_eq!(sam.sorted("SELECT count(*) FROM sales.orders").await, ["6"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clients_own_deadline_is_kept() {
    let retail = Retail::serve().await;
    let mut sam = retail.gateway.connect("sam").await.with_header("grpc-timeout", "1500m");
    let start = Instant::now();
    let failure = sam.fails(ENDLESS_JOIN).await;
    assert_eq!(failure.code, Code::DeadlineExceeded, "{failure:?}");
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_limit_is_an_error_and_never_a_short_result() {
    let retail = Retail::serve_with("[limits]\nrows = 4\n").await;
    let mut sam = retail.gateway.connect("sam").await;
    assert_eq!(sam.rows("SELECT id FROM sales.orders LIMIT 4").await.count(), 4);
    let failure = sam.fails("SELECT id FROM sales.orders").await;
    assert_eq!(failure.kind, "LimitExceeded", "{failure:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_beyond_the_queue_are_refused_and_a_dropped_query_frees_its_place() {
    let retail = Retail::serve_with("[limits]\nqueries = 1\nqueue = 0\n").await;
    let sam = retail.gateway.connect("sam").await;
    let mut busy = sam.clone();
    let query = tokio::spawn(async move { busy.query(ENDLESS_JOIN).await });
    eventually(STEP, "the second query is refused", || {
        let mut sam = sam.clone();
        async move {
            let failure = sam.query("SELECT count(*) FROM sales.orders").await.err()?;
            assert_eq!(
                (failure.code, failure.kind.as_str()),
                (Code::ResourceExhausted, "LimitExceeded"),
                "{failure:?}"
            );
            Some(())
        }
    })
    .await;
    query.abort();
    eventually(Duration::from_secs(10), "the place is free again", || {
        let mut sam = sam.clone();
        async move { sam.query("SELECT count(*) FROM sales.orders").await.ok() }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_function_cannot_make_rows_without_end() {
    let retail = Retail::serve_with("[limits]\nquery_timeout = \"1s\"\n").await;
    let mut sam = retail.gateway.connect("sam").await;
    let failure = sam.fails(ENDLESS).await;
    let kinds = ["Timeout", "UnsupportedSql", "UndefinedTable", "InvalidStatement"];
    assert!(kinds.contains(&failure.kind.as_str()), "{failure:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_text_is_short() {
    let retail = Retail::serve().await;
    let mut sam = retail.gateway.connect("sam").await;
    let long = "x".repeat(100_000);
    for sql in [format!("SELECT {long} FROM sales.orders"), format!("SELECT * FROM sales.{long}"), format!("{long} 1")]
    {
        let failure = sam.fails(&sql).await;
        assert!(failure.message.len() < 2_000, "{} bytes", failure.message.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_dropped_early_leaves_nothing_behind() {
    let retail = Retail::serve().await;
    let mut sam = retail.gateway.connect("sam").await;
    let many = "SELECT a.id FROM sales.orders a, sales.orders b, sales.orders c, sales.orders d, sales.orders e, \
        sales.orders f, sales.orders g, sales.orders h";
    for _ in 0..20 {
        let info = sam.info(many).await.unwrap();
        let mut stream = sam.flight().do_get(info.endpoint[0].ticket.clone().unwrap()).await.unwrap();
        within(STEP, "the first batch", stream.next()).await.unwrap().unwrap();
    }
    eventually(Duration::from_secs(10), "no query is running", || {
        let running = retail.gateway.queries();
        async move { (running == 0).then_some(()) }
    })
    .await;
}
