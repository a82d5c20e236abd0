//! The statement that a scan sends: needed columns, what can be said of the filters, and the limit.

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow_flight::FlightDescriptor;
use arrow_flight::sql::{CommandStatementQuery, ProstMessageExt};
use catalog::Table;
use catalog::source::FlightSource;
use datafusion::logical_expr::Expr;
use prost::Message;

use super::expression;

/// What a scan wants.
pub(super) struct Request<'a> {
    /// The wanted columns; none when only rows are counted.
    pub(super) columns: &'a SchemaRef,
    /// All columns of the table.
    pub(super) whole: &'a SchemaRef,
    /// Conjuncts that are checked here again.
    pub(super) filters: &'a [Expr],
    /// How many rows are enough.
    pub(super) limit: Option<usize>,
}

/// A statement of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statement {
    /// `SELECT … FROM …`
    select: String,
    conditions: Vec<String>,
    limit: Option<usize>,
}

impl Statement {
    /// Its text.
    pub(super) fn text(&self) -> String {
        let mut text = self.select.clone();
        if !self.conditions.is_empty() {
            text = format!("{text} WHERE {}", self.conditions.join(" AND "));
        }
        match self.limit {
            Some(limit) => format!("{text} LIMIT {limit}"),
            None => text,
        }
    }

    /// How many conditions it carries.
    pub(super) fn conditions(&self) -> usize {
        self.conditions.len()
    }

    /// Whether it wants some of the rows only: with further conditions these would be others.
    pub(super) fn has_limit(&self) -> bool {
        self.limit.is_some()
    }

    /// The same with further conditions.
    pub(super) fn with(&self, conditions: Vec<String>) -> Self {
        let mut more = self.clone();
        more.conditions.extend(conditions);
        more
    }
}

/// The statement for a scan; none for a table without columns.
pub(super) fn statement(table: &Table, source: &FlightSource, request: &Request<'_>) -> Option<Statement> {
    let mut names: Vec<String> = request.columns.fields().iter().map(|field| identifier(field.name())).collect();
    if names.is_empty() {
        names.push(identifier(cheapest(request.whole)?.name()));
    }
    let select = format!("SELECT {} FROM {}", names.join(", "), relation(table, source));
    let said = request.filters.iter().filter_map(|expr| expression::filter(expr, request.whole, source.dialect));
    // A filter is checked here again and may drop rows that the remote counted, so then no limit is safe.
    let limit = request.limit.filter(|_| request.filters.is_empty());
    Some(Statement { select, conditions: said.collect(), limit })
}

/// A statement over all columns and rows, to be prepared and never run.
pub(super) fn everything(table: &Table, source: &FlightSource) -> String {
    format!("SELECT * FROM {}", relation(table, source))
}

/// A statement over all columns and no row.
pub(super) fn empty(table: &Table, source: &FlightSource) -> String {
    format!("{} LIMIT 0", everything(table, source))
}

/// The descriptor that announces a statement.
pub(super) fn descriptor(query: String) -> FlightDescriptor {
    let command = CommandStatementQuery { query, transaction_id: None };
    FlightDescriptor::new_cmd(command.as_any().encode_to_vec())
}

fn relation(table: &Table, source: &FlightSource) -> String {
    let parts = [source.catalog.as_ref(), source.schema.as_ref(), Some(&table.physical_name)];
    let parts: Vec<String> = parts.into_iter().flatten().map(|part| identifier(part)).collect();
    parts.join(".")
}

/// A quoted identifier: all dialects here quote alike.
pub(super) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The column that costs least to send.
fn cheapest(schema: &Schema) -> Option<&Field> {
    let width = |data_type: &DataType| {
        if *data_type == DataType::Boolean { 0 } else { data_type.primitive_width().unwrap_or(usize::MAX) }
    };
    schema.fields().iter().map(AsRef::as_ref).min_by_key(|field: &&Field| width(field.data_type()))
}
