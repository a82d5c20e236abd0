//! Work goes down to the sources: the remote gets `WHERE` and only needed columns, Delta reads only matching files.

use tests::retail::Retail;

/// The statement that the remote got for `sql`, in upper case and without quotes.
async fn remote_sql(retail: &Retail, user: &str, sql: &str) -> String {
    let mut client = retail.gateway.connect(user).await;
    drop(retail.crm.take_statements());
    client.rows(sql).await;
    let statements = retail.crm.take_statements();
    // Planning and running may both ask; they must ask the same.
    let first = statements.first().unwrap_or_else(|| panic!("the remote got no statement for {sql}"));
    assert!(statements.iter().all(|statement| statement == first), "the remote got {statements:?} for {sql}");
    first.replace('"', "").to_uppercase()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_remote_gets_the_filter_and_only_the_needed_columns() {
    let retail = Retail::serve().await;
    let sql = "SELECT name FROM customers.profiles WHERE segment = 'gold' AND id >= 12";
    let sent = remote_sql(&retail, "sam", sql).await;
    let (columns, conditions) = sent.split_once("WHERE").unwrap_or_else(|| panic!("no WHERE in {sent}"));
    assert!(columns.contains("NAME"), "{sent}");
    for column in ["EMAIL", "BORN"] {
        assert!(!sent.contains(column), "{column} is not needed: {sent}");
    }
    for condition in ["SEGMENT", "'GOLD'", "ID", "12"] {
        assert!(conditions.contains(condition), "{condition} is not sent: {sent}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_remote_gets_the_limit() {
    let retail = Retail::serve().await;
    let sent = remote_sql(&retail, "sam", "SELECT name FROM customers.profiles LIMIT 2").await;
    assert!(sent.contains("LIMIT 2"), "{sent}");
    // A limit above a condition that stays here must stay here too.
    let sql = "SELECT name FROM customers.profiles WHERE upper(name) = 'FAY' LIMIT 1";
    let sent = remote_sql(&retail, "sam", sql).await;
    assert!(!sent.contains("LIMIT"), "{sent}");
    assert_eq!(retail.gateway.connect("sam").await.sorted(sql).await, ["Fay"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_condition_that_may_fail_stays_here() {
    let retail = Retail::serve().await;
    for sql in [
        "SELECT name FROM customers.profiles WHERE 100 / (id - 1) > 1",
        "SELECT name FROM customers.profiles WHERE CAST(id AS text) LIKE '1%'",
        "SELECT name FROM customers.profiles WHERE upper(name) = 'ADA'",
    ] {
        let sent = remote_sql(&retail, "sam", sql).await;
        assert!(!sent.contains("WHERE"), "{sent}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_remote_never_gets_a_condition_on_a_masked_column() {
    let retail = Retail::serve().await;
    let sql = "SELECT name FROM customers.profiles WHERE email = 'ada@example.com'";
    let sent = remote_sql(&retail, "ann", sql).await;
    assert!(!sent.contains("ADA@EXAMPLE.COM"), "{sent}");
    assert_eq!(retail.gateway.connect("ann").await.rows(sql).await.count(), 0, "the mask is compared, not the value");
}

#[tokio::test(flavor = "multi_thread")]
async fn right_answers_do_not_depend_on_what_is_pushed() {
    let retail = Retail::serve().await;
    let mut sam = retail.gateway.connect("sam").await;
    for (condition, ids) in [
        ("id = 10", "10"),
        ("id <> 10", "11,12,13,14,15"),
        ("id > 11 AND id <= 13", "12,13"),
        ("id BETWEEN 11 AND 12", "11,12"),
        ("id NOT IN (10, 11)", "12,13,14,15"),
        ("email IS NULL", "15"),
        ("email IS NOT NULL AND segment = 'gold'", "10,12,14"),
        ("name LIKE 'A%'", "10"),
        ("name NOT LIKE '%a%'", "11,12,13,14"),
        ("segment = 'gold' OR id = 11", "10,11,12,14"),
        ("NOT (segment = 'gold')", "11,13,15"),
        ("born > 1990", "13,14"),
        ("born IS NOT DISTINCT FROM NULL", "15"),
        ("name = 'it''s'", ""),
        ("name = '\\'", ""),
    ] {
        let sql = format!("SELECT id FROM customers.profiles WHERE {condition}");
        assert_eq!(sam.sorted(&sql).await.join(","), ids, "{condition}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delta_scan_reads_only_the_files_that_may_match() {
    let retail = Retail::serve().await;
    let mut sam = retail.gateway.connect("sam").await;
    // Whatever is not needed is gone: only a scan that leaves these files alone can answer.
    let orders = retail.mesh.path("data/orders");
    for region in ["region=US", "region=APAC"] {
        std::fs::remove_dir_all(orders.join(region)).unwrap();
    }
    assert_eq!(sam.sorted("SELECT count(*) FROM sales.orders WHERE region = 'EU' AND status <> 'x'").await, ["3"]);
    assert_eq!(sam.sorted("SELECT sum(amount) FROM sales.orders WHERE region IN ('EU', 'XX')").await, ["175.0"]);
    // The row filter prunes as well.
    let mut ann = retail.gateway.connect("ann").await;
    assert_eq!(ann.sorted("SELECT sum(amount) FROM sales.orders").await, ["175.0"]);
    assert_eq!(sam.fails("SELECT sum(amount) FROM sales.orders").await.code, tonic::Code::Internal);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delta_scan_skips_files_by_their_statistics() {
    let retail = Retail::serve().await;
    let mut sam = retail.gateway.connect("sam").await;
    // Both commits have a file of region EU; the second one has the ids from 5 on.
    let eu = retail.mesh.path("data/orders/region=EU");
    let mut files: Vec<_> = std::fs::read_dir(&eu).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "parquet"));
    assert_eq!(files.len(), 2);
    files.sort_by_key(|path| std::fs::metadata(path).unwrap().modified().unwrap());
    std::fs::remove_file(&files[0]).unwrap();
    assert_eq!(sam.sorted("SELECT amount FROM sales.orders WHERE region = 'EU' AND id >= 5").await, ["25.0"]);
}
