//! A client that opens a result and does not read it: it holds little, holds nobody up, and not for long.

use arrow_flight::decode::FlightRecordBatchStream;
use futures::StreamExt;
use tests::deadline::{STEP, eventually, within};
use tests::plant::{BATCHES, Plant, ROWS};
use tests::remote::Fault;
use tests::{Client, Failure};
use tonic::Code;

const ALL: &str = "SELECT * FROM plant.measurements";

/// How often the measurements are repeated: some 150 MB.
const TIMES: usize = 4;

/// Batches that may be on their way between the remote and a client that does not read: those in the windows of two
/// connections, in the channel, and in the hands of whoever passes them on. Each is nearly a megabyte.
const ON_THE_WAY: usize = BATCHES;

/// Opens the result, of which the remote has sent something, and does not read.
async fn open(plant: &Plant, client: &mut Client) -> FlightRecordBatchStream {
    let info = client.info(ALL).await.unwrap();
    let ticket = info.endpoint[0].ticket.clone().unwrap();
    let stream = within(STEP, "DoGet", client.flight().do_get(ticket)).await.unwrap();
    eventually(STEP, "the remote sends", || {
        let sent = plant.remote.batches_sent();
        async move { (sent > 0).then_some(()) }
    })
    .await;
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_holds_little_and_holds_nobody_up() {
    let plant = Plant::serve_with(Fault::None, TIMES, "[limits]\nqueries = 2\nqueue = 0\n").await;
    let mut slow = plant.gateway.connect("sam").await;
    let stream = open(&plant, &mut slow).await;
    let mut sam = plant.gateway.connect("sam").await;
    assert_eq!(sam.rows(ALL).await.count(), TIMES * ROWS);
    // In the time in which the other has read everything, the plan of the slow one has stopped.
    let ahead = plant.remote.batches_sent() - TIMES * BATCHES;
    assert!(ahead <= ON_THE_WAY, "{ahead} batches for a client that does not read");
    for _ in 0..20 {
        assert_eq!(sam.sorted("SELECT id FROM plant.local").await, ["1", "2"]);
    }
    assert_eq!(plant.gateway.free_permits(), 1, "the slow one's query still runs");
    drop(stream);
    plant.gateway.is_at_rest().await;
    assert_eq!(plant.remote.open_streams(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_loses_its_place_at_the_deadline() {
    let limits = "[limits]\nqueries = 1\nqueue = 0\nquery_timeout = \"3s\"\n";
    let plant = Plant::serve_with(Fault::None, TIMES, limits).await;
    let mut slow = plant.gateway.connect("sam").await;
    let mut stream = open(&plant, &mut slow).await;
    let sam = plant.gateway.connect("sam").await;
    eventually(STEP, "another is served while the slow one's stream is still open", || {
        let mut sam = sam.clone();
        async move { sam.query("SELECT id FROM plant.local").await.ok() }
    })
    .await;
    assert_eq!(plant.remote.open_streams(), 0, "the plan has ended");
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
    assert_eq!((failure.code, failure.kind.as_str()), (Code::DeadlineExceeded, "Timeout"), "{failure:?}");
    plant.gateway.is_at_rest().await;
}
