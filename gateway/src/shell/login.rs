//! Logs in: user and password for a bearer token.

use std::fmt;

use arrow_flight::HandshakeRequest;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures::TryStreamExt as _;
use tonic::metadata::AsciiMetadataValue;
use tonic::{Request, Status};

use super::connection::Client;
use super::error::Error;

/// Who asks, and the proof.
#[derive(Clone)]
pub(super) struct Login {
    pub(super) user: String,
    pub(super) password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("user", &self.user).finish_non_exhaustive()
    }
}

impl Login {
    fn basic(&self) -> String {
        format!("Basic {}", BASE64_STANDARD.encode(format!("{}:{}", self.user, self.password)))
    }
}

/// Gives the client a token. Not arrow-flight's `handshake`, which forgets the status of a refusal.
pub(super) async fn log_in(client: &mut Client, login: &Login, target: &str) -> Result<(), Error> {
    match handshake(client, login).await {
        Ok(Some(token)) => client.set_token(token),
        // The server lets everybody in.
        Ok(None) => {}
        Err(status) => {
            let error = Error::from_status(status, target);
            if !error.is_unimplemented() {
                return Err(error);
            }
            // No Handshake: such servers take the password with every call.
            client.set_header("authorization", login.basic());
        }
    }
    Ok(())
}

/// The token, from the header of the answer or else from its payload.
async fn handshake(client: &mut Client, login: &Login) -> Result<Option<String>, Status> {
    let mut request = Request::new(futures::stream::iter([HandshakeRequest::default()]));
    let mut credential = AsciiMetadataValue::try_from(login.basic())
        .map_err(|_| Status::invalid_argument("user and password cannot be sent"))?;
    credential.set_sensitive(true);
    request.metadata_mut().insert("authorization", credential);
    let answer = client.inner_mut().handshake(request).await?;
    let header = answer.metadata().get("authorization").and_then(|value| value.to_str().ok());
    let token = header.and_then(|text| text.strip_prefix("Bearer ")).map(str::to_owned);
    // Read to the end: a server may refuse only after its headers.
    let answers: Vec<_> = answer.into_inner().try_collect().await?;
    let payload = || answers.first().and_then(|answer| String::from_utf8(answer.payload.to_vec()).ok());
    Ok(token.or_else(payload).filter(|token| !token.is_empty()))
}
