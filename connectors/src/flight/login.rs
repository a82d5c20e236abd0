//! Logs in to a server with the secret of the contract, and again when the server has forgotten us.

use std::fmt;

use arrow_flight::HandshakeRequest;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use catalog::source::CredentialRef;
use futures::{StreamExt, stream};
use tokio::sync::Mutex;
use tonic::metadata::AsciiMetadataValue;
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status, Streaming};

use super::call::Call;
use super::remote::client;
use crate::credentials::{self, CredentialError, Secret};

const AUTHORIZATION: &str = "authorization";

/// Why a call could not be authorized.
pub(super) enum Refused {
    /// The secret cannot be read or sent.
    Credential(CredentialError),
    /// The server did not accept the handshake, or did not answer.
    Status(Status),
}

/// The login of one server.
///
/// A secret with a colon is `user:password`: it buys a bearer token in a handshake, which is kept until the
/// server refuses it. Any other secret is a bearer token itself, read again for every call.
pub(super) struct Login {
    credential: Option<CredentialRef>,
    bought: Mutex<Option<AsciiMetadataValue>>,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login")
    }
}

impl Login {
    pub(super) fn new(credential: Option<CredentialRef>) -> Self {
        Self { credential, bought: Mutex::new(None) }
    }

    /// Adds the authorization to a request, logging in first where that is needed.
    pub(super) async fn authorize(
        &self,
        channel: &Channel,
        call: &Call,
        request: &mut Request<()>,
    ) -> Result<(), Refused> {
        let Some(reference) = &self.credential else { return Ok(()) };
        let mut bought = self.bought.lock().await;
        let value = match &*bought {
            Some(token) => token.clone(),
            None => {
                let secret = credentials::read(reference).await.map_err(Refused::Credential)?;
                match credentials::split_pair(&secret) {
                    None => header("Bearer", secret.expose())?,
                    Some(_) => bought.insert(handshake(channel, call, &secret).await?).clone(),
                }
            }
        };
        drop(bought);
        request.metadata_mut().insert(AUTHORIZATION, value);
        Ok(())
    }

    /// Forgets the token, so that the next call logs in; false where there was none to forget.
    pub(super) async fn forget(&self) -> bool {
        self.bought.lock().await.take().is_some()
    }
}

/// A header value that is hidden in every debug form.
fn header(scheme: &str, text: &str) -> Result<AsciiMetadataValue, Refused> {
    let value = AsciiMetadataValue::try_from(format!("{scheme} {text}"));
    let mut value =
        value.map_err(|_| Refused::Credential(CredentialError::Malformed { wanted: "a text of one line" }))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Buys a token; a server that gives none wants the password with every call.
async fn handshake(channel: &Channel, call: &Call, secret: &Secret) -> Result<AsciiMetadataValue, Refused> {
    let basic = header("Basic", &BASE64_STANDARD.encode(secret.expose()))?;
    let mut request = call.request().map_err(|_| Refused::Status(Status::deadline_exceeded("handshake")))?;
    request.metadata_mut().insert(AUTHORIZATION, basic.clone());
    let hello = request.map(|()| stream::iter([HandshakeRequest::default()]));
    let answer = match client(channel.clone()).handshake(hello).await {
        Ok(answer) => answer,
        Err(status) if status.code() == Code::Unimplemented => return Ok(basic),
        Err(status) => return Err(Refused::Status(status)),
    };
    Ok(token(answer).await?.unwrap_or(basic))
}

/// The token of the answer: in its header, as most servers send it, or in its first message.
async fn token(
    answer: Response<Streaming<arrow_flight::HandshakeResponse>>,
) -> Result<Option<AsciiMetadataValue>, Refused> {
    if let Some(value) = answer.metadata().get(AUTHORIZATION) {
        let mut value = value.clone();
        value.set_sensitive(true);
        return Ok(Some(value));
    }
    let first = answer.into_inner().next().await.transpose().map_err(Refused::Status)?;
    match first.map(|message| message.payload) {
        Some(payload) if !payload.is_empty() => match std::str::from_utf8(&payload) {
            Ok(text) => header("Bearer", text).map(Some),
            Err(_) => Ok(None),
        },
        Some(_) | None => Ok(None),
    }
}
