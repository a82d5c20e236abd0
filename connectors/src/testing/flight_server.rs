//! A small Flight SQL server in this process: runs SQL, writes down what it hears, and misbehaves on request.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use arrow::array::{Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow_flight::encode::FlightDataEncoderBuilder;
use arrow_flight::flight_service_server::{FlightService, FlightServiceServer};
use arrow_flight::sql::server::FlightSqlService;
use arrow_flight::sql::{
    ActionClosePreparedStatementRequest, ActionCreatePreparedStatementRequest, ActionCreatePreparedStatementResult,
    CommandGetTables, CommandStatementQuery, ProstMessageExt, SqlInfo, TicketStatementQuery,
};
use arrow_flight::{
    Action, FlightDescriptor, FlightEndpoint, FlightInfo, HandshakeRequest, HandshakeResponse, IpcMessage, SchemaAsIpc,
    Ticket,
};
use datafusion::prelude::SessionContext;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use prost::Message;
use tokio::net::TcpListener;
use tonic::transport::{Certificate, Identity, ServerTlsConfig};
use tonic::{Request, Response, Status, Streaming};

type Batches = Pin<Box<dyn Stream<Item = Result<RecordBatch, Status>> + Send>>;

/// What the server shall do otherwise than well.
pub(crate) struct Behaviour {
    /// How many endpoints an answer has; each serves its share of the rows.
    pub(crate) endpoints: usize,
    /// Locations of every endpoint.
    pub(crate) locations: Vec<String>,
    /// Whether it knows prepared statements.
    pub(crate) prepares: bool,
    /// Bearer token that it wants, and `user:password` in base64 that buys it.
    pub(crate) login: Option<(String, String)>,
    /// How many streams break before their first batch.
    pub(crate) broken_streams: usize,
    /// What becomes of each batch before it is sent.
    pub(crate) change: fn(&RecordBatch) -> RecordBatch,
    /// What happens after the first batch of a stream.
    pub(crate) after_first: After,
}

/// What happens after the first batch of a stream.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    /// The rest comes.
    Rest,
    /// Nothing ever comes.
    Silence,
    /// An error with a secret in its text comes.
    Error,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            endpoints: 1,
            locations: Vec::new(),
            prepares: true,
            login: None,
            broken_streams: 0,
            change: Clone::clone,
            after_first: After::Rest,
        }
    }
}

/// A running server; stops when it is dropped.
pub(crate) struct FlightServer {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
    task: tokio::task::JoinHandle<()>,
}

struct State {
    behaviour: Mutex<Behaviour>,
    context: SessionContext,
    statements: Mutex<Vec<String>>,
    headers: Mutex<Vec<String>>,
    actions: Mutex<Vec<String>>,
    cancelled: tokio::sync::Notify,
}

#[derive(Clone)]
struct Service(Arc<State>);

impl FlightServer {
    /// Starts a server with a table `orders` of ten rows: `id`, `name`, `price`.
    pub(crate) async fn start(behaviour: Behaviour) -> Self {
        Self::start_with(behaviour, tonic::transport::Server::builder()).await
    }

    /// The same over TLS, for clients that the test authority knows.
    pub(crate) async fn start_tls(behaviour: Behaviour) -> Self {
        let server = std::fs::read(tls("server.pem")).unwrap();
        let config = ServerTlsConfig::new()
            .identity(Identity::from_pem(&server, &server))
            .client_ca_root(Certificate::from_pem(std::fs::read(tls("ca.pem")).unwrap()));
        Self::start_with(behaviour, tonic::transport::Server::builder().tls_config(config).unwrap()).await
    }

    #[expect(clippy::disallowed_methods, reason = "the remote of a test has no governed catalog")]
    async fn start_with(behaviour: Behaviour, mut builder: tonic::transport::Server) -> Self {
        let context = SessionContext::new();
        context.register_batch("orders", orders()).unwrap();
        let state = Arc::new(State {
            behaviour: Mutex::new(behaviour),
            context,
            statements: Mutex::default(),
            headers: Mutex::default(),
            actions: Mutex::default(),
            cancelled: tokio::sync::Notify::new(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = FlightServiceServer::new(Service(Arc::clone(&state)));
        let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
        let serving = builder.add_service(service).serve_with_incoming(incoming);
        let task = tokio::spawn(async move { serving.await.unwrap() });
        Self { address, state, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("grpc://{}", self.address)
    }

    /// Changes what it does from now on.
    pub(crate) fn behave(&self, change: impl FnOnce(&mut Behaviour)) {
        change(&mut self.state.behaviour.lock().unwrap());
    }

    /// The statements that were announced to it since the last time.
    pub(crate) fn statements(&self) -> Vec<String> {
        std::mem::take(&mut self.state.statements.lock().unwrap())
    }

    /// The headers of ours that came along, as `name: value`.
    pub(crate) fn headers(&self) -> Vec<String> {
        self.state.headers.lock().unwrap().clone()
    }

    /// The types of the actions so far.
    pub(crate) fn actions(&self) -> Vec<String> {
        self.state.actions.lock().unwrap().clone()
    }

    /// Waits for a `CancelFlightInfo`.
    pub(crate) async fn cancelled(&self) {
        self.state.cancelled.notified().await;
    }
}

impl Drop for FlightServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A file of the test authority.
pub(crate) fn tls(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/testing/tls").join(name)
}

fn orders() -> RecordBatch {
    let fields = [
        Field::new("id", DataType::Int64, false),
        Field::new("name", DataType::Utf8, true),
        Field::new("price", DataType::Float64, true),
    ];
    let ids = Int64Array::from_iter_values(0..10);
    let names = StringArray::from_iter((0..10).map(|id| (id != 3).then(|| format!("it's {id}"))));
    let prices = Float64Array::from_iter_values((0..10).map(|id| f64::from(id) / 2.0));
    RecordBatch::try_new(Arc::new(Schema::new(fields.to_vec())), vec![Arc::new(ids), Arc::new(names), Arc::new(prices)])
        .unwrap()
}

impl Service {
    fn check<T>(&self, request: &Request<T>) -> Result<(), Status> {
        let metadata = request.metadata();
        for name in ["meshgate-query-id", "meshgate-forwarded-user", "meshgate-forwarded-attribute"] {
            for value in metadata.get_all(name) {
                self.0.headers.lock().unwrap().push(format!("{name}: {}", value.to_str().unwrap()));
            }
        }
        let behaviour = self.0.behaviour.lock().unwrap();
        let Some((token, _)) = &behaviour.login else { return Ok(()) };
        let wanted = format!("Bearer {token}");
        if metadata.get("authorization").is_some_and(|value| value.to_str().ok() == Some(wanted.as_str())) {
            return Ok(());
        }
        Err(Status::unauthenticated("log in first"))
    }

    /// The schema of a statement.
    #[expect(clippy::disallowed_methods, reason = "the remote of a test has no statement gate")]
    async fn schema(&self, sql: &str) -> Result<Schema, Status> {
        let frame = self.0.context.sql(sql).await.map_err(|error| Status::invalid_argument(error.to_string()))?;
        Ok(frame.schema().as_arrow().clone())
    }

    /// The rows of one endpoint, one batch a row.
    #[expect(clippy::disallowed_methods, reason = "the remote of a test has no statement gate")]
    async fn rows(&self, endpoint: usize, sql: &str) -> Result<Batches, Status> {
        let failed = |error: datafusion::error::DataFusionError| Status::internal(error.to_string());
        let batches = self.0.context.sql(sql).await.map_err(failed)?.collect().await.map_err(failed)?;
        let behaviour = self.0.behaviour.lock().unwrap();
        let rows = batches.iter().flat_map(|batch| (0..batch.num_rows()).map(|row| batch.slice(row, 1)));
        let mine = rows.enumerate().filter(|(row, _)| row % behaviour.endpoints == endpoint).map(|(_, batch)| batch);
        let mine: Vec<RecordBatch> = mine.map(|batch| (behaviour.change)(&batch)).collect();
        let after = behaviour.after_first;
        let all = stream::iter(mine.into_iter().map(Ok));
        Ok(match after {
            After::Rest => all.boxed(),
            After::Silence => all.take(1).chain(stream::pending()).boxed(),
            After::Error => {
                let error = Status::internal("value 4711 at /secret/path does not parse");
                all.take(1).chain(stream::once(async { Err(error) })).boxed()
            }
        })
    }
}

#[tonic::async_trait]
impl FlightSqlService for Service {
    type FlightService = Self;

    async fn do_handshake(
        &self,
        request: Request<Streaming<HandshakeRequest>>,
    ) -> Result<Response<Pin<Box<dyn Stream<Item = Result<HandshakeResponse, Status>> + Send>>>, Status> {
        let behaviour = self.0.behaviour.lock().unwrap();
        let Some((token, password)) = &behaviour.login else { return Err(Status::unimplemented("no handshake")) };
        let wanted = format!("Basic {password}");
        if request.metadata().get("authorization").is_none_or(|value| value.to_str().ok() != Some(wanted.as_str())) {
            return Err(Status::unauthenticated("wrong password"));
        }
        let answer = HandshakeResponse { protocol_version: 0, payload: bytes::Bytes::new() };
        let mut answer = Response::new(stream::iter([Ok(answer)]).boxed() as Pin<Box<dyn Stream<Item = _> + Send>>);
        answer.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        Ok(answer)
    }

    async fn get_flight_info_statement(
        &self,
        query: CommandStatementQuery,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.check(&request)?;
        self.0.statements.lock().unwrap().push(query.query.clone());
        let schema = self.schema(&query.query).await?;
        let behaviour = self.0.behaviour.lock().unwrap();
        let mut info = FlightInfo::new().try_with_schema(&schema).unwrap().with_total_records(10);
        for endpoint in 0..behaviour.endpoints {
            let handle = format!("{endpoint} {}", query.query);
            let ticket = TicketStatementQuery { statement_handle: handle.into() };
            let mut endpoint = FlightEndpoint::new().with_ticket(Ticket::new(ticket.as_any().encode_to_vec()));
            for location in &behaviour.locations {
                endpoint = endpoint.with_location(location);
            }
            info = info.with_endpoint(endpoint);
        }
        Ok(Response::new(info))
    }

    async fn do_get_statement(
        &self,
        ticket: TicketStatementQuery,
        request: Request<Ticket>,
    ) -> Result<Response<<Self as FlightService>::DoGetStream>, Status> {
        self.check(&request)?;
        let handle = std::str::from_utf8(&ticket.statement_handle).unwrap();
        let (endpoint, sql) = handle.split_once(' ').unwrap();
        {
            let mut behaviour = self.0.behaviour.lock().unwrap();
            if behaviour.broken_streams > 0 {
                behaviour.broken_streams -= 1;
                return Ok(Response::new(stream::once(async { Err(Status::unavailable("broken")) }).boxed()));
            }
        }
        let batches = self.rows(endpoint.parse().unwrap(), sql).await?;
        let data = FlightDataEncoderBuilder::new().build(batches.map_err(arrow_flight::error::FlightError::from));
        Ok(Response::new(data.map_err(Status::from).boxed()))
    }

    async fn get_flight_info_tables(
        &self,
        query: CommandGetTables,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.check(&request)?;
        let ticket = Ticket::new(query.as_any().encode_to_vec());
        Ok(Response::new(FlightInfo::new().with_endpoint(FlightEndpoint::new().with_ticket(ticket))))
    }

    async fn do_get_tables(
        &self,
        query: CommandGetTables,
        request: Request<Ticket>,
    ) -> Result<Response<<Self as FlightService>::DoGetStream>, Status> {
        self.check(&request)?;
        let mut tables = query.into_builder();
        let decoy = Schema::new(vec![Field::new("other", DataType::Utf8, true)]);
        tables.append("c", "s", "ordersX", "TABLE", &decoy).unwrap();
        tables.append("c", "s", "orders", "TABLE", orders().schema_ref()).unwrap();
        let batch = tables.build().unwrap();
        let schema = batch.schema();
        let data = FlightDataEncoderBuilder::new().with_schema(schema).build(stream::iter([Ok(batch)]));
        Ok(Response::new(data.map_err(Status::from).boxed()))
    }

    async fn do_action_create_prepared_statement(
        &self,
        query: ActionCreatePreparedStatementRequest,
        request: Request<Action>,
    ) -> Result<ActionCreatePreparedStatementResult, Status> {
        self.check(&request)?;
        if !self.0.behaviour.lock().unwrap().prepares {
            return Err(Status::unimplemented("no prepared statements"));
        }
        let schema = self.schema(&query.query).await?;
        let message: IpcMessage =
            SchemaAsIpc::new(&schema, &arrow::ipc::writer::IpcWriteOptions::default()).try_into().unwrap();
        Ok(ActionCreatePreparedStatementResult {
            prepared_statement_handle: "handle".into(),
            dataset_schema: message.0,
            parameter_schema: bytes::Bytes::new(),
        })
    }

    async fn do_action_close_prepared_statement(
        &self,
        _: ActionClosePreparedStatementRequest,
        _: Request<Action>,
    ) -> Result<(), Status> {
        self.0.actions.lock().unwrap().push("ClosePreparedStatement".to_owned());
        Ok(())
    }

    async fn do_action_fallback(
        &self,
        request: Request<Action>,
    ) -> Result<Response<<Self as FlightService>::DoActionStream>, Status> {
        self.0.actions.lock().unwrap().push(request.get_ref().r#type.clone());
        self.0.cancelled.notify_one();
        Ok(Response::new(stream::empty().boxed()))
    }

    async fn register_sql_info(&self, _: i32, _: &SqlInfo) {}
}
