//! Tokens that stand for a login: opaque, kept as digests only.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use moka::future::Cache;
use sha2::{Digest, Sha256};

use super::random_bytes;
use super::session::SessionId;
use crate::error::Error;

/// A token that is not used for this long is forgotten.
const IDLE: Duration = Duration::from_secs(60 * 60);

/// A token is forgotten after this long however it is used.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Most tokens at a time; the least used make room.
const CAPACITY: u64 = 100_000;

/// What a token stands for.
#[derive(Debug)]
pub(super) struct Grant {
    /// Who logged in. His principal is made anew at each call.
    pub(super) subject: Arc<str>,
    /// The session that began with the login.
    pub(super) session: SessionId,
    /// Digest of the password hash that was proven.
    proven: [u8; 32],
}

impl Grant {
    /// Whether the password is still the one that was proven.
    pub(super) fn was_issued_for(&self, password_hash: &str) -> bool {
        self.proven == digest(password_hash)
    }
}

/// The tokens of this process.
#[derive(Debug)]
pub(super) struct Tokens {
    grants: Cache<[u8; 32], Arc<Grant>>,
}

impl Tokens {
    pub(super) fn new() -> Self {
        Self::with(CAPACITY)
    }

    fn with(capacity: u64) -> Self {
        Self { grants: Cache::builder().max_capacity(capacity).time_to_idle(IDLE).time_to_live(LONGEST).build() }
    }

    /// A new token of 256 random bits for `subject`, who has proven the password of `password_hash`.
    pub(super) async fn issue(&self, subject: &str, password_hash: &str, session: SessionId) -> Result<String, Error> {
        let token = URL_SAFE_NO_PAD.encode(random_bytes::<32>()?);
        let grant = Grant { subject: subject.into(), session, proven: digest(password_hash) };
        // The map is searched by digest: how long that takes says nothing about a token.
        self.grants.insert(digest(&token), Arc::new(grant)).await;
        Ok(token)
    }

    pub(super) async fn find(&self, token: &str) -> Option<Arc<Grant>> {
        self.grants.get(&digest(token)).await
    }
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may unwrap")]
    use super::*;

    #[tokio::test]
    async fn a_token_finds_its_login_and_nothing_else_does() {
        let tokens = Tokens::new();
        let session = SessionId::random().unwrap();
        let token = tokens.issue("ann", "hash", session.clone()).await.unwrap();
        assert!(token.len() >= 43, "256 bits");
        let grant = tokens.find(&token).await.unwrap();
        assert_eq!((grant.subject.as_ref(), &grant.session), ("ann", &session));
        assert!(grant.was_issued_for("hash") && !grant.was_issued_for("new hash"));
        for wrong in ["", "None", &token[1..], &token.to_lowercase()] {
            assert!(tokens.find(wrong).await.is_none(), "{wrong}");
        }
        assert_ne!(token, tokens.issue("ann", "hash", session).await.unwrap());
    }

    #[tokio::test]
    async fn tokens_are_bounded_and_are_not_kept_in_clear() {
        let tokens = Tokens::with(10);
        for _ in 0..100 {
            tokens.issue("ann", "hash", SessionId::random().unwrap()).await.unwrap();
        }
        tokens.grants.run_pending_tasks().await;
        assert!(tokens.grants.entry_count() <= 10);
        let tokens = Tokens::new();
        let token = tokens.issue("ann", "hash", SessionId::random().unwrap()).await.unwrap();
        assert!(!format!("{tokens:?}").contains(&token));
    }
}
