//! The physical scan of a remote table: one partition per endpoint, opened when it is first polled.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow_flight::{FlightInfo, Ticket};
use catalog::source::FlightSource;
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result, Statistics};
use datafusion::config::ConfigOptions;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, apply_expression_roots};
use datafusion::physical_plan::filter_pushdown::{ChildPushdownResult, FilterPushdownPhase, FilterPushdownPropagation};
use datafusion::physical_plan::statistics::StatisticsArgs;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PhysicalExpr, PlanProperties,
};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use tokio::sync::OnceCell;

use super::call::Call;
use super::keys;
use super::later::{Answer, Later};
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
#[derive(Clone)]
pub(super) struct FlightScan {
    parts: Arc<Parts>,
    properties: Arc<PlanProperties>,
    ends: Arc<stream::Ends>,
    /// How to ask again when the keys of a join are known; `None` where the remote must not learn them.
    later: Option<Arc<Later>>,
    /// What joins fill while the plan runs, over the columns of the scan.
    keys: Arc<[Arc<dyn PhysicalExpr>]>,
    answer: Arc<OnceCell<Answer>>,
}

impl FlightScan {
    pub(super) fn new(parts: Arc<Parts>, later: Option<Later>) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&parts.schema)),
            // No endpoint means no rows, but a plan without a partition cannot be run.
            Partitioning::UnknownPartitioning(parts.parts.len().max(1)),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self {
            parts,
            properties: Arc::new(properties),
            ends: Arc::default(),
            later: later.map(Arc::new),
            keys: Arc::default(),
            answer: Arc::default(),
        }
    }

    /// The same scan, never run, with these keys.
    fn with_keys(&self, keys: Arc<[Arc<dyn PhysicalExpr>]>) -> Self {
        Self { ends: Arc::default(), answer: Arc::default(), keys, ..self.clone() }
    }
}

impl FlightScan {
    /// The rows of a partition, of what is asked for now that the keys are known.
    async fn narrowed(&self, later: &Later, partition: usize) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        let Self { parts, ends, keys, answer, .. } = self;
        match later.answer(answer, keys, parts).await? {
            Answer::Planned => Ok(stream::open(parts, partition, ends)?.boxed()),
            Answer::Nothing => Ok(futures::stream::empty().boxed()),
            Answer::Narrowed(parts, ends) => {
                // There may be more endpoints now than partitions, or fewer.
                let own = (partition..parts.parts.len()).step_by(self.parts.parts.len().max(1));
                let streams: Vec<_> = own.map(|part| stream::open(&parts, part, &ends)).collect::<Result<_>>()?;
                Ok(futures::stream::iter(streams).flatten().boxed())
            }
        }
    }
}

impl fmt::Debug for FlightScan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlightScan").field("table", &self.parts.call.table.name).finish_non_exhaustive()
    }
}

impl DisplayAs for FlightScan {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither the statement nor the address: plans are shown to people who may see neither.
        let Parts { call, schema, pushed, parts, .. } = &*self.parts;
        let columns: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        write!(f, "FlightScan: table={}, columns=[{}]", call.table.name, columns.join(", "))?;
        write!(f, ", filters={pushed}, endpoints={}", parts.len())
    }
}

impl ExecutionPlan for FlightScan {
    fn name(&self) -> &'static str {
        "FlightScan"
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

    /// The keys: a join fills its filter only when somebody below says that he uses it.
    fn apply_expressions(
        &self,
        visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        apply_expression_roots(self.keys.iter(), visit)
    }

    /// Without the keys: whoever filled them makes new ones when it is reset.
    fn reset_state(self: Arc<Self>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(self.with_keys(Arc::default())))
    }

    fn handle_child_pushdown_result(
        &self,
        phase: FilterPushdownPhase,
        result: ChildPushdownResult,
        _: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn ExecutionPlan>>> {
        let filters = result.parent_filters.iter().map(|each| &each.filter);
        let keys: Vec<_> = self.keys.iter().chain(filters.filter(|filter| keys::is_dynamic(filter))).cloned().collect();
        // The join looks at every row again, whatever the remote makes of its keys.
        let answer = FilterPushdownPropagation::all_unsupported(result);
        if phase != FilterPushdownPhase::Post || self.later.is_none() || keys.len() == self.keys.len() {
            return Ok(answer);
        }
        Ok(answer.with_updated_node(Arc::new(self.with_keys(keys.into()))))
    }

    fn execute(&self, partition: usize, _: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let schema = Arc::clone(&self.parts.schema);
        let Some(later) = self.later.as_ref().filter(|_| !self.keys.is_empty()) else {
            let batches = stream::open(&self.parts, partition, &self.ends)?;
            return Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)));
        };
        let (scan, later) = (self.clone(), Arc::clone(later));
        // A join polls its other side when it has read the first: until then its keys are not known.
        let batches = futures::stream::once(async move { scan.narrowed(&later, partition).await }).try_flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
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
