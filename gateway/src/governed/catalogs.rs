//! The catalog that a session plans against: one mesh, its domains, their governed tables.

use std::sync::Arc;

use async_trait::async_trait;
use catalog::{Name, TableName};
use datafusion::catalog::{CatalogProvider, CatalogProviderList, SchemaProvider, TableProvider};
use datafusion::common::{DataFusionError, Result};

use super::{Reader, Snapshot, own};

/// The catalogs of one session: the mesh, and nothing else.
#[derive(Debug)]
pub(crate) struct MeshCatalogs {
    snapshot: Arc<Snapshot>,
    reader: Reader,
}

impl MeshCatalogs {
    /// What `reader` may see of the snapshot.
    pub(crate) fn new(snapshot: Arc<Snapshot>, reader: Reader) -> Self {
        Self { snapshot, reader }
    }
}

impl CatalogProviderList for MeshCatalogs {
    fn register_catalog(&self, _: String, _: Arc<dyn CatalogProvider>) -> Option<Arc<dyn CatalogProvider>> {
        None
    }

    fn catalog_names(&self) -> Vec<String> {
        vec![self.snapshot.mesh.config.name.to_string()]
    }

    fn catalog(&self, name: &str) -> Option<Arc<dyn CatalogProvider>> {
        (name == self.snapshot.mesh.config.name.as_str()).then(|| {
            let catalog = Self { snapshot: Arc::clone(&self.snapshot), reader: self.reader.clone() };
            Arc::new(MeshCatalog(catalog)) as Arc<dyn CatalogProvider>
        })
    }
}

/// The mesh as a SQL catalog.
#[derive(Debug)]
struct MeshCatalog(MeshCatalogs);

impl CatalogProvider for MeshCatalog {
    fn schema_names(&self) -> Vec<String> {
        let visible = self.0.snapshot.gateway.visible_tables(&self.0.snapshot.principal);
        let mut names: Vec<String> = visible.iter().map(|table| table.table.name.domain.to_string()).collect();
        names.extend(own::SCHEMAS.map(str::to_owned));
        names.sort_unstable();
        names.dedup();
        names
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        let snapshot = Arc::clone(&self.0.snapshot);
        if own::SCHEMAS.contains(&name) {
            return Some(Arc::new(own::OwnSchema::new(snapshot, name)));
        }
        let domain = name.parse::<Name>().ok()?;
        Some(Arc::new(DomainSchema { snapshot, reader: self.0.reader.clone(), domain }))
    }
}

/// A domain as a SQL schema. There is one for every name: a domain without visible tables is an empty one.
#[derive(Debug)]
struct DomainSchema {
    snapshot: Arc<Snapshot>,
    reader: Reader,
    domain: Name,
}

#[async_trait]
impl SchemaProvider for DomainSchema {
    fn table_names(&self) -> Vec<String> {
        let visible = self.snapshot.gateway.visible_tables(&self.snapshot.principal);
        let here = visible.iter().filter(|table| table.table.name.domain == self.domain);
        here.map(|table| table.table.name.table.to_string()).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let Ok(table) = name.parse::<Name>() else { return Ok(None) };
        let name = TableName { domain: self.domain.clone(), table };
        self.snapshot.table(&name, &self.reader).await.map_err(|error| DataFusionError::External(Box::new(error)))
    }

    fn table_exist(&self, name: &str) -> bool {
        self.table_names().iter().any(|table| table == name)
    }
}
