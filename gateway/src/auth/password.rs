//! Checks passwords: the same work whether the user exists or not, and never too much of it at a time.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use argon2::Argon2;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use moka::future::Cache;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::throttle::Throttle;
use super::{Key, Users, random_bytes};
use crate::error::{Error, ErrorKind};

/// Passwords that are checked at a time; each takes a core and some 19 MiB.
const AT_A_TIME: usize = 2;

/// How long a login waits for its turn.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// How long a good password is remembered, for clients that send it with every call.
const REMEMBERED: Duration = Duration::from_secs(5 * 60);

/// Most good passwords that are remembered.
const CAPACITY: u64 = 10_000;

/// Algorithm, version and parameters of a hash that this gateway accepts or makes.
const ALGORITHM: &str = "argon2id";

/// Most memory that a hash may ask for, in KiB.
const MAX_MEMORY_KIB: u32 = 256 * 1_024;

/// Most passes that a hash may ask for.
const MAX_PASSES: u32 = 16;

/// Checks passwords against users.
#[derive(Debug)]
pub(super) struct Verifier {
    turns: Arc<Semaphore>,
    /// Keyed digests of credentials that were good a moment ago.
    remembered: Cache<[u8; 32], ()>,
    key: Key,
    throttle: Throttle,
}

impl Verifier {
    pub(super) fn new() -> Result<Self, Error> {
        Ok(Self {
            turns: Arc::new(Semaphore::new(AT_A_TIME)),
            remembered: Cache::builder().max_capacity(CAPACITY).time_to_live(REMEMBERED).build(),
            key: Key::random()?,
            throttle: Throttle::new(),
        })
    }

    /// Whether `password` is the password of `user`, who tries from `address`.
    ///
    /// # Errors
    /// [`ErrorKind::LimitExceeded`] after too many failures, or where too many others log in.
    pub(super) async fn verify(
        &self,
        users: &Users,
        user: &str,
        password: &str,
        address: Option<IpAddr>,
    ) -> Result<bool, Error> {
        let known = users.hash_of(user);
        let hash = known.unwrap_or_else(|| users.decoy()).to_owned();
        // The stored hash is part of the digest: a changed password is not remembered under the old one.
        let digest = self.key.sign(&[user.as_bytes(), password.as_bytes(), hash.as_bytes()]);
        if known.is_some() && self.remembered.contains_key(&digest) {
            return Ok(true);
        }
        self.throttle.admit(user, address, Instant::now()).await?;
        let turn = tokio::time::timeout(LONGEST_WAIT, Arc::clone(&self.turns).acquire_owned()).await;
        let Ok(Ok(turn)) = turn else {
            return Err(Error::new(ErrorKind::LimitExceeded, "too many logins at a time: try again"));
        };
        // Again: of many attempts at a time, those that waited must know of those that failed.
        self.throttle.admit(user, address, Instant::now()).await?;
        let good = compute(turn, hash, password.to_owned()).await? && known.is_some();
        if good {
            self.throttle.succeeded(user, address).await;
            self.remembered.insert(digest, ()).await;
        } else {
            self.throttle.failed(user, address, Instant::now()).await;
        }
        Ok(good)
    }
}

/// Does the work, off the network runtime.
async fn compute(turn: OwnedSemaphorePermit, hash: String, password: String) -> Result<bool, Error> {
    let checked = tokio::task::spawn_blocking(move || {
        // Held by the work itself: a caller who goes away must not free the turn before it is done.
        let _turn = turn;
        matches(&hash, &password)
    });
    checked.await.map_err(|error| {
        tracing::error!(%error, "a password check did not finish");
        Error::new(ErrorKind::Internal, "internal error")
    })
}

fn matches(hash: &str, password: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

/// Hash of a password for `users.toml`, with a random salt.
///
/// # Errors
/// [`ErrorKind::Internal`] where the system has no randomness.
pub fn hash(password: &str) -> Result<String, Error> {
    let internal = |error: argon2::password_hash::Error| {
        tracing::error!(%error, "a password could not be hashed");
        Error::new(ErrorKind::Internal, "internal error")
    };
    let salt = SaltString::encode_b64(&random_bytes::<16>()?).map_err(internal)?;
    Ok(Argon2::default().hash_password(password.as_bytes(), &salt).map_err(internal)?.to_string())
}

/// Why `hash` cannot be used, if it cannot.
pub(super) fn fault(hash: &str) -> Option<String> {
    let Ok(parsed) = PasswordHash::new(hash) else {
        return Some("is not a password hash".to_owned());
    };
    if parsed.algorithm.as_str() != ALGORITHM {
        return Some(format!("is not an {ALGORITHM} hash"));
    }
    let (Some(_), Some(_), Ok(params)) = (parsed.salt, parsed.hash, argon2::Params::try_from(&parsed)) else {
        return Some("is an incomplete password hash".to_owned());
    };
    let too_much = params.m_cost() > MAX_MEMORY_KIB || params.t_cost() > MAX_PASSES;
    too_much.then(|| "asks for too much memory or time".to_owned())
}

/// A hash that no password has, and that costs what `model` costs; [`hash`]'s costs where there is no model.
pub(super) fn decoy(model: Option<&str>) -> String {
    let nobody = "AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let costs = model.and_then(|hash| hash.rsplitn(3, '$').nth(2));
    let params = argon2::Params::default();
    let default = || format!("${ALGORITHM}$v=19$m={},t={},p={}", params.m_cost(), params.t_cost(), params.p_cost());
    format!("{}${nobody}", costs.map_or_else(default, str::to_owned))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may unwrap")]
    use super::*;

    const CHEAP: &str = "$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    #[test]
    fn a_hash_matches_its_own_password_only() {
        let hash = hash("secret").unwrap();
        assert_eq!(fault(&hash), None);
        assert!(matches(&hash, "secret"));
        for wrong in ["", "Secret", "secret "] {
            assert!(!matches(&hash, wrong), "{wrong:?}");
        }
        assert_ne!(hash, super::hash("secret").unwrap(), "each hash has its own salt");
    }

    #[test]
    fn a_decoy_is_a_complete_hash_with_the_costs_of_the_model() {
        assert_eq!(fault(&decoy(None)), None);
        assert_eq!(decoy(Some(CHEAP)), CHEAP);
        assert!(decoy(Some(&hash("x").unwrap())).starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(!matches(&decoy(None), ""), "nobody has its password");
    }

    #[test]
    fn a_bad_hash_is_found_when_it_is_loaded() {
        for bad in [
            "",
            "secret",
            "$argon2i$v=19$m=8,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "$2b$12$abcdefghijklmnopqrstuv",
            "$argon2id$v=19$m=8,t=1,p=1",
            "$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA",
            &CHEAP.replace("m=8,", "m=4000000,"),
            &CHEAP.replace("t=1,", "t=1000,"),
        ] {
            assert!(fault(bad).is_some(), "{bad:?}");
        }
        assert_eq!(fault(CHEAP), None);
    }
}
