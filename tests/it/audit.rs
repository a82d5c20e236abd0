//! The audit log: one record for each statement, written before its end is told, without what it must not hold.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow_flight::{Action, CancelFlightInfoRequest};
use futures::StreamExt;
use gateway::ServeOptions;
use gateway::query::{Pins, Query, Statement};
use prost::Message as _;
use serde_json::{Value, json};
use tests::audit::{await_records, records, text};
use tests::deadline::{STEP, eventually, within};
use tests::mesh::PASSWORD;
use tests::remote::{Fault, Remote};
use tests::retail::Retail;
use tests::{Client, Contract, Mesh, engine, http};
use tonic::Code;

const AUDIT: &str = "[cache]\nsnapshot_max_age = \"0s\"\n\n[audit]\n";

fn folder(retail: &Retail) -> PathBuf {
    retail.mesh.path("audit")
}

/// The one record that `work` has added to `before`.
fn added(retail: &Retail, before: usize) -> Value {
    let all = records(&folder(retail), "statement");
    assert_eq!(all.len(), before + 1, "{all:#?}");
    all[before].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_is_recorded_with_its_tables_rules_and_size() {
    let retail = Retail::serve_with(AUDIT).await;
    let mut ann = retail.gateway.connect("ann").await;
    ann.rows("SELECT id FROM sales.orders WHERE status = 'shipped'").await;
    let record = added(&retail, 0);
    let expected = json!({
        "form": 1,
        "kind": "statement",
        "subject": "ann",
        "roles": ["analyst"],
        "credential": "token",
        "statement": "8a7091b3316606a1e0ab65f0db65beba3b9f4033ee0e648bbdeb7c8a549573e1",
        "tables": [{"table": "sales.orders", "product": record["tables"][0]["product"], "version": "1"}],
        "policy_version": 1,
        "rows": 2,
        "bytes": 16,
        "outcome": "Finished",
    });
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(record[field], *value, "{field}: {record:#}");
    }
    assert!(record["tables"][0]["product"].is_string(), "{record:#}");
    let rules: Vec<&str> = record["rules"].as_array().unwrap().iter().map(|rule| rule.as_str().unwrap()).collect();
    assert!(rules.contains(&"policies/rules.csv:1") && rules.contains(&"policies/rules.csv:3"), "{rules:?}");
    assert!(record["time"].as_str().unwrap().ends_with('Z') && record["time"].as_str().unwrap().len() == 24);
    assert!(record["peer"].as_str().unwrap().starts_with("127.0.0.1:"));
    assert_eq!(record["session"].as_str().unwrap().len(), 16);
    assert_eq!(record["policy_digest"].as_str().unwrap().len(), 16);
    assert!(record["milliseconds"].is_u64() && record.get("text").is_none() && record.get("sqlstate").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_is_refused_or_fails_has_one_record_with_the_reason() {
    let retail = Retail::serve_with(AUDIT).await;
    let cases = [
        ("eve", "SELECT id FROM sales.orders", "UndefinedTable", "42P01", json!([["sales.orders", "not_granted"]])),
        ("sam", "SELECT * FROM sales.nothing", "UndefinedTable", "42P01", json!([["sales.nothing", "missing"]])),
        ("ann", "SELECT margin FROM sales.orders", "UndefinedColumn", "42703", json!([])),
        ("sam", "SELEC 1", "InvalidStatement", "42601", json!([])),
        ("sam", "DELETE FROM sales.orders", "UnsupportedSql", "0A000", json!([])),
        ("sam", "SELECT 1; SELECT 2", "InvalidStatement", "42601", json!([])),
        ("sam", "SELECT 1 / (id - id) FROM sales.orders", "DataError", "22012", json!([])),
    ];
    for (index, (user, sql, outcome, sqlstate, refused)) in cases.into_iter().enumerate() {
        let failure = retail.gateway.connect(user).await.fails(sql).await;
        let record = added(&retail, index);
        assert_eq!((record["outcome"].as_str(), record["sqlstate"].as_str()), (Some(outcome), Some(sqlstate)), "{sql}");
        assert_eq!((&record["subject"], &record["query_id"]), (&json!(user), &json!(failure.query_id)), "{sql}");
        let none = Vec::new();
        let given = record["refused"].as_array().unwrap_or(&none);
        let given: Vec<Value> = given.iter().map(|table| json!([table["table"], table["why"]])).collect();
        assert_eq!(Value::from(given), refused, "{sql}");
        assert_eq!(record["rows"], 0, "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_is_recorded_with_the_rule_that_denies() {
    let retail = Retail::serve_with(AUDIT).await;
    let rules = format!("{}p, user:ann, sales, orders, select, deny\n", tests::retail::RULES);
    retail.mesh.rules(&rules);
    let ann = retail.gateway.connect("ann").await;
    eventually(STEP, "ann is denied", || {
        let mut ann = ann.clone();
        async move { ann.query("SELECT id FROM sales.orders").await.err() }
    })
    .await;
    let record = records(&folder(&retail), "statement").pop().unwrap();
    let line = rules.lines().count();
    assert_eq!(record["refused"][0]["why"], "denied", "{record:#}");
    assert_eq!(record["refused"][0]["rules"], json!([format!("policies/rules.csv:{line}")]), "{record:#}");
    assert!(record["policy_version"].as_u64() >= Some(2), "{record:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_conflict_is_recorded_with_both_masks() {
    let retail = Retail::serve_with("[audit]\npath = \"other\"\n").await;
    let rules = "p, role:a, sales, orders, select, allow\np3, role:a, sales, orders.email, hash\n\
        p3, role:b, sales, orders.email, null\n";
    retail.mesh.rules(rules);
    retail.mesh.configure("retail", AUDIT);
    // Roles that an identity provider vouches for meet for the first time when somebody asks.
    let roles = BTreeSet::from(["a".to_owned(), "b".to_owned()]);
    let principal = Arc::new(policies::Principal { roles, ..policies::Principal::named("zoe") });
    let gateway = gateway::Gateway::start_audited(retail.mesh.folder()).await.unwrap();
    let sql = "SELECT id FROM sales.orders".to_owned();
    let query = Query::receive(&gateway, principal, Statement { text: sql.into(), ..Statement::default() }).unwrap();
    let error = query.plan(Pins::default()).await.unwrap_err();
    assert_eq!(error.kind, gateway::ErrorKind::UndefinedTable);
    let record = added(&retail, 0);
    let masks = json!(["policies/rules.csv:2", "policies/rules.csv:3"]);
    assert_eq!((&record["refused"][0]["why"], &record["refused"][0]["rules"]), (&json!("conflict"), &masks));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_and_its_fetch_are_one_record_and_each_further_fetch_is_another() {
    let retail = Retail::serve_with(AUDIT).await;
    let mut sam = retail.gateway.connect("sam").await;
    let info = sam.info("SELECT id FROM sales.orders").await.unwrap();
    assert!(records(&folder(&retail), "statement").is_empty(), "it has not ended");
    sam.fetch_all(&info).await.unwrap();
    let first = added(&retail, 0);
    sam.fetch_all(&info).await.unwrap();
    let second = added(&retail, 1);
    assert_eq!(second["ticket"], first["query_id"], "{second:#}");
    assert_eq!((&first["rows"], &second["rows"]), (&json!(6), &json!(6)));
    assert_eq!(first["statement"], second["statement"]);

    let ticket = info.endpoint[0].ticket.clone().unwrap();
    retail.gateway.connect("ann").await.fetch(ticket).await.unwrap_err();
    let refused = await_records(&folder(&retail), "ticket", 1).await;
    assert_eq!((&refused[0]["subject"], &refused[0]["outcome"]), (&json!("ann"), &json!("InvalidTicket")));

    sam.info("SELECT count(*) FROM sales.orders").await.unwrap();
    let folder = folder(&retail);
    let Retail { mesh: _mesh, gateway, crm: _crm } = retail;
    drop(sam);
    gateway.stop().await;
    let never_fetched = records(&folder, "statement").pop().unwrap();
    assert_eq!((&never_fetched["outcome"], &never_fetched["rows"]), (&json!("Planned"), &json!(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn preparing_and_each_execution_are_recorded_without_the_bound_values() {
    let retail = Retail::serve_with(AUDIT).await;
    let mut ann = retail.gateway.connect("ann").await;
    let sql = "SELECT id FROM sales.orders WHERE status = ?";
    let mut statement = ann.flight().prepare(sql.into(), None).await.unwrap();
    let prepared = added(&retail, 0);
    assert_eq!((&prepared["outcome"], &prepared["tables"][0]["table"]), (&json!("Planned"), &json!("sales.orders")));
    for before in [1, 2] {
        let value = Arc::new(StringArray::from(vec!["shipped"])) as ArrayRef;
        statement.set_parameters(RecordBatch::try_from_iter([("0", value)]).unwrap()).unwrap();
        let info = statement.execute().await.unwrap();
        ann.fetch_all(&info).await.unwrap();
        let record = added(&retail, before);
        assert_eq!((&record["outcome"], &record["rows"]), (&json!("Finished"), &json!(2)));
        assert_eq!(record["statement"], prepared["statement"]);
    }
    assert!(!text(&folder(&retail)).contains("shipped"));
    let handle = ann.prepare("SELECT 1").await.unwrap();
    retail.gateway.connect("eve").await.execute(&handle).await.unwrap_err();
    let refused = await_records(&folder(&retail), "ticket", 1).await;
    assert_eq!((&refused[0]["subject"], &refused[0]["outcome"]), (&json!("eve"), &json!("InvalidTicket")));
}

/// A mesh with a log and a remote table of many batches.
async fn plant(fault: Fault) -> (Mesh, tests::Gateway, Remote) {
    let mut batches = Vec::new();
    for start in 0..20 {
        batches.push(
            engine::batch(&format!(
                "SELECT CAST(value + {start} * 8192 AS BIGINT) AS id, repeat('x', 100) AS filler FROM range(8192)"
            ))
            .await,
        );
    }
    let remote = Remote::start(vec![("measurements", batches)]);
    remote.fault(fault);
    let mesh = Mesh::new("plant");
    mesh.configure("plant", AUDIT);
    let columns = [("id", "bigint"), ("filler", "text")];
    mesh.contract(&Contract::flight_sql("plant.measurements", &remote.location(), &[]).columns(&columns));
    mesh.rules("p, user:sam, plant, *, select, allow\n");
    mesh.users(&[("sam", &[])]);
    let gateway = mesh.serve().await;
    (mesh, gateway, remote)
}

/// Redeems the ticket of a statement, reads one batch and leaves.
async fn read_one_batch(client: &mut Client, sql: &str) {
    let info = client.info(sql).await.unwrap();
    let mut stream = client.flight().do_get(info.endpoint[0].ticket.clone().unwrap()).await.unwrap();
    within(STEP, "the first batch", stream.next()).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_breaks_in_mid_stream_is_recorded_with_the_rows_that_were_sent() {
    let (mesh, gateway, _remote) = plant(Fault::Break(10)).await;
    let mut sam = gateway.connect("sam").await;
    let failure = sam.fails("SELECT * FROM plant.measurements").await;
    let all = records(&mesh.path("audit"), "statement");
    assert_eq!(all.len(), 1, "{all:#?}");
    assert_eq!((&all[0]["outcome"], &all[0]["sqlstate"]), (&json!("SourceFailed"), &json!("HV000")));
    assert_eq!(all[0]["query_id"], json!(failure.query_id));
    assert!(all[0]["rows"].as_u64().unwrap() > 0, "{:#}", all[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_query_is_recorded_however_it_was_cancelled() {
    let (mesh, gateway, _remote) = plant(Fault::Stall(10)).await;
    let audit = mesh.path("audit");
    let mut sam = gateway.connect("sam").await;
    read_one_batch(&mut sam, "SELECT * FROM plant.measurements").await;
    let left = await_records(&audit, "statement", 1).await;
    assert_eq!((&left[0]["outcome"], &left[0]["sqlstate"]), (&json!("Cancelled"), &json!("57014")), "by leaving");
    assert!(left[0]["rows"].as_u64().unwrap() > 0, "{:#}", left[0]);

    let info = sam.info("SELECT id FROM plant.measurements").await.unwrap();
    let cancel = CancelFlightInfoRequest { info: Some(info.clone()) }.encode_to_vec();
    let mut answers = sam.flight().do_action(Action::new("CancelFlightInfo", cancel)).await.unwrap();
    within(STEP, "cancelling", answers.message()).await.unwrap();
    assert_eq!(sam.fetch_all(&info).await.unwrap_err().code, Code::Cancelled);
    let all = await_records(&audit, "statement", 2).await;
    assert_eq!((&all[1]["outcome"], &all[1]["rows"]), (&json!("Cancelled"), &json!(0)), "before it began");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_holds_no_value_literal_password_or_session() {
    let retail = Retail::serve_with(AUDIT).await;
    let mut ann = retail.gateway.connect("ann").await;
    ann.rows("SELECT *, 'a literal' FROM sales.orders WHERE status = 'shipped'").await;
    ann.fails("SELECT cast('another literal' AS int) FROM sales.orders").await;
    ann.fails("SELECT 'unfinished literal").await;
    Client::login(retail.gateway.flight(), "ann", "a wrong password").await.unwrap_err();
    await_records(&folder(&retail), "login", 2).await;
    let text = text(&folder(&retail));
    for secret in ["literal", "shipped", "@example", "2024-01", "wrong", PASSWORD, "region =", "attribute"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_text_of_statements_is_kept_where_it_is_asked_for() {
    let retail = Retail::serve_with(&format!("{AUDIT}statements = \"text\"\n")).await;
    let sql = "SELECT 'a \"literal\"\n'";
    retail.gateway.connect("ann").await.rows(sql).await;
    assert_eq!(added(&retail, 0)["text"], sql);
}

#[tokio::test(flavor = "multi_thread")]
async fn logins_are_recorded_good_and_bad() {
    let retail = Retail::serve_with(AUDIT).await;
    Client::login(retail.gateway.flight(), "ann", "wrong").await.unwrap_err();
    let mut nobody = Client::anonymous(retail.gateway.flight()).await;
    nobody.fails("SELECT 1").await;
    retail.gateway.connect("sam").await;
    let logins = await_records(&folder(&retail), "login", 3).await;
    let told = |login: &Value| (login["subject"].clone(), login["outcome"].clone());
    assert_eq!(told(&logins[0]), (json!("ann"), json!("Unauthenticated")));
    assert_eq!(told(&logins[1]), (Value::Null, json!("Unauthenticated")));
    assert_eq!(told(&logins[2]), (json!("sam"), json!("Finished")));
    assert!(
        logins.iter().filter(|login| login["outcome"] == "Finished").all(|login| login["credential"] == "password")
    );
    assert!(logins.iter().all(|login| login["peer"].as_str().unwrap().starts_with("127.0.0.1:")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_cannot_be_written_stops_statements_until_it_can() {
    let retail = Retail::serve_with(AUDIT).await;
    let sam = retail.gateway.connect("sam").await;
    let sql = "SELECT id FROM sales.orders";
    sam.clone().rows(sql).await;
    let audit = folder(&retail);
    let away = retail.mesh.path("away");
    std::fs::rename(&audit, &away).unwrap();
    std::fs::write(&audit, "in the way").unwrap();
    for _ in 0..2 {
        // The first one finds out; the second one does not begin.
        let failure = sam.clone().fails(sql).await;
        assert_eq!((failure.code, failure.kind.as_str()), (Code::Unavailable, "AuditUnavailable"), "{failure:?}");
        assert_eq!(failure.sqlstate, "58030");
        assert!(!failure.query_id.is_empty() && !failure.message.contains("audit/"), "{failure:?}");
    }
    let (status, body) = http::get(retail.gateway.http(), "/readyz").await;
    assert!(status == 503 && body.contains("the audit log cannot be written"), "{status} {body}");
    assert!(!body.contains(retail.mesh.folder().to_str().unwrap()), "{body}");
    let (status, body) = http::get(retail.gateway.http(), "/healthz").await;
    assert!(status == 200 && body.contains("degraded"), "{status} {body}");

    std::fs::remove_file(&audit).unwrap();
    eventually(STEP, "the log is written again", || {
        let mut sam = sam.clone();
        async move { sam.query(sql).await.ok() }
    })
    .await;
    assert_eq!(http::get(retail.gateway.http(), "/readyz").await.0, 200);
    assert_eq!(records(&away, "statement").len(), 1);
    let outcomes: Vec<Value> = records(&audit, "statement").iter().map(|record| record["outcome"].clone()).collect();
    assert_eq!(outcomes, [json!("AuditUnavailable"), json!("Finished")], "what was not told is not recorded as told");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_stops_nobody_where_the_mesh_says_so() {
    let retail = Retail::serve_with(&format!("{AUDIT}on_failure = \"continue\"\n")).await;
    let full = folder(&retail).join("audit-20990101T000000.000Z.jsonl");
    for file in std::fs::read_dir(folder(&retail)).unwrap() {
        std::fs::remove_file(file.unwrap().path()).unwrap();
    }
    std::os::unix::fs::symlink("/dev/full", &full).unwrap();
    let mut sam = retail.gateway.connect("sam").await;
    sam.rows("SELECT id FROM sales.orders").await;
    let (status, body) = http::get(retail.gateway.http(), "/readyz").await;
    assert!(status == 200 && body.contains("degraded: the audit log cannot be written"), "{status} {body}");
    let (_, metrics) = http::get(retail.gateway.http(), "/metrics").await;
    for metric in ["meshgate_audit_records_total", "meshgate_audit_failures_total"] {
        assert!(metrics.lines().any(|line| line.starts_with(metric)), "{metric}: {metrics}");
    }
    std::fs::remove_file(full).unwrap();
    let kept = await_records(&folder(&retail), "statement", 1).await;
    assert_eq!(kept[0]["outcome"], "Finished", "it was kept until there was room");
    await_records(&folder(&retail), "login", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_must_record_and_cannot_does_not_start() {
    let crm = Remote::start(Vec::new());
    let mesh = Retail::write(&crm).await;
    mesh.configure("retail", AUDIT);
    std::fs::write(mesh.path("audit"), "in the way").unwrap();
    let any = || Some("127.0.0.1:0".to_owned());
    let options = || ServeOptions { mesh: mesh.folder().to_owned(), flight: any(), postgres: None, http: any() };
    let error = gateway::serve(options()).await.unwrap_err().to_string();
    assert!(error.contains("the audit log (audit.path) cannot be written"), "{error}");
    std::fs::remove_file(mesh.path("audit")).unwrap();
    let first = gateway::serve(options()).await.unwrap();
    let error = gateway::serve(options()).await.unwrap_err().to_string();
    assert!(error.contains("another gateway writes to this folder"), "{error}");
    first.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_at_the_same_time_and_files_that_end_lose_no_record() {
    let retail = Retail::serve_with(&format!("{AUDIT}rotate = \"4KiB\"\n")).await;
    let sam = retail.gateway.connect("sam").await;
    let ask = |number: usize| {
        let mut sam = sam.clone();
        async move { sam.rows(&format!("SELECT {number}")).await }
    };
    futures::stream::iter(0..60).map(ask).buffer_unordered(8).collect::<Vec<_>>().await;
    let all = records(&folder(&retail), "statement");
    let ids: BTreeSet<&str> = all.iter().map(|record| record["query_id"].as_str().unwrap()).collect();
    assert_eq!((all.len(), ids.len()), (60, 60));
    let files = std::fs::read_dir(folder(&retail)).unwrap().count();
    assert!(files > 4, "{files} files");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_section_there_is_no_log() {
    let retail = Retail::serve().await;
    retail.gateway.connect("sam").await.rows("SELECT 1").await;
    assert!(!folder(&retail).exists());
}
