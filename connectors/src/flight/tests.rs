//! Remote tables as a whole, against a server that records what it hears and misbehaves on request.
#![expect(clippy::unwrap_used, reason = "tests may unwrap")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, Int32Array, RecordBatch, StringViewArray};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use catalog::Source;
use catalog::source::{CredentialRef, FlightSource, ForwardIdentity};
use datafusion::prelude::SessionContext;
use futures::StreamExt;

use crate::testing::flight_server::{After, Behaviour, FlightServer, tls};
use crate::testing::proxy::Proxy;
use crate::testing::{NOW, call, flight, rows, session, table, value};
use crate::{CallContext, Connectors, Error, Options};

/// A session over the table of `source`.
async fn opened(source: FlightSource, options: Options, context: &CallContext) -> Result<SessionContext, Error> {
    let connectors = Connectors::new(options)?;
    let opened = connectors.open(&table(Source::FlightSql(source)), NOW, context).await?;
    Ok(session(connectors.object_stores(), opened.provider))
}

async fn open(source: FlightSource) -> SessionContext {
    opened(source, Options::default(), &call()).await.unwrap()
}

/// The error that a statement over `t` ends with.
async fn failure(context: &SessionContext, sql: &str) -> Error {
    let error = rows(context, sql).await.unwrap_err();
    Error::from_scan(&table(Source::FlightSql(flight("grpc://unused:1"))), error)
}

async fn check(sql: &str, answer: &str, statement: &str) {
    let server = FlightServer::start(Behaviour::default()).await;
    let context = open(flight(&server.url())).await;
    assert_eq!(value(&context, sql).await.unwrap(), answer, "{sql}");
    assert_eq!(server.statements(), [statement], "{sql}");
}

#[tokio::test]
async fn only_needed_columns_and_what_can_be_said_of_the_filters_arrive() {
    check("SELECT sum(price) FROM t WHERE id > 5", "15.0", r#"SELECT "id", "price" FROM "orders" WHERE ("id" > 5)"#)
        .await;
    check(
        "SELECT name FROM t WHERE name = 'it''s 4' AND upper(name) = 'IT''S 4'",
        "it's 4",
        r#"SELECT "name" FROM "orders" WHERE ("name" = 'it''s 4')"#,
    )
    .await;
    check("SELECT count(name) FROM t WHERE id + 1 > 5", "5", r#"SELECT "id", "name" FROM "orders""#).await;
}

#[tokio::test]
async fn counting_rows_asks_for_one_cheap_column() {
    check("SELECT count(*) FROM t", "10", r#"SELECT "id" FROM "orders""#).await;
}

#[tokio::test]
async fn a_limit_goes_along_only_without_a_filter() {
    check("SELECT id FROM t LIMIT 1", "0", r#"SELECT "id" FROM "orders" LIMIT 1"#).await;
    let limited = "SELECT count(id) FROM (SELECT id FROM t WHERE id >= 7 LIMIT 1)";
    check(limited, "1", r#"SELECT "id" FROM "orders" WHERE ("id" >= 7)"#).await;
}

#[tokio::test]
async fn the_catalog_and_schema_of_the_contract_are_named() {
    let server = FlightServer::start(Behaviour::default()).await;
    let mut source = flight(&server.url());
    (source.catalog, source.schema) = (Some("datafusion".to_owned()), Some("public".to_owned()));
    assert_eq!(value(&open(source).await, "SELECT max(id) FROM t").await.unwrap(), "9");
    assert_eq!(server.statements(), [r#"SELECT "id" FROM "datafusion"."public"."orders""#]);
}

#[tokio::test]
async fn every_endpoint_is_read_once() {
    let server = FlightServer::start(Behaviour { endpoints: 3, ..Behaviour::default() }).await;
    let context = open(flight(&server.url())).await;
    assert_eq!(value(&context, "SELECT count(DISTINCT id) * 100 + count(*) FROM t").await.unwrap(), "1010");
}

#[tokio::test]
async fn a_server_without_prepared_statements_is_asked_for_its_tables() {
    let server = FlightServer::start(Behaviour { prepares: false, ..Behaviour::default() }).await;
    let context = open(flight(&server.url())).await;
    assert_eq!(value(&context, "SELECT max(name) FROM t").await.unwrap(), "it's 9");
    assert_eq!(server.statements().len(), 1);
}

#[tokio::test]
async fn a_dead_endpoint_is_unavailable_within_two_seconds() {
    let mut proxy = Proxy::to("127.0.0.1:9".parse().unwrap()).await;
    proxy.cut().await;
    let begun = Instant::now();
    let error = opened(flight(&proxy.url()), Options::default(), &call()).await.err().unwrap();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    assert!(begun.elapsed() < Duration::from_secs(2));
    assert_eq!(error.to_string(), "the source of table \"shop.orders\" (product \"orders\") is not available");
}

#[tokio::test]
async fn an_endpoint_that_dies_in_the_middle_is_unavailable_and_never_a_short_answer() {
    let server = FlightServer::start(Behaviour { after_first: After::Silence, ..Behaviour::default() }).await;
    let mut proxy = Proxy::to(server.address).await;
    let context = open(flight(&proxy.url())).await;
    let plan = context.table("t").await.unwrap().create_physical_plan().await.unwrap();
    let mut stream = plan.execute(0, context.task_ctx()).unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap().num_rows(), 1);
    proxy.cut().await;
    let error = stream.next().await.unwrap().unwrap_err();
    let error = Error::from_scan(&table(Source::FlightSql(flight("grpc://unused:1"))), error);
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn a_silent_endpoint_is_unavailable_after_the_idle_time_or_at_the_deadline() {
    let server = FlightServer::start(Behaviour { after_first: After::Silence, ..Behaviour::default() }).await;
    let options = Options { idle_timeout: Duration::from_millis(50), ..Options::default() };
    let context = opened(flight(&server.url()), options, &call()).await.unwrap();
    assert!(matches!(failure(&context, "SELECT * FROM t").await, Error::Unavailable { .. }));
    let soon = CallContext { deadline: Instant::now() + Duration::from_millis(500), ..call() };
    let context = opened(flight(&server.url()), Options::default(), &soon).await.unwrap();
    assert!(matches!(failure(&context, "SELECT * FROM t").await, Error::Unavailable { .. }));
}

#[tokio::test]
async fn an_error_of_the_remote_is_failed_and_its_text_is_for_the_log_only() {
    let server = FlightServer::start(Behaviour { after_first: After::Error, ..Behaviour::default() }).await;
    let error = failure(&open(flight(&server.url())).await, "SELECT * FROM t").await;
    assert!(matches!(error, Error::Failed { .. }), "{error:?}");
    assert_eq!(error.to_string(), "the source of table \"shop.orders\" failed");
}

#[tokio::test]
async fn only_accepted_locations_are_asked() {
    let canary = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    canary.set_nonblocking(true).unwrap();
    let foreign = format!("grpc://{}", canary.local_addr().unwrap());
    let server = FlightServer::start(Behaviour::default()).await;
    let context = open(flight(&server.url())).await;
    for locations in [vec![foreign.clone()], vec!["http://evil/".to_owned()], vec!["nonsense".to_owned()]] {
        server.behave(|behaviour| behaviour.locations = locations.clone());
        let error = failure(&context, "SELECT * FROM t").await;
        assert!(matches!(error, Error::Failed { .. }), "{locations:?} {error:?}");
    }
    let met = canary.accept().map(|_| ()).map_err(|error| error.kind());
    assert_eq!(met, Err(std::io::ErrorKind::WouldBlock), "the foreign location was asked");

    let reuse = "arrow-flight-reuse-connection://?".to_owned();
    for locations in [vec![server.url()], vec![reuse], vec![foreign, server.url()], Vec::new()] {
        server.behave(|behaviour| behaviour.locations = locations.clone());
        assert_eq!(value(&context, "SELECT count(id) FROM t").await.unwrap(), "10", "{locations:?}");
    }
}

#[tokio::test]
async fn a_location_that_the_contract_accepts_may_serve() {
    let server = FlightServer::start(Behaviour::default()).await;
    let proxy = Proxy::to(server.address).await;
    server.behave(|behaviour| behaviour.locations = vec![proxy.url()]);
    let mut source = flight(&server.url());
    source.accepted_locations = vec![proxy.url().replace("grpc://", "")];
    assert_eq!(value(&open(source).await, "SELECT count(id) FROM t").await.unwrap(), "10");
}

fn with_extra(batch: &RecordBatch) -> RecordBatch {
    let extra: ArrayRef = Arc::new(Int32Array::from(vec![7; batch.num_rows()]));
    let schema = batch.schema();
    let columns = schema.fields().iter().map(|field| field.name().clone()).zip(batch.columns().to_vec());
    let columns = [("zzz".to_owned(), extra)].into_iter().chain(columns);
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap()
}

fn without_first(batch: &RecordBatch) -> RecordBatch {
    batch.project(&(1..batch.num_columns()).collect::<Vec<_>>()).unwrap()
}

fn ids_as_int32(batch: &RecordBatch) -> RecordBatch {
    let ids: ArrayRef = Arc::new(Int32Array::from(vec![7; batch.num_rows()]));
    RecordBatch::try_from_iter([("id", ids)]).unwrap()
}

fn names_as_views(batch: &RecordBatch) -> RecordBatch {
    let names: ArrayRef = Arc::new(StringViewArray::from(vec!["x"; batch.num_rows()]));
    RecordBatch::try_from_iter([("name", names)]).unwrap()
}

#[tokio::test]
async fn extra_columns_are_dropped_and_missing_or_changed_ones_are_an_error() {
    let server = FlightServer::start(Behaviour { change: with_extra, ..Behaviour::default() }).await;
    let context = open(flight(&server.url())).await;
    assert_eq!(rows(&context, "SELECT * FROM t").await.unwrap()[0].num_columns(), 3);
    server.behave(|behaviour| behaviour.change = names_as_views);
    assert_eq!(value(&context, "SELECT max(name) FROM t").await.unwrap(), "x");
    for (change, sql) in [
        (without_first as fn(&RecordBatch) -> RecordBatch, "SELECT id, name FROM t"),
        (ids_as_int32, "SELECT id FROM t"),
    ] {
        server.behave(|behaviour| behaviour.change = change);
        let error = failure(&context, sql).await;
        assert!(matches!(error, Error::Failed { .. }), "{sql} {error:?}");
    }
}

fn nothing_at_all(_: &RecordBatch) -> RecordBatch {
    RecordBatch::new_empty(Arc::new(arrow::datatypes::Schema::empty()))
}

fn rows_without_columns(batch: &RecordBatch) -> RecordBatch {
    batch.project(&[]).unwrap()
}

#[tokio::test]
async fn no_rows_may_come_without_columns_but_rows_may_not() {
    let server = FlightServer::start(Behaviour { change: nothing_at_all, ..Behaviour::default() }).await;
    let context = open(flight(&server.url())).await;
    assert_eq!(value(&context, "SELECT count(id) FROM t").await.unwrap(), "0");
    server.behave(|behaviour| behaviour.change = rows_without_columns);
    assert!(matches!(failure(&context, "SELECT id FROM t").await, Error::Failed { .. }));
}

#[tokio::test]
async fn a_dropped_stream_is_cancelled_at_the_remote() {
    let server = FlightServer::start(Behaviour { after_first: After::Silence, ..Behaviour::default() }).await;
    let context = open(flight(&server.url())).await;
    let plan = context.table("t").await.unwrap().create_physical_plan().await.unwrap();
    let mut stream = plan.execute(0, context.task_ctx()).unwrap();
    assert!(stream.next().await.unwrap().is_ok());
    drop(stream);
    tokio::time::timeout(Duration::from_secs(5), server.cancelled()).await.unwrap();
    assert!(server.actions().contains(&"CancelFlightInfo".to_owned()));
}

#[tokio::test]
async fn the_identity_is_told_only_as_far_as_the_source_asks() {
    for (forward, wanted) in [
        (ForwardIdentity::None, vec!["meshgate-query-id: query-1"]),
        (ForwardIdentity::Subject, vec!["meshgate-query-id: query-1", "meshgate-forwarded-user: ann"]),
        (
            ForwardIdentity::Attributes,
            vec![
                "meshgate-query-id: query-1",
                "meshgate-forwarded-user: ann",
                "meshgate-forwarded-attribute: region=EU+%26+US",
            ],
        ),
    ] {
        let server = FlightServer::start(Behaviour::default()).await;
        open(FlightSource { forward_identity: forward, ..flight(&server.url()) }).await;
        let mut heard = server.headers();
        heard.truncate(wanted.len());
        assert_eq!(heard, wanted);
    }
}

#[tokio::test]
async fn a_password_buys_a_token_that_is_bought_again_when_it_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "ann:hunter2").unwrap();
    let login = |token: &str| Some((token.to_owned(), BASE64_STANDARD.encode("ann:hunter2")));
    let server = FlightServer::start(Behaviour { login: login("token-1"), ..Behaviour::default() }).await;
    let source = FlightSource { credential: Some(CredentialRef::File(secret.clone())), ..flight(&server.url()) };
    let connectors = Connectors::new(Options::default()).unwrap();
    let table = table(Source::FlightSql(source));
    let opened = connectors.open(&table, NOW, &call()).await.unwrap();
    let context = session(connectors.object_stores(), Arc::clone(&opened.provider));
    for token in ["token-1", "token-2"] {
        server.behave(|behaviour| behaviour.login = login(token));
        assert_eq!(value(&context, "SELECT count(id) FROM t").await.unwrap(), "10");
    }
    let plan = context.table("t").await.unwrap().create_physical_plan().await.unwrap();
    let shown = datafusion::physical_plan::displayable(plan.as_ref()).indent(true).to_string();
    for text in
        [shown.clone(), format!("{connectors:?}"), format!("{opened:?}"), format!("{plan:?}"), format!("{table:?}")]
    {
        for hidden in ["hunter2", "token-2", &BASE64_STANDARD.encode("ann:hunter2")] {
            assert!(!text.contains(hidden), "{text}");
        }
    }
    assert!(!shown.contains("SELECT") && !shown.contains(&server.address.to_string()), "{shown}");

    std::fs::write(&secret, "ann:wrong").unwrap();
    server.behave(|behaviour| behaviour.login = login("token-3"));
    let error = rows(&context, "SELECT count(id) FROM t").await.unwrap_err();
    assert!(error.to_string().contains("cannot be used") && !error.to_string().contains("wrong"), "{error}");
}

#[tokio::test]
async fn the_count_of_the_remote_is_an_estimate() {
    let server = FlightServer::start(Behaviour::default()).await;
    let context = open(flight(&server.url())).await;
    let plan = context.table("t").await.unwrap().create_physical_plan().await.unwrap();
    let statistics =
        datafusion::physical_plan::statistics::StatisticsContext::new().compute(plan.as_ref(), &Default::default());
    assert_eq!(statistics.unwrap().num_rows, datafusion::common::stats::Precision::Inexact(10));
}

#[tokio::test]
async fn a_stream_that_breaks_before_its_first_batch_is_opened_once_more() {
    let server = FlightServer::start(Behaviour { broken_streams: 1, ..Behaviour::default() }).await;
    let context = open(flight(&server.url())).await;
    assert_eq!(value(&context, "SELECT count(id) FROM t").await.unwrap(), "10");
    server.behave(|behaviour| behaviour.broken_streams = 2);
    assert!(matches!(failure(&context, "SELECT count(id) FROM t").await, Error::Unavailable { .. }));
}

#[tokio::test]
async fn an_answer_without_an_endpoint_has_no_rows() {
    let server = FlightServer::start(Behaviour { endpoints: 0, ..Behaviour::default() }).await;
    let context = open(flight(&server.url())).await;
    assert_eq!(value(&context, "SELECT count(id) FROM t").await.unwrap(), "0");
}

#[tokio::test]
async fn tls_trusts_the_named_authority_only_and_shows_the_client_certificate() {
    // As the binary does first thing; another test may have been quicker.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let server = FlightServer::start_tls(Behaviour::default()).await;
    let good = FlightSource {
        tls_ca: Some(tls("ca.pem")),
        tls_client_cert: Some(tls("client.pem")),
        ..flight(&format!("grpc+tls://localhost:{}", server.address.port()))
    };
    assert_eq!(value(&open(good.clone()).await, "SELECT count(id) FROM t").await.unwrap(), "10");
    let no_certificate = FlightSource { tls_client_cert: None, ..good.clone() };
    let other_authority = FlightSource { tls_ca: Some(tls("client.pem")), ..good.clone() };
    for source in [no_certificate, other_authority] {
        let error = opened(source, Options::default(), &call()).await.err().unwrap();
        assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    }
    let error = opened(FlightSource { tls_ca: None, ..good }, Options::default(), &call()).await.err().unwrap();
    assert!(matches!(error, Error::Unsupported { .. }), "{error:?}");
}

#[tokio::test]
async fn one_stream_of_several_can_be_dropped_without_harm_to_the_others() {
    let server = FlightServer::start(Behaviour { endpoints: 2, ..Behaviour::default() }).await;
    let context = open(flight(&server.url())).await;
    let plan = context.table("t").await.unwrap().create_physical_plan().await.unwrap();
    let mut streams: Vec<_> = (0..2).map(|part| plan.execute(part, context.task_ctx()).unwrap()).collect();
    for stream in &mut streams {
        assert!(stream.next().await.unwrap().is_ok());
    }
    streams.remove(0);
    let rest: Vec<_> = streams.remove(0).collect().await;
    assert!(rest.len() == 4 && rest.iter().all(Result::is_ok));
    tokio::time::timeout(Duration::from_secs(5), server.cancelled()).await.unwrap();
}
