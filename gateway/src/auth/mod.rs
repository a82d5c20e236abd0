//! Turns what a caller shows into the principal that asks: passwords, tokens, sessions.

mod basic;
mod key;
mod password;
mod session;
mod throttle;
mod token;
mod users;

use std::net::SocketAddr;
use std::sync::Arc;

use http::HeaderMap;
use policies::Principal;

pub use basic::Credential;
pub(crate) use key::Key;
pub use password::hash;
pub(crate) use session::of_cookie as session_of_cookie;
pub use session::{COOKIE, SessionId};
pub use users::{Users, section};

use crate::error::{Error, ErrorKind};
use password::Verifier;
use session::Sessions;
use token::Tokens;

/// Who calls, proven, and in which session.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who asks, with the roles and attributes of this moment.
    pub principal: Arc<Principal>,
    /// The session that options and prepared statements belong to.
    pub session: SessionId,
    /// Where the call comes from, where that is known.
    pub peer: Option<SocketAddr>,
}

/// A login that succeeded: who it was, and the token that stands for him from now on.
#[derive(Debug)]
pub struct Login {
    /// Who logged in.
    pub caller: Caller,
    /// Bearer token, to be sent as `authorization: Bearer …`.
    pub token: String,
}

/// Proves credentials. Holds no users: every call gets those of the moment, so that a removed user is out at once.
#[derive(Debug)]
pub struct Authenticator {
    tokens: Tokens,
    sessions: Sessions,
    verifier: Verifier,
}

impl Authenticator {
    /// An authenticator without any token or session.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] where the system has no randomness.
    pub fn new() -> Result<Self, Error> {
        Ok(Self { tokens: Tokens::new(), sessions: Sessions::new()?, verifier: Verifier::new()? })
    }

    /// What this process signs with.
    pub(crate) fn key(&self) -> &Key {
        self.sessions.key()
    }

    /// Who makes this call, by its `authorization` header: `Basic`, or `Bearer` with a token of ours.
    ///
    /// # Errors
    /// [`ErrorKind::Unauthenticated`] with the same text whatever was wrong; [`ErrorKind::LimitExceeded`] after
    /// too many failures.
    pub async fn authenticate(
        &self,
        users: &Arc<Users>,
        headers: &HeaderMap,
        peer: Option<SocketAddr>,
    ) -> Result<Caller, Error> {
        match Credential::of_headers(headers).ok_or_else(refused)? {
            Credential::Basic { user, password } => {
                let principal = self.check_password(users, &user, &password, peer).await?;
                let session = self.sessions.of_call(headers, peer)?;
                Ok(Caller { principal, session, peer })
            }
            Credential::Bearer(token) => self.check_token(users, &token, headers, peer).await,
        }
    }

    /// Answers a handshake: a good password gets a new token, a good token is returned as it is.
    ///
    /// # Errors
    /// As [`Authenticator::authenticate`].
    pub async fn handshake(
        &self,
        users: &Arc<Users>,
        credential: Credential,
        headers: &HeaderMap,
        peer: Option<SocketAddr>,
    ) -> Result<Login, Error> {
        match credential {
            Credential::Basic { user, password } => {
                let principal = self.check_password(users, &user, &password, peer).await?;
                let session = session::of_cookie(headers).map_or_else(SessionId::random, Ok)?;
                let hash = users.hash_of(&principal.subject).ok_or_else(refused)?;
                let token = self.tokens.issue(&principal.subject, hash, session.clone()).await?;
                Ok(Login { caller: Caller { principal, session, peer }, token })
            }
            Credential::Bearer(token) => {
                let caller = self.check_token(users, &token, headers, peer).await?;
                Ok(Login { caller, token })
            }
        }
    }

    async fn check_password(
        &self,
        users: &Arc<Users>,
        user: &str,
        password: &str,
        peer: Option<SocketAddr>,
    ) -> Result<Arc<Principal>, Error> {
        if self.verifier.verify(users, user, password, peer.map(|peer| peer.ip())).await? {
            return users.principal(user).ok_or_else(refused);
        }
        tracing::info!(peer = ?peer, "a login failed");
        Err(refused())
    }

    async fn check_token(
        &self,
        users: &Arc<Users>,
        token: &str,
        headers: &HeaderMap,
        peer: Option<SocketAddr>,
    ) -> Result<Caller, Error> {
        let grant = self.tokens.find(token).await.ok_or_else(refused)?;
        // A user who is gone, or whose password was changed, is out with his next call.
        let hash = users.hash_of(&grant.subject).ok_or_else(refused)?;
        if !grant.was_issued_for(hash) {
            return Err(refused());
        }
        let principal = users.principal(&grant.subject).ok_or_else(refused)?;
        let session = session::of_cookie(headers).unwrap_or_else(|| grant.session.clone());
        Ok(Caller { principal, session, peer })
    }
}

/// The one text for every credential that is not good.
pub(crate) fn refused() -> Error {
    Error::new(
        ErrorKind::Unauthenticated,
        "no credential, or not a good one: send a user name and password, or a token",
    )
}

/// `N` bytes from the system's random source.
///
/// # Errors
/// [`ErrorKind::Internal`] where it has none.
pub(crate) fn random_bytes<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0_u8; N];
    getrandom::fill(&mut bytes).map_err(|error| {
        tracing::error!(%error, "the system gives no random bytes");
        Error::new(ErrorKind::Internal, "internal error")
    })?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
