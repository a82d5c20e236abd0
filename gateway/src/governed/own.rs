//! The gateway's own tables: `information_schema` and `system`, holding only what the caller may see.

mod grants;

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::error::ArrowError;
use async_trait::async_trait;
use datafusion::catalog::{SchemaProvider, TableProvider};
use datafusion::common::{DataFusionError, Result};

use super::Snapshot;
use crate::metadata::VisibleTable;

/// The gateway's own SQL schemas.
pub(crate) const SCHEMAS: [&str; 2] = ["information_schema", "system"];

const INFORMATION_SCHEMA: [&str; 3] = ["columns", "schemata", "tables"];
const SYSTEM: [&str; 3] = ["columns", "grants", "products"];

/// One of the gateway's own schemas, as the caller of a snapshot sees it.
#[derive(Debug)]
pub(super) struct OwnSchema {
    snapshot: Arc<Snapshot>,
    name: String,
}

impl OwnSchema {
    pub(super) fn new(snapshot: Arc<Snapshot>, name: &str) -> Self {
        Self { snapshot, name: name.to_owned() }
    }

    fn names(&self) -> &'static [&'static str] {
        if self.name == "system" { &SYSTEM } else { &INFORMATION_SCHEMA }
    }

    fn rows(&self, table: &str) -> std::result::Result<Option<RecordBatch>, ArrowError> {
        let visible = self.snapshot.gateway.visible_tables(&self.snapshot.principal);
        let mesh = self.snapshot.mesh.config.name.as_str();
        match (self.name.as_str(), table) {
            ("information_schema", "schemata") => schemata(mesh, &visible).map(Some),
            ("information_schema", "tables") => tables(mesh, &visible).map(Some),
            ("information_schema", "columns") => columns(mesh, &visible).map(Some),
            ("system", "products") => products(&visible).map(Some),
            ("system", "columns") => described_columns(&self.snapshot, &visible).map(Some),
            ("system", "grants") => grants::rows(&self.snapshot, &visible).map(Some),
            _ => Ok(None),
        }
    }
}

#[async_trait]
impl SchemaProvider for OwnSchema {
    fn table_names(&self) -> Vec<String> {
        self.names().iter().map(|name| (*name).to_owned()).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let rows = self.rows(name).map_err(|error| DataFusionError::ArrowError(Box::new(error), None))?;
        rows.map(|rows| policies::own_table(name, rows.schema(), vec![rows])).transpose()
    }

    fn table_exist(&self, name: &str) -> bool {
        self.names().contains(&name)
    }
}

type Batch = std::result::Result<RecordBatch, ArrowError>;

/// A batch of text columns.
fn texts(columns: Vec<(&str, Vec<Option<String>>)>) -> Batch {
    let fields: Vec<Field> = columns.iter().map(|(name, _)| Field::new(*name, DataType::Utf8, true)).collect();
    let arrays = columns.into_iter().map(|(_, values)| Arc::new(StringArray::from(values)) as ArrayRef).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
}

fn each<T>(rows: &[T], text: impl Fn(&T) -> String) -> Vec<Option<String>> {
    rows.iter().map(|row| Some(text(row))).collect()
}

fn schemata(mesh: &str, visible: &[VisibleTable]) -> Batch {
    let mut names: Vec<String> = visible.iter().map(|table| table.table.name.domain.to_string()).collect();
    names.extend(SCHEMAS.map(str::to_owned));
    names.dedup();
    texts(vec![("catalog_name", each(&names, |_| mesh.to_owned())), ("schema_name", each(&names, String::clone))])
}

fn tables(mesh: &str, visible: &[VisibleTable]) -> Batch {
    let kind = |table: &VisibleTable| if table.is_view { "VIEW" } else { "BASE TABLE" }.to_owned();
    texts(vec![
        ("table_catalog", each(visible, |_| mesh.to_owned())),
        ("table_schema", each(visible, |table| table.table.name.domain.to_string())),
        ("table_name", each(visible, |table| table.table.name.table.to_string())),
        ("table_type", each(visible, kind)),
    ])
}

/// Each visible column with its table and its one-based place.
fn column_rows(visible: &[VisibleTable]) -> Vec<(&VisibleTable, usize, &Field)> {
    visible
        .iter()
        .flat_map(|table| table.schema.fields().iter().enumerate().map(move |(i, f)| (table, i + 1, f.as_ref())))
        .collect()
}

fn columns(mesh: &str, visible: &[VisibleTable]) -> Batch {
    let rows = column_rows(visible);
    let nullable = |field: &Field| if field.is_nullable() { "YES" } else { "NO" }.to_owned();
    let mut columns = texts(vec![
        ("table_catalog", each(&rows, |_| mesh.to_owned())),
        ("table_schema", each(&rows, |(table, ..)| table.table.name.domain.to_string())),
        ("table_name", each(&rows, |(table, ..)| table.table.name.table.to_string())),
        ("column_name", each(&rows, |(.., field)| field.name().clone())),
        ("column_default", rows.iter().map(|_| None).collect()),
        ("is_nullable", each(&rows, |(.., field)| nullable(field))),
        ("data_type", each(&rows, |(.., field)| field.data_type().to_string())),
    ])?;
    let ordinal = UInt64Array::from_iter_values(rows.iter().map(|(_, ordinal, _)| *ordinal as u64));
    let mut fields: Vec<Arc<Field>> = columns.schema().fields().iter().map(Arc::clone).collect();
    fields.insert(4, Arc::new(Field::new("ordinal_position", DataType::UInt64, false)));
    let mut arrays = columns.columns().to_vec();
    arrays.insert(4, Arc::new(ordinal));
    columns = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?;
    Ok(columns)
}

fn products(visible: &[VisibleTable]) -> Batch {
    texts(vec![
        ("domain", each(visible, |table| table.table.name.domain.to_string())),
        ("product", each(visible, |table| table.table.product.to_string())),
        ("table_name", each(visible, |table| table.table.name.table.to_string())),
        ("contract_version", each(visible, |table| table.table.contract.version.clone())),
        ("status", each(visible, |table| format!("{:?}", table.table.contract.status).to_lowercase())),
        ("owner", visible.iter().map(|table| table.table.contract.owner.clone()).collect()),
        ("description", visible.iter().map(|table| table.table.description.clone()).collect()),
    ])
}

fn described_columns(snapshot: &Snapshot, visible: &[VisibleTable]) -> Batch {
    let rows = column_rows(visible);
    let masks = grants::masks(snapshot, visible);
    let mask = |table: &VisibleTable, field: &Field| masks.get(&(&table.table.name, field.name().as_str())).cloned();
    let promised = |table: &VisibleTable, field: &Field| {
        table.table.columns.iter().find(|column| column.name == *field.name()).cloned()
    };
    texts(vec![
        ("domain", each(&rows, |(table, ..)| table.table.name.domain.to_string())),
        ("table_name", each(&rows, |(table, ..)| table.table.name.table.to_string())),
        ("column_name", each(&rows, |(.., field)| field.name().clone())),
        ("data_type", each(&rows, |(.., field)| field.data_type().to_string())),
        (
            "classification",
            rows.iter()
                .map(|(table, _, field)| promised(table, field).and_then(|column| column.classification))
                .collect(),
        ),
        (
            "description",
            rows.iter().map(|(table, _, field)| promised(table, field).and_then(|column| column.description)).collect(),
        ),
        ("mask", rows.iter().map(|(table, _, field)| mask(table, field)).collect()),
    ])
}
