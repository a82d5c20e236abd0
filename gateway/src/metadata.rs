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
    /// Places in `schema` of the columns that show something else than their values.
    pub masked: Vec<usize>,
    /// Whether it is SQL over other tables.
    pub is_view: bool,
}

impl VisibleTable {
    /// Whether the principal may know of a column of this name, and its values are not masked.
    #[must_use]
    pub fn is_in_clear(&self, column: &str) -> bool {
        self.schema.fields().find(column).is_some_and(|(place, _)| !self.masked.contains(&place))
    }
}

/// The tables of `mesh` that `principal` may discover, sorted by domain and name.
pub(crate) fn visible_tables(mesh: &Mesh, principal: &Principal) -> Vec<VisibleTable> {
    mesh.policies.tables_of(principal).into_iter().filter_map(|table| visible(mesh, principal, table)).collect()
}

fn visible(mesh: &Mesh, principal: &Principal, table: &Arc<Table>) -> Option<VisibleTable> {
    let Decision::Allow(restrictions) = mesh.policies.decide(principal, table, Action::Discover) else { return None };
    let (mut fields, mut masked) = (Vec::new(), Vec::new());
    for access in &restrictions.columns {
        let Some(column) = table.columns.get(access.index) else { continue };
        if access.mask.is_some() {
            masked.push(fields.len());
        }
        fields.push(Field::new(&column.name, column.data_type.clone(), !column.required || access.mask.is_some()));
    }
    Some(VisibleTable {
        table: Arc::clone(table),
        schema: Arc::new(Schema::new(fields)),
        masked,
        is_view: matches!(table.source, Source::MeshSql(_)),
    })
}
