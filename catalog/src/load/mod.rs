//! Reads the catalog files of a mesh folder into a registry, or reports every mistake in them.
//!
//! Three steps: a file becomes a tree of values with lines ([`node`]); the tree is checked and becomes a
//! contract or a product ([`contract`], [`product`]); all of them are checked against each other ([`assemble`]).

use std::path::Path;

use crate::name::Name;
use crate::problem::{Problem, Problems};
use crate::registry::Registry;

mod assemble;
mod azure_location;
mod column;
mod column_name;
mod column_type;
mod contract;
mod credential;
mod fields;
mod files;
mod foreign_keys;
mod head;
mod keys;
mod location;
mod node;
mod primary_key;
mod product;
mod reference;
mod relationship;
mod report;
mod server;
mod shape;
mod source;
mod standard;
mod team;
#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may panic")]
mod tests;
mod types;

/// Reads `catalog/<domain>/*.odcs.yaml` and `*.odps.yaml` below the mesh folder.
///
/// Relative paths in the files are relative to the mesh folder.
///
/// # Errors
/// Every mistake of every file, with paths relative to the mesh folder.
pub fn load(mesh: &Name, folder: &Path) -> Result<Registry, Problems> {
    let folder = std::path::absolute(folder).map_err(|error| {
        Problem::in_file(Path::new(""), format!("the mesh folder cannot be read: {error}"), "name a folder that exists")
    })?;
    let mut problems = Problems::default();
    let mut catalog = assemble::Catalog::default();
    for file in files::find(&folder, &mut problems) {
        let mut report = report::Report::of(&file.path);
        let root = files::read(&folder, &file, &mut report).and_then(|text| parse(&text, &mut report));
        match file.kind {
            files::Kind::Contract => {
                let contract = root.map(|root| contract::read(&file, &root, &folder, &mut report));
                // Even an unreadable one counts: another file may name it.
                catalog.contracts.push((file.path.clone(), contract.unwrap_or_default()));
            }
            files::Kind::Product => {
                let product = root.map(|root| product::read(&file, &root, &mut report));
                catalog.products.push((file.path.clone(), product.unwrap_or_default()));
            }
        }
        problems.extend(report.into_problems());
    }
    let (tables, products) = catalog.assemble(&mut problems);
    problems.or(()).map(|()| Registry::new(mesh.clone(), tables, products))
}

fn parse(text: &str, report: &mut report::Report<'_>) -> Option<node::Node> {
    match node::Node::parse(text) {
        Ok(root) => Some(root),
        Err((line, reason)) => {
            let message = format!("the file is not valid YAML: {reason}");
            let remedy = "correct the YAML";
            match line {
                Some(line) => report.at(line, message, remedy),
                None => report.whole(message, remedy),
            }
            None
        }
    }
}
