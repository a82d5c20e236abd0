//! The handshake in all the forms that clients use.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use arrow_flight::{BasicAuth, HandshakeRequest, HandshakeResponse};
use futures::{Stream, StreamExt};
use http::HeaderMap;
use prost::Message;
use rustls::pki_types::CertificateDer;
use tonic::metadata::{AsciiMetadataValue, MetadataMap};
use tonic::{Request, Response, Status, Streaming};

use super::Door;
use super::encode::internal;
use crate::auth::{self, Credential, SessionId, Shown, Token};
use crate::error::Error;

/// How long the payload of an old handshake may take, and the end of any.
const PATIENCE: Duration = Duration::from_secs(10);

/// Most messages of a handshake that are waited for.
const MAX_MESSAGES: usize = 16;

/// The answer to a handshake.
pub(super) type Answers = Pin<Box<dyn Stream<Item = Result<HandshakeResponse, Status>> + Send>>;

/// Answers with a bearer token in the header `authorization` and, for old clients, in the payload.
///
/// # Errors
/// [`crate::ErrorKind::Unauthenticated`] where the credential is not good.
pub(super) async fn answer(
    door: &Door,
    request: Request<Streaming<HandshakeRequest>>,
) -> Result<Response<Answers>, Error> {
    let (peer, certificates) = (request.remote_addr(), request.peer_certs());
    let (metadata, _, mut messages) = request.into_parts();
    let headers = metadata.into_headers();
    // Clients that send the header may send nothing else, and wait: the stream is read only where it is missing.
    let (credential, is_shown) = if headers.contains_key(http::header::AUTHORIZATION) {
        (Credential::of_headers(&headers), true)
    } else {
        let first = tokio::time::timeout(PATIENCE, messages.next()).await;
        let payload = first.ok().flatten().and_then(Result::ok).map(|message| message.payload).unwrap_or_default();
        let is_shown = !payload.is_empty() || Credential::is_shown(&headers);
        (of_payload(&payload).or_else(|| Credential::of_headers(&headers)), is_shown)
    };
    let claimed = credential.as_ref().and_then(Credential::user).map(str::to_owned);
    let shown = Shown { headers: &headers, peer, certificate: first(certificates.as_ref()) };
    let identities = door.gateway.current().identities();
    let login = if credential.is_none() && is_shown {
        Err(auth::refused())
    } else {
        door.gateway.authenticator().handshake(&identities, credential, shown).await
    };
    let audit = &door.gateway.audit;
    let login = login.inspect_err(|error| audit.refused_login(claimed.as_deref(), peer, error))?;
    audit.login(&login.caller).await?;
    tracing::info!(subject = %login.caller.principal.subject, peer = ?peer, "logged in");

    let payload = login.token.as_ref().map(Token::as_str).unwrap_or_default().to_owned();
    let answer = HandshakeResponse { protocol_version: 0, payload: payload.into() };
    let stream: Answers = futures::stream::iter([Ok(answer)]).chain(until_closed(messages)).boxed();
    let mut response = Response::new(stream);
    if let Some(token) = &login.token {
        set_bearer(response.metadata_mut(), token)?;
    }
    if wants_cookie(&headers) {
        set_cookie(response.metadata_mut(), &login.caller.session)?;
    }
    Ok(response)
}

/// Nothing, but not before the client has closed its side, or has had the time to: some write a payload after they
/// have sent the header, and never come back from that where the call has ended meanwhile.
fn until_closed(messages: Streaming<HandshakeRequest>) -> impl Stream<Item = Result<HandshakeResponse, Status>> {
    let closed = messages.take(MAX_MESSAGES).for_each(|_ignored| std::future::ready(()));
    let closed = async { tokio::time::timeout(PATIENCE, closed).await.ok() };
    futures::stream::once(closed).filter_map(|_closed| std::future::ready(None))
}

/// Tells a token, in the header in which it is to come back.
///
/// # Errors
/// [`crate::ErrorKind::Internal`] where the token is no header, which it always is.
pub(super) fn set_bearer(metadata: &mut MetadataMap, token: &Token) -> Result<(), Error> {
    let mut bearer: AsciiMetadataValue =
        format!("Bearer {}", token.as_str()).parse().map_err(|error| internal(&error))?;
    bearer.set_sensitive(true);
    metadata.insert("authorization", bearer);
    Ok(())
}

/// The certificate that a client shows for itself: the first of its chain.
pub(super) fn first<'a>(chain: Option<&'a Arc<Vec<CertificateDer<'static>>>>) -> Option<&'a [u8]> {
    chain?.first().map(AsRef::as_ref)
}

/// Gives the session to clients that keep cookies. No `Max-Age`: with it, Java answers in a form of its own.
pub(super) fn set_cookie(metadata: &mut MetadataMap, session: &SessionId) -> Result<(), Error> {
    let cookie = format!("{}={}; Path=/; HttpOnly", auth::COOKIE, session.as_str());
    metadata.insert("set-cookie", cookie.parse().map_err(|error| internal(&error))?);
    Ok(())
}

/// The credential that `authenticate` of old Flight clients sends as `BasicAuth`.
fn of_payload(payload: &[u8]) -> Option<Credential> {
    let auth = BasicAuth::decode(payload).ok()?;
    Credential::basic(&auth.username, &auth.password)
}

/// Whether the call brings no cookie of ours.
pub(super) fn wants_cookie(headers: &HeaderMap) -> bool {
    auth::session_of_cookie(headers).is_none()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may unwrap")]
    use super::*;

    #[test]
    fn the_payload_of_old_clients_is_a_basic_auth_message() {
        let payload = BasicAuth { username: "ann".into(), password: "secret".into() }.encode_to_vec();
        assert_eq!(of_payload(&payload), Credential::basic("ann", "secret"));
        for bad in [&[][..], b"ann:secret", &[0xff]] {
            assert_eq!(of_payload(bad), None);
        }
    }

    #[test]
    fn a_session_cookie_has_no_age() {
        let mut metadata = MetadataMap::new();
        let session = SessionId::random().unwrap();
        set_cookie(&mut metadata, &session).unwrap();
        let expected = format!("meshgate_session={}; Path=/; HttpOnly", session.as_str());
        assert_eq!(metadata.get("set-cookie").unwrap(), expected.as_str());
    }
}
