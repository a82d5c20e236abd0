//! The actions: prepared statements, cancelling, renewing, sessions.

use std::pin::Pin;

use arrow_flight::sql::{
    ActionClosePreparedStatementRequest, ActionCreatePreparedStatementRequest,
    ActionCreatePreparedSubstraitPlanRequest, Any, ProstMessageExt,
};
use arrow_flight::{
    Action, ActionType, CancelFlightInfoRequest, CancelFlightInfoResult, CancelStatus, FlightEndpoint,
    RenewFlightEndpointRequest,
};
use bytes::Bytes;
use futures::{Stream, StreamExt};
use prost::Message;
use proto::flight::close_session_result;
use proto::flight::{CloseSessionResult, SetSessionOptionsRequest};
use tonic::{Response, Status};

use super::command::{self, Redeemed, unsupported};
use super::{Call, Door, handshake, ticket};
use crate::error::{Error, ErrorKind};
use crate::query::Text;

/// The results of an action.
pub(super) type Results = Pin<Box<dyn Stream<Item = Result<arrow_flight::Result, Status>> + Send>>;

const CREATE_PREPARED: &str = "CreatePreparedStatement";
const CREATE_PREPARED_PLAN: &str = "CreatePreparedSubstraitPlan";
const CLOSE_PREPARED: &str = "ClosePreparedStatement";
const CANCEL: &str = "CancelFlightInfo";
const RENEW: &str = "RenewFlightEndpoint";
const SET_OPTIONS: &str = "SetSessionOptions";
const GET_OPTIONS: &str = "GetSessionOptions";
const CLOSE_SESSION: &str = "CloseSession";

/// The actions that are served.
pub(super) fn list() -> Vec<ActionType> {
    [
        (CREATE_PREPARED, "Prepares a statement.\nRequest: ActionCreatePreparedStatementRequest\nResponse: ActionCreatePreparedStatementResult"),
        (CREATE_PREPARED_PLAN, "Prepares a plan of Substrait.\nRequest: ActionCreatePreparedSubstraitPlanRequest\nResponse: ActionCreatePreparedStatementResult"),
        (CLOSE_PREPARED, "Forgets a prepared statement.\nRequest: ActionClosePreparedStatementRequest\nResponse: none"),
        (CANCEL, "Cancels a query.\nRequest: CancelFlightInfoRequest\nResponse: CancelFlightInfoResult"),
        (RENEW, "Makes a ticket last longer.\nRequest: RenewFlightEndpointRequest\nResponse: FlightEndpoint"),
        (SET_OPTIONS, "Sets options of the session: catalog, schema, query_timeout, rows, as_of, endpoints, types.\nRequest: SetSessionOptionsRequest\nResponse: SetSessionOptionsResult"),
        (GET_OPTIONS, "Tells the options of the session.\nRequest: GetSessionOptionsRequest\nResponse: GetSessionOptionsResult"),
        (CLOSE_SESSION, "Forgets the options of the session.\nRequest: CloseSessionRequest\nResponse: CloseSessionResult"),
    ]
    .map(|(name, description)| ActionType { r#type: name.to_owned(), description: description.to_owned() })
    .into()
}

/// Does what `action` says.
///
/// # Errors
/// Those of the action; [`ErrorKind::UnsupportedCommand`] for an action that is not served.
pub(super) async fn perform(door: &Door, call: &Call, action: Action) -> Result<Response<Results>, Error> {
    let mut cookie = false;
    let body = match action.r#type.as_str() {
        CREATE_PREPARED => {
            let request: ActionCreatePreparedStatementRequest = unpack(&action.body)?;
            command::refuse_transaction(request.transaction_id.as_ref())?;
            Some(door.prepare(call, request.query.into()).await?)
        }
        CREATE_PREPARED_PLAN => {
            let request: ActionCreatePreparedSubstraitPlanRequest = unpack(&action.body)?;
            command::refuse_transaction(request.transaction_id.as_ref())?;
            Some(door.prepare(call, Text::Substrait(request.plan.unwrap_or_default().plan)).await?)
        }
        CLOSE_PREPARED => {
            let request: ActionClosePreparedStatementRequest = unpack(&action.body)?;
            door.prepared.close(&call.caller, &request.prepared_statement_handle).await;
            None
        }
        // From here on the bodies are messages of plain Flight, without `Any` around them.
        CANCEL => Some(cancel(door, call, &decode(&action.body)?).await?),
        RENEW => Some(renew(door, call, decode(&action.body)?)?),
        SET_OPTIONS => {
            cookie = true;
            Some(set_options(door, call, decode(&action.body)?).await)
        }
        GET_OPTIONS => {
            let options = door.sessions.options(&call.caller).await;
            Some(encoded(&door.scoped(&call.caller.principal, |scope| options.told(scope))))
        }
        CLOSE_SESSION => {
            door.sessions.close(&call.caller).await;
            Some(encoded(&CloseSessionResult { status: close_session_result::Status::Closed.into() }))
        }
        "BeginTransaction" | "EndTransaction" | "BeginSavepoint" | "EndSavepoint" => {
            return Err(unsupported("transactions: the gateway is read-only"));
        }
        _ => return Err(unsupported("this action")),
    };
    let results: Results = futures::stream::iter(body.map(|body| Ok(arrow_flight::Result { body }))).boxed();
    let mut response = Response::new(results);
    if cookie && !call.has_cookie {
        // For clients that log in with every call and keep cookies: the session outlives its connection.
        handshake::set_cookie(response.metadata_mut(), &call.caller.session)?;
    }
    Ok(response)
}

/// Cancels the queries of the tickets in an info. Cancelling what does not run, or no longer, is no error.
async fn cancel(door: &Door, call: &Call, request: &CancelFlightInfoRequest) -> Result<Bytes, Error> {
    let endpoints = request.info.iter().flat_map(|info| &info.endpoint);
    let mut status = CancelStatus::NotCancellable;
    for ticket in endpoints.filter_map(|endpoint| endpoint.ticket.as_ref()) {
        match door.redeemed(call, ticket)? {
            Redeemed::Query(handle) => {
                let ticket = door.open_ticket(call, &handle)?;
                door.cancels.cancel(&call.caller.principal.subject, &ticket.query_id).await;
                status = CancelStatus::Cancelled;
            }
            Redeemed::Metadata(_) => {}
        }
    }
    Ok(encoded(&CancelFlightInfoResult { status: status.into() }))
}

/// A ticket that is still good, with a new expiry.
fn renew(door: &Door, call: &Call, request: RenewFlightEndpointRequest) -> Result<Bytes, Error> {
    let endpoint = request.endpoint.ok_or_else(ticket::invalid)?;
    let renewed = match door.redeemed(call, endpoint.ticket.as_ref().ok_or_else(ticket::invalid)?)? {
        Redeemed::Query(handle) => door.endpoint(door.open_ticket(call, &handle)?)?,
        // The answers to metadata commands do not expire.
        Redeemed::Metadata(_) => FlightEndpoint { location: Vec::new(), ..endpoint },
    };
    Ok(encoded(&renewed))
}

async fn set_options(door: &Door, call: &Call, request: SetSessionOptionsRequest) -> Bytes {
    let mut options = door.sessions.options(&call.caller).await.as_ref().clone();
    let result = door.scoped(&call.caller.principal, |scope| options.set_all(request, scope));
    door.sessions.keep(&call.caller, options).await;
    encoded(&result)
}

fn encoded(message: &impl Message) -> Bytes {
    message.encode_to_vec().into()
}

fn undecoded() -> Error {
    Error::new(ErrorKind::InvalidStatement, "the body of the action cannot be decoded")
}

fn decode<M: Message + Default>(body: &Bytes) -> Result<M, Error> {
    M::decode(body.clone()).map_err(|_| undecoded())
}

fn unpack<M: ProstMessageExt>(body: &Bytes) -> Result<M, Error> {
    let any: Any = decode(body)?;
    any.unpack().ok().flatten().ok_or_else(undecoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_has_every_action_once() {
        let names: Vec<String> = list().into_iter().map(|action| action.r#type).collect();
        let expected = [
            CREATE_PREPARED,
            CREATE_PREPARED_PLAN,
            CLOSE_PREPARED,
            CANCEL,
            RENEW,
            SET_OPTIONS,
            GET_OPTIONS,
            CLOSE_SESSION,
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn a_body_of_another_message_is_refused() {
        let close = ActionClosePreparedStatementRequest { prepared_statement_handle: Bytes::from_static(b"x") };
        let body = Bytes::from(close.as_any().encode_to_vec());
        assert_eq!(unpack::<ActionClosePreparedStatementRequest>(&body), Ok(close));
        assert!(unpack::<ActionCreatePreparedStatementRequest>(&body).is_err());
        assert!(unpack::<ActionClosePreparedStatementRequest>(&Bytes::from_static(b"\xff")).is_err());
    }
}
