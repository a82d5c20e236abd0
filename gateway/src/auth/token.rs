//! Tokens that stand for a password: opaque, kept as digests only, and followed by fresh ones in time.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use moka::Expiry;
use moka::future::Cache;
use sha2::{Digest, Sha256};

use super::session::SessionId;
use super::{Key, random_bytes};
use crate::error::Error;

/// A token of a handshake that is not used for this long is forgotten.
const IDLE: Duration = Duration::from_secs(60 * 60);

/// A token is forgotten after this long however it is used.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// A token that is older than this has a successor.
const RENEWED: Duration = Duration::from_secs(LONGEST.as_secs() / 2);

/// Tokens that follow one another end this long after the password was shown.
const LONGEST_LOGIN: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Most tokens at a time; the least used make room.
const CAPACITY: u64 = 100_000;

/// The text of a token. Never shows itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// A token that somebody else has made.
    pub(super) fn of(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// What follows `Bearer` in the header.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

/// Who has shown a password, and where.
#[derive(Debug, Clone, Copy)]
pub(super) struct Proof<'a> {
    pub(super) subject: &'a str,
    /// The stored hash of the password.
    pub(super) hash: &'a str,
    /// The session that the token brings along.
    pub(super) session: &'a SessionId,
}

/// What a token stands for.
#[derive(Debug, Clone)]
pub(super) struct Grant {
    /// Who has logged in. His principal is made anew at each call.
    pub(super) subject: Arc<str>,
    /// The session that began with the login.
    pub(super) session: SessionId,
    /// Digest of the password hash that was proven.
    proven: [u8; 32],
    /// How long the token may lie unused.
    idle: Duration,
    /// When the password was shown.
    login: Instant,
    /// When the token was made.
    made: Instant,
}

impl Grant {
    fn new(proof: Proof<'_>, idle: Duration, now: Instant) -> Self {
        let Proof { subject, hash, session } = proof;
        let (subject, session) = (subject.into(), session.clone());
        Self { subject, session, proven: digest(hash), idle, login: now, made: now }
    }

    /// Whether the password is still the one that was proven.
    pub(super) fn was_issued_for(&self, password_hash: &str) -> bool {
        self.proven == digest(password_hash)
    }
}

/// Forgets each token after its own time without use.
struct Idle;

impl Expiry<[u8; 32], Arc<Grant>> for Idle {
    fn expire_after_create(&self, _token: &[u8; 32], grant: &Arc<Grant>, _now: Instant) -> Option<Duration> {
        Some(grant.idle)
    }

    fn expire_after_read(
        &self,
        _token: &[u8; 32],
        grant: &Arc<Grant>,
        _now: Instant,
        _left: Option<Duration>,
        _made: Instant,
    ) -> Option<Duration> {
        Some(grant.idle)
    }
}

/// The tokens of this process.
#[derive(Debug)]
pub(super) struct Tokens {
    grants: Cache<[u8; 32], Arc<Grant>>,
    /// Makes tokens that need not be remembered to be told again.
    key: Key,
    began: Instant,
}

impl Tokens {
    pub(super) fn new() -> Result<Self, Error> {
        Self::with(CAPACITY)
    }

    fn with(capacity: u64) -> Result<Self, Error> {
        let grants = Cache::builder().max_capacity(capacity).time_to_live(LONGEST).expire_after(Idle).build();
        Ok(Self { grants, key: Key::random()?, began: Instant::now() })
    }

    /// A new token of 256 random bits, for a login.
    pub(super) async fn issue(&self, proof: Proof<'_>) -> Result<Token, Error> {
        let token = Token(URL_SAFE_NO_PAD.encode(random_bytes::<32>()?));
        self.keep(&token, Grant::new(proof, IDLE, Instant::now())).await;
        Ok(token)
    }

    /// The token for calls that bring the password along: the same for all of a session within half a day, so that
    /// clients that do not care for it cost one. It may lie unused: such a client may have forgotten the password.
    pub(super) async fn of_calls(&self, proof: Proof<'_>, now: Instant) -> Token {
        let Proof { subject, hash, session } = proof;
        let turn = now.saturating_duration_since(self.began).as_secs() / RENEWED.as_secs();
        let parts =
            [&b"calls"[..], subject.as_bytes(), hash.as_bytes(), session.as_str().as_bytes(), &turn.to_le_bytes()];
        let token = self.made_of(&parts);
        if self.find(&token.0).await.is_none() {
            self.keep(&token, Grant::new(proof, LONGEST, now)).await;
        }
        token
    }

    /// The token that follows `token`, once that is old enough: always the same one. Both are good until their ends.
    pub(super) async fn successor(&self, token: &str, grant: &Grant, now: Instant) -> Option<Token> {
        let old = now.saturating_duration_since(grant.made) >= RENEWED;
        if !old || now.saturating_duration_since(grant.login) >= LONGEST_LOGIN {
            return None;
        }
        let successor = self.made_of(&[b"successor", token.as_bytes()]);
        if self.find(&successor.0).await.is_none() {
            self.keep(&successor, Grant { made: now, ..grant.clone() }).await;
        }
        Some(successor)
    }

    pub(super) async fn find(&self, token: &str) -> Option<Arc<Grant>> {
        // The map is searched by digest: how long that takes says nothing about a token.
        self.grants.get(&digest(token)).await
    }

    async fn keep(&self, token: &Token, grant: Grant) {
        self.grants.insert(digest(&token.0), Arc::new(grant)).await;
    }

    /// A token of 256 bits that nobody can make without the key, not even from the same parts.
    fn made_of(&self, parts: &[&[u8]]) -> Token {
        Token(URL_SAFE_NO_PAD.encode(self.key.sign(parts)))
    }
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may unwrap")]
    use super::*;

    fn session() -> SessionId {
        SessionId::random().unwrap()
    }

    fn proof(session: &SessionId) -> Proof<'_> {
        Proof { subject: "ann", hash: "hash", session }
    }

    #[tokio::test]
    async fn a_token_finds_its_login_and_nothing_else_does() {
        let (tokens, session) = (Tokens::new().unwrap(), session());
        let token = tokens.issue(proof(&session)).await.unwrap();
        assert!(token.0.len() >= 43, "256 bits");
        let grant = tokens.find(&token.0).await.unwrap();
        assert_eq!((grant.subject.as_ref(), &grant.session), ("ann", &session));
        assert!(grant.was_issued_for("hash") && !grant.was_issued_for("new hash"));
        for wrong in ["", "None", &token.0[1..], &token.0.to_lowercase()] {
            assert!(tokens.find(wrong).await.is_none(), "{wrong}");
        }
        assert_ne!(token, tokens.issue(proof(&session)).await.unwrap());
    }

    #[tokio::test]
    async fn tokens_are_bounded_and_are_not_kept_in_clear() {
        let tokens = Tokens::with(10).unwrap();
        for _ in 0..100 {
            tokens.issue(proof(&session())).await.unwrap();
        }
        tokens.grants.run_pending_tasks().await;
        assert!(tokens.grants.entry_count() <= 10);
        let tokens = Tokens::new().unwrap();
        let token = tokens.issue(proof(&session())).await.unwrap();
        assert!(!format!("{tokens:?} {token:?}").contains(&token.0));
    }

    #[tokio::test]
    async fn an_old_token_is_followed_by_one_that_stands_for_the_same_login() {
        let (tokens, session) = (Tokens::new().unwrap(), session());
        let token = tokens.issue(proof(&session)).await.unwrap();
        let grant = tokens.find(&token.0).await.unwrap();
        assert_eq!(tokens.successor(&token.0, &grant, grant.made + RENEWED - Duration::from_secs(1)).await, None);
        let fresh = tokens.successor(&token.0, &grant, grant.made + RENEWED).await.unwrap();
        let followed = tokens.find(&fresh.0).await.unwrap();
        assert_ne!(fresh, token);
        assert_eq!((followed.subject.as_ref(), &followed.session), ("ann", &session));
        assert!(followed.was_issued_for("hash") && !followed.was_issued_for("new hash"));
        assert!(tokens.find(&token.0).await.is_some(), "the old one stays good");
        assert_eq!(tokens.successor(&fresh.0, &followed, followed.made).await, None, "it is young again");
    }

    #[tokio::test]
    async fn a_client_that_keeps_its_old_token_costs_one_successor() {
        let (tokens, session) = (Tokens::new().unwrap(), session());
        let token = tokens.issue(proof(&session)).await.unwrap();
        let grant = tokens.find(&token.0).await.unwrap();
        let fresh = tokens.successor(&token.0, &grant, grant.made + RENEWED).await;
        for hours in 12..24 {
            let now = grant.made + Duration::from_secs(hours * 3_600);
            assert_eq!(tokens.successor(&token.0, &grant, now).await, fresh);
        }
        tokens.grants.run_pending_tasks().await;
        assert_eq!(tokens.grants.entry_count(), 2);
    }

    #[tokio::test]
    async fn tokens_that_follow_one_another_end_with_their_login() {
        let (tokens, session) = (Tokens::new().unwrap(), session());
        let token = tokens.issue(proof(&session)).await.unwrap();
        let grant = tokens.find(&token.0).await.unwrap();
        let late = Grant { made: grant.login + LONGEST_LOGIN - RENEWED, ..(*grant).clone() };
        assert_eq!(tokens.successor(&token.0, &late, grant.login + LONGEST_LOGIN).await, None);
        assert!(tokens.successor(&token.0, &late, late.made + RENEWED - Duration::from_secs(1)).await.is_none());
    }

    #[tokio::test]
    async fn calls_with_a_password_get_one_token_for_their_session() {
        let (tokens, one, two) = (Tokens::new().unwrap(), session(), session());
        let now = Instant::now();
        let token = tokens.of_calls(proof(&one), now).await;
        assert_eq!(tokens.of_calls(proof(&one), now).await, token);
        assert_eq!(tokens.find(&token.0).await.unwrap().session, one);
        assert_ne!(tokens.of_calls(proof(&two), now).await, token);
        assert_ne!(tokens.of_calls(Proof { hash: "changed", ..proof(&one) }, now).await, token);
        assert_ne!(tokens.of_calls(Proof { subject: "bob", ..proof(&one) }, now).await, token);
        assert_ne!(tokens.of_calls(proof(&one), now + RENEWED).await, token, "a fresh one in time");
    }
}
