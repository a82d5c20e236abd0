//! Whether a statement must read its rows in an order and in batches that depend on visible rows alone.
//!
//! The engine evaluates an expression batch by batch, and skips what a batch does not need: `a OR 1 / b > 0` looks at
//! `b` only if some row of the batch has no `a`; `LIMIT` looks at no batch after the last. Whether an expression that
//! can fail does fail then depends on how rows lie together, which depends on hidden rows between them. A statement
//! with such an expression is planned for one partition, where a governed scan that hides anything is steady.

mod fallible;
mod precision;

use datafusion::common::DFSchema;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::source_as_provider;
use datafusion::error::Result;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{Expr, LogicalPlan, TableScan};

use crate::governed_table::GovernedTable;

/// Whether `plan`, an optimised one, has an expression that can fail on a row, and reads a table of which something
/// is hidden. The bodies of views count as if they stood in the statement; since they are not optimised yet, some seem to
/// fail that do not.
///
/// # Errors
/// The engine's, where it cannot walk over the plan.
pub fn must_be_steady(plan: &LogicalPlan) -> Result<bool> {
    // Whatever reached a governed table is leakproof.
    Ok(any(plan, |node| Ok(governed(node).is_some_and(|table| table.hides())))?
        && any(plan, |node| Ok(governed(node).is_none() && can_fail(node)?))?)
}

/// Whether `holds` is true for a node of `plan`, those of sub-queries included.
fn any(plan: &LogicalPlan, holds: impl Fn(&LogicalPlan) -> Result<bool>) -> Result<bool> {
    let mut found = false;
    visit(plan, &mut |node| {
        found = found || holds(node)?;
        Ok(())
    })?;
    Ok(found)
}

/// Visits every node of `plan`, of its sub-queries, and of the bodies of its views.
pub(crate) fn visit(plan: &LogicalPlan, each: &mut dyn FnMut(&LogicalPlan) -> Result<()>) -> Result<()> {
    plan.apply_with_subqueries(|node| {
        each(node)?;
        if let Some(body) = governed(node).and_then(|table| table.body()) {
            visit(&body, each)?;
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(())
}

pub(crate) fn governed(node: &LogicalPlan) -> Option<GovernedTable> {
    let LogicalPlan::TableScan(scan) = node else { return None };
    source_as_provider(&scan.source).ok()?.downcast_ref::<GovernedTable>().cloned()
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the expressions of all other nodes are over their inputs")]
fn can_fail(node: &LogicalPlan) -> Result<bool> {
    let schema = match node {
        LogicalPlan::TableScan(TableScan { projected_schema, .. }) => projected_schema.as_ref().clone(),
        // Their expressions stand for a value of the statement itself, or look at their own columns.
        LogicalPlan::Values(_) => DFSchema::empty(),
        node => merge_schema(&node.inputs()),
    };
    let mut found = false;
    node.apply_expressions(|expression: &Expr| {
        found = fallible::can_fail(expression, &schema)?;
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

#[cfg(test)]
mod tests;
