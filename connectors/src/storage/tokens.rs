//! Tokens that a secret was exchanged for: kept for as long as the secret stays the same, and no longer.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use object_store::client::HttpError;
use object_store::{CredentialProvider, Error, Result};

use crate::credentials::{CredentialError, Secret};

/// Where tokens come from.
pub(super) type TokenProvider<C> = Arc<dyn CredentialProvider<Credential = C>>;

/// The provider of tokens for one secret, which may be replaced by another at any time.
pub(super) struct Tokens<C> {
    store: &'static str,
    fingerprints: RandomState,
    last: Mutex<Option<(u64, TokenProvider<C>)>>,
}

impl<C: fmt::Debug + Send + Sync> Tokens<C> {
    /// No tokens yet, for a store that errors call `store`.
    pub(super) fn new(store: &'static str) -> Self {
        Self { store, fingerprints: RandomState::new(), last: Mutex::default() }
    }

    /// A token for `secret`: of the provider that there is for it, or of a new one from `make`.
    pub(super) async fn get(
        &self,
        secret: &Secret,
        make: impl FnOnce(&Secret) -> Result<TokenProvider<C>>,
    ) -> Result<Arc<C>> {
        let provider = self.provider(secret, make)?;
        provider.get_credential().await.map_err(|error| if refuses(&error) { refused(error) } else { error })
    }

    /// Drops what there is: the secret is of another kind now.
    pub(super) fn forget(&self) {
        self.lock().take();
    }

    fn lock(&self) -> MutexGuard<'_, Option<(u64, TokenProvider<C>)>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn provider(
        &self,
        secret: &Secret,
        make: impl FnOnce(&Secret) -> Result<TokenProvider<C>>,
    ) -> Result<TokenProvider<C>> {
        let fingerprint = self.fingerprints.hash_one(secret.expose());
        let mut last = self.lock();
        if let Some((_, provider)) = last.as_ref().filter(|(known, _)| *known == fingerprint) {
            return Ok(Arc::clone(provider));
        }
        let provider = make(secret)?;
        *last = Some((fingerprint, Arc::clone(&provider)));
        Ok(provider)
    }

    /// An error of reading the secret, as one of the store.
    pub(super) fn unreadable(&self, cause: CredentialError) -> Error {
        Error::Generic { store: self.store, source: Box::new(cause) }
    }
}

fn refused(cause: Error) -> Error {
    Error::Unauthenticated { path: String::new(), source: Box::new(cause) }
}

/// Whether an issuer of tokens answered, and said no.
fn refuses(error: &Error) -> bool {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(cause) = next {
        if cause.is::<HttpError>() {
            return false;
        }
        next = cause.source();
    }
    // The library keeps the status to itself, but for the text.
    error.to_string().contains("status code: 4")
}

impl<C> fmt::Debug for Tokens<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the provider: its debug form holds the secret.
        f.debug_struct("Tokens").field("store", &self.store).finish_non_exhaustive()
    }
}
