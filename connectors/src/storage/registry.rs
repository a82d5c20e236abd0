//! The only object stores that a query can address: the guarded ones, by their random names.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use datafusion::common::{DataFusionError, Result};
use datafusion::execution::object_store::ObjectStoreRegistry;
use object_store::ObjectStore;
use url::Url;

use super::guarded::{GuardedStore, SCHEME};

/// Holds guarded stores and nothing else: no `file://`, nothing made on the way, nothing registered by others.
#[derive(Debug, Default)]
pub(crate) struct GuardedRegistry {
    by_host: RwLock<HashMap<String, Arc<GuardedStore>>>,
}

impl GuardedRegistry {
    /// Makes `store` addressable by its name.
    pub(crate) fn add(&self, store: &Arc<GuardedStore>) {
        let mut stores = self.by_host.write().unwrap_or_else(PoisonError::into_inner);
        stores.insert(store.id().to_owned(), Arc::clone(store));
    }
}

impl ObjectStoreRegistry for GuardedRegistry {
    fn register_store(&self, _url: &Url, _store: Arc<dyn ObjectStore>) -> Option<Arc<dyn ObjectStore>> {
        // The trait has no way to say no; what is not registered cannot be addressed.
        tracing::warn!("refused to register an object store from outside");
        None
    }

    fn get_store(&self, url: &Url) -> Result<Arc<dyn ObjectStore>> {
        let refused = || DataFusionError::Plan("address is not that of an opened source".to_owned());
        if url.scheme() != SCHEME || url.port().is_some() || !url.username().is_empty() || url.password().is_some() {
            return Err(refused());
        }
        let stores = self.by_host.read().unwrap_or_else(PoisonError::into_inner);
        let store = url.host_str().and_then(|host| stores.get(host)).ok_or_else(refused)?;
        Ok(Arc::clone(store) as Arc<dyn ObjectStore>)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests may unwrap")]
mod tests {
    use super::*;

    #[test]
    fn only_guarded_stores_can_be_addressed() {
        let registry = GuardedRegistry::default();
        let memory = || Arc::new(object_store::memory::InMemory::new());
        let store = Arc::new(GuardedStore::new(memory(), 1).unwrap());
        registry.add(&store);
        assert!(registry.get_store(store.root()).is_ok());
        registry.register_store(&Url::parse("file:///").unwrap(), memory());
        let id = store.id();
        for address in [
            "file:///".to_owned(),
            "s3://bucket/".to_owned(),
            "mesh:///".to_owned(),
            "mesh://other/".to_owned(),
            format!("https://{id}/"),
            format!("mesh://{id}:1/"),
            format!("mesh://a:b@{id}/"),
        ] {
            assert!(registry.get_store(&Url::parse(&address).unwrap()).is_err(), "{address}");
        }
    }
}
