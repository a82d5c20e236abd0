//! One Flight server: its connection, its login, and calls that are retried while nothing was lost.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::{Action, FlightData, FlightDescriptor, FlightInfo, SchemaResult, Ticket};
use catalog::Table;
use rand::Rng;
use tonic::transport::Channel;
use tonic::{Code, Request, Status, Streaming};

use super::call::Call;
use super::channel::Dialer;
use super::error::{into_error, is_unavailable};
use super::login::{Login, Refused};
use crate::error::Error;

/// Largest message that a server may send: one batch of records.
const MAX_MESSAGE: usize = 256 * 1024 * 1024;

/// How often a call is tried.
const ATTEMPTS: u32 = 3;

/// No new attempt after this long, so that a dead endpoint is known within two seconds.
const GIVE_UP: Duration = Duration::from_millis(600);

/// Longest first pause between attempts; doubled each time.
const PAUSE_MILLISECONDS: u64 = 100;

/// One server, with everything that is kept between calls.
pub(super) struct Remote {
    dialer: Dialer,
    login: Login,
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Remote")
    }
}

impl Remote {
    pub(super) fn new(dialer: Dialer, login: Login) -> Self {
        Self { dialer, login }
    }

    /// `GetFlightInfo`.
    pub(super) async fn info(&self, call: &Call, descriptor: FlightDescriptor) -> Result<FlightInfo, Error> {
        let answer = self.retried(call, || {
            let descriptor = descriptor.clone();
            async move |mut client: Client, request: Request<()>| {
                client.get_flight_info(request.map(|()| descriptor)).await
            }
        });
        Ok(answer.await?.into_inner())
    }

    /// `GetSchema`.
    pub(super) async fn schema(&self, call: &Call, descriptor: FlightDescriptor) -> Result<SchemaResult, Error> {
        let answer = self.retried(call, || {
            let descriptor = descriptor.clone();
            async move |mut client: Client, request: Request<()>| client.get_schema(request.map(|()| descriptor)).await
        });
        Ok(answer.await?.into_inner())
    }

    /// `DoGet`: the stream has begun, but no batch has come yet.
    pub(super) async fn get(&self, call: &Call, ticket: &Ticket) -> Result<Streaming<FlightData>, Error> {
        let answer = self.retried(call, || {
            let ticket = ticket.clone();
            async move |mut client: Client, request: Request<()>| client.do_get(request.map(|()| ticket)).await
        });
        Ok(answer.await?.into_inner())
    }

    /// `DoAction`.
    pub(super) async fn act(&self, call: &Call, action: &Action) -> Result<Streaming<arrow_flight::Result>, Error> {
        let answer = self.retried(call, || {
            let action = action.clone();
            async move |mut client: Client, request: Request<()>| client.do_action(request.map(|()| action)).await
        });
        Ok(answer.await?.into_inner())
    }

    /// Makes a call until it is answered, the attempts are used up, or the deadline is near.
    async fn retried<T, M, F>(&self, call: &Call, make: M) -> Result<T, Error>
    where
        M: Fn() -> F,
        F: AsyncFnOnce(Client, Request<()>) -> Result<T, Status>,
    {
        let begun = Instant::now();
        let mut logged_in_again = false;
        let mut attempt = 1;
        loop {
            let status = match self.once(call, make()).await? {
                Ok(answer) => return Ok(answer),
                Err(status) => status,
            };
            if status.code() == Code::Unauthenticated && !logged_in_again && self.login.forget().await {
                logged_in_again = true;
                continue;
            }
            let worth_it = is_unavailable(&status) && attempt < ATTEMPTS && begun.elapsed() < GIVE_UP;
            if !worth_it {
                return Err(into_error(&call.table, status));
            }
            let pause = rand::rng().random_range(1..=PAUSE_MILLISECONDS << (attempt - 1));
            tokio::time::sleep(Duration::from_millis(pause)).await;
            attempt += 1;
        }
    }

    /// One attempt; the outer error is one that no other attempt would heal.
    async fn once<T, F>(&self, call: &Call, make: F) -> Result<Result<T, Status>, Error>
    where
        F: AsyncFnOnce(Client, Request<()>) -> Result<T, Status>,
    {
        let attempt = async {
            let channel = self.dialer.channel(&call.table).await?;
            let mut request = call.request()?;
            match self.login.authorize(&channel, call, &mut request).await {
                Ok(()) => {}
                Err(Refused::Credential(source)) => return Err(Error::credential(&call.table, source)),
                Err(Refused::Status(status)) => return Ok(Err(status)),
            }
            Ok(make(client(channel), request).await)
        };
        tokio::time::timeout_at(call.deadline.into(), attempt).await.unwrap_or_else(|_| Err(late(&call.table)))
    }
}

/// The client that calls are made with.
pub(super) type Client = FlightServiceClient<Channel>;

/// A client with our limits.
pub(super) fn client(channel: Channel) -> Client {
    FlightServiceClient::new(channel).max_decoding_message_size(MAX_MESSAGE)
}

/// The error of a call that was not answered in time.
pub(super) fn late(table: &Arc<Table>) -> Error {
    Error::unavailable(table, "no answer before the deadline")
}
