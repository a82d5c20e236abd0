//! Turns what a caller shows into the principal that asks: passwords, tokens, certificates, sessions.

mod basic;
mod certificate;
mod key;
mod oidc;
mod password;
mod session;
mod throttle;
mod token;
mod users;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use http::HeaderMap;
use policies::Principal;
use serde::{Deserialize, Serialize};

pub use basic::Credential;
pub(crate) use key::Key;
pub(crate) use oidc::Oidc;
pub use password::hash;
pub(crate) use session::of_cookie as session_of_cookie;
pub use session::{COOKIE, SessionId};
pub use token::Token;
pub use users::{Passwords, Users, section};

use crate::config::CertificateName;
use crate::error::{Error, ErrorKind};
use oidc::{Issuers, Refusal};
use password::Verifier;
use session::Sessions;
use token::{Proof, Tokens};

/// Who calls, proven, and in which session.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who asks, with the roles and attributes of this moment.
    pub principal: Arc<Principal>,
    /// The session that options and prepared statements belong to.
    pub session: SessionId,
    /// Where the call comes from, where that is known.
    pub peer: Option<SocketAddr>,
    /// What proves it.
    pub credential: ProvenBy,
}

/// What proves who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProvenBy {
    /// The password of a user.
    Password,
    /// A token of this gateway, which a password was exchanged for.
    Token,
    /// A token of the identity provider.
    ForeignToken,
    /// The certificate of the connection.
    Certificate,
}

/// A proof that succeeded: whose it was, and the token that stands for him from now on.
#[derive(Debug)]
pub struct Login {
    /// Who it was.
    pub caller: Caller,
    /// Bearer token, to be sent as `authorization: Bearer …`; `None` where the caller goes on with what he has shown.
    pub token: Option<Token>,
}

/// Who may come in, as the mesh of the moment says: a removed user is out at once.
#[derive(Debug, Clone)]
pub struct Identities {
    pub(crate) users: Arc<Users>,
    pub(crate) certificate: CertificateName,
    pub(crate) oidc: Option<Arc<Oidc>>,
}

/// What a call shows of who makes it.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Where it comes from, where that is known.
    pub peer: Option<SocketAddr>,
    /// The client certificate of its connection (DER), which an authority of `[tls] client_ca` has signed.
    pub certificate: Option<&'a [u8]>,
}

/// Proves credentials. Holds no users: every call brings those of the moment.
#[derive(Debug)]
pub struct Authenticator {
    tokens: Tokens,
    sessions: Sessions,
    verifier: Verifier,
    issuers: Issuers,
}

impl Authenticator {
    /// An authenticator without any token or session.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] where the system has no randomness.
    pub fn new() -> Result<Self, Error> {
        let (tokens, sessions, verifier) = (Tokens::new()?, Sessions::new()?, Verifier::new()?);
        Ok(Self { tokens, sessions, verifier, issuers: Issuers::default() })
    }

    /// What this process signs with.
    pub(crate) fn key(&self) -> &Key {
        self.sessions.key()
    }

    /// Who makes this call: by its `authorization` header (`Basic`; `Bearer` with a token of ours or of the identity
    /// provider), and by the certificate of its connection only where there is no such header.
    ///
    /// # Errors
    /// [`ErrorKind::Unauthenticated`] with the same text whatever was wrong; [`ErrorKind::LimitExceeded`] after
    /// too many failures.
    pub async fn authenticate(&self, identities: &Identities, shown: Shown<'_>) -> Result<Login, Error> {
        if !Credential::is_shown(shown.headers) {
            return self.check_certificate(identities, shown);
        }
        match Credential::of_headers(shown.headers).ok_or_else(refused)? {
            Credential::Basic { user, password } => {
                let (principal, hash) = self.check_password(&identities.users, &user, &password, shown.peer).await?;
                // The token brings the session of this call along: who goes on with it keeps what he has set up.
                let session = self.sessions.of_call(shown.headers, shown.peer)?;
                let proof = Proof { subject: &principal.subject, hash, session: &session };
                let token = Some(self.tokens.of_calls(proof, Instant::now()).await);
                Ok(Login {
                    caller: Caller { principal, session, peer: shown.peer, credential: ProvenBy::Password },
                    token,
                })
            }
            Credential::Bearer(token) => self.check_bearer(identities, &token, shown).await,
        }
    }

    /// Answers a handshake: a good password gets a new token, a good token is returned as it is, a certificate gets
    /// none. `credential` is `None` where none was shown in any form.
    ///
    /// # Errors
    /// As [`Authenticator::authenticate`].
    pub async fn handshake(
        &self,
        identities: &Identities,
        credential: Option<Credential>,
        shown: Shown<'_>,
    ) -> Result<Login, Error> {
        match credential {
            None => self.check_certificate(identities, shown),
            Some(Credential::Basic { user, password }) => {
                let (principal, hash) = self.check_password(&identities.users, &user, &password, shown.peer).await?;
                let session = session::of_cookie(shown.headers).map_or_else(SessionId::random, Ok)?;
                let proof = Proof { subject: &principal.subject, hash, session: &session };
                let token = Some(self.tokens.issue(proof).await?);
                Ok(Login {
                    caller: Caller { principal, session, peer: shown.peer, credential: ProvenBy::Password },
                    token,
                })
            }
            Some(Credential::Bearer(token)) => {
                let Login { caller, token: fresh } = self.check_bearer(identities, &token, shown).await?;
                Ok(Login { caller, token: Some(fresh.unwrap_or_else(|| Token::of(&token))) })
            }
        }
    }

    /// The user whose password this is, and its stored hash.
    async fn check_password<'a>(
        &self,
        users: &'a Users,
        user: &str,
        password: &str,
        peer: Option<SocketAddr>,
    ) -> Result<(Arc<Principal>, &'a str), Error> {
        if self.verifier.verify(users, user, password, peer.map(|peer| peer.ip())).await? {
            return users.principal(user).zip(users.hash_of(user)).ok_or_else(refused);
        }
        tracing::info!(peer = ?peer, "a login failed");
        Err(refused())
    }

    async fn check_bearer(&self, identities: &Identities, token: &str, shown: Shown<'_>) -> Result<Login, Error> {
        if oidc::has_form(token) {
            return self.check_foreign_token(identities, token, shown).await;
        }
        let grant = self.tokens.find(token).await.ok_or_else(refused)?;
        // A user who is gone, or whose password was changed, is out with his next call.
        let hash = identities.users.hash_of(&grant.subject).ok_or_else(refused)?;
        if !grant.was_issued_for(hash) {
            return Err(refused());
        }
        let principal = identities.users.principal(&grant.subject).ok_or_else(refused)?;
        let session = session::of_cookie(shown.headers).unwrap_or_else(|| grant.session.clone());
        let token = self.tokens.successor(token, &grant, Instant::now()).await;
        Ok(Login { caller: Caller { principal, session, peer: shown.peer, credential: ProvenBy::Token }, token })
    }

    /// Proves a token of the identity provider. Failures are not counted: a signature cannot be guessed, and to
    /// refuse one costs less than to count it.
    async fn check_foreign_token(
        &self,
        identities: &Identities,
        token: &str,
        shown: Shown<'_>,
    ) -> Result<Login, Error> {
        let Some(oidc) = &identities.oidc else { return Err(refused()) };
        let proven = oidc.prove(token, shown.certificate, &self.issuers, SystemTime::now()).await;
        let principal = proven.map_err(|reason: Refusal| {
            tracing::info!(peer = ?shown.peer, %reason, "a token was refused");
            refused()
        })?;
        let session = self.sessions.of_call(shown.headers, shown.peer)?;
        Ok(Login {
            caller: Caller {
                principal: Arc::new(principal),
                session,
                peer: shown.peer,
                credential: ProvenBy::ForeignToken,
            },
            token: None,
        })
    }

    /// Whose certificate the connection has. He must be listed among the users: there is no list of revoked
    /// certificates, so to remove him is how he is kept out.
    fn check_certificate(&self, identities: &Identities, shown: Shown<'_>) -> Result<Login, Error> {
        let certificate = shown.certificate.ok_or_else(refused)?;
        let name = certificate::user(certificate, identities.certificate, SystemTime::now());
        let Some(principal) = name.and_then(|name| identities.users.principal(&name)) else {
            tracing::info!(peer = ?shown.peer, "a client certificate names no user");
            return Err(refused());
        };
        let session = self.sessions.of_call(shown.headers, shown.peer)?;
        Ok(Login {
            caller: Caller { principal, session, peer: shown.peer, credential: ProvenBy::Certificate },
            token: None,
        })
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
