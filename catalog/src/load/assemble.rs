//! Compares the contracts and products of a mesh with each other, and joins them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::contract::ContractFile;
use super::foreign_keys;
use super::product::ProductFile;
use crate::name::TableName;
use crate::problem::{Problem, Problems};
use crate::product::Product;
use crate::table::Table;

/// All files of the catalog, each with its path, in the order of their paths.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    /// The contracts.
    pub(super) contracts: Vec<(PathBuf, ContractFile)>,
    /// The products.
    pub(super) products: Vec<(PathBuf, ProductFile)>,
}

impl Catalog {
    /// The tables and products of the mesh. A contract that no product names is a product by itself.
    pub(super) fn assemble(mut self, problems: &mut Problems) -> (Vec<Table>, Vec<Product>) {
        self.check_contract_ids(problems);
        self.check_product_ids(problems);
        self.check_table_names(problems);
        let claims = self.claims(problems);
        let mut foreign_keys = foreign_keys::resolve(&self.contracts, problems);

        let mut products = Vec::new();
        for (index, (_, file)) in self.products.iter_mut().enumerate() {
            let Some(mut product) = file.product.take() else { continue };
            let name: Arc<str> = product.name.as_str().into();
            for (contract, _) in claims.iter().filter(|(_, claim)| **claim == index) {
                for table in &mut self.contracts[*contract].1.tables {
                    table.product = Arc::clone(&name);
                    product.tables.push(table.name.clone());
                }
            }
            product.tables.sort_unstable();
            products.push(product);
        }
        let unclaimed = self.contracts.iter().enumerate().filter(|(index, _)| !claims.contains_key(index));
        products.extend(unclaimed.filter_map(|(_, (_, file))| product_of(file)));
        let mut tables: Vec<Table> = self.contracts.into_iter().flat_map(|(_, file)| file.tables).collect();
        for table in &mut tables {
            table.foreign_keys = foreign_keys.remove(&table.name).unwrap_or_default();
        }
        (tables, products)
    }

    fn check_contract_ids(&self, problems: &mut Problems) {
        let ids = self.contracts.iter().filter_map(|(path, file)| Some((path.as_path(), file.id.as_ref()?)));
        check_unique(ids.map(|(path, (id, line))| (id, path, *line)), problems, |id, first| {
            let message = format!("contract id {id:?} is taken by {}", first.display());
            (message, "give every contract an id of its own")
        });
    }

    fn check_product_ids(&self, problems: &mut Problems) {
        let ids = self.products.iter().filter_map(|(path, file)| Some((path.as_path(), file.id.as_ref()?)));
        check_unique(ids.map(|(path, (id, line))| (id, path, *line)), problems, |id, first| {
            let message = format!("product id {id:?} is taken by {}", first.display());
            (message, "give every product an id of its own")
        });
    }

    fn check_table_names(&self, problems: &mut Problems) {
        let names = self
            .contracts
            .iter()
            .flat_map(|(path, file)| file.names.iter().map(move |(name, line)| (name, path.as_path(), *line)));
        check_unique(names, problems, |name: &TableName, first| {
            let message = format!("table \"{name}\" is already in {}", first.display());
            (message, "give every table of a domain a name of its own")
        });
    }

    /// Which contract (by index) belongs to which product (by index).
    fn claims(&self, problems: &mut Problems) -> BTreeMap<usize, usize> {
        let all_known = self.contracts.iter().all(|(_, file)| file.id.is_some());
        let mut claims = BTreeMap::new();
        for (product, (path, file)) in self.products.iter().enumerate() {
            for (id, line) in &file.contracts {
                let Some(contract) = self.contract_of(id) else {
                    // The missing contract may be one of those without a readable id.
                    if all_known {
                        problems.push(Problem::at(
                            path,
                            *line,
                            format!("no contract has the id {id:?}"),
                            "write the `id` of a contract of this mesh",
                        ));
                    }
                    continue;
                };
                if path.parent() != self.contracts[contract].0.parent() {
                    problems.push(Problem::at(
                        path,
                        *line,
                        format!("contract {id:?} belongs to another domain"),
                        "publish contracts of the product's own domain only",
                    ));
                }
                let first = *claims.entry(contract).or_insert(product);
                if first != product {
                    problems.push(Problem::at(
                        path,
                        *line,
                        format!("contract {id:?} is in the product of {} already", self.products[first].0.display()),
                        "name every contract in one product only",
                    ));
                }
            }
        }
        claims
    }

    fn contract_of(&self, wanted: &str) -> Option<usize> {
        self.contracts.iter().position(|(_, file)| file.id.as_ref().is_some_and(|(id, _)| id == wanted))
    }
}

/// Notes every key that came before, in the words of `describe(key, file of the first)`.
fn check_unique<'a, K: Ord + 'a>(
    keys: impl Iterator<Item = (&'a K, &'a Path, u64)>,
    problems: &mut Problems,
    describe: impl Fn(&K, &Path) -> (String, &'static str),
) {
    let mut seen: BTreeMap<&K, &Path> = BTreeMap::new();
    for (key, path, line) in keys {
        if let Some(first) = seen.get(key) {
            let (message, remedy) = describe(key, first);
            problems.push(Problem::at(path, line, message, remedy));
        } else {
            seen.insert(key, path);
        }
    }
}

fn product_of(file: &ContractFile) -> Option<Product> {
    let contract = file.contract.as_ref()?;
    let mut tables: Vec<TableName> = file.tables.iter().map(|table| table.name.clone()).collect();
    tables.sort_unstable();
    Some(Product {
        id: contract.id.clone(),
        name: contract.name.clone(),
        version: Some(contract.version.clone()),
        status: contract.status,
        domain: contract.domain.clone(),
        description: contract.description.clone(),
        owner: contract.owner.clone(),
        tables,
        file: contract.file.clone(),
    })
}
