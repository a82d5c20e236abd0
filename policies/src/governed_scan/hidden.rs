//! The tree below a governed scan: source, row filter, masks. Nothing outside may look at it.

use std::sync::Arc;

use datafusion::common::tree_node::TreeNode;
use datafusion::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::projection::ProjectionExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::ensure_coop::EnsureCooperative;
use datafusion::physical_plan::execution_plan::{replace_children_if_necessary, reset_plan_states};
use datafusion::physical_plan::filter::FilterExecBuilder;
use datafusion::physical_plan::limit::LocalLimitExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::{ExecutionPlan, PhysicalExpr};

use crate::unguarded::{self, Mutation};

/// The parts of the tree; [`root`](Self::root) is made of the others and is what runs.
///
/// Invariant: whatever the source does, every row passes `predicate` on its raw values before `output` is
/// computed of it.
pub(super) struct Hidden {
    source: Arc<dyn ExecutionPlan>,
    /// The source as it was before dynamic filters came.
    pristine: Arc<dyn ExecutionPlan>,
    predicate: Option<Arc<dyn PhysicalExpr>>,
    output: Vec<ProjectionExpr>,
    limit: Option<usize>,
    pub(super) root: Arc<dyn ExecutionPlan>,
}

impl Hidden {
    /// The tree of these parts, see [`assemble`].
    ///
    /// `predicate` and `output` are over the columns of `source`.
    pub(super) fn new(
        source: Arc<dyn ExecutionPlan>,
        predicate: Option<Arc<dyn PhysicalExpr>>,
        output: Vec<ProjectionExpr>,
        limit: Option<usize>,
    ) -> Result<Self> {
        // A filter that drops every row never gives control back by itself: the source must.
        let source = EnsureCooperative::new().optimize(source, &ConfigOptions::default())?;
        let root = assemble(&source, predicate.as_ref(), &output, limit)?;
        Ok(Self { pristine: Arc::clone(&source), source, predicate, output, limit, root })
    }

    pub(super) fn source(&self) -> &Arc<dyn ExecutionPlan> {
        &self.source
    }

    pub(super) fn limit(&self) -> Option<usize> {
        self.limit
    }

    /// The source's column that is given out unchanged as output column `index`; `None` where the output is
    /// computed.
    pub(super) fn source_column(&self, index: usize) -> Option<Column> {
        let output = self.output.get(index)?;
        if unguarded::has(Mutation::DynamicFiltersOnMasks) {
            return Column::new_with_schema(&output.alias, &self.source.schema()).ok();
        }
        output.expr.downcast_ref::<Column>().cloned()
    }

    /// The same tree over a source that takes note of dynamic filters.
    pub(super) fn with_dynamic_source(&self, source: Arc<dyn ExecutionPlan>) -> Result<Self> {
        let root = assemble(&source, self.predicate.as_ref(), &self.output, self.limit)?;
        let (pristine, predicate) = (Arc::clone(&self.pristine), self.predicate.clone());
        Ok(Self { source, pristine, predicate, output: self.output.clone(), limit: self.limit, root })
    }

    /// The same tree, never run and without dynamic filters.
    pub(super) fn reset(&self) -> Result<Self> {
        let source = reset_plan_states(Arc::clone(&self.pristine))?;
        Self::new(source, self.predicate.clone(), self.output.clone(), self.limit)
    }

    /// The same tree in another number of partitions, where the source can.
    pub(super) fn repartitioned(&self, partitions: usize, config: &ConfigOptions) -> Result<Option<Self>> {
        let Some(source) = repartition(&self.pristine, partitions, config)? else { return Ok(None) };
        Self::new(source, self.predicate.clone(), self.output.clone(), self.limit).map(Some)
    }
}

/// Rows of `source` that `predicate` is true for, of each the `output`; at most `limit` of a partition.
pub(super) fn assemble(
    source: &Arc<dyn ExecutionPlan>,
    predicate: Option<&Arc<dyn PhysicalExpr>>,
    output: &[ProjectionExpr],
    limit: Option<usize>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let mut root = Arc::clone(source);
    if let Some(limit) = limit.filter(|_| unguarded::has(Mutation::LimitBelowRowFilter)) {
        root = Arc::new(LocalLimitExec::new(root, limit));
    }
    if let Some(predicate) = predicate {
        root = Arc::new(FilterExecBuilder::new(Arc::clone(predicate), root).with_fetch(limit).build()?);
    } else if let Some(limit) = limit {
        root = Arc::new(LocalLimitExec::new(root, limit));
    }
    if is_identity(output, &root) {
        return Ok(root);
    }
    Ok(Arc::new(ProjectionExec::try_new(output.iter().cloned(), root)?))
}

/// Whether `output` gives out the columns of `input` as they are.
fn is_identity(output: &[ProjectionExpr], input: &Arc<dyn ExecutionPlan>) -> bool {
    let schema = input.schema();
    output.len() == schema.fields().len()
        && output.iter().zip(schema.fields()).enumerate().all(|(index, (shown, field))| {
            shown.alias == *field.name()
                && shown.expr.downcast_ref::<Column>().is_some_and(|column| column.index() == index)
        })
}

/// Asks the nodes of the single-child chain from `plan` downwards, until one can.
fn repartition(
    plan: &Arc<dyn ExecutionPlan>,
    partitions: usize,
    config: &ConfigOptions,
) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    if let Some(plan) = plan.repartitioned(partitions, config)? {
        return Ok(Some(plan));
    }
    let [child] = plan.children()[..] else { return Ok(None) };
    let Some(child) = repartition(child, partitions, config)? else { return Ok(None) };
    replace_children_if_necessary(Arc::clone(plan), vec![child]).map(Some)
}

/// Whether a node of `plan` uses the expression with this id.
pub(super) fn uses_expression(plan: &Arc<dyn ExecutionPlan>, id: u64) -> Result<bool> {
    use datafusion::common::tree_node::TreeNodeRecursion::{Continue, Stop};
    let mut found = false;
    plan.apply(|node| {
        node.apply_expressions(&mut |expression| {
            expression.apply(|part| {
                found = found || part.expression_id() == Some(id);
                Ok(if found { Stop } else { Continue })
            })
        })?;
        Ok(if found { Stop } else { Continue })
    })?;
    Ok(found)
}
