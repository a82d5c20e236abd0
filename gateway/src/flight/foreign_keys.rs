//! Foreign keys, as contracts promise them, between columns that the caller sees in clear.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int32Array, RecordBatch, StringArray, UInt8Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow_flight::sql::{CommandGetCrossReference, CommandGetExportedKeys, CommandGetImportedKeys, UpdateDeleteRules};
use catalog::{ForeignKey, Name, TableName};

use super::encode::internal;
use super::keys::Asked;
use crate::error::Error;
use crate::metadata::VisibleTable;

/// What a change of a referenced row does to the rows that refer to it: nothing, for the gateway is read-only.
const NO_ACTION: u8 = UpdateDeleteRules::NoAction as u8;

/// A foreign key that the caller may know of.
#[derive(Debug)]
struct Known<'a> {
    table: &'a TableName,
    key: &'a ForeignKey,
}

/// The foreign keys of the table that is asked for, in the order of the tables that they refer to.
///
/// # Errors
/// [`crate::ErrorKind::Internal`] where Arrow cannot build it.
pub(super) fn imported(
    command: &CommandGetImportedKeys,
    mesh: &Name,
    tables: &[VisibleTable],
) -> Result<RecordBatch, Error> {
    let asked =
        Asked { catalog: command.catalog.as_deref(), domain: command.db_schema.as_deref(), table: &command.table };
    by_other(known(tables, |table, _| asked.is(table, mesh)), mesh)
}

/// The foreign keys that refer to the table that is asked for, in the order of their own tables.
///
/// # Errors
/// As for [`imported`].
pub(super) fn exported(
    command: &CommandGetExportedKeys,
    mesh: &Name,
    tables: &[VisibleTable],
) -> Result<RecordBatch, Error> {
    let asked =
        Asked { catalog: command.catalog.as_deref(), domain: command.db_schema.as_deref(), table: &command.table };
    let mut keys = known(tables, |_, other| asked.is(other, mesh));
    keys.sort_by(|a, b| (a.table, &a.key.name, &a.key.other).cmp(&(b.table, &b.key.name, &b.key.other)));
    batch(&keys, mesh)
}

/// The foreign keys of one table that refer to another, or to itself.
///
/// # Errors
/// As for [`imported`].
pub(super) fn between(
    command: &CommandGetCrossReference,
    mesh: &Name,
    tables: &[VisibleTable],
) -> Result<RecordBatch, Error> {
    let own = Asked {
        catalog: command.fk_catalog.as_deref(),
        domain: command.fk_db_schema.as_deref(),
        table: &command.fk_table,
    };
    let referred = Asked {
        catalog: command.pk_catalog.as_deref(),
        domain: command.pk_db_schema.as_deref(),
        table: &command.pk_table,
    };
    by_other(known(tables, |table, other| own.is(table, mesh) && referred.is(other, mesh)), mesh)
}

/// The keys that are asked for, by their own table and the other one, and of these the ones that the caller may know
/// of: both tables and all columns of both sides are visible and in clear. Of any other key not even a part is told.
fn known(tables: &[VisibleTable], is_asked: impl Fn(&TableName, &TableName) -> bool) -> Vec<Known<'_>> {
    let by_name: HashMap<&TableName, &VisibleTable> =
        tables.iter().map(|visible| (&visible.table.name, visible)).collect();
    let in_clear = |visible: &VisibleTable, columns: &[String]| columns.iter().all(|name| visible.is_in_clear(name));
    let mut known = Vec::new();
    for visible in tables {
        let table = &visible.table.name;
        let keys = visible.table.foreign_keys.iter().filter(|key| is_asked(table, &key.other));
        known.extend(keys.filter_map(|key| {
            let other = by_name.get(&key.other)?;
            let told = in_clear(visible, &key.columns) && in_clear(other, &key.other_columns);
            told.then_some(Known { table, key })
        }));
    }
    known
}

/// The keys in the order of imported keys and cross references: by the table that they refer to.
fn by_other(mut keys: Vec<Known<'_>>, mesh: &Name) -> Result<RecordBatch, Error> {
    keys.sort_by(|a, b| (&a.key.other, a.table, &a.key.name).cmp(&(&b.key.other, b.table, &b.key.name)));
    batch(&keys, mesh)
}

/// One row for each column of each key. The columns of a key stay together, also where the specification's order
/// does not tell keys without a name apart: clients take a `key_sequence` of 1 for the begin of the next one.
fn batch(keys: &[Known<'_>], mesh: &Name) -> Result<RecordBatch, Error> {
    let (mut own, mut referred, mut places, mut names) = (Side::default(), Side::default(), Vec::new(), Vec::new());
    for Known { table, key } in keys {
        for (place, (column, other)) in (1_i32..).zip(key.columns.iter().zip(&key.other_columns)) {
            own.push(table, column);
            referred.push(&key.other, other);
            places.push(place);
            names.push(key.name.as_deref());
        }
    }
    let rows = places.len();
    let mut columns = Vec::new();
    for side in [referred, own] {
        columns.push(Arc::new(StringArray::from(vec![mesh.as_str(); rows])) as ArrayRef);
        columns.extend([side.domains, side.tables, side.columns].map(|texts| Arc::new(StringArray::from(texts)) as _));
    }
    columns.extend([
        Arc::new(Int32Array::from(places)) as ArrayRef,
        Arc::new(StringArray::from(names)),
        Arc::new(StringArray::new_null(rows)),
        Arc::new(UInt8Array::from(vec![NO_ACTION; rows])),
        Arc::new(UInt8Array::from(vec![NO_ACTION; rows])),
    ]);
    RecordBatch::try_new(schema(), columns).map_err(|error| internal(&error))
}

/// One side of every row.
#[derive(Debug, Default)]
struct Side<'a> {
    domains: Vec<&'a str>,
    tables: Vec<&'a str>,
    columns: Vec<&'a str>,
}

impl<'a> Side<'a> {
    fn push(&mut self, table: &'a TableName, column: &'a str) {
        self.domains.push(table.domain.as_str());
        self.tables.push(table.table.as_str());
        self.columns.push(column);
    }
}

/// The form that imported and exported keys and cross references share.
fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("pk_catalog_name", DataType::Utf8, true),
        Field::new("pk_db_schema_name", DataType::Utf8, true),
        Field::new("pk_table_name", DataType::Utf8, false),
        Field::new("pk_column_name", DataType::Utf8, false),
        Field::new("fk_catalog_name", DataType::Utf8, true),
        Field::new("fk_db_schema_name", DataType::Utf8, true),
        Field::new("fk_table_name", DataType::Utf8, false),
        Field::new("fk_column_name", DataType::Utf8, false),
        Field::new("key_sequence", DataType::Int32, false),
        Field::new("fk_key_name", DataType::Utf8, true),
        Field::new("pk_key_name", DataType::Utf8, true),
        Field::new("update_rule", DataType::UInt8, false),
        Field::new("delete_rule", DataType::UInt8, false),
    ]))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may unwrap")]
    use arrow::array::AsArray;
    use arrow::datatypes::{Int32Type, UInt8Type};

    use super::super::metadata::tests::{mesh, visible};
    use super::*;

    /// A table with the visible columns `id` and `amount` and the hidden column `secret`, and with these keys: name
    /// (empty for none), own columns, other table, its columns.
    fn table(name: &str, keys: &[(&str, &str, &str, &str)]) -> VisibleTable {
        let list = |text: &str| text.split(' ').map(str::to_owned).collect();
        let mut visible = visible(name, false, false);
        let key = |(name, columns, other, other_columns): &(&str, &str, &str, &str)| ForeignKey {
            name: (!name.is_empty()).then(|| (*name).to_owned()),
            columns: list(columns),
            other: other.parse().unwrap(),
            other_columns: list(other_columns),
        };
        Arc::get_mut(&mut visible.table).unwrap().foreign_keys = keys.iter().map(key).collect();
        visible
    }

    /// Two keys from items to orders, one from orders to customers, and one from items to itself.
    fn all() -> Vec<VisibleTable> {
        let items = [
            ("second", "id", "sales.orders", "amount"),
            ("", "amount id", "sales.orders", "id amount"),
            ("", "id", "sales.items", "id"),
        ];
        let orders = [("buyer", "amount", "crm.orders", "id")];
        vec![table("crm.orders", &[]), table("sales.items", &items), table("sales.orders", &orders)]
    }

    /// Each row as `own column -> referred column place name`, tables with their domains.
    fn rows(batch: &RecordBatch) -> Vec<String> {
        let text =
            |name: &str, row: usize| batch.column_by_name(name).unwrap().as_string::<i32>().value(row).to_owned();
        let column = |side: &str, row: usize| {
            assert_eq!(text(&format!("{side}_catalog_name"), row), "retail");
            let part = |part: &str| text(&format!("{side}_{part}"), row);
            format!("{}.{}.{}", part("db_schema_name"), part("table_name"), part("column_name"))
        };
        let row = |row| {
            let place = batch.column(8).as_primitive::<Int32Type>().value(row);
            let rules = [11, 12].map(|rule| batch.column(rule).as_primitive::<UInt8Type>().value(row));
            assert_eq!(rules, [3, 3], "NO ACTION");
            let name = text("fk_key_name", row);
            format!("{} -> {} {place} {name}", column("fk", row), column("pk", row)).trim_end().to_owned()
        };
        assert_eq!(batch.column(10).null_count(), batch.num_rows());
        (0..batch.num_rows()).map(row).collect()
    }

    fn imported_by(tables: &[VisibleTable], domain: Option<&str>, table: &str) -> Vec<String> {
        let (catalog, db_schema) = (None, domain.map(str::to_owned));
        let command = CommandGetImportedKeys { catalog, db_schema, table: table.into() };
        rows(&imported(&command, &mesh(), tables).unwrap())
    }

    fn exported_by(tables: &[VisibleTable], catalog: Option<&str>, domain: Option<&str>, table: &str) -> Vec<String> {
        let (catalog, db_schema) = (catalog.map(str::to_owned), domain.map(str::to_owned));
        let command = CommandGetExportedKeys { catalog, db_schema, table: table.into() };
        rows(&exported(&command, &mesh(), tables).unwrap())
    }

    const TO_ORDERS: [&str; 3] = [
        "sales.items.amount -> sales.orders.id 1",
        "sales.items.id -> sales.orders.amount 2",
        "sales.items.id -> sales.orders.amount 1 second",
    ];
    const TO_CUSTOMERS: &str = "sales.orders.amount -> crm.orders.id 1 buyer";
    const TO_ITSELF: &str = "sales.items.id -> sales.items.id 1";

    #[test]
    fn keys_of_a_table_are_in_the_order_of_the_tables_that_they_refer_to() {
        let expected: Vec<_> = [TO_ITSELF].into_iter().chain(TO_ORDERS).collect();
        assert_eq!(imported_by(&all(), None, "items"), expected);
        assert_eq!(imported_by(&all(), Some("sales"), "items"), expected);
        assert_eq!(imported_by(&all(), None, "orders"), [TO_CUSTOMERS]);
        for (domain, table) in
            [(Some("crm"), "items"), (Some("crm"), "orders"), (None, "item_"), (None, "%"), (None, "")]
        {
            assert_eq!(imported_by(&all(), domain, table), [""; 0], "{domain:?} {table}");
        }
    }

    #[test]
    fn keys_that_refer_to_a_table_are_in_the_order_of_their_own_tables() {
        assert_eq!(exported_by(&all(), None, Some("sales"), "orders"), TO_ORDERS);
        let expected: Vec<_> = TO_ORDERS.into_iter().chain([TO_CUSTOMERS]).collect();
        assert_eq!(exported_by(&all(), Some("retail"), None, "orders"), expected);
        assert_eq!(exported_by(&all(), Some("other"), None, "orders"), [""; 0]);
        assert_eq!(exported_by(&all(), Some(""), None, "orders"), [""; 0]);
        assert_eq!(exported_by(&all(), None, Some("sal%"), "orders"), [""; 0]);
    }

    #[test]
    fn a_cross_reference_wants_both_tables() {
        let between = |own: &str, referred: &str, domain: Option<&str>| {
            let command = CommandGetCrossReference {
                pk_table: referred.into(),
                pk_db_schema: domain.map(str::to_owned),
                fk_table: own.into(),
                ..CommandGetCrossReference::default()
            };
            rows(&between(&command, &mesh(), &all()).unwrap())
        };
        assert_eq!(between("items", "orders", None), TO_ORDERS);
        assert_eq!(between("items", "items", Some("sales")), [TO_ITSELF]);
        assert_eq!(between("orders", "orders", None), [TO_CUSTOMERS]);
        assert_eq!(between("orders", "orders", Some("sales")), [""; 0]);
        assert_eq!(between("orders", "items", None), [""; 0]);
    }

    #[test]
    fn a_key_to_or_from_a_table_that_is_not_visible_is_not_told() {
        let [_, items, orders]: [VisibleTable; 3] = all().try_into().unwrap();
        assert_eq!(imported_by(&[items.clone(), orders.clone()], None, "orders"), [""; 0]);
        assert_eq!(exported_by(&[orders], None, None, "orders"), [""; 0]);
        assert_eq!(imported_by(&[items], None, "items"), [TO_ITSELF]);
    }

    #[test]
    fn a_key_with_a_hidden_or_masked_column_is_not_told_in_part() {
        let check = |own: &str, other: &str, masked: [Vec<usize>; 2], expected: usize| {
            let mut tables = [table("sales.items", &[("", own, "sales.orders", other)]), table("sales.orders", &[])];
            for (table, masked) in tables.iter_mut().zip(masked.clone()) {
                table.masked = masked;
            }
            assert_eq!(imported_by(&tables, None, "items").len(), expected, "{own} {other} {masked:?}");
            assert_eq!(exported_by(&tables, None, None, "orders").len(), expected, "{own} {other} {masked:?}");
        };
        check("id amount", "id amount", [vec![], vec![]], 2);
        check("id secret", "id amount", [vec![], vec![]], 0);
        check("id amount", "secret id", [vec![], vec![]], 0);
        check("id amount", "id amount", [vec![1], vec![]], 0);
        check("id amount", "id amount", [vec![], vec![0]], 0);
        check("id", "id", [vec![1], vec![1]], 1);
    }
}
