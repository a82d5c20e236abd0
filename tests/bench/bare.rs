//! A Flight server that does nothing but send: batches that are in memory, in the gateway's sizes and settings.

use std::time::Duration;

use arrow::array::RecordBatch;
use arrow_flight::Ticket;
use arrow_flight::encode::FlightDataEncoderBuilder;
use arrow_flight::error::FlightError;
use arrow_flight::flight_service_server::{FlightService, FlightServiceServer};
use arrow_flight::sql::server::FlightSqlService;
use arrow_flight::sql::{ProstMessageExt, SqlInfo, TicketStatementQuery};
use futures::TryStreamExt;
use prost::Message;
use tests::engine;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

use crate::child::Child;
use crate::throughput;

/// The gateway's own target size of a message.
const MESSAGE_BYTES: usize = 2 << 20;

/// Rows of a batch, as the engine makes them.
const ROWS: u64 = 8_192;

/// Sends one batch as often as it is asked to.
struct Bare {
    batch: RecordBatch,
}

/// The ticket of a result of so many rows.
pub(crate) fn ticket(rows: u64) -> Ticket {
    let times = rows.div_ceil(ROWS);
    let ticket = TicketStatementQuery { statement_handle: times.to_string().into_bytes().into() };
    Ticket::new(ticket.as_any().encode_to_vec())
}

/// Serves on a free port, which it prints, until the process is killed.
pub(crate) async fn serve() {
    let context = engine::engine(&[]);
    let rows = engine::answer(&context, &throughput::statement(ROWS)).await.unwrap();
    let batch = arrow::compute::concat_batches(&rows.schema, &rows.batches).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{}", Child::greeting(listener.local_addr().unwrap()));
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    Server::builder()
        .http2_keepalive_interval(Some(Duration::from_secs(20)))
        .http2_keepalive_timeout(Some(Duration::from_secs(20)))
        .max_concurrent_streams(256)
        .add_service(FlightServiceServer::new(Bare { batch }))
        .serve_with_incoming(incoming)
        .await
        .unwrap();
}

#[tonic::async_trait]
impl FlightSqlService for Bare {
    type FlightService = Self;

    async fn do_get_statement(
        &self,
        ticket: TicketStatementQuery,
        _request: Request<Ticket>,
    ) -> Result<Response<<Self as FlightService>::DoGetStream>, Status> {
        let times: usize = std::str::from_utf8(&ticket.statement_handle).unwrap().parse().unwrap();
        let (schema, batch) = (self.batch.schema(), self.batch.clone());
        let batches = futures::stream::iter((0..times).map(move |_| Ok::<_, FlightError>(batch.clone())));
        let encoder = FlightDataEncoderBuilder::new().with_schema(schema);
        let messages = encoder.with_max_flight_data_size(MESSAGE_BYTES).build(batches);
        Ok(Response::new(Box::pin(messages.map_err(Status::from))))
    }

    async fn register_sql_info(&self, _id: i32, _result: &SqlInfo) {}
}
