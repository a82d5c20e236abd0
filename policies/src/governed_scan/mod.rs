//! The opaque leaf that a governed table is in a plan: rows come out, nothing else does.

mod carrier;
mod dynamic;
mod hidden;
mod plan;
pub(crate) mod rules;
mod steady;
mod stream;

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{FieldRef, Schema, SchemaRef};
use catalog::{TableName, Version};
use datafusion::common::Statistics;
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::config::ConfigOptions;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::execution_plan::{SchedulingType, apply_expression_roots};
use datafusion::physical_plan::filter_pushdown::{ChildPushdownResult, FilterPushdownPhase, FilterPushdownPropagation};
use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, MetricBuilder, MetricsSet};
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PhysicalExpr, PlanProperties,
    ReplaceChildrenOptions,
};

#[cfg(test)]
mod tests;

use self::dynamic::Accepted;
use self::hidden::Hidden;
use self::stream::ShownStream;
use crate::scan_error::ScanError;

use self::plan::Told;
pub(crate) use self::plan::{ScanRequest, scan};

/// What a governed scan tells the optimiser.
#[derive(Clone)]
enum Openness {
    /// The caller sees all of the table: everything that its source knows.
    Whole {
        /// The scan without push-down, for the statistics of all partitions together; never run.
        told: Option<Told>,
    },
    /// The caller sees a part: the schema, and a guess of the rows that does not depend on them.
    Rows {
        /// `None` where the source does not know the size of the table.
        estimate: Option<usize>,
    },
    /// The caller sees a part, and asks what can fail on a row: one partition, and nothing of how rows lie below.
    Steady,
}

/// What a plan's text may tell of a governed scan.
#[derive(Debug)]
struct Label {
    table: TableName,
    version: Version,
    columns: String,
    /// The caller's own conditions that are applied below.
    conditions: String,
}

/// A leaf of a plan that yields what one principal may see of one table.
///
/// It has no children, no orderings, no column statistics and no metrics but the rows that it gave out; its text
/// shows the table, its version, the wanted columns and the caller's own conditions. Each failure below becomes a
/// [`ScanError`].
pub struct GovernedScan {
    label: Arc<Label>,
    schema: SchemaRef,
    /// For each output column, whether the caller sees it as it is.
    clear: Arc<[bool]>,
    openness: Openness,
    hidden: Hidden,
    /// The dynamic filters that the hidden tree uses, over the output columns.
    dynamic_filters: Vec<Arc<dyn PhysicalExpr>>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl GovernedScan {
    fn new(
        request: &ScanRequest<'_>,
        shown: &[&rules::ShownColumn],
        hidden: Hidden,
        openness: Openness,
    ) -> Result<Self> {
        let fields: Vec<FieldRef> = shown.iter().map(|column| Arc::clone(&column.field)).collect();
        let names: Vec<&str> = shown.iter().map(|column| column.field.name().as_str()).collect();
        let conditions: Vec<String> = request.conditions.iter().map(ToString::to_string).collect();
        let label = Label {
            table: request.table.clone(),
            version: request.version,
            columns: names.join(", "),
            conditions: conditions.join(" AND "),
        };
        let schema: SchemaRef = Arc::new(Schema::new(fields));
        Ok(Self {
            label: Arc::new(label),
            properties: properties(&schema, &hidden, &openness)?,
            schema,
            clear: shown.iter().map(|column| !column.masked).collect(),
            openness,
            hidden,
            dynamic_filters: Vec::new(),
            metrics: ExecutionPlanMetricsSet::new(),
        })
    }

    /// The table that is read.
    #[must_use]
    pub fn table(&self) -> &TableName {
        &self.label.table
    }

    /// The version of the table that is read.
    #[must_use]
    pub fn version(&self) -> Version {
        self.label.version
    }

    /// The tree below, where the caller sees all of the table.
    pub(crate) fn seen_whole(&self) -> Option<&Arc<dyn ExecutionPlan>> {
        match self.openness {
            Openness::Whole { .. } => Some(&self.hidden.root),
            Openness::Rows { .. } | Openness::Steady => None,
        }
    }

    /// The same scan over another hidden tree, never run.
    fn with_hidden(&self, hidden: Hidden, dynamic_filters: Vec<Arc<dyn PhysicalExpr>>) -> Result<Self> {
        Ok(Self {
            label: Arc::clone(&self.label),
            properties: properties(&self.schema, &hidden, &self.openness)?,
            schema: Arc::clone(&self.schema),
            clear: Arc::clone(&self.clear),
            openness: self.openness.clone(),
            hidden,
            dynamic_filters,
            metrics: ExecutionPlanMetricsSet::new(),
        })
    }

    fn opaque(&self, cause: DataFusionError) -> DataFusionError {
        ScanError::new(self.label.table.clone(), cause).into()
    }
}

fn properties(schema: &SchemaRef, hidden: &Hidden, openness: &Openness) -> Result<Arc<PlanProperties>> {
    let of_root = hidden.root.properties();
    let (equivalences, partitioning) = match openness {
        Openness::Whole { told: _ } => (
            of_root.equivalence_properties().clone().with_new_schema(Arc::clone(schema))?,
            of_root.output_partitioning().clone(),
        ),
        Openness::Rows { estimate: _ } => (
            EquivalenceProperties::new(Arc::clone(schema)),
            Partitioning::UnknownPartitioning(of_root.output_partitioning().partition_count()),
        ),
        Openness::Steady => (EquivalenceProperties::new(Arc::clone(schema)), Partitioning::UnknownPartitioning(1)),
    };
    // The hidden source is cooperative; a second wrapper around the leaf would count each batch twice.
    let properties = PlanProperties::new(equivalences, partitioning, of_root.emission_type, of_root.boundedness);
    Ok(Arc::new(properties.with_scheduling_type(SchedulingType::Cooperative)))
}

impl fmt::Debug for GovernedScan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GovernedScan").field("label", &self.label).finish_non_exhaustive()
    }
}

impl DisplayAs for GovernedScan {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Label { table, version, columns, conditions } = self.label.as_ref();
        match format {
            DisplayFormatType::Default | DisplayFormatType::Verbose => {
                write!(f, "GovernedScan: table={table}, version={version}, columns=[{columns}]")?;
                if conditions.is_empty() { Ok(()) } else { write!(f, ", conditions=[{conditions}]") }
            }
            DisplayFormatType::TreeRender => {
                writeln!(f, "table={table}")?;
                writeln!(f, "version={version}")?;
                writeln!(f, "columns={columns}")?;
                if conditions.is_empty() { Ok(()) } else { writeln!(f, "conditions={conditions}") }
            }
        }
    }
}

impl ExecutionPlan for GovernedScan {
    fn name(&self) -> &'static str {
        "GovernedScan"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    /// The dynamic filters: a join fills its filter only when somebody below says that he uses it.
    fn apply_expressions(
        &self,
        visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        apply_expression_roots(&self.dynamic_filters, visit)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if !children.is_empty() {
            return Err(DataFusionError::Internal("GovernedScan is a leaf".to_owned()));
        }
        Ok(self)
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn reset_state(self: Arc<Self>) -> Result<Arc<dyn ExecutionPlan>> {
        // Without the dynamic filters: whoever filled them makes new ones when it is reset.
        let hidden = self.hidden.reset().map_err(|error| self.opaque(error))?;
        Ok(Arc::new(self.with_hidden(hidden, Vec::new())?))
    }

    fn repartitioned(&self, partitions: usize, config: &ConfigOptions) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        if matches!(self.openness, Openness::Steady) {
            return Ok(None);
        }
        let hidden = self.hidden.repartitioned(partitions, config).map_err(|error| self.opaque(error))?;
        let Some(hidden) = hidden else { return Ok(None) };
        Ok(Some(Arc::new(self.with_hidden(hidden, Vec::new())?)))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let hidden = match self.openness {
            Openness::Whole { .. } | Openness::Rows { .. } => self.hidden.root.execute(partition, context),
            Openness::Steady => Ok(steady::rows(&self.hidden.root, self.hidden.limit(), context)),
        };
        let hidden = hidden.map_err(|error| self.opaque(error))?;
        Ok(Box::pin(ShownStream {
            hidden: Some(hidden),
            schema: Arc::clone(&self.schema),
            table: self.label.table.clone(),
            output_rows: MetricBuilder::new(&self.metrics).output_rows(partition),
        }))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn statistics_from_inputs(
        &self,
        _inputs: &[Arc<Statistics>],
        arguments: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        let estimate = match &self.openness {
            Openness::Whole { told } => {
                let told = told.as_ref().filter(|_| arguments.partition().is_none());
                let told = told.map_or_else(|| Ok(Arc::clone(&self.hidden.root)), Told::tree);
                let statistics = told.and_then(|told| StatisticsContext::new().compute(told.as_ref(), arguments));
                return statistics.map_err(|error| self.opaque(error));
            }
            Openness::Rows { estimate } => *estimate,
            Openness::Steady => None,
        };
        let mut statistics = Statistics::new_unknown(&self.schema);
        if let Some(rows) = estimate {
            let shares = arguments.partition().map_or(1, |_| self.properties.output_partitioning().partition_count());
            statistics.num_rows = Precision::Inexact(rows.div_ceil(shares.max(1)));
        }
        Ok(Arc::new(statistics))
    }

    fn handle_child_pushdown_result(
        &self,
        phase: FilterPushdownPhase,
        result: ChildPushdownResult,
        config: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn ExecutionPlan>>> {
        let filters: Vec<_> = result.parent_filters.iter().map(|each| Arc::clone(&each.filter)).collect();
        let answer = FilterPushdownPropagation::all_unsupported(result);
        // Which rows a filter spares depends on what lies beside them.
        let steady = matches!(self.openness, Openness::Steady);
        if phase != FilterPushdownPhase::Post || filters.is_empty() || steady {
            return Ok(answer);
        }
        let accepted = dynamic::accept(&self.hidden, &self.clear, filters.into_iter(), config)
            .map_err(|error| self.opaque(error))?;
        let Some(Accepted { hidden, filters }) = accepted else { return Ok(answer) };
        let filters = self.dynamic_filters.iter().cloned().chain(filters).collect();
        Ok(answer.with_updated_node(Arc::new(self.with_hidden(hidden, filters)?)))
    }
}
