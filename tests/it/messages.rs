//! Sizes of the messages of the wire: those that leave fit every client, those that come have a limit.

use arrow_flight::sql::{CommandPreparedStatementQuery, CommandStatementQuery, ProstMessageExt};
use arrow_flight::{FlightData, FlightDescriptor};
use futures::TryStreamExt;
use prost::Message;
use tests::deadline::{STEP, within};
use tests::retail::Retail;
use tests::{Client, Failure};
use tonic::Code;

/// Half of what Go clients take by default, and what the headers of a message may add.
const LARGEST: usize = (2 << 20) + (64 << 10);

/// More than the longest statement with all that may be around it.
const TOO_LARGE: usize = 6 << 20;

/// Rows of a result and the sizes of its messages.
async fn messages(client: &mut Client, sql: &str) -> (usize, Vec<usize>) {
    let info = client.info(sql).await.unwrap();
    let request = client.request(info.endpoint[0].ticket.clone().unwrap());
    let answer = client.flight().inner_mut().do_get(request).await.unwrap().into_inner();
    let messages: Vec<FlightData> = within(STEP, sql, answer.try_collect()).await.unwrap();
    let sizes = messages.iter().map(Message::encoded_len).collect();
    (client.fetch_all(&info).await.unwrap().count(), sizes)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_message_is_larger_than_every_client_takes() {
    let retail = Retail::serve().await;
    let mut sam = retail.gateway.connect("sam").await;
    for (sql, rows) in [
        // Every row is wide.
        ("SELECT repeat('x', 20000) AS a, repeat('y', 20000) AS b FROM range(1000)", 1_000),
        // Few rows are, and they come together.
        ("SELECT repeat('x', CASE WHEN value < 60 THEN 100000 ELSE 1 END) AS a FROM range(8192)", 8_192),
        // Lists, of which few are long.
        (
            "SELECT CASE WHEN value < 60 THEN make_array(repeat('x', 50000), repeat('y', 50000)) END AS a, \
          value FROM range(8192)",
            8_192,
        ),
        // No column at all, or only narrow ones.
        ("SELECT value, value AS b, value AS c FROM range(300000)", 300_000),
    ] {
        let (count, sizes) = messages(&mut sam, sql).await;
        assert_eq!(count, rows, "{sql}");
        assert!(sizes.iter().all(|size| *size <= LARGEST), "{sql}: {sizes:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_parts_of_one_large_batch_are_not_cut_smaller_than_need_be() {
    let retail = Retail::serve().await;
    let mut sam = retail.gateway.connect("sam").await;
    // The engine makes one batch of all groups and hands it on in slices.
    let sql = "SELECT value, count(*) FROM range(500000) GROUP BY value";
    let (count, sizes) = messages(&mut sam, sql).await;
    let bytes: usize = sizes.iter().sum();
    assert_eq!(count, 500_000);
    assert!(bytes / sizes.len() > 64 << 10, "{bytes} bytes in {} messages", sizes.len());
}

fn is_too_large(failure: &Failure) {
    assert!([Code::ResourceExhausted, Code::OutOfRange].contains(&failure.code), "{failure:?}");
    assert!(failure.message.contains("too large"), "{failure:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_too_large_is_refused_as_that() {
    let retail = Retail::serve().await;
    let mut sam = retail.gateway.connect("sam").await;
    let query = format!("SELECT 1 /* {} */", "x".repeat(TOO_LARGE));
    let command = CommandStatementQuery { query, transaction_id: None };
    is_too_large(&sam.command(&command).await.unwrap_err());

    let handle = sam.prepare("SELECT * FROM sales.orders WHERE email = $1").await.unwrap();
    let command = CommandPreparedStatementQuery { prepared_statement_handle: handle };
    let descriptor = FlightDescriptor::new_cmd(command.as_any().encode_to_vec());
    let large = FlightData::new().with_data_body(vec![b'x'; TOO_LARGE]);
    let first = FlightData::new().with_descriptor(descriptor.clone());
    for messages in [vec![large.clone().with_descriptor(descriptor)], vec![first, large]] {
        let request = sam.request(futures::stream::iter(messages));
        let answer = within(STEP, "DoPut", sam.flight().inner_mut().do_put(request)).await;
        let failure = match answer {
            Ok(answers) => answers.into_inner().message().await.unwrap_err(),
            Err(status) => status,
        };
        is_too_large(&failure.into());
    }
    assert_eq!(sam.sorted("SELECT 1").await, ["1"]);
}
