//! Rules of the loader, each in words.

use std::path::Path;

use tempfile::TempDir;

use super::load;
use crate::problem::Problems;
use crate::registry::Registry;

mod contracts;
mod folders;
mod foreign_keys;
mod products;
mod sources;

/// A good contract of a Delta table. Its lines are counted in the tests.
const ORDERS: &str = "\
apiVersion: v3.1.0
kind: DataContract
id: sales-orders
name: Orders
version: 1.0.0
status: active
domain: sales
tags: [orders]
description: {purpose: One row per order.}
team:
  name: sales
  members:
    - {username: sam, role: Owner}
servers:
  - server: lake
    type: local
    path: data/orders
    format: delta
schema:
  - name: orders
    physicalName: ORDERS
    description: One row is one order.
    properties:
      - {name: id, logicalType: integer, physicalType: bigint, required: true, unique: true, primaryKey: true}
      - {name: amount, physicalType: 'numeric(18,2)'}
      - {name: mail, physicalName: e-mail, logicalType: string, classification: confidential, description: Whom to write}
";

/// A mesh folder that lasts as long as the test.
struct Mesh(TempDir);

impl Mesh {
    fn new() -> Self {
        let mesh = Self(TempDir::new().unwrap());
        std::fs::create_dir(mesh.path().join("catalog")).unwrap();
        mesh
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn with(self, path: &str, text: impl AsRef<[u8]>) -> Self {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    fn load(&self) -> Result<Registry, Problems> {
        load(&"retail".parse().unwrap(), self.path())
    }

    /// Loads, and expects exactly these problems, each a part of `FILE:LINE: MESSAGE` without the remedy.
    fn refused(&self, expected: &[&str]) {
        let problems = self.load().expect_err("the mesh must be refused");
        let found: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), expected.len(), "found: {found:#?}, expected: {expected:#?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.contains(expected), "found: {found}, expected: {expected}");
        }
        assert!(problems.iter().all(|problem| !problem.remedy.is_empty() && !problem.message.ends_with('.')));
    }
}

/// A mesh of one contract, [`ORDERS`] with texts replaced.
fn orders_with(changes: &[(&str, &str)]) -> Mesh {
    Mesh::new().with("catalog/sales/orders.odcs.yaml", changed(ORDERS, changes))
}

fn changed(text: &str, changes: &[(&str, &str)]) -> String {
    changes.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from:?} is not in the text");
        text.replacen(from, to, 1)
    })
}

/// [`ORDERS`] with texts replaced must be refused with exactly these problems.
fn check(changes: &[(&str, &str)], expected: &[&str]) {
    orders_with(changes).refused(expected);
}
