//! However a query ends before its time, it ends at its source as well.

use arrow_flight::decode::FlightRecordBatchStream;
use arrow_flight::{Action, CancelFlightInfoRequest, CancelFlightInfoResult, CancelStatus, FlightInfo};
use futures::StreamExt;
use prost::Message;
use tests::deadline::{STEP, eventually, within};
use tests::plant::Plant;
use tests::remote::Fault;
use tests::{Client, Failure};
use tonic::Code;

const ALL: &str = "SELECT * FROM plant.measurements";

/// A deadline that planning on a busy machine keeps.
const DEADLINE: &str = "[limits]\nquery_timeout = \"3s\"\n";

/// Opens the stream of all measurements and reads one batch; the remote sends some more and then waits for ever.
async fn begin(plant: &Plant, client: &mut Client) -> (FlightInfo, FlightRecordBatchStream) {
    let (info, mut stream) = open(plant, client).await;
    within(STEP, "the first batch", stream.next()).await.unwrap().unwrap();
    (info, stream)
}

/// Opens the stream of all measurements and does not read; the remote has begun to send.
async fn open(plant: &Plant, client: &mut Client) -> (FlightInfo, FlightRecordBatchStream) {
    let info = client.info(ALL).await.unwrap();
    let ticket = info.endpoint[0].ticket.clone().unwrap();
    let stream = within(STEP, "DoGet", client.flight().do_get(ticket)).await.unwrap();
    eventually(STEP, "the remote sends", || {
        let sends = plant.remote.open_streams() == 1 && plant.remote.batches_sent() > 0;
        async move { sends.then_some(()) }
    })
    .await;
    (info, stream)
}

/// Reads on to the error.
async fn error(stream: &mut FlightRecordBatchStream) -> Failure {
    within(STEP, "the error", async {
        loop {
            match stream.next().await {
                Some(Ok(_)) => {}
                Some(Err(error)) => return error.into(),
                None => panic!("a short result"),
            }
        }
    })
    .await
}

/// Waits until the remote's own stream is gone.
async fn ends_at_the_remote(plant: &Plant) {
    eventually(STEP, "the remote query ends", || {
        let open = plant.remote.open_streams();
        async move { (open == 0).then_some(()) }
    })
    .await;
}

async fn cancel(client: &mut Client, info: FlightInfo) {
    let action = Action::new("CancelFlightInfo", CancelFlightInfoRequest::new(info).encode_to_vec());
    let mut answers = within(STEP, "CancelFlightInfo", client.flight().do_action(action)).await.unwrap();
    let answer = within(STEP, "the answer", answers.message()).await.unwrap().unwrap();
    let status = CancelFlightInfoResult::decode(answer.body).unwrap().status;
    assert_eq!(CancelStatus::try_from(status), Ok(CancelStatus::Cancelled));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_ends_the_remote_query() {
    let plant = Plant::serve(Fault::Stall(10)).await;
    let mut sam = plant.gateway.connect("sam").await;
    let (_info, stream) = begin(&plant, &mut sam).await;
    drop(stream);
    ends_at_the_remote(&plant).await;
    plant.gateway.is_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_query_ends_at_the_remote() {
    let plant = Plant::serve(Fault::Stall(10)).await;
    let mut sam = plant.gateway.connect("sam").await;
    let (info, mut stream) = begin(&plant, &mut sam).await;
    cancel(&mut sam, info).await;
    ends_at_the_remote(&plant).await;
    let failure = error(&mut stream).await;
    assert_eq!((failure.code, failure.kind.as_str()), (Code::Cancelled, "Cancelled"), "{failure:?}");
    plant.gateway.is_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_query_whose_result_nobody_reads_ends_at_the_remote() {
    let plant = Plant::serve_with(Fault::None, 4, "").await;
    let mut sam = plant.gateway.connect("sam").await;
    let (info, mut stream) = open(&plant, &mut sam).await;
    let permits = plant.gateway.free_permits() + 1;
    cancel(&mut sam, info).await;
    ends_at_the_remote(&plant).await;
    eventually(STEP, "the permit is back", || {
        let free = plant.gateway.free_permits();
        async move { (free == permits).then_some(()) }
    })
    .await;
    let failure = error(&mut stream).await;
    assert_eq!((failure.code, failure.kind.as_str()), (Code::Cancelled, "Cancelled"), "{failure:?}");
    plant.gateway.is_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clients_own_deadline_ends_the_remote_query() {
    let plant = Plant::serve(Fault::Stall(10)).await;
    let mut sam = plant.gateway.connect("sam").await.with_header("grpc-timeout", "3S");
    let (_info, mut stream) = begin(&plant, &mut sam).await;
    ends_at_the_remote(&plant).await;
    let failure = error(&mut stream).await;
    assert_eq!(failure.code, Code::DeadlineExceeded, "{failure:?}");
    plant.gateway.is_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_deadline_of_the_mesh_ends_the_remote_query() {
    let plant = Plant::serve_with(Fault::Stall(10), 1, DEADLINE).await;
    let mut sam = plant.gateway.connect("sam").await;
    let (_info, mut stream) = begin(&plant, &mut sam).await;
    ends_at_the_remote(&plant).await;
    let failure = error(&mut stream).await;
    assert_eq!((failure.code, failure.kind.as_str()), (Code::DeadlineExceeded, "Timeout"), "{failure:?}");
    plant.gateway.is_at_rest().await;
}
