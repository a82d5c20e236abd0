//! What there is, for the caller: catalogs, schemas, tables. Comes from the registry; no source is touched.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow_flight::error::FlightError;
use arrow_flight::sql::metadata::{GetCatalogsBuilder, GetDbSchemasBuilder, GetTablesBuilder};
use arrow_flight::sql::{CommandGetDbSchemas, CommandGetTables};
use catalog::Name;

use super::command::Metadata;
use super::encode::internal;
use super::{foreign_keys, keys, sql_info, xdbc};
use crate::error::Error;
use crate::metadata::VisibleTable;

/// Kinds of table, as this gateway calls them.
const TABLE: &str = "TABLE";
const VIEW: &str = "VIEW";

/// The answer to a metadata command, from the tables that the caller may see.
///
/// # Errors
/// [`crate::ErrorKind::Internal`] where Arrow cannot build it.
pub(super) fn answer(asked: Metadata, mesh: &Name, tables: &[VisibleTable]) -> Result<RecordBatch, Error> {
    match asked {
        Metadata::Catalogs => catalogs(mesh),
        Metadata::Schemas(command) => schemas(command, mesh, tables),
        Metadata::Tables(command) => self::tables(command, mesh, tables),
        Metadata::TableTypes => table_types(),
        Metadata::PrimaryKeys(command) => keys::primary(&command, mesh, tables),
        Metadata::ImportedKeys(command) => foreign_keys::imported(&command, mesh, tables),
        Metadata::ExportedKeys(command) => foreign_keys::exported(&command, mesh, tables),
        Metadata::CrossReference(command) => foreign_keys::between(&command, mesh, tables),
        Metadata::SqlInfo(command) => sql_info::answer(&command),
        Metadata::TypeInfo(command) => xdbc::answer(command),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the signature that map_err wants")]
pub(super) fn unbuilt(error: FlightError) -> Error {
    internal(&error)
}

fn catalogs(mesh: &Name) -> Result<RecordBatch, Error> {
    let mut builder = GetCatalogsBuilder::new();
    builder.append(mesh.as_str());
    builder.build().map_err(unbuilt)
}

fn schemas(command: CommandGetDbSchemas, mesh: &Name, tables: &[VisibleTable]) -> Result<RecordBatch, Error> {
    let mut builder = GetDbSchemasBuilder::from(command);
    let domains: BTreeSet<&Name> = tables.iter().map(|visible| &visible.table.name.domain).collect();
    for domain in domains {
        builder.append(mesh.as_str(), domain.as_str());
    }
    builder.build().map_err(unbuilt)
}

fn tables(command: CommandGetTables, mesh: &Name, tables: &[VisibleTable]) -> Result<RecordBatch, Error> {
    let table_types = command.table_types.iter().map(|kind| canonical(kind).to_owned()).collect();
    let mut builder = GetTablesBuilder::from(CommandGetTables { table_types, ..command });
    for visible in tables {
        let name = &visible.table.name;
        let kind = if visible.is_view { VIEW } else { TABLE };
        let schema = if builder.include_schema() { described(mesh, visible) } else { Schema::empty() };
        builder.append(mesh.as_str(), name.domain.as_str(), name.table.as_str(), kind, &schema).map_err(unbuilt)?;
    }
    builder.build().map_err(unbuilt)
}

/// The gateway's word for what a client calls a kind of table. A kind that there is none of stays: it must not
/// match everything.
fn canonical(kind: &str) -> &str {
    if kind.eq_ignore_ascii_case(TABLE) || kind.eq_ignore_ascii_case("BASE TABLE") {
        return TABLE;
    }
    if kind.eq_ignore_ascii_case(VIEW) { VIEW } else { kind }
}

/// The visible columns with what clients read from their metadata (Flight SQL, "Column metadata").
fn described(mesh: &Name, visible: &VisibleTable) -> Schema {
    let name = &visible.table.name;
    let fields = visible.schema.fields().iter().map(|field| {
        let flight_sql = |key: &str, value: &str| (format!("ARROW:FLIGHT:SQL:{key}"), value.to_owned());
        let mut metadata = HashMap::from([
            flight_sql("CATALOG_NAME", mesh.as_str()),
            // The specification says DB_SCHEMA_NAME, the libraries SCHEMA_NAME.
            flight_sql("SCHEMA_NAME", name.domain.as_str()),
            flight_sql("DB_SCHEMA_NAME", name.domain.as_str()),
            flight_sql("TABLE_NAME", name.table.as_str()),
            flight_sql("TYPE_NAME", xdbc::type_name(field.data_type())),
            flight_sql("IS_AUTO_INCREMENT", "0"),
            flight_sql("IS_CASE_SENSITIVE", if field.data_type().is_string() { "1" } else { "0" }),
            flight_sql("IS_READ_ONLY", "1"),
            flight_sql("IS_SEARCHABLE", "1"),
        ]);
        if let DataType::Decimal128(precision, scale) | DataType::Decimal256(precision, scale) = field.data_type() {
            metadata.extend([flight_sql("PRECISION", &precision.to_string()), flight_sql("SCALE", &scale.to_string())]);
        }
        let column = visible.table.columns.iter().find(|column| column.name == *field.name());
        if let Some(remarks) = column.and_then(|column| column.description.as_deref()) {
            metadata.insert("ARROW:FLIGHT:SQL:REMARKS".to_owned(), remarks.to_owned());
        }
        field.as_ref().clone().with_metadata(metadata)
    });
    Schema::new(fields.collect::<Vec<Field>>())
}

fn table_types() -> Result<RecordBatch, Error> {
    let schema: SchemaRef = Arc::new(Schema::new(vec![Field::new("table_type", DataType::Utf8, false)]));
    let kinds: ArrayRef = Arc::new(StringArray::from(vec![TABLE, VIEW]));
    RecordBatch::try_new(schema, vec![kinds]).map_err(|error| internal(&error))
}

#[cfg(test)]
pub(super) mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may unwrap")]
    use arrow::array::{Array, BinaryArray};
    use arrow_flight::IpcMessage;
    use catalog::{Column, Contract, Source, Status, Table};

    use super::*;

    /// A table of the columns `id` (key), `note` and `secret` (also of the key where `long_key`), `secret` hidden.
    pub(in crate::flight) fn visible(name: &str, is_view: bool, long_key: bool) -> VisibleTable {
        let column = |name: &str, data_type, key| Column {
            name: name.into(),
            physical_name: name.into(),
            data_type,
            required: true,
            unique: false,
            primary_key_position: key,
            classification: None,
            description: Some(format!("the {name}")),
        };
        let columns = vec![
            column("id", DataType::Int64, Some(1)),
            column("amount", DataType::Decimal128(12, 2), None),
            column("secret", DataType::Utf8, long_key.then_some(2)),
        ];
        let name: catalog::TableName = name.parse().unwrap();
        let contract = Contract {
            id: "c".into(),
            name: "c".into(),
            version: "1.0.0".into(),
            status: Status::Active,
            domain: name.domain.clone(),
            description: None,
            owner: None,
            tags: Vec::new(),
            file: "c.odcs.yaml".into(),
        };
        let source = Source::MeshSql(catalog::source::MeshSqlSource { query: "SELECT 1".into() });
        let table = Table {
            name,
            physical_name: "x".into(),
            description: None,
            columns,
            source,
            foreign_keys: Vec::new(),
            share_join_keys: false,
            contract: Arc::new(contract),
            product: "p".into(),
        };
        let schema = table.schema().project(&[0, 1]).unwrap();
        VisibleTable { table: Arc::new(table), schema: Arc::new(schema), masked: Vec::new(), is_view }
    }

    pub(in crate::flight) fn mesh() -> Name {
        "retail".parse().unwrap()
    }

    fn all() -> Vec<VisibleTable> {
        ["ops.a_b", "ops.axb", "sales.items", "sales.orders"]
            .map(|name| visible(name, name == "sales.items", false))
            .into()
    }

    fn names(batch: &RecordBatch, column: &str) -> Vec<String> {
        let column = batch.column_by_name(column).unwrap().as_any().downcast_ref::<StringArray>().unwrap();
        column.iter().map(|name| name.unwrap().to_owned()).collect()
    }

    #[expect(clippy::needless_pass_by_value, reason = "reads better where it is called")]
    fn check(command: CommandGetTables, expected: &[&str]) {
        let batch = answer(Metadata::Tables(command.clone()), &mesh(), &all()).unwrap();
        assert_eq!(names(&batch, "table_name"), expected, "{command:?}");
        assert_eq!(batch.num_columns(), if command.include_schema { 5 } else { 4 });
    }

    fn named(pattern: &str) -> CommandGetTables {
        CommandGetTables { table_name_filter_pattern: Some(pattern.into()), ..CommandGetTables::default() }
    }

    #[test]
    fn tables_are_found_by_patterns_with_escapes() {
        check(CommandGetTables::default(), &["a_b", "axb", "items", "orders"]);
        check(named("%"), &["a_b", "axb", "items", "orders"]);
        check(named("a_b"), &["a_b", "axb"]);
        check(named("a\\_b"), &["a_b"]);
        check(named("%e%s"), &["items", "orders"]);
        check(named("\\%"), &[]);
        check(named("ORDERS"), &[]);
        check(named(""), &[]);
        let domain = |pattern: &str| CommandGetTables {
            db_schema_filter_pattern: Some(pattern.into()),
            ..CommandGetTables::default()
        };
        check(domain("sa%"), &["items", "orders"]);
        check(domain("sal\\es"), &["items", "orders"]);
    }

    #[test]
    fn a_catalog_is_matched_exactly_and_omitting_it_means_all() {
        let catalog = |name: &str| CommandGetTables { catalog: Some(name.into()), ..CommandGetTables::default() };
        check(catalog("retail"), &["a_b", "axb", "items", "orders"]);
        for none in ["", "other", "ret%", "RETAIL"] {
            check(catalog(none), &[]);
        }
    }

    #[test]
    fn kinds_of_table_have_synonyms() {
        let kinds = |kinds: &[&str]| CommandGetTables {
            table_types: kinds.iter().map(|kind| (*kind).to_owned()).collect(),
            ..CommandGetTables::default()
        };
        check(kinds(&["BASE TABLE", "table"]), &["a_b", "axb", "orders"]);
        check(kinds(&["view"]), &["items"]);
        check(kinds(&["TABLE", "VIEW"]), &["a_b", "axb", "items", "orders"]);
        check(kinds(&["SYSTEM TABLE"]), &[]);
        let batch = answer(Metadata::TableTypes, &mesh(), &[]).unwrap();
        assert_eq!(names(&batch, "table_type"), ["TABLE", "VIEW"]);
    }

    #[test]
    fn a_table_schema_holds_visible_columns_with_their_metadata() {
        let command = CommandGetTables { include_schema: true, ..named("orders") };
        let batch = answer(Metadata::Tables(command), &mesh(), &all()).unwrap();
        let bytes = batch.column(4).as_any().downcast_ref::<BinaryArray>().unwrap().value(0);
        let schema = Schema::try_from(IpcMessage(bytes.to_vec().into())).unwrap();
        let columns: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        assert_eq!(columns, ["id", "amount"]);
        let metadata = schema.field(1).metadata();
        let value = |key: &str| metadata[&format!("ARROW:FLIGHT:SQL:{key}")].as_str();
        assert_eq!((value("TYPE_NAME"), value("PRECISION"), value("SCALE")), ("numeric", "12", "2"));
        assert_eq!((value("SCHEMA_NAME"), value("DB_SCHEMA_NAME"), value("REMARKS")), ("sales", "sales", "the amount"));
        assert!(!format!("{schema:?}").contains("secret"));
    }

    #[test]
    fn only_domains_with_visible_tables_are_schemas() {
        let schemas = |catalog: Option<&str>, tables: &[VisibleTable]| {
            let command = CommandGetDbSchemas { catalog: catalog.map(Into::into), db_schema_filter_pattern: None };
            names(&answer(Metadata::Schemas(command), &mesh(), tables).unwrap(), "db_schema_name")
        };
        assert_eq!(schemas(None, &all()), ["ops", "sales"]);
        assert_eq!(schemas(Some("retail"), &all()[2..]), ["sales"]);
        assert_eq!(schemas(Some("other"), &all()), [""; 0]);
        assert_eq!(names(&answer(Metadata::Catalogs, &mesh(), &[]).unwrap(), "catalog_name"), ["retail"]);
    }
}
