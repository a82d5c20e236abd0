//! The keys of an issuer at its own server: fetched when they are old or one is missing, and never too often.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use reqwest::{Client, StatusCode, redirect};
use url::Url;

use super::key_set::{KeySet, KeySetFault, MAX_BYTES};
use super::pace::Pace;

/// Keys older than this are fetched anew before they are used again.
const FRESH: Duration = Duration::from_secs(5 * 60);

/// Keys older than this are not used: an issuer may have taken them back, and could not tell.
const STALE: Duration = Duration::from_secs(4 * 60 * 60);

/// Longest time that a fetch takes.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why there are no keys to check a token with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in super::super) enum NoKeys {
    #[error("they could not be fetched for hours, or never")]
    Stale,
    #[error("the client for them cannot be made: {0}")]
    Client(String),
}

/// Why a fetch of keys has failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error(transparent)]
    Transport(#[from] reqwest::Error),
    #[error("the answer is {0}; redirects are not followed")]
    Status(StatusCode),
    #[error("the answer {0}")]
    Keys(#[from] KeySetFault),
}

/// The keys of the issuers that this process asks: one at a time, however often the mesh is loaded.
#[derive(Debug, Default)]
pub(in super::super) struct Issuers(Mutex<Option<Arc<RemoteKeys>>>);

impl Issuers {
    /// The keys at `url`.
    pub(super) fn at(&self, url: &Url) -> Result<Arc<RemoteKeys>, NoKeys> {
        let mut current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(keys) = current.as_ref().filter(|keys| keys.url == *url) {
            return Ok(Arc::clone(keys));
        }
        let keys = RemoteKeys::new(url.clone()).map_err(|error| NoKeys::Client(error.to_string()))?;
        Ok(Arc::clone(current.insert(Arc::new(keys))))
    }
}

/// The keys at one address.
#[derive(Debug)]
pub(super) struct RemoteKeys {
    url: Url,
    client: Client,
    held: ArcSwapOption<Held>,
    /// Held by the one who asks the issuer: the others wait for his answer instead of asking as well.
    turn: tokio::sync::Mutex<Pace>,
}

/// Keys, and when they came.
#[derive(Debug)]
struct Held {
    keys: Arc<KeySet>,
    fetched: Instant,
}

/// Whether the keys at hand will do.
#[derive(Debug, PartialEq, Eq)]
enum Need {
    /// They will.
    Nothing,
    /// They will if nothing better can be had.
    Newer,
    /// They will not.
    Other,
}

impl RemoteKeys {
    fn new(url: Url) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .https_only(url.scheme() == "https")
            .redirect(redirect::Policy::none())
            .no_proxy()
            .timeout(PATIENCE)
            .user_agent("meshgate")
            .build()?;
        Ok(Self { url, client, held: ArcSwapOption::empty(), turn: tokio::sync::Mutex::new(Pace::new(Instant::now())) })
    }

    /// The keys to check a token with that names the key `wanted`.
    ///
    /// # Errors
    /// Where there are none that may be used.
    pub(super) async fn keys(&self, wanted: Option<&str>) -> Result<Arc<KeySet>, NoKeys> {
        match self.need(wanted) {
            Need::Nothing => {}
            // Somebody else asks already: good enough meanwhile.
            Need::Newer => {
                if let Ok(mut pace) = self.turn.try_lock()
                    && pace.is_rested(Instant::now())
                {
                    self.refresh(&mut pace).await;
                }
            }
            Need::Other => {
                let before = Instant::now();
                let mut pace = self.turn.lock().await;
                // Of many who waited, one has asked for all.
                if self.need(wanted) == Need::Other && !pace.asked_since(before) {
                    self.refresh(&mut pace).await;
                }
            }
        }
        let held = self.held.load_full().filter(|held| held.fetched.elapsed() < STALE);
        held.map(|held| Arc::clone(&held.keys)).ok_or(NoKeys::Stale)
    }

    fn need(&self, wanted: Option<&str>) -> Need {
        self.held.load().as_deref().map_or(Need::Other, |held| held.need(wanted, held.fetched.elapsed()))
    }

    /// Asks the issuer, unless it was asked too often. Where that fails, the keys of before stay.
    #[expect(clippy::cognitive_complexity, reason = "what the macros of the log and the metrics expand to counts")]
    async fn refresh(&self, pace: &mut Pace) {
        if !pace.ask(Instant::now()) {
            return;
        }
        match self.fetch().await {
            Ok(keys) => {
                let held = Held { keys: Arc::new(keys), fetched: Instant::now() };
                self.held.store(Some(Arc::new(held)));
                tracing::debug!(url = %self.url, "keys of the issuer fetched");
            }
            Err(error) => {
                metrics::counter!("meshgate_issuer_key_failures_total").increment(1);
                tracing::warn!(url = %self.url, %error, "the keys of the issuer could not be fetched");
            }
        }
        pace.answered(Instant::now());
    }

    /// Asks the issuer, however often it was asked.
    pub(super) async fn fetch(&self) -> Result<KeySet, FetchError> {
        let mut response = self.client.get(self.url.clone()).send().await?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(response.status()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > MAX_BYTES {
                return Err(KeySetFault::Size.into());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(KeySet::parse(&body)?)
    }
}

impl Held {
    fn need(&self, wanted: Option<&str>, age: Duration) -> Need {
        let known = wanted.is_none_or(|id| self.keys.knows(id));
        if !known || age >= STALE {
            Need::Other
        } else if age >= FRESH {
            Need::Newer
        } else {
            Need::Nothing
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may unwrap")]
    use super::*;

    #[test]
    fn keys_are_fetched_when_they_are_old_or_one_is_missing() {
        let set = r#"{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
        let held = Held { keys: Arc::new(KeySet::parse(set.as_bytes()).unwrap()), fetched: Instant::now() };
        let young = FRESH - Duration::from_secs(1);
        assert_eq!(held.need(Some("a"), young), Need::Nothing);
        assert_eq!(held.need(None, young), Need::Nothing);
        assert_eq!(held.need(Some("b"), young), Need::Other);
        assert_eq!(held.need(Some("a"), FRESH), Need::Newer);
        assert_eq!(held.need(Some("a"), STALE), Need::Other);
    }

    #[tokio::test]
    async fn the_keys_of_an_address_outlive_a_reload_and_not_a_change_of_it() {
        crate::server::install_tls_provider();
        let issuers = Issuers::default();
        let at = |url: &str| issuers.at(&Url::parse(url).unwrap()).unwrap();
        let first = at("https://a.example/keys");
        assert!(Arc::ptr_eq(&first, &at("https://a.example/keys")));
        assert!(!Arc::ptr_eq(&first, &at("https://b.example/keys")));
    }
}
