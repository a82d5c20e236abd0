//! Sources that break: an error that names product and table, never a short result, and the others go on.

use std::time::{Duration, Instant};

use futures::StreamExt;
use tests::deadline::{STEP, eventually, within};
use tests::plant::{Plant, ROWS};
use tests::remote::{Fault, Remote, SECRET};
use tests::retail::Retail;
use tests::{Client, Failure, engine};
use tonic::Code;

/// Opens the statement's stream, reads one batch, lets `strike` happen and reads on to the error.
async fn read_until_error(client: &mut Client, sql: &str, strike: impl FnOnce()) -> (Failure, Duration) {
    let info = client.info(sql).await.unwrap();
    let mut stream = client.flight().do_get(info.endpoint[0].ticket.clone().unwrap()).await.unwrap();
    within(STEP, "the first batch", stream.next()).await.unwrap().unwrap();
    strike();
    let start = Instant::now();
    let failure = within(STEP, "the error", async {
        loop {
            match stream.next().await {
                Some(Ok(_)) => {}
                Some(Err(error)) => return Failure::from(error),
                None => panic!("a short result"),
            }
        }
    })
    .await;
    (failure, start.elapsed())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_remote_that_dies_in_mid_stream_is_an_error_within_two_seconds() {
    let Plant { mesh: _mesh, gateway, remote } = Plant::serve(Fault::Stall(10)).await;
    let mut sam = gateway.connect("sam").await;
    let (failure, took) = read_until_error(&mut sam, "SELECT * FROM plant.measurements", || remote.kill()).await;
    assert_eq!((failure.code, failure.kind.as_str()), (Code::Unavailable, "SourceUnavailable"), "{failure:?}");
    assert!(failure.message.contains("table \"plant.measurements\" (product "), "{}", failure.message);
    assert!(took < Duration::from_secs(2), "it took {took:?}");
    assert!(!failure.everything().contains("127.0.0.1"), "{failure:?}");
    assert_eq!(sam.sorted("SELECT id FROM plant.local").await, ["1", "2"], "other sources go on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_remote_never_makes_an_aggregate_smaller() {
    let Plant { mesh: _mesh, gateway, remote } = Plant::serve(Fault::Stall(10)).await;
    let mut sam = gateway.connect("sam").await;
    let query = tokio::spawn(async move { sam.query("SELECT count(*), sum(id) FROM plant.measurements").await });
    eventually(STEP, "the remote is in mid-stream", || {
        let sent = remote.batches_sent();
        async move { (sent >= 5).then_some(()) }
    })
    .await;
    remote.kill();
    let failure = within(Duration::from_secs(5), "the error", query).await.unwrap().unwrap_err();
    assert_eq!(failure.code, Code::Unavailable, "{failure:?}");
    assert!(failure.message.contains("table \"plant.measurements\" (product "), "{}", failure.message);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_remote_that_is_down_is_named_and_comes_back() {
    let Plant { mesh: _mesh, gateway, remote } = Plant::serve(Fault::None).await;
    let mut sam = gateway.connect("sam").await;
    let sql = "SELECT count(*) FROM plant.measurements";
    assert_eq!(sam.sorted(sql).await, [ROWS.to_string()]);
    let address = remote.address();
    remote.kill();
    let failure = within(Duration::from_secs(10), "the error", sam.fails(sql)).await;
    assert_eq!(failure.code, Code::Unavailable, "{failure:?}");
    assert!(failure.message.contains("table \"plant.measurements\" (product "), "{}", failure.message);
    assert!(!failure.everything().contains(&address.port().to_string()), "{failure:?}");
    assert_eq!(sam.sorted("SELECT id FROM plant.local").await, ["1", "2"]);
    let small = engine::batch("SELECT CAST(1 AS BIGINT) AS id, 'x' AS filler").await;
    let _remote = Remote::start_at(address, vec![("measurements", vec![small])]);
    eventually(STEP, "the remote is back", || {
        let mut sam = sam.clone();
        async move { sam.query(sql).await.ok().filter(|rows| rows.lines() == ["1"]) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_of_the_remote_keeps_its_text_to_itself() {
    let Plant { mesh: _mesh, gateway, remote } = Plant::serve(Fault::Break(3)).await;
    let mut sam = gateway.connect("sam").await;
    let (failure, _) = read_until_error(&mut sam, "SELECT * FROM plant.measurements", || {}).await;
    assert_eq!((failure.code, failure.kind.as_str()), (Code::Internal, "SourceFailed"), "{failure:?}");
    assert!(!failure.query_id.is_empty(), "{failure:?}");
    assert!(!failure.everything().contains(SECRET), "{failure:?}");
    remote.fault(Fault::Refuse);
    let failure = sam.fails("SELECT id FROM plant.measurements WHERE id = 3").await;
    assert_eq!(failure.code, Code::Internal, "{failure:?}");
    assert!(!failure.everything().contains(SECRET), "{failure:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_remote_that_sends_other_columns_or_rows_is_not_believed() {
    let retail = Retail::serve().await;
    let mut sam = retail.gateway.connect("sam").await;
    let sql = "SELECT id, name FROM customers.profiles WHERE segment = 'gold'";
    let right = ["10|Ada", "12|Cyd", "14|Eli"];
    assert_eq!(sam.sorted(sql).await, right);
    retail.crm.fault(Fault::ExtraColumn);
    let rows = sam.rows(sql).await;
    assert_eq!((rows.columns(), rows.sorted()), (vec!["id", "name"], right.map(str::to_owned).to_vec()));
    retail.crm.fault(Fault::IgnoreFilters);
    assert_eq!(sam.sorted(sql).await, right, "the filter is checked here again");
    retail.crm.fault(Fault::MissingColumn);
    let failure = sam.fails("SELECT id, name FROM customers.profiles").await;
    assert!([Code::FailedPrecondition, Code::Internal].contains(&failure.code), "{failure:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_breaks_its_contract_names_product_and_owner_and_leaves_the_others_alone() {
    let retail = Retail::serve().await;
    let wrong = tests::retail::orders().columns(&[("gone", "text")]);
    retail.mesh.contract(&wrong);
    let sam = retail.gateway.connect("sam").await;
    let failure = eventually(STEP, "the changed contract is in force", || {
        let mut sam = sam.clone();
        async move { sam.query("SELECT id FROM sales.orders").await.err() }
    })
    .await;
    assert_eq!((failure.code, failure.kind.as_str()), (Code::FailedPrecondition, "ContractViolated"), "{failure:?}");
    for word in ["sales.orders", "orders", "olga", "gone"] {
        assert!(failure.message.contains(word), "{word}: {}", failure.message);
    }
    assert_eq!(sam.clone().sorted("SELECT count(*) FROM customers.profiles").await, ["6"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_file_of_a_table_is_an_error_without_its_path() {
    let retail = Retail::serve().await;
    let mut ann = retail.gateway.connect("ann").await;
    for entry in std::fs::read_dir(retail.mesh.path("data/orders/region=EU")).unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
    let failure = ann.fails("SELECT * FROM sales.orders").await;
    assert_eq!(failure.code, Code::Internal, "{failure:?}");
    for secret in ["region=EU", ".parquet", retail.mesh.folder().to_str().unwrap(), "part-"] {
        assert!(!failure.everything().contains(secret), "{failure:?}");
    }
}
