//! The physical scan of a remote table: one partition per endpoint, opened when it is first polled.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use arrow_flight::{FlightInfo, Ticket};
use catalog::source::FlightSource;
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result, Statistics};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::statistics::StatisticsArgs;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PhysicalExpr, PlanProperties,
};

use super::call::Call;
use super::remote::Remote;
use super::schema::Schemas;
use super::stream;

/// One endpoint: where, and with which ticket.
pub(super) struct Part {
    pub(super) remote: Arc<Remote>,
    pub(super) ticket: Ticket,
}

/// What a scan is made of.
pub(super) struct Parts {
    pub(super) call: Call,
    pub(super) source: Arc<FlightSource>,
    pub(super) schemas: Schemas,
    pub(super) schema: SchemaRef,
    /// How many conjuncts went along, for the display.
    pub(super) pushed: usize,
    /// What the remote guesses, where it does.
    pub(super) rows: Option<u64>,
    pub(super) parts: Vec<Part>,
    pub(super) info: Arc<FlightInfo>,
    pub(super) home: Arc<Remote>,
    pub(super) idle_timeout: Duration,
}

/// A scan whose statement the remote has already accepted.
pub(super) struct FlightSqlScan {
    parts: Arc<Parts>,
    properties: Arc<PlanProperties>,
    ends: Arc<stream::Ends>,
}

impl FlightSqlScan {
    pub(super) fn new(parts: Parts) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&parts.schema)),
            // No endpoint means no rows, but a plan without a partition cannot be run.
            Partitioning::UnknownPartitioning(parts.parts.len().max(1)),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self { parts: Arc::new(parts), properties: Arc::new(properties), ends: Arc::default() }
    }
}

impl fmt::Debug for FlightSqlScan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlightSqlScan").field("table", &self.parts.call.table.name).finish_non_exhaustive()
    }
}

impl DisplayAs for FlightSqlScan {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither the statement nor the address: plans are shown to people who may see neither.
        let Parts { call, schema, pushed, parts, .. } = &*self.parts;
        let columns: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        write!(f, "FlightSqlScan: table={}, columns=[{}]", call.table.name, columns.join(", "))?;
        write!(f, ", filters={pushed}, endpoints={}", parts.len())
    }
}

impl ExecutionPlan for FlightSqlScan {
    fn name(&self) -> &'static str {
        "FlightSqlScan"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        if children.is_empty() {
            return Ok(self);
        }
        Err(DataFusionError::Internal("a remote scan has no children".to_owned()))
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn execute(&self, partition: usize, _: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let batches = stream::open(&self.parts, partition, &self.ends)?;
        Ok(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.parts.schema), batches)))
    }

    fn statistics_from_inputs(&self, _: &[Arc<Statistics>], args: &StatisticsArgs) -> Result<Arc<Statistics>> {
        let mut statistics = Statistics::new_unknown(&self.parts.schema);
        // A hint of a stranger: good enough for the order of joins, never for an answer.
        let shares = args.partition().map_or(1, |_| self.parts.parts.len().max(1));
        if let Some(rows) = self.parts.rows.and_then(|rows| usize::try_from(rows).ok()) {
            statistics.num_rows = Precision::Inexact(rows / shares);
        }
        Ok(Arc::new(statistics))
    }
}
