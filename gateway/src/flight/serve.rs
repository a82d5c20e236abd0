//! The methods of the Flight service: each proves its caller, asks the door, and turns errors into statuses.

use std::pin::Pin;

use arrow_flight::flight_service_server::FlightService;
use arrow_flight::{
    Action, ActionType, Criteria, Empty, FlightData, FlightDescriptor, FlightInfo, HandshakeRequest, PollInfo,
    PutResult, SchemaResult, Ticket,
};
use futures::{Stream, StreamExt};
use tonic::{Request, Response, Status, Streaming};
use tracing::Instrument;

use super::{Door, actions, command, encode, handshake, put, status};
use crate::error::Error;

/// A stream of messages.
type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// Answers a call inside of a span that names it.
async fn answer<T>(rpc: &'static str, work: impl Future<Output = Result<T, Error>> + Send) -> Result<T, Status> {
    let span = tracing::info_span!("flight", rpc, subject = tracing::field::Empty, query_id = tracing::field::Empty);
    work.instrument(span).await.map_err(|error| status::of(&error))
}

fn all<T: Send + 'static>(items: Vec<T>) -> Response<Answers<T>> {
    Response::new(futures::stream::iter(items.into_iter().map(Ok)).boxed())
}

#[tonic::async_trait]
impl FlightService for Door {
    type HandshakeStream = handshake::Answers;
    type ListFlightsStream = Answers<FlightInfo>;
    type DoGetStream = encode::Messages;
    type DoPutStream = Answers<PutResult>;
    type DoActionStream = actions::Results;
    type ListActionsStream = Answers<ActionType>;
    type DoExchangeStream = Answers<FlightData>;

    async fn handshake(
        &self,
        request: Request<Streaming<HandshakeRequest>>,
    ) -> Result<Response<Self::HandshakeStream>, Status> {
        answer("Handshake", handshake::answer(self, request)).await
    }

    async fn list_flights(&self, request: Request<Criteria>) -> Result<Response<Self::ListFlightsStream>, Status> {
        let work = async {
            let call = self.call(&request).await?;
            call.answered(all(self.flights(&call)?))
        };
        answer("ListFlights", work).await
    }

    async fn get_flight_info(&self, request: Request<FlightDescriptor>) -> Result<Response<FlightInfo>, Status> {
        let work = async {
            let call = self.call(&request).await?;
            let info = self.flight_info(&call, request.into_inner()).await?;
            call.answered(Response::new(info))
        };
        Box::pin(answer("GetFlightInfo", work)).await
    }

    async fn poll_flight_info(&self, request: Request<FlightDescriptor>) -> Result<Response<PollInfo>, Status> {
        let work = async {
            let call = self.call(&request).await?;
            let info = self.flight_info(&call, request.into_inner()).await?;
            // Without a descriptor the query is complete: there is nothing to poll for.
            let poll =
                PollInfo { info: Some(info), flight_descriptor: None, progress: Some(1.0), expiration_time: None };
            call.answered(Response::new(poll))
        };
        Box::pin(answer("PollFlightInfo", work)).await
    }

    async fn get_schema(&self, request: Request<FlightDescriptor>) -> Result<Response<SchemaResult>, Status> {
        let work = async {
            let call = self.call(&request).await?;
            let schema = self.schema(&call, request.get_ref()).await?;
            call.answered(Response::new(SchemaResult { schema: encode::schema(&schema)? }))
        };
        Box::pin(answer("GetSchema", work)).await
    }

    async fn do_get(&self, request: Request<Ticket>) -> Result<Response<Self::DoGetStream>, Status> {
        let work = async {
            let call = self.call(&request).await?;
            let rows = self.rows(&call, request.get_ref()).await?;
            call.answered(Response::new(rows))
        };
        Box::pin(answer("DoGet", work)).await
    }

    async fn do_put(&self, request: Request<Streaming<FlightData>>) -> Result<Response<Self::DoPutStream>, Status> {
        let work = async {
            let call = self.call(&request).await?;
            let result = put::receive(self, &call, request.into_inner()).await?;
            call.answered(all(vec![result]))
        };
        Box::pin(answer("DoPut", work)).await
    }

    async fn do_action(&self, request: Request<Action>) -> Result<Response<Self::DoActionStream>, Status> {
        let work = async {
            let call = self.call(&request).await?;
            let results = actions::perform(self, &call, request.into_inner()).await?;
            call.answered(results)
        };
        Box::pin(answer("DoAction", work)).await
    }

    async fn list_actions(&self, request: Request<Empty>) -> Result<Response<Self::ListActionsStream>, Status> {
        let work = async { self.call(&request).await?.answered(all(actions::list())) };
        answer("ListActions", work).await
    }

    async fn do_exchange(
        &self,
        request: Request<Streaming<FlightData>>,
    ) -> Result<Response<Self::DoExchangeStream>, Status> {
        let work = async {
            self.call(&request).await?;
            Err(command::unsupported("DoExchange"))
        };
        answer("DoExchange", work).await
    }
}
