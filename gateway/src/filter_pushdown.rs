//! The engine's push-down of filters through physical plans, kept away from columns that it would mix up.
//!
//! It finds the columns of a filter by their names, and takes the first where a node has two of one name, as a join of
//! two tables does: a condition on one table is then applied to the other, and rows get lost. Here no filter enters a
//! node whose columns do not all have different names. Conditions have been pushed down before, in the logical plan,
//! which knows the tables; what is left to gain by names is little.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::config::ConfigOptions;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};

/// The engine's rules, with a fence around each that pushes filters down.
pub(crate) fn rules() -> Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>> {
    let fenced = |rule: Arc<dyn PhysicalOptimizerRule + Send + Sync>| {
        if !rule.name().starts_with("FilterPushdown") {
            return rule;
        }
        Arc::new(Fenced(rule)) as Arc<dyn PhysicalOptimizerRule + Send + Sync>
    };
    PhysicalOptimizer::new().rules.into_iter().map(fenced).collect()
}

/// A rule, run on a plan with fences.
#[derive(Debug)]
struct Fenced(Arc<dyn PhysicalOptimizerRule + Send + Sync>);

impl PhysicalOptimizerRule for Fenced {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let fenced = plan.transform_up(|node| {
            let ambiguous = is_ambiguous(&node);
            Ok(if ambiguous { Transformed::yes(Arc::new(Fence(node)) as _) } else { Transformed::no(node) })
        });
        let pushed = self.0.optimize(fenced.data()?, config)?;
        let free = pushed.transform_up(|node| {
            let Some(Fence(inner)) = node.downcast_ref::<Fence>() else { return Ok(Transformed::no(node)) };
            Ok(Transformed::yes(Arc::clone(inner)))
        });
        free.data()
    }

    fn name(&self) -> &str {
        self.0.name()
    }

    fn schema_check(&self) -> bool {
        self.0.schema_check()
    }
}

/// Whether two columns of `node` have one name.
fn is_ambiguous(node: &Arc<dyn ExecutionPlan>) -> bool {
    let schema = node.schema();
    let mut names = HashSet::with_capacity(schema.fields().len());
    !schema.fields().iter().all(|field| names.insert(field.name().as_str()))
}

/// Stands above a node while filters are pushed down, and lets none pass: that is the default of every node.
#[derive(Debug)]
struct Fence(Arc<dyn ExecutionPlan>);

impl DisplayAs for Fence {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fence")
    }
}

impl ExecutionPlan for Fence {
    fn name(&self) -> &'static str {
        "Fence"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.0.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.0]
    }

    fn apply_expressions(
        &self,
        _visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        match (children.pop(), children.is_empty()) {
            (Some(inner), true) => Ok(Arc::new(Self(inner))),
            (Some(_) | None, _) => Err(DataFusionError::Internal("a fence is around one node".to_owned())),
        }
    }

    fn execute(&self, _partition: usize, _context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        Err(DataFusionError::Internal("a fence is never run".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests may unwrap, and need sessions")]
    use arrow::util::pretty::pretty_format_batches;
    use datafusion::execution::SessionStateBuilder;
    use datafusion::prelude::SessionContext;

    use super::*;

    /// The first column of the answer, sorted; by the engine alone, or with our rules.
    async fn answer(ours: bool, sql: &str) -> Vec<String> {
        let builder = SessionStateBuilder::new().with_default_features();
        let builder = if ours { builder.with_physical_optimizer_rules(rules()) } else { builder };
        let context = SessionContext::new_with_state(builder.build());
        for table in [
            "CREATE TABLE p AS SELECT * FROM (VALUES (1, 'x', 5), (2, 'y', 0), (3, 'z', 7)) AS t(id, name, pay)",
            "CREATE TABLE q AS SELECT column1 AS id, arrow_cast(column2, 'LargeUtf8') AS name, column3 AS pay
             FROM (VALUES (10, 'x', 1), (20, 'y', 1), (30, NULL, 1), (40, 'w', 0))",
        ] {
            context.sql(table).await.unwrap().collect().await.unwrap();
        }
        let rows = context.sql(sql).await.unwrap().collect().await.unwrap();
        let text = pretty_format_batches(&rows).unwrap().to_string();
        let mut cells: Vec<String> =
            text.lines().skip(3).filter_map(|line| Some(line.split('|').nth(1)?.trim().to_owned())).collect();
        cells.sort();
        cells
    }

    /// The keys have different types, so that the engine computes one of them in a projection of its own.
    const UNMATCHED: &str = "SELECT b.id FROM p a RIGHT JOIN q b ON a.name = b.name AND a.pay > 0
        WHERE b.pay > 0 AND a.name IS NULL";

    #[tokio::test]
    async fn a_condition_on_one_side_of_an_outer_join_is_not_applied_to_the_other() {
        assert_eq!(answer(true, UNMATCHED).await, ["20", "30"]);
    }

    #[tokio::test]
    async fn what_a_later_join_has_learnt_of_a_column_is_not_applied_to_its_namesake() {
        let sql = "SELECT b.id, a.id FROM p a JOIN q b ON a.name = b.name JOIN (VALUES (1), (2)) AS c(n) ON c.n = a.id";
        assert_eq!(answer(true, sql).await, ["10", "20"]);
        let sql = "SELECT b.id, a.id FROM (VALUES (10), (40)) AS c(n) JOIN (SELECT * FROM p) a ON true
            JOIN q b ON a.name = b.name AND c.n = b.id";
        assert_eq!(answer(true, sql).await, ["10"]);
    }

    /// Tells when the fence is not needed any more.
    #[tokio::test]
    async fn the_engine_alone_still_loses_rows() {
        assert_eq!(answer(false, UNMATCHED).await, ["30"]);
    }
}
