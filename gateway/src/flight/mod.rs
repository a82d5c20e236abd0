//! The Flight SQL front door: decodes calls, says who makes them, and answers.
//!
//! Own dispatch instead of arrow-flight's: that one cannot answer `GetSchema`, `PollFlightInfo` and
//! `ListFlights`.

mod actions;
mod cancel;
mod command;
mod encode;
mod foreign_keys;
mod handshake;
mod headers;
mod keys;
mod metadata;
mod options;
mod parameters;
mod parked;
mod part;
mod placeholders;
mod prepared;
mod put;
mod serve;
mod session;
mod split;
mod sql_info;
mod statement;
mod status;
mod ticket;
mod xdbc;

use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::{Schema, SchemaRef};
use arrow_flight::flight_service_server::FlightServiceServer;
use arrow_flight::{FlightDescriptor, FlightEndpoint, FlightInfo, Ticket};
use catalog::Name;
use policies::Principal;
use tonic::{Request, Response};

use crate::Gateway;
use crate::auth::{Caller, Credential, Login, Shown, Token};
use crate::error::Error;
use crate::query::Pins;
use cancel::Cancels;
use command::{Asked, Metadata, Redeemed};
use options::{Options, Scope};
use parked::Parked;
use prepared::PreparedStatements;
use session::Sessions;

/// Room for what a message holds beside a statement of the longest length.
const MESSAGE_SLACK_BYTES: usize = 4 << 20;

/// Most tables that `ListFlights` tells of.
const MAX_FLIGHTS: usize = 10_000;

/// The front door of a gateway. Holds what sessions have set up, and nothing of a result.
#[derive(Debug)]
pub struct Door {
    gateway: Arc<Gateway>,
    prepared: PreparedStatements,
    sessions: Sessions,
    cancels: Cancels,
    parked: Arc<Parked>,
}

/// The service to add to a server, with its limits set, and what must be polled as long as it serves.
pub fn service(gateway: Arc<Gateway>) -> (FlightServiceServer<Door>, impl Future<Output = ()> + Send + 'static) {
    let longest = gateway.current().config.limits.statement_bytes.saturating_add(MESSAGE_SLACK_BYTES);
    let parked = Arc::new(Parked::new());
    let sweeping = Arc::clone(&parked).sweep();
    let door = Door {
        gateway,
        prepared: PreparedStatements::new(),
        sessions: Sessions::new(),
        cancels: Cancels::new(),
        parked,
    };
    let service = FlightServiceServer::new(door).max_decoding_message_size(longest);
    (service, sweeping)
}

/// One call: who makes it, what his session has set, and how long he waits.
#[derive(Debug)]
struct Call {
    caller: Caller,
    options: Arc<Options>,
    timeout: Option<Duration>,
    has_cookie: bool,
    /// The token that stands for him from now on, where he should have another.
    token: Option<Token>,
}

impl Call {
    /// The answer to this call, with the token in its headers: clients that understand it go on with that one.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Internal`] where the token is no header, which it always is.
    fn answered<T>(&self, mut response: Response<T>) -> Result<Response<T>, Error> {
        if let Some(token) = &self.token {
            handshake::set_bearer(response.metadata_mut(), token)?;
        }
        Ok(response)
    }
}

impl Door {
    /// Proves who makes a call. Nothing of its content is looked at before.
    async fn call<T>(&self, request: &Request<T>) -> Result<Call, Error> {
        let headers = request.metadata().as_ref();
        let (peer, certificates) = (request.remote_addr(), request.peer_certs());
        let shown = Shown { headers, peer, certificate: handshake::first(certificates.as_ref()) };
        let identities = self.gateway.current().identities();
        let login = self.gateway.authenticator().authenticate(&identities, shown).await;
        let Login { caller, token } = login.inspect_err(|error| {
            let claimed = Credential::of_headers(headers);
            self.gateway.audit.refused_login(claimed.as_ref().and_then(Credential::user), peer, error);
        })?;
        tracing::Span::current().record("subject", &*caller.principal.subject);
        let options = self.sessions.options(&caller).await;
        let own = self.scoped(&caller.principal, |scope| options.with_headers(headers, scope))?;
        Ok(Call {
            options: own.map_or(options, Arc::new),
            timeout: headers::timeout(headers),
            has_cookie: !handshake::wants_cookie(headers),
            caller,
            token,
        })
    }

    /// Does what needs to know the names that options are checked against.
    fn scoped<T>(&self, principal: &Principal, work: impl FnOnce(&Scope<'_>) -> T) -> T {
        let is_domain = |name: &Name| {
            self.gateway.visible_tables(principal).iter().any(|visible| visible.table.name.domain == *name)
        };
        work(&Scope { mesh: &self.gateway.mesh(), is_domain: &is_domain })
    }

    /// The info of what a descriptor asks for: planned, not run.
    async fn flight_info(&self, call: &Call, descriptor: FlightDescriptor) -> Result<FlightInfo, Error> {
        let (schema, endpoints) = match Asked::of(&descriptor)? {
            Asked::Statement(text) => self.offer(call, Self::statement(call, text, Vec::new(), None)).await?,
            Asked::Path(path) => {
                let sql = self.table_scan(call, &path).await?;
                self.offer(call, Self::statement(call, sql, Vec::new(), None)).await?
            }
            Asked::Prepared(handle) => {
                let statement = self.prepared_statement(call, &handle).await?;
                self.offer(call, statement).await?
            }
            Asked::Metadata(asked) => {
                let schema = self.metadata(call, asked)?.schema();
                // The command itself is the ticket: it shows its caller nothing that he may not ask for anyway.
                let ticket = Some(Ticket { ticket: descriptor.cmd.clone() });
                (schema, vec![FlightEndpoint { ticket, ..FlightEndpoint::default() }])
            }
        };
        statement::info(&schema, descriptor, endpoints)
    }

    /// The schema of what a descriptor asks for.
    async fn schema(&self, call: &Call, descriptor: &FlightDescriptor) -> Result<SchemaRef, Error> {
        let text = match Asked::of(descriptor)? {
            Asked::Statement(text) => text,
            Asked::Path(path) => self.table_scan(call, &path).await?.into(),
            Asked::Prepared(handle) => return self.prepared_schema(call, &handle).await,
            Asked::Metadata(asked) => return Ok(self.metadata(call, asked)?.schema()),
        };
        let query = self.plan(call, Self::statement(call, text, Vec::new(), None), Pins::default()).await?;
        let schema = query.schema();
        query.finish().await?;
        Ok(schema)
    }

    /// The rows of a ticket.
    async fn rows(&self, call: &Call, ticket: &Ticket) -> Result<encode::Messages, Error> {
        match self.redeemed(call, ticket)? {
            Redeemed::Query(handle) => self.redeem(call, &handle).await,
            Redeemed::Metadata(asked) => encode::batch(self.metadata(call, asked)?),
        }
    }

    /// One flight for each table that the caller may see, without an endpoint: GetFlightInfo gives one for its path.
    fn flights(&self, call: &Call) -> Result<Vec<FlightInfo>, Error> {
        let tables = self.gateway.visible_tables(&call.caller.principal);
        let flight = |visible: &crate::VisibleTable| {
            let name = &visible.table.name;
            let descriptor = FlightDescriptor::new_path(vec![name.domain.to_string(), name.table.to_string()]);
            // As in the results themselves, where every column may be NULL.
            let fields = visible.schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
            statement::info(&Arc::new(Schema::new(fields.collect::<Vec<_>>())), descriptor, Vec::new())
        };
        tables.iter().take(MAX_FLIGHTS).map(flight).collect()
    }

    fn metadata(&self, call: &Call, asked: Metadata) -> Result<arrow::array::RecordBatch, Error> {
        let tables = self.gateway.visible_tables(&call.caller.principal);
        metadata::answer(asked, &self.gateway.mesh(), &tables)
    }
}
