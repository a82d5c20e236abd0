//! `\l`, `\dn`, `\dt` and `\d`: what there is to ask for, through Flight SQL's metadata commands.

use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;
use arrow_flight::IpcMessage;

use super::connection::{Answer, Question};
use super::error::Error;
use super::execute::Shell;
use super::output::text_of;
use super::pattern::Pattern;
use super::type_name::type_name;

/// Rows of metadata that are collected at most.
const MOST_ROWS: usize = 100_000;
/// Where a column's description may be: Flight SQL's key, and what other servers use.
const COMMENT_KEYS: [&str; 3] = ["ARROW:FLIGHT:SQL:REMARKS", "description", "comment"];

/// A table as the server names it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Listed {
    catalog: String,
    domain: String,
    table: String,
    kind: String,
    /// The encoded schema, when it was asked for.
    schema: Vec<u8>,
}

impl Shell {
    pub(super) async fn list_catalogs(&mut self) -> Result<(), Error> {
        let names = self.catalog_names().await?;
        self.print_columns(vec![("Catalog", names)]).await
    }

    /// The names of the catalogs.
    pub(super) async fn catalog_names(&mut self) -> Result<Vec<String>, Error> {
        let batches = self.collect(&Question::Catalogs).await?;
        let columns: Result<Vec<_>, _> = batches.iter().map(|batch| texts(batch, "catalog_name")).collect();
        Ok(columns?.concat())
    }

    pub(super) async fn list_domains(&mut self) -> Result<(), Error> {
        let (mut catalogs, mut domains) = (Vec::new(), Vec::new());
        for batch in self.collect(&Question::Domains).await? {
            catalogs.extend(texts(&batch, "catalog_name")?);
            domains.extend(texts(&batch, "db_schema_name")?);
        }
        self.print_columns(vec![("Catalog", catalogs), ("Domain", domains)]).await
    }

    pub(super) async fn list_tables(&mut self, pattern: Option<&str>) -> Result<(), Error> {
        let pattern = pattern.map(Pattern::parse).unwrap_or_default();
        let tables = self.tables(&pattern, false).await?;
        let column = |part: fn(&Listed) -> &String| tables.iter().map(part).cloned().collect();
        let (domains, names) = (column(|table| &table.domain), column(|table| &table.table));
        let kinds = tables.iter().map(|table| table.kind.to_lowercase()).collect();
        self.print_columns(vec![("Domain", domains), ("Name", names), ("Type", kinds)]).await
    }

    pub(super) async fn describe(&mut self, table: &str) -> Result<(), Error> {
        let pattern = Pattern::parse(table);
        let mut tables = self.tables(&pattern, true).await?;
        // An unqualified name is one of the chosen domain, when that has it.
        if pattern.domain.is_none()
            && let Some(domain) = self.connection.domain()
            && tables.iter().any(|table| table.domain == domain)
        {
            tables.retain(|table| table.domain == domain);
        }
        if tables.is_empty() {
            return Err(Error::Command(format!("did not find any table named {table:?}")));
        }
        for table in tables {
            self.describe_one(table).await?;
        }
        Ok(())
    }

    async fn describe_one(&mut self, table: Listed) -> Result<(), Error> {
        let schema =
            if table.schema.is_empty() { Schema::empty() } else { Schema::try_from(IpcMessage(table.schema.into()))? };
        if self.layout().is_for_people() {
            let kind = if table.kind.eq_ignore_ascii_case("view") { "View" } else { "Table" };
            let parts = [table.catalog, table.domain, table.table];
            let name: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
            let title = super::escape::line(&format!("{kind} \"{}\"", name.join("."))).into_owned();
            self.writer.write(format!("{title}\n").as_bytes())?;
        }
        let fields = schema.fields();
        let comments: Vec<_> = fields.iter().map(|field| comment(field)).collect();
        let mut columns = vec![
            ("Column", fields.iter().map(|field| field.name().clone()).collect()),
            ("Type", fields.iter().map(|field| type_name(field)).collect()),
            ("Nullable", fields.iter().map(|field| nullable(field).to_owned()).collect()),
        ];
        if comments.iter().any(|comment| !comment.is_empty()) {
            columns.push(("Comment", comments));
        }
        self.print_columns(columns).await
    }

    async fn tables(&mut self, pattern: &Pattern, with_columns: bool) -> Result<Vec<Listed>, Error> {
        let question = Question::Tables {
            domain: Pattern::like(pattern.domain.as_deref()),
            table: Pattern::like(pattern.table.as_deref()),
            with_columns,
        };
        let mut tables = Vec::new();
        for batch in self.collect(&question).await? {
            tables.extend(listed(&batch)?);
        }
        tables.retain(|table| pattern.matches(&table.catalog, &table.domain, &table.table));
        Ok(tables)
    }

    async fn collect(&mut self, question: &Question) -> Result<Vec<RecordBatch>, Error> {
        let Answer::Rows(mut rows) = self.connection.ask(question).await? else { return Ok(Vec::new()) };
        let mut batches = Vec::new();
        let mut count = 0;
        loop {
            let batch = rows.next().await.inspect_err(|error| self.connection.note(error))?;
            let Some(batch) = batch else { return Ok(batches) };
            count += batch.num_rows();
            if count > MOST_ROWS {
                return Err(Error::Command(format!("there are more than {MOST_ROWS}: use a pattern")));
            }
            batches.push(batch);
        }
    }

    async fn print_columns(&mut self, columns: Vec<(&str, Vec<String>)>) -> Result<(), Error> {
        let fields: Vec<_> = columns.iter().map(|(name, _)| Field::new(*name, DataType::Utf8, false)).collect();
        let schema = Arc::new(Schema::new(fields));
        let arrays = columns.into_iter().map(|(_, values)| Arc::new(StringArray::from(values)) as ArrayRef).collect();
        let batch = RecordBatch::try_new(Arc::clone(&schema), arrays)?;
        self.print_whole(&schema, &batch).await
    }
}

/// The tables in an answer to `GetTables`.
fn listed(batch: &RecordBatch) -> Result<Vec<Listed>, Error> {
    let text = |name| texts(batch, name);
    let (catalogs, domains) = (text("catalog_name")?, text("db_schema_name")?);
    let (names, kinds) = (text("table_name")?, text("table_type")?);
    let schemas = batch.column_by_name("table_schema").and_then(|column| column.as_binary_opt::<i32>());
    let schema_at = |row: usize| schemas.filter(|column| column.is_valid(row)).map(|column| column.value(row).to_vec());
    let rows = catalogs.into_iter().zip(domains).zip(names).zip(kinds).enumerate();
    Ok(rows
        .map(|(row, (((catalog, domain), table), kind))| {
            let schema = schema_at(row).unwrap_or_default();
            Listed { catalog, domain, table, kind, schema }
        })
        .collect())
}

/// The values of a column, empty where there is none.
fn texts(batch: &RecordBatch, name: &str) -> Result<Vec<String>, Error> {
    let column = batch
        .column_by_name(name)
        .ok_or_else(|| Error::Result(format!("the server's answer has no column {name:?}")))?;
    Ok(text_of(column.as_ref())?.iter().map(|value| value.unwrap_or_default().to_owned()).collect())
}

fn nullable(field: &Field) -> &'static str {
    if field.is_nullable() { "" } else { "not null" }
}

fn comment(field: &Field) -> String {
    COMMENT_KEYS.iter().find_map(|key| field.metadata().get(*key)).cloned().unwrap_or_default()
}
