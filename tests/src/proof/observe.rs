//! Everything that a client can tell about the answer to a question.

use std::collections::{BTreeMap, HashMap};

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use arrow_flight::FlightInfo;
use arrow_flight::sql::{CommandGetPrimaryKeys, CommandGetTables, CommandStatementQuery, ProstMessageExt};

use super::question::{Ask, Order, Question};
use crate::{Client, Failure, Rows};

/// What a client saw.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Seen {
    /// What was promised: schema, numbers, endpoints.
    pub(super) promise: String,
    /// What came.
    pub(super) answer: Answer,
}

/// What came.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Answer {
    /// Rows as text, in the order that the question fixes.
    Rows(Vec<String>),
    /// Their number, where the question fixes only that.
    Number(usize),
    /// Code, kind, SQLSTATE, and text without the query id.
    Failure { kind: String, text: String },
}

impl Answer {
    /// Whether it is a fault of the gateway, whatever was asked.
    pub(super) fn is_fault(&self) -> bool {
        let Self::Failure { kind, .. } = self else { return false };
        !["AccessDenied", "InvalidStatement", "UndefinedTable", "UndefinedColumn", "UnsupportedSql", "DataError"]
            .contains(&kind.as_str())
    }
}

/// Puts the question. Of three statements one is asked with its result divided among endpoints.
pub(super) async fn observe(client: Client, question: &Question) -> Seen {
    let mut client =
        if question.seed.is_multiple_of(3) { client.with_header("meshgate-endpoints", "4") } else { client };
    let mut promise = String::new();
    let answer = match ask(&mut client, question, &mut promise).await {
        Ok(rows) => self::answer(question, &rows),
        Err(failure) => failed(&failure),
    };
    Seen { promise, answer }
}

/// As much of the rows as the question fixes.
pub(super) fn answer(question: &Question, rows: &Rows) -> Answer {
    match question.order {
        Order::Total => Answer::Rows(rows.lines()),
        Order::Any => Answer::Rows(rows.sorted()),
        Order::Number => Answer::Number(rows.count()),
    }
}

async fn ask(client: &mut Client, question: &Question, promise: &mut String) -> Result<Rows, Failure> {
    match &question.ask {
        Ask::Statement(sql) => {
            let command = CommandStatementQuery { query: sql.clone(), transaction_id: None };
            fetched(client, &command, promise).await
        }
        Ask::Schema(sql) => {
            let command = CommandStatementQuery { query: sql.clone(), transaction_id: None };
            let schema = client.schema(&command).await?;
            *promise = told(&schema);
            Ok(nothing(schema))
        }
        Ask::Tables { pattern, with_schema } => {
            let command = CommandGetTables {
                table_name_filter_pattern: pattern.map(str::to_owned),
                include_schema: *with_schema,
                ..CommandGetTables::default()
            };
            let rows = fetched(client, &command, promise).await?;
            promise.push_str(&format!("{:?}", rows.bytes("table_schema")));
            Ok(rows)
        }
        Ask::Keys(table) => {
            let (db_schema, table) = table.split_once('.').unwrap();
            let command =
                CommandGetPrimaryKeys { catalog: None, db_schema: Some(db_schema.into()), table: table.into() };
            fetched(client, &command, promise).await
        }
        Ask::Prepared(sql, number, text) => prepared(client, sql, *number, text, promise).await,
    }
}

async fn prepared(
    client: &mut Client,
    sql: &str,
    number: i64,
    text: &str,
    promise: &mut String,
) -> Result<Rows, Failure> {
    let mut statement = client.flight().prepare(sql.to_owned(), None).await?;
    *promise = format!("{} {}", told(statement.dataset_schema()?), told(statement.parameter_schema()?));
    let number: arrow::array::ArrayRef = std::sync::Arc::new(arrow::array::Int64Array::from(vec![number]));
    let text: arrow::array::ArrayRef = std::sync::Arc::new(arrow::array::StringArray::from(vec![text]));
    let parameters = RecordBatch::try_from_iter_with_nullable([("0", number, true), ("1", text, true)]).unwrap();
    statement.set_parameters(parameters)?;
    let info = statement.execute().await?;
    promise.push_str(&promised(&info));
    client.fetch_all(&info).await
}

async fn fetched(client: &mut Client, command: &impl ProstMessageExt, promise: &mut String) -> Result<Rows, Failure> {
    let info = client.command(command).await?;
    *promise = promised(&info);
    let rows = client.fetch_all(&info).await?;
    promise.push_str(&format!(" stream: {}", told(&rows.schema)));
    Ok(rows)
}

/// All of a `FlightInfo` but the ids, times and signatures in its tickets, of which the length is left.
fn promised(info: &FlightInfo) -> String {
    let endpoints = info.endpoint.iter().map(|endpoint| {
        let ticket = endpoint.ticket.as_ref().map_or(0, |ticket| ticket.ticket.len());
        format!("{ticket} {:?} {:?}", endpoint.location, endpoint.app_metadata)
    });
    let endpoints: Vec<String> = endpoints.collect();
    let schema = info.clone().try_decode_schema().unwrap();
    let (records, bytes, ordered) = (info.total_records, info.total_bytes, info.ordered);
    format!("{} {records} {bytes} {ordered} {:?} {endpoints:?}", told(&schema), info.app_metadata)
}

/// All of a schema, in one order.
fn told(schema: &Schema) -> String {
    let sorted = |metadata: &HashMap<String, String>| format!("{:?}", metadata.iter().collect::<BTreeMap<_, _>>());
    let fields = schema.fields().iter().map(|field| {
        let (name, kind, nullable) = (field.name(), field.data_type(), field.is_nullable());
        format!("{name:?} {kind:?} {nullable} {}", sorted(field.metadata()))
    });
    format!("{:?} {}", fields.collect::<Vec<_>>(), sorted(schema.metadata()))
}

fn nothing(schema: Schema) -> Rows {
    Rows { schema: schema.into(), batches: Vec::new() }
}

/// A failure as text. Which of several bad values a data error names depends on which row comes first, which no
/// statement fixes: quoted values are left out, and looked for in the texts of the hidden rows instead.
fn failed(failure: &Failure) -> Answer {
    let (code, kind, sqlstate, message) = failure.shape();
    let message = if kind == "DataError" { without_values(&message) } else { message };
    Answer::Failure { text: format!("{code:?} {kind} {sqlstate} {message}"), kind }
}

/// The text without what stands in quotes, and without numbers.
pub(super) fn without_values(text: &str) -> String {
    let outside: Vec<&str> = text.split(['\'', '"']).step_by(2).collect();
    outside.join("…").chars().filter(|letter| !letter.is_ascii_digit()).collect()
}
