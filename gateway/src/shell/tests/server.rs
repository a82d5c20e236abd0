//! A small Flight SQL server: one user, one table, and statements that misbehave on request.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use arrow::array::{ArrayRef, Int64Array, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;
use arrow_flight::encode::FlightDataEncoderBuilder;
use arrow_flight::error::FlightError;
use arrow_flight::flight_service_server::{FlightService, FlightServiceServer};
use arrow_flight::sql::server::{FlightSqlService, PeekableFlightDataStream};
use arrow_flight::sql::{
    CommandGetCatalogs, CommandGetDbSchemas, CommandGetTables, CommandStatementQuery, CommandStatementUpdate,
    ProstMessageExt, SqlInfo, TicketStatementQuery,
};
use arrow_flight::{Action, FlightDescriptor, FlightEndpoint, FlightInfo, HandshakeRequest, HandshakeResponse, Ticket};
use futures::{Stream, StreamExt as _, TryStreamExt as _};
use prost::Message as _;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::{Code, Request, Response, Status, Streaming};

/// `ann:secret`, as it comes.
const CREDENTIAL: &str = "Basic YW5uOnNlY3JldA==";
/// Sets the schema `nowhere`, as it comes.
const NOWHERE: &[u8] = b"nowhere";

/// What a test can wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    Endless,
    EndlessDropped,
    Cancelled,
}

/// The server, running.
pub(super) struct Server {
    pub(super) port: u16,
    calls: watch::Receiver<Vec<Call>>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Server {
    pub(super) async fn start() -> Self {
        Self::start_at(0).await
    }

    /// Takes the place of a server that was stopped.
    pub(super) async fn start_at(port: u16) -> Self {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, calls) = watch::channel(Vec::new());
        let (stop, stopped) = oneshot::channel::<()>();
        let service = Service { calls: Arc::new(sender), state: Arc::default() };
        let task = tokio::spawn(async move {
            let server = tonic::transport::Server::builder().add_service(FlightServiceServer::new(service));
            let stopped = async { drop(stopped.await) };
            server.serve_with_incoming_shutdown(TcpListenerStream::new(listener), stopped).await.unwrap();
        });
        Self { port, calls, stop, task }
    }

    pub(super) fn url(&self) -> String {
        format!("grpc://127.0.0.1:{}", self.port)
    }

    /// Waits until this has happened.
    pub(super) async fn saw(&self, call: Call) {
        self.calls.clone().wait_for(|calls| calls.contains(&call)).await.unwrap();
    }

    pub(super) async fn stop(self) {
        self.stop.send(()).unwrap();
        self.task.await.unwrap();
    }
}

#[derive(Clone)]
struct Service {
    calls: Arc<watch::Sender<Vec<Call>>>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    tokens: u32,
    valid: Option<String>,
    /// The schema of each session.
    schemas: BTreeMap<String, String>,
}

type DoGet = Response<<Service as FlightService>::DoGetStream>;

impl Service {
    fn check(&self, headers: &MetadataMap) -> Result<(), Status> {
        let token = headers.get("authorization").and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        let state = self.state.lock().unwrap();
        if token.is_some() && token == state.valid.as_deref() {
            return Ok(());
        }
        Err(Status::unauthenticated("the token is not valid"))
    }

    fn info(&self, request: &Request<FlightDescriptor>, ticket: Vec<u8>) -> Result<Response<FlightInfo>, Status> {
        self.check(request.metadata())?;
        let endpoint = FlightEndpoint::new().with_ticket(Ticket::new(ticket));
        Ok(Response::new(FlightInfo::new().with_endpoint(endpoint)))
    }

    fn batch(batch: RecordBatch) -> DoGet {
        Self::stream(futures::stream::iter([Ok(batch)]))
    }

    fn stream(batches: impl Stream<Item = Result<RecordBatch, FlightError>> + Send + 'static) -> DoGet {
        Response::new(FlightDataEncoderBuilder::new().build(batches).map_err(Status::from).boxed())
    }

    fn session(headers: &MetadataMap) -> Option<String> {
        headers.get("cookie").and_then(|value| value.to_str().ok()).map(str::to_owned)
    }

    fn endless(&self) -> DoGet {
        self.calls.send_modify(|calls| calls.push(Call::Endless));
        let calls = Arc::clone(&self.calls);
        let guard = Dropped(calls);
        let first = futures::stream::iter([Ok(numbers())]);
        let rest = futures::stream::pending().map(move |batch| {
            let _keep = &guard;
            batch
        });
        Self::stream(first.chain(rest))
    }
}

/// Tells that a stream was dropped.
struct Dropped(Arc<watch::Sender<Vec<Call>>>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.send_modify(|calls| calls.push(Call::EndlessDropped));
    }
}

fn numbers() -> RecordBatch {
    let column: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    RecordBatch::try_from_iter([("n", column)]).unwrap()
}

fn text(name: &str, value: &str) -> RecordBatch {
    let column: ArrayRef = Arc::new(StringArray::from(vec![value]));
    RecordBatch::try_from_iter([(name, column)]).unwrap()
}

#[tonic::async_trait]
impl FlightSqlService for Service {
    type FlightService = Self;

    async fn do_handshake(
        &self,
        request: Request<Streaming<HandshakeRequest>>,
    ) -> Result<Response<Pin<Box<dyn Stream<Item = Result<HandshakeResponse, Status>> + Send>>>, Status> {
        if request.metadata().get("authorization").is_none_or(|value| value != CREDENTIAL) {
            return Err(Status::unauthenticated("user or password is wrong"));
        }
        let mut state = self.state.lock().unwrap();
        state.tokens += 1;
        let token = format!("token-{}", state.tokens);
        let mut response = Response::new(futures::stream::empty().boxed() as Pin<Box<_>>);
        response.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        response.metadata_mut().insert("set-cookie", format!("s={token}; Path=/; HttpOnly").parse().unwrap());
        state.valid = Some(token);
        Ok(response)
    }

    async fn get_flight_info_statement(
        &self,
        query: CommandStatementQuery,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        if query.query.ends_with("select missing") {
            let mut headers = MetadataMap::new();
            headers.insert("meshgate-error", MetadataValue::from_static("UndefinedTable"));
            headers.insert("meshgate-sqlstate", MetadataValue::from_static("42P01"));
            return Err(Status::with_metadata(Code::NotFound, "table \"missing\" is not in the catalog", headers));
        }
        let ticket = TicketStatementQuery { statement_handle: query.query.into() };
        self.info(&request, ticket.as_any().encode_to_vec())
    }

    async fn do_get_statement(&self, ticket: TicketStatementQuery, request: Request<Ticket>) -> Result<DoGet, Status> {
        self.check(request.metadata())?;
        let domain = || {
            let session = Self::session(request.metadata());
            let state = self.state.lock().unwrap();
            session.and_then(|session| state.schemas.get(&session).cloned()).unwrap_or_else(|| "none".to_owned())
        };
        Ok(match &*ticket.statement_handle {
            b"select broken" => {
                let error = FlightError::from(Status::internal("source failed"));
                Self::stream(futures::stream::iter([Ok(numbers()), Err(error)]))
            }
            b"select endless" => self.endless(),
            b"select escape" => Self::batch(text("e", "\x1b[2J")),
            b"select domain" => Self::batch(text("d", &domain())),
            b"select logout" => {
                self.state.lock().unwrap().valid = None;
                Self::batch(numbers())
            }
            _ => Self::batch(numbers()),
        })
    }

    async fn get_flight_info_catalogs(
        &self,
        query: CommandGetCatalogs,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.info(&request, query.as_any().encode_to_vec())
    }

    async fn do_get_catalogs(&self, query: CommandGetCatalogs, _request: Request<Ticket>) -> Result<DoGet, Status> {
        let mut catalogs = query.into_builder();
        catalogs.append("retail");
        Ok(Self::batch(catalogs.build().unwrap()))
    }

    async fn get_flight_info_schemas(
        &self,
        query: CommandGetDbSchemas,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.info(&request, query.as_any().encode_to_vec())
    }

    async fn do_get_schemas(&self, query: CommandGetDbSchemas, _request: Request<Ticket>) -> Result<DoGet, Status> {
        let mut schemas = query.into_builder();
        schemas.append("retail", "sales");
        Ok(Self::batch(schemas.build().unwrap()))
    }

    async fn get_flight_info_tables(
        &self,
        query: CommandGetTables,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.info(&request, query.as_any().encode_to_vec())
    }

    async fn do_get_tables(&self, query: CommandGetTables, _request: Request<Ticket>) -> Result<DoGet, Status> {
        let remarks = [("ARROW:FLIGHT:SQL:REMARKS".to_owned(), "a \x1b[1m".to_owned())];
        let field = Field::new("n", DataType::Int64, false).with_metadata(remarks.into());
        let schema = Schema::new(vec![field]);
        let mut tables = query.into_builder();
        tables.append("retail", "sales", "order_items", "TABLE", &schema).unwrap();
        tables.append("retail", "sales", "orders", "TABLE", &schema).unwrap();
        Ok(Self::batch(tables.build().unwrap()))
    }

    async fn do_put_statement_update(
        &self,
        _update: CommandStatementUpdate,
        request: Request<PeekableFlightDataStream>,
    ) -> Result<i64, Status> {
        self.check(request.metadata()).map(|()| 3)
    }

    async fn do_action_fallback(
        &self,
        request: Request<Action>,
    ) -> Result<Response<<Self as FlightService>::DoActionStream>, Status> {
        self.check(request.metadata())?;
        let session = Self::session(request.metadata()).unwrap();
        let action = request.into_inner();
        let body: &'static [u8] = match action.r#type.as_str() {
            "CancelFlightInfo" => {
                self.calls.send_modify(|calls| calls.push(Call::Cancelled));
                b""
            }
            // The message ends with the value.
            "SetSessionOptions" if action.body.ends_with(NOWHERE) => b"\x0a\x0c\x0a\x06schema\x12\x02\x08\x02",
            "SetSessionOptions" => {
                self.state.lock().unwrap().schemas.insert(session, "sales".to_owned());
                b""
            }
            other => return Err(Status::unimplemented(other)),
        };
        let result = arrow_flight::Result { body: body.into() };
        Ok(Response::new(futures::stream::iter([Ok(result)]).boxed()))
    }

    async fn register_sql_info(&self, _id: i32, _result: &SqlInfo) {}
}
