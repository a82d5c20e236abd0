//! Hands conditions to a source through DataFusion's own push-down, without any other optimisation.

use std::fmt;
use std::sync::Arc;

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::config::ConfigOptions;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::filter_pushdown::FilterPushdown;
use datafusion::physical_plan::filter_pushdown::{
    ChildFilterDescription, ChildPushdownResult, FilterDescription, FilterPushdownPhase, FilterPushdownPropagation,
    PushedDown,
};
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PhysicalExpr, PlanProperties, ReplaceChildrenOptions,
};

/// What became of conditions that were handed to a source.
pub(super) struct Carried {
    /// The source, which now knows them.
    pub(super) source: Arc<dyn ExecutionPlan>,
    /// For each condition, whether the source promises to drop every row that it does not hold for.
    pub(super) applied: Vec<bool>,
}

/// Hands `conditions`, over the columns of `source`, to it in the phase that `rule` stands for.
pub(super) fn carry(
    source: Arc<dyn ExecutionPlan>,
    conditions: Vec<Arc<dyn PhysicalExpr>>,
    rule: &FilterPushdown,
    config: &ConfigOptions,
) -> Result<Carried> {
    let carrier: Arc<dyn ExecutionPlan> = Arc::new(Carrier { source, conditions, applied: Vec::new() });
    let carrier = rule.optimize(carrier, config)?;
    let Some(carrier) = carrier.downcast_ref::<Carrier>() else {
        return Err(DataFusionError::Internal("the push-down replaced its carrier".to_owned()));
    };
    let mut applied = carrier.applied.clone();
    applied.resize(carrier.conditions.len(), false);
    Ok(Carried { source: Arc::clone(&carrier.source), applied })
}

/// A node above the source that exists only while its conditions are pushed down.
#[derive(Debug)]
struct Carrier {
    source: Arc<dyn ExecutionPlan>,
    conditions: Vec<Arc<dyn PhysicalExpr>>,
    applied: Vec<bool>,
}

impl DisplayAs for Carrier {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Carrier")
    }
}

impl ExecutionPlan for Carrier {
    fn name(&self) -> &'static str {
        "Carrier"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.source.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.source]
    }

    fn apply_expressions(
        &self,
        _visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let (Some(source), true) = (children.pop(), children.is_empty()) else {
            return Err(DataFusionError::Internal("a carrier has one child".to_owned()));
        };
        Ok(Arc::new(Self { source, conditions: self.conditions.clone(), applied: self.applied.clone() }))
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        use datafusion::physical_plan::ChildrenPropertiesMode::Recompute;
        self.replace_children(children, ReplaceChildrenOptions::new(Recompute))
    }

    fn gather_filters_for_pushdown(
        &self,
        _phase: FilterPushdownPhase,
        parent_filters: Vec<Arc<dyn PhysicalExpr>>,
        _config: &ConfigOptions,
    ) -> Result<FilterDescription> {
        let child = ChildFilterDescription::from_child(&parent_filters, &self.source)?;
        Ok(FilterDescription::new().with_child(child.with_self_filters(self.conditions.clone())))
    }

    fn handle_child_pushdown_result(
        &self,
        _phase: FilterPushdownPhase,
        result: ChildPushdownResult,
        _config: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn ExecutionPlan>>> {
        let applied = result.self_filters.iter().flatten();
        let applied = applied.map(|filter| matches!(filter.discriminant, PushedDown::Yes)).collect();
        let carrier = Self { source: Arc::clone(&self.source), conditions: self.conditions.clone(), applied };
        Ok(FilterPushdownPropagation::all_unsupported(result).with_updated_node(Arc::new(carrier)))
    }

    fn execute(&self, _partition: usize, _context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        Err(DataFusionError::Internal("a carrier is never run".to_owned()))
    }
}
