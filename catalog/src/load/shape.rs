//! What references between tables need of a table: its names, its ids and its relationships.

use super::fields::Fields;
use super::node::{Node, Value};
use super::relationship::{self, Relationship};
use super::report::Report;
use crate::name::TableName;

/// A table as references see it. Its columns may be wrong in all else: that is noted elsewhere.
#[derive(Debug)]
pub(super) struct Shape {
    /// Domain and name.
    pub(super) name: TableName,
    /// `id` of the table.
    pub(super) id: Option<String>,
    /// Its columns, in the order of the contract.
    pub(super) columns: Vec<Part>,
    /// Where its columns lead.
    pub(super) relationships: Vec<Relationship>,
}

/// A column as references see it.
#[derive(Debug)]
pub(super) struct Part {
    /// Name in SQL.
    pub(super) name: String,
    /// `id` of the column.
    pub(super) id: Option<String>,
    /// Whether it has parts of its own.
    pub(super) nested: bool,
}

impl Shape {
    /// Reads the table `node`, whose fields are `table`.
    pub(super) fn read(node: &Node, table: &Fields<'_>, name: TableName, report: &mut Report<'_>) -> Self {
        let mut columns = Vec::new();
        let mut relationships = Vec::new();
        for item in items(node, "properties") {
            let Some(column) = text(item, "name") else { continue };
            relationships.extend(relationship::of_column(item, column, &table.what, report));
            let nested = ["properties", "items", "map"].iter().any(|key| value(item, key).is_some());
            columns.push(Part { name: column.to_owned(), id: text(item, "id").map(str::to_owned), nested });
        }
        relationships.extend(relationship::of_table(table, report));
        Self { name, id: text(node, "id").map(str::to_owned), columns, relationships }
    }
}

fn value<'a>(node: &'a Node, key: &str) -> Option<&'a Value> {
    let Value::Map(entries) = &node.value else { return None };
    entries.iter().find(|entry| entry.key == key).map(|entry| &entry.node.value)
}

fn text<'a>(node: &'a Node, key: &str) -> Option<&'a str> {
    if let Some(Value::Text(text)) = value(node, key) { Some(text) } else { None }
}

fn items<'a>(node: &'a Node, key: &str) -> &'a [Node] {
    if let Some(Value::List(items)) = value(node, key) { items } else { &[] }
}
