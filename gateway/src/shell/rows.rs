//! A result that is fetched batch by batch, from one endpoint after the other.

use std::collections::VecDeque;
use std::fmt;

use arrow::datatypes::{Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use arrow_flight::decode::FlightRecordBatchStream;
use arrow_flight::{FlightInfo, Ticket};
use futures::TryStreamExt as _;

use super::connection::Client;
use super::error::Error;

/// Dropping it cancels what the server does for it.
pub(super) struct Rows {
    client: Client,
    info: FlightInfo,
    target: String,
    tickets: VecDeque<Ticket>,
    stream: Option<FlightRecordBatchStream>,
    schema: Option<SchemaRef>,
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows").field("target", &self.target).finish_non_exhaustive()
    }
}

impl Rows {
    /// Nothing is fetched before `next`. Endpoints at other places are asked for here: the login is for this server.
    pub(super) fn new(client: Client, info: FlightInfo, target: String) -> Self {
        let tickets = info.endpoint.iter().filter_map(|endpoint| endpoint.ticket.clone()).collect();
        Self { client, info, target, tickets, stream: None, schema: None }
    }

    /// What the server said about the result; names it in a cancellation.
    pub(super) fn info(&self) -> &FlightInfo {
        &self.info
    }

    /// The next batch, or none at the end.
    pub(super) async fn next(&mut self) -> Result<Option<RecordBatch>, Error> {
        loop {
            let stream = match &mut self.stream {
                Some(stream) => stream,
                None => {
                    let Some(ticket) = self.tickets.pop_front() else { return Ok(None) };
                    let stream = self.client.do_get(ticket).await;
                    self.stream.insert(stream.map_err(|error| Error::from_flight(error, &self.target))?)
                }
            };
            let batch = stream.try_next().await.map_err(|error| Error::from_flight(error, &self.target))?;
            if self.schema.is_none() {
                self.schema = stream.schema().map(SchemaRef::clone);
            }
            if batch.is_some() {
                return Ok(batch);
            }
            self.stream = None;
        }
    }

    /// The columns, also of a result without rows; whole once `next` has answered.
    pub(super) fn schema(&self) -> SchemaRef {
        let promised = || self.info.clone().try_decode_schema().unwrap_or_else(|_| Schema::empty()).into();
        self.schema.as_ref().map_or_else(promised, SchemaRef::clone)
    }
}
