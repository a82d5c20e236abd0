//! Which columns a remote table has: asked once in a while, in the way that the server understands.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Schema, SchemaRef};
use arrow_flight::decode::FlightRecordBatchStream;
use arrow_flight::error::FlightError;
use arrow_flight::sql::{
    ActionClosePreparedStatementRequest, ActionCreatePreparedStatementRequest, ActionCreatePreparedStatementResult,
    Any, Command, CommandGetTables, ProstMessageExt,
};
use arrow_flight::{Action, FlightDescriptor, FlightInfo, IpcMessage};
use bytes::Bytes;
use catalog::Source;
use catalog::source::FlightSource;
use futures::{StreamExt, TryStreamExt};
use moka::future::Cache;
use prost::Message;

use super::call::Call;
use super::error::{from_stream, into_error};
use super::remote::Remote;
use super::{descriptor, sql};
use crate::error::Error;

/// Types of the actions that make and close a prepared statement, as Flight SQL names them.
const CREATE_PREPARED_STATEMENT: &str = "CreatePreparedStatement";
const CLOSE_PREPARED_STATEMENT: &str = "ClosePreparedStatement";

/// How long a schema is believed; every stream is checked against it anyway.
const BELIEVED: Duration = Duration::from_secs(60);

/// Most schemas that are kept.
const MAX_SCHEMAS: u64 = 10_000;

/// Most tables that are looked through for one name.
const MAX_TABLES: usize = 10_000;

/// The schemas of remote tables, kept for a while.
#[derive(Debug, Clone)]
pub(super) struct Schemas {
    known: Cache<Arc<str>, SchemaRef>,
}

impl Default for Schemas {
    fn default() -> Self {
        Self { known: Cache::builder().max_capacity(MAX_SCHEMAS).time_to_live(BELIEVED).build() }
    }
}

impl Schemas {
    /// The schema of the call's table, from the cache or from `remote`.
    pub(super) async fn get(&self, remote: &Remote, call: &Call, source: &FlightSource) -> Result<SchemaRef, Error> {
        let key = key(call, source);
        if let Some(schema) = self.known.get(&key).await {
            return Ok(schema);
        }
        let schema = ask(remote, call, source).await?;
        self.known.insert(key, Arc::clone(&schema)).await;
        Ok(schema)
    }

    /// Forgets a schema that turned out to be wrong.
    pub(super) async fn forget(&self, call: &Call, source: &FlightSource) {
        self.known.invalidate(&key(call, source)).await;
    }
}

fn key(call: &Call, source: &FlightSource) -> Arc<str> {
    let plain = matches!(call.table.source, Source::Flight(_));
    format!("{source:?} {plain} {:?}", call.table.physical_name).into()
}

/// Asks in the order of what says most about the types that a query will see.
async fn ask(remote: &Remote, call: &Call, source: &FlightSource) -> Result<SchemaRef, Error> {
    if let Source::Flight(_) = &call.table.source {
        return descriptor::schema(remote, call).await;
    }
    match prepared(remote, call, source).await {
        Ok(Some(schema)) => return Ok(schema),
        Err(error @ (Error::Unavailable { .. } | Error::Credential { .. })) => return Err(error),
        // Not every server has prepared statements.
        Ok(None) | Err(_) => {}
    }
    match listed(remote, call, source).await {
        Ok(Some(schema)) => return Ok(schema),
        Err(error @ (Error::Unavailable { .. } | Error::Credential { .. })) => return Err(error),
        Ok(None) | Err(_) => {}
    }
    let descriptor = sql::descriptor(sql::empty(&call.table, source));
    let info = remote.info(call, descriptor).await?;
    let schema = info.try_decode_schema().map_err(|cause| Error::failed(&call.table, cause))?;
    known_columns(schema).ok_or_else(|| Error::failed(&call.table, "the endpoint does not know the table"))
}

/// The schema that a prepared statement over the whole table announces.
async fn prepared(remote: &Remote, call: &Call, source: &FlightSource) -> Result<Option<SchemaRef>, Error> {
    let query = sql::everything(&call.table, source);
    let request = ActionCreatePreparedStatementRequest { query, transaction_id: None };
    let action = Action::new(CREATE_PREPARED_STATEMENT, request.as_any().encode_to_vec());
    let failed = |cause: FlightError| from_stream(&call.table, cause);
    let answer = remote.act(call, &action).await?.next().await.transpose();
    let Some(answer) = answer.map_err(|cause| into_error(&call.table, cause))? else { return Ok(None) };
    let made: Option<ActionCreatePreparedStatementResult> = Any::decode(&*answer.body)
        .map_err(|cause| Error::failed(&call.table, cause))?
        .unpack()
        .map_err(|cause| failed(cause.into()))?;
    let Some(made) = made else { return Ok(None) };
    let close = ActionClosePreparedStatementRequest { prepared_statement_handle: made.prepared_statement_handle };
    let action = Action::new(CLOSE_PREPARED_STATEMENT, close.as_any().encode_to_vec());
    // The statement is of no use any more; a server that cannot close it will forget it.
    if let Ok(mut closed) = remote.act(call, &action).await {
        while let Some(Ok(_)) = closed.next().await {}
    }
    decode(&made.dataset_schema).map_err(|cause| failed(cause.into()))
}

/// The schema that the list of tables gives.
async fn listed(remote: &Remote, call: &Call, source: &FlightSource) -> Result<Option<SchemaRef>, Error> {
    // The specification names no escape character for patterns. A name taken as a pattern finds itself and
    // perhaps others, so the exact one is picked here.
    let command = CommandGetTables {
        catalog: source.catalog.clone(),
        db_schema_filter_pattern: source.schema.clone(),
        table_name_filter_pattern: Some(call.table.physical_name.clone()),
        table_types: Vec::new(),
        include_schema: true,
    };
    let descriptor = FlightDescriptor::new_cmd(Command::CommandGetTables(command).into_any().encode_to_vec());
    let info = remote.info(call, descriptor).await?;
    let mut found: Option<SchemaRef> = None;
    let mut looked_at = 0;
    for batch in tables(remote, call, info).await? {
        looked_at += batch.num_rows();
        if looked_at > MAX_TABLES {
            return Ok(None);
        }
        for schema in matches(&batch, call, source).map_err(|cause| from_stream(&call.table, cause))? {
            // Two tables of one name in different catalogs or schemas: the statement decides, not the list.
            if found.as_ref().is_some_and(|other| *other != schema) {
                return Ok(None);
            }
            found = Some(schema);
        }
    }
    Ok(found)
}

/// The batches of the list of tables; a server lists them itself, so locations do not count.
async fn tables(remote: &Remote, call: &Call, info: FlightInfo) -> Result<Vec<RecordBatch>, Error> {
    let mut all = Vec::new();
    for ticket in info.endpoint.into_iter().take(1).filter_map(|endpoint| endpoint.ticket) {
        let stream = remote.get(call, &ticket).await?;
        let batches = FlightRecordBatchStream::new_from_flight_data(stream.map_err(FlightError::from)).take(MAX_TABLES);
        let reading = tokio::time::timeout_at(call.deadline.into(), batches.try_collect::<Vec<_>>());
        let batches = reading.await.map_err(|_| super::remote::late(&call.table))?;
        all.extend(batches.map_err(|cause| from_stream(&call.table, cause))?);
    }
    Ok(all)
}

/// The schemas of the rows with exactly the wanted names.
fn matches(batch: &RecordBatch, call: &Call, source: &FlightSource) -> Result<Vec<SchemaRef>, FlightError> {
    let text = |name: &str| {
        let column = batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
        column.ok_or_else(|| FlightError::DecodeError(format!("list of tables has no column {name}")))
    };
    let (catalogs, schemas, tables) = (text("catalog_name")?, text("db_schema_name")?, text("table_name")?);
    let encoded = batch.column_by_name("table_schema").and_then(|column| column.as_binary_opt::<i32>());
    let encoded = encoded.ok_or_else(|| FlightError::DecodeError("list of tables has no schemas".to_owned()))?;
    let same = |wanted: &Option<String>, names: &arrow::array::StringArray, row: usize| {
        wanted.as_ref().is_none_or(|wanted| names.is_valid(row) && names.value(row) == wanted)
    };
    let mut found = Vec::new();
    for row in 0..batch.num_rows() {
        let named = tables.is_valid(row) && tables.value(row) == call.table.physical_name;
        if named && same(&source.catalog, catalogs, row) && same(&source.schema, schemas, row) {
            found.extend(decode(&Bytes::copy_from_slice(encoded.value(row)))?);
        }
    }
    Ok(found)
}

fn decode(message: &Bytes) -> Result<Option<SchemaRef>, arrow::error::ArrowError> {
    if message.is_empty() {
        return Ok(None);
    }
    Ok(known_columns(Schema::try_from(IpcMessage(message.clone()))?))
}

/// A schema with columns, without the metadata that means nothing here.
pub(super) fn known_columns(schema: Schema) -> Option<SchemaRef> {
    if schema.fields().is_empty() {
        return None;
    }
    Some(Arc::new(Schema::new(schema.fields)))
}
