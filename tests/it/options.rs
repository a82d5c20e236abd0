//! What one call, or a session, may set beside its statement: the time that is read, endpoints, types.

use std::fs::File;
use std::path::Path;
use std::time::{Duration, SystemTime};

use arrow::datatypes::DataType;
use arrow_flight::FlightInfo;
use tests::retail::{RULES, Retail};
use tests::{Client, Contract, delta};

const ORDERS: &str = "SELECT id FROM sales.orders ORDER BY id";
const NEW_YEAR: &str = "2024-01-01T00:00:00Z";
const FEBRUARY: &str = "2024-02-15T00:00:00Z";

/// Dates the commits of the table in `folder`, one a month from January 2024 on.
fn date_commits(folder: &Path) {
    let january = Duration::from_secs(1_705_312_800);
    let months = (0..).map(|month| SystemTime::UNIX_EPOCH + january + Duration::from_secs(31 * 86_400) * month);
    for (version, time) in (0..).zip(months) {
        let commit = folder.join(format!("_delta_log/{version:020}.json"));
        let Ok(file) = File::options().write(true).open(commit) else { return };
        file.set_modified(time).unwrap();
    }
}

async fn dated() -> Retail {
    let retail = Retail::serve().await;
    date_commits(&retail.mesh.path("data/orders"));
    retail
}

async fn as_of(retail: &Retail, user: &str, time: &str) -> Client {
    retail.gateway.connect(user).await.with_header("meshgate-as-of", time)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_is_read_as_of_another_time() {
    let retail = dated().await;
    let mut sam = as_of(&retail, "sam", FEBRUARY).await;
    assert_eq!(sam.rows(ORDERS).await.lines(), ["1", "2", "3", "4"]);
    assert_eq!(sam.rows("SELECT count(*) FROM insights.totals").await.lines(), ["4"]);
    let mut later = as_of(&retail, "sam", "2024-02-29T00:00:00+01:00").await;
    assert_eq!(later.rows("SELECT count(*) FROM sales.orders").await.lines(), ["6"]);
    assert_eq!(retail.gateway.connect("sam").await.rows(ORDERS).await.count(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_policies_of_today_hold_for_the_versions_of_yesterday() {
    let retail = dated().await;
    let mut ann = as_of(&retail, "ann", FEBRUARY).await;
    assert_eq!(ann.rows(ORDERS).await.lines(), ["1", "2"]);
    assert_eq!(ann.fails("SELECT margin FROM sales.orders").await.kind, "UndefinedColumn");
    let failure = as_of(&retail, "eve", FEBRUARY).await.fails(ORDERS).await;
    assert_eq!(failure.kind, "UndefinedTable", "{failure:?}");
    // That the table is younger is told to nobody who may not see it.
    let failure = as_of(&retail, "eve", NEW_YEAR).await.fails(ORDERS).await;
    assert_eq!(failure.kind, "UndefinedTable", "{failure:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_entitled_is_looked_up_in_the_present_whatever_time_is_read() {
    let retail = dated().await;
    let entitlements = retail.mesh.path("data/entitlements");
    delta::append(&entitlements, &[], "SELECT 'ann' AS person, 10 AS customer").await;
    let contract = Contract::delta("governance.entitlements", "data/entitlements");
    retail.mesh.contract(&contract.columns(&[("person", "text"), ("customer", "bigint")]));
    let filter = "p2, role:analyst, sales, orders, restrictive, \
        \"customer_id IN (SELECT customer FROM governance.entitlements WHERE person = current_user())\"\n\
        p, user:ann, governance, *, select, allow\n";
    retail.mesh.rules(&format!("{}{filter}", RULES.replace("region = attribute('region')", "true")));
    let mut ann = retail.gateway.connect("ann").await;
    // The entitlements are themselves a table of the statement, and so pinned by its ticket.
    let sql = "SELECT o.id FROM sales.orders o CROSS JOIN governance.entitlements e WHERE o.id = 3 AND e.customer = 10";
    tests::deadline::eventually(tests::deadline::STEP, "the rules are in force", || {
        let mut ann = ann.clone();
        async move { ann.query(sql).await.ok().filter(|rows| rows.count() == 0) }
    })
    .await;
    date_commits(&entitlements);
    let mut february = as_of(&retail, "ann", "2024-02-16T00:00:00Z").await;
    let before = ann.info(sql).await.unwrap();
    // The plan waits for its first use only.
    assert_eq!(ann.fetch_all(&before).await.unwrap().count(), 0);
    assert_eq!(february.rows(sql).await.count(), 0);
    // Order 3 is of customer 12, whom ann gets by today's commit alone.
    delta::append(&entitlements, &[], "SELECT 'ann' AS person, 12 AS customer").await;
    retail.mesh.configure("retail", "[cache]\nsnapshot_max_age = \"0s\"\n");
    tests::deadline::eventually(tests::deadline::STEP, "the entitlement holds", || {
        let mut february = february.clone();
        async move { february.query(sql).await.ok().filter(|rows| rows.count() == 1) }
    })
    .await;
    assert_eq!(ann.fetch_all(&before).await.unwrap().count(), 1, "a ticket pins data, not rights");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_that_cannot_be_read_is_an_error() {
    let retail = dated().await;
    let failure = as_of(&retail, "sam", NEW_YEAR).await.fails(ORDERS).await;
    assert_eq!(failure.kind, "SnapshotGone", "{failure:?}");
    let failure = as_of(&retail, "sam", FEBRUARY).await.fails("SELECT * FROM customers.profiles").await;
    assert_eq!(failure.kind, "UnsupportedSql", "{failure:?}");
    assert!(failure.message.contains("customers.profiles") && failure.message.contains("as_of"), "{failure:?}");
    for bad in ["yesterday", "9999-01-01T00:00:00Z"] {
        let failure = as_of(&retail, "sam", bad).await.fails("SELECT 1").await;
        assert_eq!(failure.kind, "InvalidStatement", "{failure:?}");
        assert!(failure.message.contains("meshgate-as-of"), "{failure:?}");
    }
}

async fn divided(retail: &Retail, user: &str, sql: &str) -> FlightInfo {
    retail.gateway.connect(user).await.with_header("meshgate-endpoints", "3").info(sql).await.unwrap()
}

/// The lines of every endpoint by itself, each fetched on a connection of its own.
async fn parts(retail: &Retail, user: &str, info: &FlightInfo) -> Vec<Vec<String>> {
    let mut parts = Vec::new();
    for endpoint in &info.endpoint {
        let ticket = endpoint.ticket.clone().unwrap();
        let rows = retail.gateway.connect(user).await.fetch(ticket).await.unwrap();
        assert_eq!(*rows.schema, info.clone().try_decode_schema().unwrap());
        parts.push(rows.lines());
    }
    parts
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_is_divided_among_endpoints_for_who_asks_for_them() {
    let retail = Retail::serve().await;
    let sql = "SELECT id, upper(region) FROM sales.orders WHERE amount > 15";
    let whole = retail.gateway.connect("sam").await.sorted(sql).await;
    assert_eq!(retail.gateway.connect("sam").await.info(sql).await.unwrap().endpoint.len(), 1);
    let info = divided(&retail, "sam", sql).await;
    assert_eq!(info.endpoint.len(), 3);
    let parts = parts(&retail, "sam", &info).await;
    assert!(parts.iter().filter(|part| !part.is_empty()).count() > 1, "{parts:?}");
    let mut all = parts.concat();
    all.sort();
    assert_eq!(all, whole);
    // In any order, and more than once.
    let last = info.endpoint[2].ticket.clone().unwrap();
    assert_eq!(retail.gateway.connect("sam").await.fetch(last).await.unwrap().lines(), parts[2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_parts_of_a_result_stay_the_same_when_the_table_changes() {
    let retail = Retail::serve().await;
    let sql = "SELECT id FROM sales.orders UNION ALL SELECT id + 100 FROM sales.orders";
    let whole = retail.gateway.connect("sam").await.sorted(sql).await;
    let info = divided(&retail, "sam", sql).await;
    assert!(info.endpoint.len() > 1);
    delta::append(&retail.mesh.path("data/orders"), &["region"], tests::retail::MORE_ORDERS).await;
    assert_eq!(retail.gateway.connect("sam").await.rows("SELECT count(*) FROM sales.orders").await.lines(), ["8"]);
    let mut all = parts(&retail, "sam", &info).await.concat();
    all.sort();
    assert_eq!(all, whole);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_is_of_no_use_to_another_user() {
    let retail = Retail::serve().await;
    let info = divided(&retail, "sam", ORDERS.split(" ORDER").next().unwrap()).await;
    assert!(info.endpoint.len() > 1);
    for thief in ["ann", "eve"] {
        let ticket = info.endpoint[1].ticket.clone().unwrap();
        let failure = retail.gateway.connect(thief).await.fetch(ticket).await.unwrap_err();
        assert_eq!(failure.kind, "InvalidTicket", "{failure:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_divided_has_one_endpoint() {
    let retail = Retail::serve().await;
    for sql in [
        ORDERS,
        "SELECT count(*) FROM sales.orders",
        "SELECT region, sum(amount) FROM sales.orders GROUP BY region",
        "SELECT id FROM sales.orders LIMIT 3",
        "SELECT o.id FROM sales.orders o JOIN sales.orders p ON o.id = p.id",
        "SELECT name FROM customers.profiles",
        "SELECT total FROM insights.totals",
        "SELECT 1",
    ] {
        let info = divided(&retail, "sam", sql).await;
        assert_eq!(info.endpoint.len(), 1, "{sql}");
        let whole = retail.gateway.connect("sam").await.sorted(sql).await;
        let mut all = parts(&retail, "sam", &info).await.concat();
        all.sort();
        assert_eq!(all, whole, "{sql}");
    }
}

/// How rows lie in files depends on those that a restricted caller must not see.
#[tokio::test(flavor = "multi_thread")]
async fn the_layout_of_files_is_told_to_nobody_who_sees_only_a_part() {
    let retail = Retail::serve().await;
    for sql in ["SELECT id FROM sales.orders", "SELECT id FROM sales.orders WHERE region = 'EU'"] {
        let info = divided(&retail, "ann", sql).await;
        assert_eq!(info.endpoint.len(), 1, "{sql}");
        assert_eq!(parts(&retail, "ann", &info).await.concat().len(), 3, "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn views_and_dictionaries_leave_the_gateway_only_when_asked_for() {
    let retail = Retail::serve().await;
    let sql = "SELECT region, arrow_cast(status, 'Dictionary(Int32, Utf8)') AS status FROM sales.orders ORDER BY id";
    let types =
        |rows: &tests::Rows| rows.schema.fields().iter().map(|field| field.data_type().clone()).collect::<Vec<_>>();
    let plain = retail.gateway.connect("sam").await.rows(sql).await;
    assert_eq!(types(&plain), [DataType::Utf8, DataType::Utf8]);
    let native = retail.gateway.connect("sam").await.with_header("meshgate-types", "native").rows(sql).await;
    let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    assert_eq!(types(&native), [DataType::Utf8View, dictionary]);
    assert_eq!(native.lines(), plain.lines());
}
