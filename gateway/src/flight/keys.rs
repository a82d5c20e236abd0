//! Primary keys, as contracts promise them.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow_flight::sql::CommandGetPrimaryKeys;
use catalog::{Name, TableName};

use super::encode::internal;
use crate::error::Error;
use crate::metadata::VisibleTable;

/// A table that is asked for, all of it exact. Without a catalog or a domain: in every one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    /// The catalog.
    pub(super) catalog: Option<&'a str>,
    /// The domain.
    pub(super) domain: Option<&'a str>,
    /// The table's own name.
    pub(super) table: &'a str,
}

impl Asked<'_> {
    /// Whether it is the table `name` of `mesh`.
    pub(super) fn is(self, name: &TableName, mesh: &Name) -> bool {
        self.catalog.is_none_or(|catalog| catalog == mesh.as_str())
            && self.domain.is_none_or(|domain| domain == name.domain.as_str())
            && self.table == name.table.as_str()
    }
}

/// The key columns of the tables that are asked for, in key order.
///
/// # Errors
/// [`crate::ErrorKind::Internal`] where Arrow cannot build it.
pub(super) fn primary(
    command: &CommandGetPrimaryKeys,
    mesh: &Name,
    tables: &[VisibleTable],
) -> Result<RecordBatch, Error> {
    let asked =
        Asked { catalog: command.catalog.as_deref(), domain: command.db_schema.as_deref(), table: &command.table };
    let (mut domains, mut names, mut columns, mut places) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for visible in tables.iter().filter(|visible| asked.is(&visible.table.name, mesh)) {
        for (place, column) in (1_i32..).zip(visible_key(visible)) {
            domains.push(visible.table.name.domain.as_str());
            names.push(visible.table.name.table.as_str());
            columns.push(column);
            places.push(place);
        }
    }
    let rows = names.len();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(vec![mesh.as_str(); rows])),
        Arc::new(StringArray::from(domains)),
        Arc::new(StringArray::from(names)),
        Arc::new(StringArray::from(columns)),
        Arc::new(StringArray::new_null(rows)),
        Arc::new(Int32Array::from(places)),
    ];
    RecordBatch::try_new(primary_schema(), columns).map_err(|error| internal(&error))
}

/// The whole key, or nothing: a part of a key would tell that there is another, and a masked column is no key.
fn visible_key(visible: &VisibleTable) -> Vec<&str> {
    let key = visible.table.primary_key();
    if key.iter().all(|column| visible.is_in_clear(column)) { key } else { Vec::new() }
}

fn primary_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("catalog_name", DataType::Utf8, true),
        Field::new("db_schema_name", DataType::Utf8, true),
        Field::new("table_name", DataType::Utf8, false),
        Field::new("column_name", DataType::Utf8, false),
        Field::new("key_name", DataType::Utf8, true),
        Field::new("key_sequence", DataType::Int32, false),
    ]))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may unwrap")]
    use arrow::array::AsArray;

    use super::super::metadata::tests::{mesh, visible};
    use super::*;

    fn check(catalog: Option<&str>, domain: Option<&str>, table: &str, expected: &[&str]) {
        let tables = [visible("sales.items", false, true), visible("sales.orders", false, false)];
        let command = CommandGetPrimaryKeys {
            catalog: catalog.map(Into::into),
            db_schema: domain.map(Into::into),
            table: table.into(),
        };
        let batch = primary(&command, &mesh(), &tables).unwrap();
        let columns: Vec<_> = batch.column(3).as_string::<i32>().iter().map(Option::unwrap).collect();
        assert_eq!(columns, expected, "{command:?}");
    }

    #[test]
    fn a_key_is_told_for_the_table_of_exactly_this_name() {
        check(None, None, "orders", &["id"]);
        check(Some("retail"), Some("sales"), "orders", &["id"]);
        check(Some("other"), None, "orders", &[]);
        check(None, Some("ops"), "orders", &[]);
        check(None, None, "order_", &[]);
        check(None, None, "%", &[]);
    }

    #[test]
    fn a_key_with_a_hidden_or_masked_column_is_not_told() {
        check(None, None, "items", &[]);
        let mut masked = visible("sales.orders", false, false);
        masked.masked = vec![1];
        assert_eq!(visible_key(&masked), ["id"]);
        masked.masked = vec![0];
        assert_eq!(visible_key(&masked), [""; 0]);
    }
}
