//! Object stores of sources, each one guarded: one product can never reach the files of another.

mod azure;
mod azure_credential;
#[cfg(test)]
mod cloud_tests;
mod gcs;
mod guarded;
mod limits;
mod local;
mod registry;
mod s3;
#[cfg(test)]
mod tests;
mod tokens;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use catalog::Table;
use catalog::source::{DeltaSource, Location};
use object_store::ObjectStore;

pub(crate) use self::guarded::{GuardedStore, SCHEME};
use self::limits::Limits;
pub(crate) use self::registry::GuardedRegistry;
use crate::connectors::Options;
use crate::error::Error;

/// Most sources of one process: each costs some hundred bytes that are never given back.
const MAX_SOURCES: usize = 100_000;

/// The guarded stores of a process, one per definition of a source.
pub(crate) struct Stores {
    registry: Arc<GuardedRegistry>,
    by_source: Mutex<HashMap<String, Arc<GuardedStore>>>,
    store_requests: usize,
    limits: Limits,
}

impl fmt::Debug for Stores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the definitions: they hold addresses.
        f.debug_struct("Stores").field("registry", &self.registry).finish_non_exhaustive()
    }
}

impl Stores {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            registry: Arc::new(GuardedRegistry::default()),
            by_source: Mutex::default(),
            store_requests: options.store_requests,
            limits: Limits {
                connect_timeout: options.connect_timeout,
                allow_instance_credentials: options.allow_instance_credentials,
            },
        }
    }

    /// The guarded stores, addressed by their own random names.
    pub(crate) fn registry(&self) -> Arc<GuardedRegistry> {
        Arc::clone(&self.registry)
    }

    /// The store of `source`, below its root only; the same one for the same definition.
    pub(crate) async fn open(&self, table: &Table, source: &DeltaSource) -> Result<Arc<GuardedStore>, Error> {
        let key = source_key(source);
        if let Some(store) = self.lock().get(&key) {
            return Ok(Arc::clone(store));
        }
        let inner = self.connect(table, source).await?;
        let mut stores = self.lock();
        if let Some(store) = stores.get(&key) {
            return Ok(Arc::clone(store));
        }
        if stores.len() >= MAX_SOURCES {
            return Err(Error::unsupported(table, format!("more than {MAX_SOURCES} sources")));
        }
        let store = GuardedStore::new(inner, self.store_requests).map_err(|cause| Error::failed(table, cause))?;
        let store = Arc::new(store);
        self.registry.add(&store);
        stores.insert(key, Arc::clone(&store));
        Ok(store)
    }

    /// Whether the secret of `source` can be read now: a better error than the store would give later.
    pub(crate) async fn check_credential(&self, table: &Table, source: &DeltaSource) -> Result<(), Error> {
        let Some(reference) = &source.credential else { return Ok(()) };
        let checked = match &source.location {
            Location::Local(_) => Ok(()),
            Location::S3 { .. } => s3::check(reference).await,
            Location::Azure { account, .. } => azure::check(account.as_deref(), reference).await,
            Location::Gcs { .. } => gcs::check(reference).await,
        };
        checked.map_err(|cause| Error::credential(table, cause))
    }

    /// An unguarded store whose own root is the root of the source.
    async fn connect(&self, table: &Table, source: &DeltaSource) -> Result<Arc<dyn ObjectStore>, Error> {
        let (credential, limits) = (source.credential.as_ref(), self.limits);
        match &source.location {
            Location::Local(folder) => {
                let store = local::LocalFolder::open(folder).map_err(|cause| Error::unavailable(table, cause))?;
                Ok(Arc::new(store))
            }
            Location::S3 { url, endpoint, region } => {
                let place = s3::Place { url, endpoint: endpoint.as_deref(), region: region.as_deref() };
                s3::open(table, &place, credential, limits)
            }
            Location::Azure { account, container, path, endpoint } => {
                let (account, endpoint) = (account.as_deref(), endpoint.as_deref());
                azure::open(table, &azure::Place { account, container, path, endpoint }, credential, limits).await
            }
            Location::Gcs { url, endpoint } => {
                gcs::open(table, &gcs::Place { url, endpoint: endpoint.as_deref() }, credential, limits)
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<GuardedStore>>> {
        self.by_source.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Names the definition of a source: equal for equal definitions, different for different ones.
pub(crate) fn source_key(source: &DeltaSource) -> String {
    // The derived form quotes every text and holds no secret, only the reference to it.
    format!("{source:?}")
}
