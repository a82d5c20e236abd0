//! A Flight SQL client that shows codes, headers and tickets.

use std::net::SocketAddr;

use arrow::datatypes::Schema;
use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::sql::client::FlightSqlServiceClient;
use arrow_flight::sql::{
    ActionCreatePreparedStatementRequest, ActionCreatePreparedStatementResult, Any, CommandPreparedStatementQuery,
    CommandStatementQuery, ProstMessageExt,
};
use arrow_flight::{Action, FlightDescriptor, FlightInfo, HandshakeRequest, Ticket};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use futures::{StreamExt, TryStreamExt, stream};
use prost::Message as _;
use prost::bytes::Bytes;
use tonic::Request;
use tonic::metadata::AsciiMetadataKey;
use tonic::transport::{Channel, Endpoint};

use crate::deadline::{STEP, within};
use crate::failure::Failure;
use crate::rows::Rows;

/// A connection to a gateway as one user.
#[derive(Debug, Clone)]
pub struct Client {
    flight: FlightSqlServiceClient<Channel>,
    /// Further headers of every call.
    headers: Vec<(AsciiMetadataKey, String)>,
}

impl Client {
    /// A connection without credentials.
    pub async fn anonymous(address: SocketAddr) -> Self {
        Self { flight: FlightSqlServiceClient::new_from_inner(channel(address).await), headers: Vec::new() }
    }

    /// A connection over this channel, without credentials beyond what the channel itself shows.
    #[must_use]
    pub fn over(channel: Channel) -> Self {
        Self { flight: FlightSqlServiceClient::new(channel), headers: Vec::new() }
    }

    /// Logs in with name and password, encoded without padding as the Go clients do.
    ///
    /// # Errors
    /// What the gateway answers to the handshake.
    pub async fn login(address: SocketAddr, user: &str, password: &str) -> Result<Self, Failure> {
        let basic = STANDARD_NO_PAD.encode(format!("{user}:{password}"));
        Self::handshake(address, &format!("Basic {basic}")).await
    }

    /// Logs in with this `authorization` header and keeps the bearer token of the answer.
    ///
    /// # Errors
    /// What the gateway answers to the handshake.
    pub async fn handshake(address: SocketAddr, authorization: &str) -> Result<Self, Failure> {
        let mut inner = channel(address).await;
        let mut request = Request::new(stream::empty::<HandshakeRequest>());
        request.metadata_mut().insert("authorization", authorization.parse().unwrap());
        let response = within(STEP, "handshake", inner.handshake(request)).await?;
        let token = response.metadata().get("authorization").map(|value| value.to_str().unwrap().to_owned());
        let _answers: Vec<_> = response.into_inner().try_collect().await?;
        let mut flight = FlightSqlServiceClient::new_from_inner(inner);
        flight.set_token(token.unwrap().strip_prefix("Bearer ").unwrap().to_owned());
        Ok(Self { flight, headers: Vec::new() })
    }

    /// The same connection with another value of a header on every call.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.flight.set_header(name, value);
        self.headers.push((name.parse().unwrap(), value.to_owned()));
        self
    }

    /// The client of the `arrow-flight` crate, for commands that need no shortcut here.
    pub fn flight(&mut self) -> &mut FlightSqlServiceClient<Channel> {
        &mut self.flight
    }

    /// A request with this connection's headers and token.
    pub fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        for (name, value) in &self.headers {
            request.metadata_mut().insert(name, value.parse().unwrap());
        }
        if let Some(token) = self.flight.token() {
            request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        }
        request
    }

    /// The answer to any command of Flight SQL.
    ///
    /// # Errors
    /// What the gateway answers.
    pub async fn command(&mut self, command: &impl ProstMessageExt) -> Result<FlightInfo, Failure> {
        let request = self.request(FlightDescriptor::new_cmd(command.as_any().encode_to_vec()));
        let answer = self.flight.inner_mut().get_flight_info(request);
        Ok(within(STEP, "a command", answer).await?.into_inner())
    }

    /// The schema that `GetSchema` answers for a command.
    ///
    /// # Errors
    /// What the gateway answers.
    pub async fn schema(&mut self, command: &impl ProstMessageExt) -> Result<Schema, Failure> {
        let request = self.request(FlightDescriptor::new_cmd(command.as_any().encode_to_vec()));
        let answer = self.flight.inner_mut().get_schema(request);
        Ok(Schema::try_from(&within(STEP, "GetSchema", answer).await?.into_inner()).unwrap())
    }

    /// Plans a statement.
    ///
    /// # Errors
    /// What the gateway answers.
    pub async fn info(&mut self, sql: &str) -> Result<FlightInfo, Failure> {
        self.command(&CommandStatementQuery { query: sql.to_owned(), transaction_id: None }).await
    }

    /// Prepares a statement and yields its handle.
    ///
    /// # Errors
    /// What the gateway answers.
    pub async fn prepare(&mut self, sql: &str) -> Result<Bytes, Failure> {
        let command = ActionCreatePreparedStatementRequest { query: sql.to_owned(), transaction_id: None };
        let action = Action::new("CreatePreparedStatement", command.as_any().encode_to_vec());
        let mut answers = within(STEP, sql, self.flight.do_action(action)).await?;
        let answer = within(STEP, sql, answers.message()).await?.unwrap();
        let any = Any::decode(&*answer.body).unwrap();
        let created: ActionCreatePreparedStatementResult = any.unpack().unwrap().unwrap();
        Ok(created.prepared_statement_handle)
    }

    /// Runs a prepared statement without parameters.
    ///
    /// # Errors
    /// What the gateway answers.
    pub async fn execute(&mut self, handle: &Bytes) -> Result<Rows, Failure> {
        let command = CommandPreparedStatementQuery { prepared_statement_handle: handle.clone() };
        let info = self.command(&command).await?;
        self.fetch_all(&info).await
    }

    /// Plans and runs a statement.
    ///
    /// # Errors
    /// What the gateway answers, in either step.
    pub async fn query(&mut self, sql: &str) -> Result<Rows, Failure> {
        let info = self.info(sql).await?;
        let rows = self.fetch_all(&info).await?;
        let promised = info.try_decode_schema().unwrap();
        assert_eq!(*rows.schema, promised, "the stream's schema differs from the FlightInfo's: {sql}");
        Ok(rows)
    }

    /// Runs every endpoint of `info`.
    ///
    /// # Errors
    /// What the gateway answers.
    pub async fn fetch_all(&mut self, info: &FlightInfo) -> Result<Rows, Failure> {
        let mut all: Option<Rows> = None;
        for endpoint in &info.endpoint {
            let rows = self.fetch(endpoint.ticket.clone().unwrap()).await?;
            match &mut all {
                Some(before) => before.batches.extend(rows.batches),
                None => all = Some(rows),
            }
        }
        Ok(all.unwrap())
    }

    /// Redeems a ticket.
    ///
    /// # Errors
    /// What the gateway answers, before or in the stream.
    pub async fn fetch(&mut self, ticket: Ticket) -> Result<Rows, Failure> {
        within(STEP, "a stream", async {
            let mut stream = self.flight.do_get(ticket).await?;
            let mut batches = Vec::new();
            while let Some(batch) = stream.next().await {
                batches.push(batch?);
            }
            let schema = stream.schema().cloned().unwrap();
            Ok(Rows { schema, batches })
        })
        .await
    }

    /// Rows of a statement that must succeed.
    ///
    /// # Panics
    /// If it fails.
    pub async fn rows(&mut self, sql: &str) -> Rows {
        match self.query(sql).await {
            Ok(rows) => rows,
            Err(failure) => panic!("{sql}\n{failure:?}"),
        }
    }

    /// Lines of a statement that must succeed, sorted.
    pub async fn sorted(&mut self, sql: &str) -> Vec<String> {
        self.rows(sql).await.sorted()
    }

    /// The error of a statement that must fail.
    ///
    /// # Panics
    /// If it succeeds.
    pub async fn fails(&mut self, sql: &str) -> Failure {
        match self.query(sql).await {
            Ok(rows) => panic!("{sql}\nyields {:?}", rows.lines()),
            Err(failure) => failure,
        }
    }
}

/// A connected low-level client.
async fn channel(address: SocketAddr) -> FlightServiceClient<Channel> {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    FlightServiceClient::new(within(STEP, "connecting", endpoint.connect()).await.unwrap())
}
