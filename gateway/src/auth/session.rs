//! Which session a call belongs to: its cookie, else its token's, else its connection's.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use http::HeaderMap;
use http::header::COOKIE as COOKIE_HEADER;

use super::{Key, random_bytes};
use crate::error::Error;

/// Name of the cookie that carries a session.
pub const COOKIE: &str = "meshgate_session";

/// Length of a session's name: 128 bits in hexadecimal.
const LENGTH: usize = 32;

/// Names a session. Nobody can guess one; it means something together with its subject only.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SessionId(Arc<str>);

impl SessionId {
    /// A session that nobody else has.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Internal`] where the system has no randomness.
    pub fn random() -> Result<Self, Error> {
        Ok(Self::of_bytes(&random_bytes::<{ LENGTH / 2 }>()?))
    }

    /// The text that the cookie holds.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn of_bytes(bytes: &[u8]) -> Self {
        Self(bytes.iter().take(LENGTH / 2).map(|byte| format!("{byte:02x}")).collect::<String>().into())
    }

    fn parse(text: &str) -> Option<Self> {
        let good =
            text.len() == LENGTH && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        good.then(|| Self(text.into()))
    }
}

/// Shows nothing: whoever knows it, and has a credential of the same user, is in the session.
impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId")
    }
}

/// Gives calls without a cookie and without a token of ours the session of their connection.
#[derive(Debug)]
pub(super) struct Sessions {
    key: Key,
}

impl Sessions {
    pub(super) fn new() -> Result<Self, Error> {
        Ok(Self { key: Key::random()? })
    }

    pub(super) fn key(&self) -> &Key {
        &self.key
    }

    /// The session of a call that brings its password along. Two connections never share one.
    pub(super) fn of_call(&self, headers: &HeaderMap, peer: Option<SocketAddr>) -> Result<SessionId, Error> {
        if let Some(session) = of_cookie(headers) {
            return Ok(session);
        }
        let Some(peer) = peer else { return SessionId::random() };
        Ok(SessionId::of_bytes(&self.key.sign(&[b"connection", peer.to_string().as_bytes()])))
    }
}

/// The session that the cookie names. Java clients put quotes around it and `$Path` behind it.
pub(crate) fn of_cookie(headers: &HeaderMap) -> Option<SessionId> {
    headers
        .get_all(COOKIE_HEADER)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split([';', ',']))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE)
        .and_then(|(_, value)| SessionId::parse(value.trim_matches('"')))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may unwrap")]
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef";

    fn check(cookie: &str, expected: Option<&str>) {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE_HEADER, cookie.parse().unwrap());
        assert_eq!(of_cookie(&headers).as_ref().map(SessionId::as_str), expected, "{cookie}");
    }

    #[test]
    fn a_cookie_is_read_as_every_client_writes_it() {
        check(&format!("meshgate_session={ID}"), Some(ID));
        check(&format!("other=1; meshgate_session={ID}; more=2"), Some(ID));
        check(&format!("$Version=\"1\"; meshgate_session=\"{ID}\";$Path=\"/\""), Some(ID));
        check(&format!("session={ID}"), None);
        check("meshgate_session=short", None);
        check(&format!("meshgate_session={}", ID.to_uppercase()), None);
    }

    #[test]
    fn without_a_cookie_each_connection_is_a_session() {
        let sessions = Sessions::new().unwrap();
        let of = |peer: &str| sessions.of_call(&HeaderMap::new(), Some(peer.parse().unwrap())).unwrap();
        assert_eq!(of("127.0.0.1:1000"), of("127.0.0.1:1000"));
        assert_ne!(of("127.0.0.1:1000"), of("127.0.0.1:1001"));
        let other = Sessions::new().unwrap();
        let guessed = other.of_call(&HeaderMap::new(), Some("127.0.0.1:1000".parse().unwrap())).unwrap();
        assert_ne!(of("127.0.0.1:1000"), guessed, "the address alone does not tell the session");
        assert_ne!(SessionId::random().unwrap(), SessionId::random().unwrap());
    }
}
