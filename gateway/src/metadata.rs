//! What a principal may know to be there: tables and columns, without touching a source.

use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use catalog::{Source, Table};
use policies::{Action, Decision, Principal};

use crate::mesh::Mesh;

/// A table as a principal may know it.
#[derive(Debug, Clone)]
pub struct VisibleTable {
    /// What the contract promises; holds more than the principal may know.
    pub table: Arc<Table>,
    /// The visible columns, in the types of the wire; masked ones nullable.
    pub schema: SchemaRef,
    /// Whether it is SQL over other tables.
    pub is_view: bool,
}

/// The tables of `mesh` that `principal` may discover, sorted by domain and name.
pub(crate) fn visible_tables(mesh: &Mesh, principal: &Principal) -> Vec<VisibleTable> {
    mesh.policies.tables_of(principal).into_iter().filter_map(|table| visible(mesh, principal, table)).collect()
}

fn visible(mesh: &Mesh, principal: &Principal, table: &Arc<Table>) -> Option<VisibleTable> {
    let Decision::Allow(restrictions) = mesh.policies.decide(principal, table, Action::Discover) else { return None };
    let fields = restrictions.columns.iter().filter_map(|access| {
        let column = table.columns.get(access.index)?;
        Some(Field::new(&column.name, column.data_type.clone(), !column.required || access.mask.is_some()))
    });
    Some(VisibleTable {
        table: Arc::clone(table),
        schema: Arc::new(Schema::new(fields.collect::<Vec<_>>())),
        is_view: matches!(table.source, Source::MeshSql(_)),
    })
}
