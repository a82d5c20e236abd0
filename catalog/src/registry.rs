//! The loaded, immutable catalog of a mesh.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::name::{Name, TableName};
use crate::product::Product;
use crate::table::Table;

/// Everything that a mesh publishes at one moment. Replaced whole on reload, never changed.
#[derive(Debug)]
pub struct Registry {
    mesh: Name,
    tables: BTreeMap<TableName, Arc<Table>>,
    products: Vec<Arc<Product>>,
}

impl Registry {
    /// A registry of these tables and products.
    ///
    /// Table names are unique: a later table of the same name replaces the earlier one, which the loader
    /// has already refused.
    #[must_use]
    pub fn new(mesh: Name, tables: Vec<Table>, products: Vec<Product>) -> Self {
        Self {
            mesh,
            tables: tables.into_iter().map(|table| (table.name.clone(), Arc::new(table))).collect(),
            products: products.into_iter().map(Arc::new).collect(),
        }
    }

    /// Name of the mesh: the SQL catalog.
    #[must_use]
    pub fn mesh(&self) -> &Name {
        &self.mesh
    }

    /// The table of this name.
    #[must_use]
    pub fn table(&self, name: &TableName) -> Option<&Arc<Table>> {
        self.tables.get(name)
    }

    /// All tables, sorted by domain and name.
    pub fn tables(&self) -> impl Iterator<Item = &Arc<Table>> {
        self.tables.values()
    }

    /// The tables of one domain, sorted by name.
    pub fn tables_of<'a>(&'a self, domain: &'a Name) -> impl Iterator<Item = &'a Arc<Table>> {
        self.tables.values().filter(move |table| table.name.domain == *domain)
    }

    /// The domains that have a table, sorted.
    pub fn domains(&self) -> impl Iterator<Item = &Name> {
        let mut last = None;
        self.tables.keys().map(|name| &name.domain).filter(move |domain| last.replace(*domain) != Some(*domain))
    }

    /// All products.
    pub fn products(&self) -> impl Iterator<Item = &Arc<Product>> {
        self.products.iter()
    }
}
