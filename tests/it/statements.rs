//! Statements of three people over two sources.

use tests::retail::Retail;
use tonic::Code;

/// Order totals per segment: one statement over the Delta table and the foreign server.
const JOIN: &str = "SELECT p.segment, count(*) AS orders, sum(o.amount) AS total FROM sales.orders o \
    JOIN customers.profiles p ON p.id = o.customer_id GROUP BY p.segment ORDER BY p.segment";

#[tokio::test(flavor = "multi_thread")]
async fn one_join_over_two_sources_has_two_right_answers() {
    let retail = Retail::serve().await;
    let mut ann = retail.gateway.connect("ann").await;
    let mut sam = retail.gateway.connect("sam").await;
    let mut eve = retail.gateway.connect("eve").await;
    assert_eq!(ann.rows(JOIN).await.lines(), ["basic|1|50.0", "gold|2|125.0"]);
    assert_eq!(sam.rows(JOIN).await.lines(), ["basic|2|70.0", "gold|4|205.0"]);
    let failure = eve.fails(JOIN).await;
    assert_eq!(
        (failure.code, failure.kind.as_str(), failure.sqlstate.as_str()),
        (Code::NotFound, "UndefinedTable", "42P01")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restricted_reader_sees_own_rows_masks_and_no_denied_column() {
    let retail = Retail::serve().await;
    let mut ann = retail.gateway.connect("ann").await;
    let rows = ann.rows("SELECT * FROM sales.orders ORDER BY id").await;
    assert_eq!(rows.columns(), ["id", "region", "customer_id", "status", "amount", "email", "ordered"]);
    let mask = rows.cells().iter().map(|row| row[5].clone()).collect::<Vec<_>>();
    assert!(
        mask.iter().all(|email| email.ends_with(".com") && !email.contains("ada") && !email.contains('@')),
        "{mask:?}"
    );
    assert_eq!(rows.cells().iter().map(|row| row[0].as_str()).collect::<Vec<_>>(), ["1", "2", "5"]);
    let failure = ann.fails("SELECT margin FROM sales.orders").await;
    assert_eq!(failure.kind, "UndefinedColumn");
    let missing = ann.fails("SELECT nothing FROM sales.orders").await;
    assert_eq!(failure.shape().3.replace("margin", "nothing"), missing.shape().3);
    assert!(!missing.message.contains("margin"), "{}", missing.message);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_have_one_two_or_three_parts() {
    let retail = Retail::serve().await;
    let mut sam = retail.gateway.connect("sam").await;
    for name in ["sales.orders", "retail.sales.orders", "\"retail\".\"sales\".\"orders\"", "SALES.Orders"] {
        assert_eq!(sam.sorted(&format!("SELECT count(*) FROM {name}")).await, ["6"], "{name}");
    }
    for name in ["orders", "other.sales.orders", "sales.\"Orders\"", "retail.orders"] {
        assert_eq!(sam.fails(&format!("SELECT count(*) FROM {name}")).await.kind, "UndefinedTable", "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_mistake_has_its_own_kind() {
    let retail = Retail::serve().await;
    let mut sam = retail.gateway.connect("sam").await;
    for (sql, kind) in [
        ("SELEC 1", "InvalidStatement"),
        ("", "InvalidStatement"),
        ("SELECT 1; SELECT 2", "InvalidStatement"),
        ("SELECT * FROM sales.nothing", "UndefinedTable"),
        ("SELECT nothing FROM sales.orders", "UndefinedColumn"),
        ("SELECT 1/0", "DataError"),
        ("SELECT CAST('x' AS int)", "DataError"),
    ] {
        assert_eq!(sam.fails(sql).await.kind, kind, "{sql}");
    }
    assert_eq!(sam.fails("SELECT 1/0").await.sqlstate, "22012");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_not_a_read_is_refused() {
    let retail = Retail::serve().await;
    let mut sam = retail.gateway.connect("sam").await;
    let outside = retail.mesh.path("outside.csv");
    std::fs::write(&outside, "a\n1\n").unwrap();
    let outside = outside.to_str().unwrap();
    for sql in [
        "INSERT INTO sales.orders VALUES (1)".to_owned(),
        "UPDATE sales.orders SET amount = 0".to_owned(),
        "DELETE FROM sales.orders".to_owned(),
        "TRUNCATE TABLE sales.orders".to_owned(),
        "DROP TABLE sales.orders".to_owned(),
        "DROP SCHEMA sales".to_owned(),
        "CREATE TABLE t AS SELECT 1".to_owned(),
        "CREATE VIEW v AS SELECT * FROM sales.orders".to_owned(),
        "CREATE SCHEMA s".to_owned(),
        "CREATE DATABASE d".to_owned(),
        "CREATE FUNCTION f(int) RETURNS int RETURN $1".to_owned(),
        format!("CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '{outside}'"),
        format!("COPY (SELECT 1) TO '{outside}'"),
        format!("COPY sales.orders TO '{outside}'"),
        "EXPLAIN ANALYZE INSERT INTO sales.orders VALUES (1)".to_owned(),
        format!("EXPLAIN ANALYZE COPY (SELECT 1) TO '{outside}'"),
        "SET datafusion.explain.show_statistics = true".to_owned(),
        "SET datafusion.optimizer.max_passes = 0".to_owned(),
        "RESET datafusion.execution.batch_size".to_owned(),
        "PREPARE p AS DELETE FROM sales.orders".to_owned(),
        "BEGIN".to_owned(),
    ] {
        let failure = sam.fails(&sql).await;
        assert!(
            ["UnsupportedSql", "InvalidStatement", "AccessDenied"].contains(&failure.kind.as_str()),
            "{sql}: {failure:?}"
        );
    }
    assert_eq!(std::fs::read_to_string(outside).unwrap(), "a\n1\n");
    assert_eq!(sam.sorted("SELECT count(*) FROM sales.orders").await, ["6"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_is_never_a_table() {
    let retail = Retail::serve().await;
    let mut sam = retail.gateway.connect("sam").await;
    let file = retail.mesh.path("users.toml");
    let folder = retail.mesh.path("data/orders");
    for path in [file.to_str().unwrap(), folder.to_str().unwrap(), "/etc/passwd", "file:///etc/passwd", "users.toml"] {
        for sql in [
            format!("SELECT * FROM '{path}'"),
            format!("SELECT * FROM \"{path}\""),
            format!("SELECT * FROM read_csv('{path}')"),
            format!("SELECT * FROM read_parquet('{path}')"),
        ] {
            let failure = sam.fails(&sql).await;
            assert!(
                ["UndefinedTable", "UnsupportedSql", "InvalidStatement"].contains(&failure.kind.as_str()),
                "{sql}: {failure:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_result_has_its_schema() {
    let retail = Retail::serve().await;
    let mut ann = retail.gateway.connect("ann").await;
    for sql in [
        "SELECT id, email FROM sales.orders WHERE id = 999",
        "SELECT id, email FROM sales.orders WHERE 1 = 0",
        "SELECT id, email FROM sales.orders LIMIT 0",
        "SELECT id, email FROM customers.profiles WHERE id = 999",
        "SELECT id, email FROM customers.profiles LIMIT 0",
    ] {
        let rows = ann.rows(sql).await;
        assert_eq!((rows.count(), rows.columns()), (0, vec!["id", "email"]), "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_view_or_dictionary_type_reaches_the_wire() {
    let retail = Retail::serve().await;
    let mut sam = retail.gateway.connect("sam").await;
    for sql in [
        "SELECT * FROM sales.orders",
        "SELECT * FROM customers.profiles",
        "SELECT upper(region), region || 'x', substr(email, 1, 2), min(region) OVER () FROM sales.orders",
        "SELECT region, count(*) FROM sales.orders GROUP BY region",
        "SELECT array_agg(region) FROM sales.orders",
    ] {
        let types = format!("{:?}", sam.rows(sql).await.schema);
        for word in ["View", "Dictionary", "RunEndEncoded"] {
            assert!(!types.contains(word), "{sql}: {types}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_readers_at_a_time_get_their_own_answers() {
    let retail = Retail::serve().await;
    let mut tasks = Vec::new();
    for turn in 0..24 {
        let (user, answer) = if turn % 2 == 0 { ("ann", "3") } else { ("sam", "6") };
        let mut client = retail.gateway.connect(user).await;
        tasks.push(tokio::spawn(async move {
            for _ in 0..3 {
                assert_eq!(client.sorted("SELECT count(*) FROM sales.orders").await, [answer], "{user}");
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
}
