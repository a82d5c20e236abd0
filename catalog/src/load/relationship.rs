//! Reads the relationships of a table and of its columns (ODCS v3.1.0, "References").
//!
//! Relationships of parts of a column are not read: such a part has no name in SQL, so it can be in no key.

use super::fields::{Fields, Text, text};
use super::node::{Node, Value};
use super::reference::Reference;
use super::report::Report;

/// The kind of relationship that is a key, and the one where none is written.
const FOREIGN_KEY: &str = "foreignKey";

/// A relationship that is a foreign key, before it is known where it leads.
#[derive(Debug)]
pub(super) struct Relationship {
    /// `id` of the relationship.
    pub(super) id: Option<String>,
    /// Where it begins.
    pub(super) from: Origin,
    /// Where it leads; as many references as it begins at columns.
    pub(super) to: Vec<Reference>,
}

/// Where a relationship begins.
#[derive(Debug)]
pub(super) enum Origin {
    /// At the column that it is written at.
    Column(String),
    /// At these columns, which must be of the table that it is written at.
    Columns(Vec<Reference>),
}

/// The relationships that are written at the column `node` of this name, of `table` (in words).
pub(super) fn of_column(node: &Node, name: &str, table: &str, report: &mut Report<'_>) -> Vec<Relationship> {
    let Some(column) = Fields::of(node, format!("column {name:?} of {table}"), report) else { return Vec::new() };
    let items = column.list("relationships", report);
    items.iter().filter_map(|item| read(item, &column.what, Some(name), report)).collect()
}

/// The relationships that are written at the table itself.
pub(super) fn of_table(table: &Fields<'_>, report: &mut Report<'_>) -> Vec<Relationship> {
    let items = table.list("relationships", report);
    items.iter().filter_map(|item| read(item, &table.what, None, report)).collect()
}

/// A relationship of `owner` (in words), which is this column, or a table.
fn read(item: &Node, owner: &str, column: Option<&str>, report: &mut Report<'_>) -> Option<Relationship> {
    let fields = Fields::of(item, format!("a relationship of {owner}"), report)?;
    if fields.text("type", report).is_some_and(|kind| kind.text != FOREIGN_KEY) {
        return None;
    }
    let id = fields.words("id", report);
    let to = references(&fields, "to", report);
    let from = match column {
        Some(column) => own(&fields, column, report),
        None => references(&fields, "from", report).map(Origin::Columns),
    };
    let (from, to) = (from?, to?);
    let width = match &from {
        Origin::Column(_) => 1,
        Origin::Columns(columns) => columns.len(),
    };
    if width != to.len() {
        report.at(
            fields.line,
            format!("{} leads from {width} columns to {}", fields.what, to.len()),
            "write as many columns in `from` as in `to`; for more than one, at the table",
        );
        return None;
    }
    Some(Relationship { id, from, to })
}

/// The column itself, unless `from` is written: the standard forbids it there.
fn own(fields: &Fields<'_>, column: &str, report: &mut Report<'_>) -> Option<Origin> {
    let Some(from) = fields.get("from") else { return Some(Origin::Column(column.to_owned())) };
    report.at(
        from.line,
        format!("{} has a `from`, but begins at its column", fields.what),
        "remove `from`, or move the relationship to the table",
    );
    None
}

/// The references of a key that holds one, or a list of them.
fn references(fields: &Fields<'_>, key: &str, report: &mut Report<'_>) -> Option<Vec<Reference>> {
    let what = format!("`{key}` of {}", fields.what);
    let remedy = format!("write `{key}: table.column`, or a list of these for a key of several columns");
    let Some(node) = fields.get(key) else {
        report.at(fields.line, format!("{} has no `{key}`", fields.what), remedy);
        return None;
    };
    let items = if let Value::List(items) = &node.value { items } else { std::slice::from_ref(node) };
    if items.is_empty() {
        report.at(node.line, format!("{what} is empty"), remedy);
        return None;
    }
    let read = items.iter().map(|item| reference(text(item, &what, report)?, &what, report));
    // Every one is read, so that every mistake is noted.
    let read: Vec<Option<Reference>> = read.collect();
    read.into_iter().collect()
}

fn reference(text: Text<'_>, what: &str, report: &mut Report<'_>) -> Option<Reference> {
    report.take(text.line, what, Reference::parse(text, what))
}
