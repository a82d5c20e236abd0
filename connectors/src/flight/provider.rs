//! A remote table as a table that can be scanned: turns a scan into one statement and its endpoints.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::{Schema, SchemaRef};
use arrow_flight::FlightDescriptor;
use async_trait::async_trait;
use catalog::Source;
use catalog::source::FlightSource;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;

use super::address::{self, Address};
use super::call::Call;
use super::later::Later;
use super::remote::Remote;
use super::scan::{FlightScan, Part};
use super::schema::Schemas;
use super::{Remotes, descriptor, expression, sql};
use crate::error::Error;
use crate::key_sharing::KeySharing;

/// Most endpoints of one statement.
const MAX_ENDPOINTS: usize = 10_000;

/// What a provider is made of.
pub(super) struct Parts {
    pub(super) schema: SchemaRef,
    pub(super) call: Call,
    pub(super) source: Arc<FlightSource>,
    pub(super) home: Address,
    pub(super) remotes: Arc<Remotes>,
    pub(super) schemas: Schemas,
    pub(super) idle_timeout: Duration,
}

/// One table of a Flight SQL endpoint, or one dataset of a plain one.
pub(super) struct FlightProvider {
    parts: Arc<Parts>,
}

impl fmt::Debug for FlightProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlightProvider").field("table", &self.parts.call.table.name).finish_non_exhaustive()
    }
}

impl FlightProvider {
    pub(super) fn new(parts: Parts) -> Self {
        Self { parts: Arc::new(parts) }
    }

    /// Whether the endpoint has no SQL.
    fn is_plain(&self) -> bool {
        matches!(self.parts.call.table.source, Source::Flight(_))
    }
}

impl Parts {
    /// Announces the statement to the remote; what it answers, to be read from its endpoints.
    pub(super) async fn announce(
        &self,
        statement: &sql::Statement,
        schema: &SchemaRef,
    ) -> Result<super::scan::Parts, Error> {
        self.ask(sql::descriptor(statement.text()), statement.conditions(), schema).await
    }

    /// What the remote answers to `descriptor`, in which so many conditions are.
    async fn ask(
        &self,
        descriptor: FlightDescriptor,
        pushed: usize,
        schema: &SchemaRef,
    ) -> Result<super::scan::Parts, Error> {
        let Self { call, source, home, remotes, .. } = self;
        let remote = remotes.get(&call.table, source, home)?;
        let info = remote.info(call, descriptor).await?;
        if info.endpoint.len() > MAX_ENDPOINTS {
            return Err(Error::failed(&call.table, "the endpoint answers with too many endpoints"));
        }
        let parts = info.endpoint.iter().map(|endpoint| self.part(endpoint, &remote));
        let parts = parts.collect::<Result<Vec<_>, Error>>()?;
        Ok(super::scan::Parts {
            call: call.clone(),
            source: Arc::clone(source),
            schemas: self.schemas.clone(),
            schema: Arc::clone(schema),
            pushed,
            rows: u64::try_from(info.total_records).ok(),
            parts,
            info: Arc::new(info),
            home: remote,
            idle_timeout: self.idle_timeout,
        })
    }

    fn part(&self, endpoint: &arrow_flight::FlightEndpoint, home: &Arc<Remote>) -> Result<Part, Error> {
        let Self { call, source, home: home_address, remotes, .. } = self;
        let ticket = endpoint.ticket.clone();
        let ticket = ticket.ok_or_else(|| Error::failed(&call.table, "an endpoint has no ticket"))?;
        let locations: Vec<String> = endpoint.location.iter().map(|location| location.uri.clone()).collect();
        let address = address::choose(home_address, source, &locations)
            .ok_or_else(|| Error::failed(&call.table, "an endpoint is at a location that is not accepted"))?;
        let remote =
            if address == *home_address { Arc::clone(home) } else { remotes.get(&call.table, source, &address)? };
        Ok(Part { remote, ticket })
    }
}

#[async_trait]
impl TableProvider for FlightProvider {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.parts.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = match projection {
            Some(columns) => Arc::new(self.parts.schema.project(columns)?),
            None => Arc::clone(&self.parts.schema),
        };
        if self.is_plain() {
            // The whole dataset comes; of each batch the wanted columns are taken.
            let asked = self.parts.ask(descriptor::descriptor(&self.parts.call.table), 0, &schema).await?;
            return Ok(Arc::new(FlightScan::new(Arc::new(asked), None)));
        }
        let request = sql::Request { columns: &schema, whole: &self.parts.schema, filters, limit };
        let statement = sql::statement(&self.parts.call.table, &self.parts.source, &request)
            .ok_or_else(|| DataFusionError::Plan("a remote table without columns cannot be scanned".to_owned()))?;
        // The number of partitions must be known now; the streams are opened when they are first polled.
        let announced = Arc::new(self.parts.announce(&statement, &schema).await?);
        let domain = &self.parts.call.table.name.domain;
        let may_learn = session.config().get_extension::<KeySharing>().is_some_and(|sharing| sharing.allows(domain));
        let later = (may_learn && !statement.has_limit()).then(|| Later::new(Arc::clone(&self.parts), statement));
        Ok(Arc::new(FlightScan::new(announced, later)))
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let schema: &Schema = &self.parts.schema;
        if self.is_plain() {
            return Ok(vec![TableProviderFilterPushDown::Unsupported; filters.len()]);
        }
        let answer = |filter: &&Expr| match expression::filter(filter, schema, self.parts.source.dialect) {
            // Never exact: what a remote makes of a comparison is checked again here.
            Some(_) => TableProviderFilterPushDown::Inexact,
            None => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(answer).collect())
    }
}
