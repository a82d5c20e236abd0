//! The options of sessions: kept here from call to call.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;

use super::options::Options;
use crate::auth::{Caller, SessionId};

/// Most sessions with options at a time; the least used make room.
const CAPACITY: u64 = 100_000;

/// Options that nobody asks for this long are forgotten.
const IDLE: Duration = Duration::from_secs(24 * 60 * 60);

/// Whose session: its name means nothing together with another subject.
pub(super) type Owner = (Arc<str>, SessionId);

/// The options of all sessions.
#[derive(Debug)]
pub(super) struct Sessions {
    options: Cache<Owner, Arc<Options>>,
}

/// The owner of what `caller` sets up.
pub(super) fn owner(caller: &Caller) -> Owner {
    (Arc::clone(&caller.principal.subject), caller.session.clone())
}

impl Sessions {
    pub(super) fn new() -> Self {
        Self { options: Cache::builder().max_capacity(CAPACITY).time_to_idle(IDLE).build() }
    }

    /// The options of the caller's session.
    pub(super) async fn options(&self, caller: &Caller) -> Arc<Options> {
        self.options.get(&owner(caller)).await.unwrap_or_default()
    }

    /// Keeps the options of the caller's session.
    pub(super) async fn keep(&self, caller: &Caller, options: Options) {
        self.options.insert(owner(caller), Arc::new(options)).await;
    }

    /// Forgets the options of the caller's session.
    pub(super) async fn close(&self, caller: &Caller) {
        self.options.invalidate(&owner(caller)).await;
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may unwrap")]
    use policies::Principal;

    use super::*;
    use crate::auth::ProvenBy;

    fn caller(subject: &str, session: &SessionId) -> Caller {
        let credential = ProvenBy::Password;
        Caller { principal: Arc::new(Principal::named(subject)), session: session.clone(), peer: None, credential }
    }

    #[tokio::test]
    async fn one_session_does_not_see_the_options_of_another() {
        let (sessions, one, two) = (Sessions::new(), SessionId::random().unwrap(), SessionId::random().unwrap());
        let set = Options { domain: Some("sales".parse().unwrap()), ..Options::default() };
        sessions.keep(&caller("ann", &one), set.clone()).await;
        for other in [caller("ann", &two), caller("bob", &one)] {
            assert_eq!(*sessions.options(&other).await, Options::default());
        }
        assert_eq!(*sessions.options(&caller("ann", &one)).await, set);
        for _ in 0..2 {
            sessions.close(&caller("ann", &one)).await;
            assert_eq!(*sessions.options(&caller("ann", &one)).await, Options::default());
        }
    }
}
