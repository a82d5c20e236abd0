//! Who may come in, and how.

use arrow_flight::FlightDescriptor;
use arrow_flight::sql::{CommandStatementQuery, ProstMessageExt as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use prost::Message as _;
use tests::Client;
use tests::mesh::PASSWORD;
use tests::retail::Retail;
use tonic::Code;

#[tokio::test(flavor = "multi_thread")]
async fn basic_credentials_come_with_and_without_padding() {
    let retail = Retail::serve().await;
    let credentials = format!("ann:{PASSWORD}");
    for encoded in [STANDARD.encode(&credentials), STANDARD_NO_PAD.encode(&credentials)] {
        let mut ann = Client::handshake(retail.gateway.flight(), &format!("Basic {encoded}")).await.unwrap();
        assert_eq!(ann.sorted("SELECT 1").await, ["1"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn basic_credentials_are_good_on_every_call() {
    let retail = Retail::serve().await;
    let basic = format!("Basic {}", STANDARD.encode(format!("ann:{PASSWORD}")));
    let mut ann = Client::anonymous(retail.gateway.flight()).await.with_header("authorization", &basic);
    assert_eq!(ann.sorted("SELECT count(*) FROM sales.orders").await, ["3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_an_unknown_user_get_the_same_answer() {
    let retail = Retail::serve().await;
    let wrong = Client::login(retail.gateway.flight(), "ann", "wrong").await.unwrap_err();
    let unknown = Client::login(retail.gateway.flight(), "nobody", "wrong").await.unwrap_err();
    assert_eq!(wrong.code, Code::Unauthenticated);
    assert_eq!(wrong.kind, "Unauthenticated");
    assert_eq!(wrong.sqlstate, "28000");
    assert_eq!(wrong.shape(), unknown.shape());
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_credentials_of_every_form_are_refused() {
    let retail = Retail::serve().await;
    let foreign_token = "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJzYW0ifQ.";
    let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
    for bad in [
        "Bearer None",
        "Bearer ",
        foreign_token,
        "Basic",
        "Basic !!!",
        "Digest abc",
        &basic("ann"),
        &basic(&format!("ANN:{PASSWORD}")),
        &basic(&format!(":{PASSWORD}")),
        &basic("ann:"),
        &basic(&format!("user:ann:{PASSWORD}")),
    ] {
        let mut client = Client::anonymous(retail.gateway.flight()).await.with_header("authorization", bad);
        let failure = client.fails("SELECT 1").await;
        assert_eq!((failure.code, failure.kind.as_str()), (Code::Unauthenticated, "Unauthenticated"), "{bad}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_credentials_no_command_answers() {
    let retail = Retail::serve().await;
    let mut nobody = Client::anonymous(retail.gateway.flight()).await;
    for sql in ["SELECT 1", "SELECT * FROM sales.orders", "not sql", "EXPLAIN SELECT 1"] {
        assert_eq!(nobody.fails(sql).await.code, Code::Unauthenticated, "{sql}");
    }
    let flight = nobody.flight();
    let code = |result: Result<_, arrow_flight::error::FlightError>| tests::Failure::from(result.err().unwrap()).code;
    assert_eq!(code(flight.get_catalogs().await.map(drop)), Code::Unauthenticated);
    assert_eq!(code(flight.get_table_types().await.map(drop)), Code::Unauthenticated);
    assert_eq!(code(flight.get_sql_info(Vec::new()).await.map(drop)), Code::Unauthenticated);
    assert_eq!(code(flight.prepare("SELECT 1".into(), None).await.map(drop)), Code::Unauthenticated);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_user_is_out_with_the_next_statement() {
    let retail = Retail::serve().await;
    let mut ann = retail.gateway.connect("ann").await;
    assert_eq!(ann.sorted("SELECT 1").await, ["1"]);
    retail.mesh.users(&[("sam", &[])]);
    tests::deadline::eventually(tests::deadline::STEP, "ann is out", || {
        let mut ann = ann.clone();
        async move { ann.query("SELECT 1").await.err().filter(|failure| failure.code == Code::Unauthenticated) }
    })
    .await;
}

/// The `authorization` header of the answer to a statement.
async fn told(client: &mut Client) -> Option<String> {
    let command = CommandStatementQuery { query: "SELECT 1".to_owned(), transaction_id: None };
    let request = client.request(FlightDescriptor::new_cmd(command.as_any().encode_to_vec()));
    let answer = client.flight().inner_mut().get_flight_info(request).await.unwrap();
    answer.metadata().get("authorization").map(|value| value.to_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_with_a_password_is_answered_with_a_token_of_its_session() {
    let retail = Retail::serve().await;
    let basic = format!("Basic {}", STANDARD.encode(format!("ann:{PASSWORD}")));
    let connect = || async { Client::anonymous(retail.gateway.flight()).await };
    let mut ann = connect().await.with_header("authorization", &basic);
    let bearer = told(&mut ann).await.unwrap();
    assert!(bearer.starts_with("Bearer "), "{bearer}");
    assert_eq!(told(&mut ann).await.as_ref(), Some(&bearer), "clients that do not care for it get the same");
    let handle = ann.prepare("SELECT count(*) FROM sales.orders").await.unwrap();
    // What was prepared with the password goes on with the token, on any connection.
    let mut swapped = connect().await.with_header("authorization", &bearer);
    assert_eq!(swapped.execute(&handle).await.unwrap().sorted(), ["3"]);
    assert_eq!(told(&mut swapped).await, None, "a young token needs no successor");
    let mut other = connect().await.with_header("authorization", &basic);
    assert_ne!(told(&mut other).await.unwrap(), bearer, "another connection is another session");
    assert!(other.execute(&handle).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_password_ends_the_tokens_of_calls_too() {
    let retail = Retail::serve().await;
    let basic = format!("Basic {}", STANDARD.encode(format!("ann:{PASSWORD}")));
    let mut ann = Client::anonymous(retail.gateway.flight()).await.with_header("authorization", &basic);
    let bearer = told(&mut ann).await.unwrap();
    let mut swapped = Client::anonymous(retail.gateway.flight()).await.with_header("authorization", &bearer);
    assert_eq!(swapped.sorted("SELECT 1").await, ["1"]);
    retail.mesh.users(&[("sam", &[])]);
    retail.gateway.reload().await;
    for client in [&mut ann, &mut swapped] {
        assert_eq!(client.fails("SELECT 1").await.code, Code::Unauthenticated);
    }
}
