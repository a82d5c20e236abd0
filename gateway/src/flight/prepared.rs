//! Prepared statements: kept here by handle, each for its own session.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow_flight::decode::FlightRecordBatchStream;
use arrow_flight::error::FlightError;
use arrow_flight::sql::{Any, ProstMessageExt};
use arrow_flight::{FlightData, sql};
use bytes::Bytes;
use catalog::Name;
use futures::{Stream, StreamExt, TryStreamExt};
use moka::future::Cache;
use prost::Message;
use proto::flight::sql::ActionCreatePreparedStatementResult;
use tonic::{Code, Status};

use super::session::{Owner, owner};
use super::{Call, Door, encode, parameters, placeholders, put};
use crate::auth::{self, Caller};
use crate::error::{Error, ErrorKind};
use crate::query::{Description, Parameter, Pins, Query, Statement, Text};

/// Most bytes of all prepared statements together; the least used make room.
const CAPACITY_BYTES: u64 = 256 << 20;

/// What a prepared statement takes beside its text and values.
const OVERHEAD_BYTES: usize = 1 << 10;

/// A statement that nobody uses this long is forgotten. SqlInfo tells it.
pub(super) const IDLE: Duration = Duration::from_secs(60 * 60);

/// Most bytes of bound values.
const MAX_BOUND_BYTES: usize = 4 << 20;

/// How long a client may take to send the values that it binds.
const PATIENCE: Duration = Duration::from_secs(60);

/// The prepared statements of all sessions.
#[derive(Debug)]
pub(super) struct PreparedStatements {
    by_handle: Cache<Bytes, Arc<Prepared>>,
}

/// One prepared statement. Immutable: binding values replaces it under its handle.
#[derive(Debug, Clone)]
struct Prepared {
    owner: Owner,
    text: Text,
    domain: Option<Name>,
    parameters: Vec<Parameter>,
    bound: Option<Bound>,
}

#[derive(Debug, Clone)]
struct Bound {
    rows: parameters::Rows,
    bytes: usize,
}

impl PreparedStatements {
    pub(super) fn new() -> Self {
        let weigher = |_: &Bytes, prepared: &Arc<Prepared>| {
            let bound = prepared.bound.as_ref().map_or(0, |bound| bound.bytes);
            u32::try_from(OVERHEAD_BYTES + prepared.text.bytes().len() + bound).unwrap_or(u32::MAX)
        };
        Self { by_handle: Cache::builder().weigher(weigher).max_capacity(CAPACITY_BYTES).time_to_idle(IDLE).build() }
    }

    /// The statement with this handle, for its own session only: for all others there is none.
    async fn find(&self, caller: &Caller, handle: &Bytes) -> Result<Arc<Prepared>, Error> {
        let found = self.by_handle.get(handle).await.filter(|prepared| prepared.owner == owner(caller));
        found.ok_or_else(|| {
            Error::new(ErrorKind::InvalidTicket, "the prepared statement is not valid, or no longer: prepare it again")
        })
    }

    /// Keeps a statement and returns its handle.
    async fn insert(&self, prepared: Prepared) -> Result<Bytes, Error> {
        let handle = Bytes::copy_from_slice(&auth::random_bytes::<24>()?);
        self.by_handle.insert(handle.clone(), Arc::new(prepared)).await;
        Ok(handle)
    }

    /// Binds `batches` to a statement. Without a row the values are forgotten.
    async fn bind(&self, caller: &Caller, handle: &Bytes, batches: &[RecordBatch]) -> Result<(), Error> {
        let mut prepared = self.find(caller, handle).await?.as_ref().clone();
        let bytes = batches.iter().map(RecordBatch::get_array_memory_size).sum();
        let rows = parameters::bind(batches, &prepared.parameters)?;
        prepared.bound = (!rows.is_empty()).then_some(Bound { rows, bytes });
        self.by_handle.insert(handle.clone(), Arc::new(prepared)).await;
        Ok(())
    }

    /// Forgets a statement of the caller. Another's, or none, is no error: clients close twice.
    pub(super) async fn close(&self, caller: &Caller, handle: &Bytes) {
        if self.find(caller, handle).await.is_ok() {
            self.by_handle.invalidate(handle).await;
        }
    }
}

impl Door {
    /// Prepares a statement: what it takes and gives, and a handle for it.
    pub(super) async fn prepare(&self, call: &Call, text: Text) -> Result<Bytes, Error> {
        let text = match text {
            Text::Sql(sql) => Text::Sql(placeholders::number(&sql)?),
            Text::Substrait(plan) => Text::Substrait(plan),
        };
        let statement = Self::statement(call, text.clone(), Vec::new(), None);
        let domain = statement.domain.clone();
        let Description { schema, parameters } = self.describe(call, statement).await?;
        let parameter_schema = encode::schema(&parameters::schema(&parameters))?;
        let owner = owner(&call.caller);
        let handle = self.prepared.insert(Prepared { owner, text, domain, parameters, bound: None }).await?;
        let result = ActionCreatePreparedStatementResult {
            prepared_statement_handle: handle,
            dataset_schema: encode::schema(&schema)?,
            parameter_schema,
            is_update: Some(false),
        };
        // The message has a field more than arrow-flight's; its name is the same.
        let type_url = sql::ActionCreatePreparedStatementResult::type_url().to_owned();
        Ok(Any { type_url, value: result.encode_to_vec().into() }.encode_to_vec().into())
    }

    /// The statement of a handle with its bound values.
    pub(super) async fn prepared_statement(&self, call: &Call, handle: &Bytes) -> Result<Statement, Error> {
        let prepared = self.find_prepared(call, handle).await?;
        let rows = prepared.bound.as_ref().map(|bound| bound.rows.clone()).unwrap_or_default();
        if rows.is_empty() && !prepared.parameters.is_empty() {
            let error = parameters::wrong_number(prepared.parameters.len(), 0);
            let statement = Self::statement(call, prepared.text.clone(), Vec::new(), prepared.domain.clone());
            return Err(self.refuse(call, statement, error).await);
        }
        Ok(Self::statement(call, prepared.text.clone(), rows, prepared.domain.clone()))
    }

    /// The schema of a prepared statement as it would be now; values need not be bound yet.
    pub(super) async fn prepared_schema(&self, call: &Call, handle: &Bytes) -> Result<SchemaRef, Error> {
        let prepared = self.find_prepared(call, handle).await?;
        match &prepared.bound {
            None if !prepared.parameters.is_empty() => {
                let statement = Self::statement(call, prepared.text.clone(), Vec::new(), prepared.domain.clone());
                Ok(self.describe(call, statement).await?.schema)
            }
            Some(_) | None => {
                let statement = self.prepared_statement(call, handle).await?;
                let query = self.plan(call, statement, Pins::default()).await?;
                let schema = query.schema();
                query.finish().await?;
                Ok(schema)
            }
        }
    }

    /// The statement with this handle. A refusal is recorded.
    async fn find_prepared(&self, call: &Call, handle: &Bytes) -> Result<Arc<Prepared>, Error> {
        let found = self.prepared.find(&call.caller, handle).await;
        found.inspect_err(|error| self.gateway.audit.refused_ticket(&call.caller, error))
    }

    async fn describe(&self, call: &Call, statement: Statement) -> Result<Description, Error> {
        let query = Query::receive(&self.gateway, Arc::clone(&call.caller.principal), statement)?;
        tracing::Span::current().record("query_id", query.id());
        query.describe().await
    }

    /// Binds the values that `messages` bring to a prepared statement.
    pub(super) async fn bind_parameters<S>(&self, call: &Call, handle: &Bytes, messages: S) -> Result<(), Error>
    where
        S: Stream<Item = Result<FlightData, Status>> + Send + 'static,
    {
        // A handle that is not the caller's is refused before anything is read.
        self.find_prepared(call, handle).await?;
        let Ok(batches) = tokio::time::timeout(PATIENCE, read(messages)).await else {
            return Err(Error::new(ErrorKind::Timeout, "the values of the parameters did not arrive in time"));
        };
        self.prepared.bind(&call.caller, handle, &batches?).await
    }
}

/// The batches that a client sends; few, and small.
async fn read<S>(messages: S) -> Result<Vec<RecordBatch>, Error>
where
    S: Stream<Item = Result<FlightData, Status>> + Send + 'static,
{
    let mut bytes = 0_usize;
    let bounded = messages
        .map(move |message| {
            let message = message?;
            bytes = bytes.saturating_add(message.data_body.len() + message.data_header.len() + 1);
            if bytes > MAX_BOUND_BYTES {
                return Err(FlightError::DecodeError(TOO_LARGE.to_owned()));
            }
            Ok(message)
        })
        // Some clients begin with a message that holds the descriptor only.
        .try_filter(|message| futures::future::ready(!message.data_header.is_empty()));
    FlightRecordBatchStream::new_from_flight_data(bounded).try_collect().await.map_err(|error| match error {
        FlightError::DecodeError(text) if text == TOO_LARGE => too_large(),
        // What the transport says of a message that is longer than any may be.
        FlightError::Tonic(status) if status.code() == Code::OutOfRange => too_large(),
        FlightError::Tonic(status) => put::unread(&status),
        FlightError::Arrow(_)
        | FlightError::NotYetImplemented(_)
        | FlightError::ProtocolError(_)
        | FlightError::DecodeError(_)
        | FlightError::ExternalError(_) => Error::new(ErrorKind::InvalidStatement, "the parameters cannot be decoded"),
    })
}

const TOO_LARGE: &str = "too large";

fn too_large() -> Error {
    Error::new(
        ErrorKind::LimitExceeded,
        format!("the parameters are too large: they take more than {MAX_BOUND_BYTES} bytes"),
    )
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may unwrap")]
    use arrow::array::{ArrayRef, Int64Array, StringArray};
    use arrow::datatypes::DataType;
    use arrow_flight::FlightDescriptor;
    use datafusion::common::ScalarValue;
    use policies::Principal;

    use super::*;
    use crate::auth::{ProvenBy, SessionId};

    fn caller(subject: &str, session: &SessionId) -> Caller {
        let credential = ProvenBy::Password;
        Caller { principal: Arc::new(Principal::named(subject)), session: session.clone(), peer: None, credential }
    }

    fn statement(caller: &Caller) -> Prepared {
        let parameters = vec![Parameter { bound: DataType::Int64, told: DataType::Int64 }];
        Prepared { owner: owner(caller), text: "SELECT $1".to_owned().into(), domain: None, parameters, bound: None }
    }

    fn row(value: i64) -> RecordBatch {
        RecordBatch::try_from_iter([("a", Arc::new(Int64Array::from(vec![value])) as ArrayRef)]).unwrap()
    }

    #[tokio::test]
    async fn a_handle_is_worth_nothing_in_another_session() {
        let (one, two) = (SessionId::random().unwrap(), SessionId::random().unwrap());
        let (all, ann) = (PreparedStatements::new(), caller("ann", &one));
        let handle = all.insert(statement(&ann)).await.unwrap();
        for other in [caller("ann", &two), caller("bob", &one)] {
            assert_eq!(all.find(&other, &handle).await.unwrap_err().kind, ErrorKind::InvalidTicket);
            all.bind(&other, &handle, &[row(1)]).await.unwrap_err();
            all.close(&other, &handle).await;
        }
        all.find(&ann, &handle).await.unwrap();
        all.find(&ann, &Bytes::from_static(b"guess")).await.unwrap_err();
    }

    #[tokio::test]
    async fn values_stay_under_the_same_handle_until_others_are_bound() {
        let (all, ann) = (PreparedStatements::new(), caller("ann", &SessionId::random().unwrap()));
        let handle = all.insert(statement(&ann)).await.unwrap();
        for (batches, expected) in
            [(vec![row(1)], Some(1)), (vec![row(2)], Some(2)), (vec![row(2).slice(0, 0)], None), (vec![], None)]
        {
            all.bind(&ann, &handle, &batches).await.unwrap();
            let bound = all.find(&ann, &handle).await.unwrap().bound.as_ref().map(|bound| bound.rows.clone());
            assert_eq!(bound, expected.map(|value| vec![vec![ScalarValue::Int64(Some(value))]]));
        }
        all.close(&ann, &handle).await;
        all.close(&ann, &handle).await;
        all.find(&ann, &handle).await.unwrap_err();
    }

    async fn check(messages: Vec<FlightData>, expected: Result<usize, ErrorKind>) {
        let read = read(futures::stream::iter(messages.into_iter().map(Ok))).await;
        let rows = read.map(|batches| batches.iter().map(RecordBatch::num_rows).sum());
        assert_eq!(rows.map_err(|error| error.kind), expected);
    }

    async fn messages(batch: RecordBatch) -> Vec<FlightData> {
        encode::batch(batch).unwrap().try_collect().await.unwrap()
    }

    #[tokio::test]
    async fn values_come_with_and_without_a_message_for_the_descriptor_alone() {
        let descriptor = FlightData::new().with_descriptor(FlightDescriptor::new_cmd("x"));
        let values = messages(row(1)).await;
        check(values.clone(), Ok(1)).await;
        check([vec![descriptor.clone()], values].concat(), Ok(1)).await;
        check(vec![descriptor], Ok(0)).await;
        check(vec![], Ok(0)).await;
    }

    #[tokio::test]
    async fn what_is_too_large_or_no_batch_is_refused() {
        let text = StringArray::from(vec!["x".repeat(MAX_BOUND_BYTES)]);
        let batch = RecordBatch::try_from_iter([("a", Arc::new(text) as ArrayRef)]).unwrap();
        check(messages(batch).await, Err(ErrorKind::LimitExceeded)).await;
        check(vec![FlightData::new().with_data_header(b"junk".as_slice())], Err(ErrorKind::InvalidStatement)).await;
    }
}
