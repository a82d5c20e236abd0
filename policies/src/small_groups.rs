//! Statements over tables that may be seen in groups of some size only.
//!
//! Such a table is read by an aggregate and by nothing else: above the scan there may be conditions and plain
//! columns, then the aggregate, whose small groups are dropped. Conditions, keys and arguments are of forms that
//! neither fail on a row nor single one out inside a group. What is made of the groups afterwards is free.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::Schema;
use catalog::TableName;
use datafusion::catalog::TableProvider;
use datafusion::common::tree_node::{Transformed, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema};
use datafusion::datasource::{provider_as_source, source_as_provider};
use datafusion::error::{DataFusionError, Result};
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::expr::{AggregateFunction, AggregateFunctionParams, GroupingSet};
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{Aggregate, Expr, LogicalPlan, LogicalPlanBuilder, TableScan, lit, when};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;

use crate::governed_table::GovernedTable;
use crate::leakproof::is_leakproof;
use crate::predicate::is_infallible;

/// Aggregates that tell of one row no more than of the others.
const AGGREGATES: [&str; 8] = ["avg", "count", "stddev", "stddev_pop", "sum", "var", "var_pop", "var_samp"];

/// Functions of a literal and a column that group dates and cannot fail.
const KEY_FUNCTIONS: [&str; 2] = ["date_part", "date_trunc"];

/// A statement asks for less than groups of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TooFine {
    /// The table.
    pub table: TableName,
    /// Fewest rows of a group.
    pub rows: u64,
}

impl fmt::Display for TooFine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "table \"{}\" can be seen in groups of at least {} rows only: use count, sum or avg of its columns, with \
             GROUP BY columns and simple conditions, and join what comes out of it",
            self.table, self.rows
        )
    }
}

impl std::error::Error for TooFine {}

/// `plan` without its small groups.
///
/// # Errors
/// [`TooFine`], as an external error, where a table that may be seen in groups only is read otherwise.
pub fn drop_small_groups(plan: LogicalPlan) -> Result<LogicalPlan> {
    let dropped = plan.transform_down_with_subqueries(|node| {
        if let LogicalPlan::Aggregate(aggregate) = &node
            && let Some(guarded) = Guarded::below(&aggregate.input)?
        {
            let rewritten = guarded.large_groups_of(aggregate)?;
            return Ok(Transformed::new(rewritten, true, TreeNodeRecursion::Jump));
        }
        if let LogicalPlan::TableScan(scan) = &node
            && let Some(refusal) = Guarded::of(scan)?.map(|guarded| guarded.refusal())
        {
            return Err(refusal);
        }
        Ok(Transformed::no(node))
    });
    dropped.map(|dropped| dropped.data)
}

/// A table that is read in groups, and the way to it.
struct Guarded {
    table: TableName,
    rows: u64,
    /// All columns that the reader sees.
    shown: Arc<Schema>,
    /// The input of the aggregate, of which the table may be scanned.
    input: LogicalPlan,
}

impl Guarded {
    fn of(scan: &TableScan) -> Result<Option<Self>> {
        // A source that is no table of ours is refused elsewhere.
        let Ok(provider) = source_as_provider(&scan.source) else { return Ok(None) };
        let Some(table) = provider.downcast_ref::<GovernedTable>() else { return Ok(None) };
        let Some(rows) = table.smallest_group() else { return Ok(None) };
        let mut grouped = scan.clone();
        grouped.source = provider_as_source(table.grouped());
        let input = LogicalPlan::TableScan(grouped);
        Ok(Some(Self { table: table.name().clone(), rows, shown: table.schema(), input }))
    }

    /// The guarded table that `input` consists of; `None` where it has none right here.
    fn below(input: &LogicalPlan) -> Result<Option<Self>> {
        if !matches!(input, LogicalPlan::Filter(_) | LogicalPlan::Projection(_) | LogicalPlan::SubqueryAlias(_)) {
            return if let LogicalPlan::TableScan(scan) = input { Self::of(scan) } else { Ok(None) };
        }
        let [child] = input.inputs()[..] else { return Ok(None) };
        let Some(mut guarded) = Self::below(child)? else { return Ok(None) };
        #[expect(clippy::wildcard_enum_match_arm, reason = "an alias is left")]
        let simple = match input {
            LogicalPlan::Filter(filter) => {
                guarded.is_condition(&filter.predicate, child.schema())? && !has_projection(child)
            }
            LogicalPlan::Projection(projection) => projection.expr.iter().all(|expr| matches!(expr, Expr::Column(_))),
            _ => true,
        };
        if !simple {
            return Err(guarded.refusal());
        }
        guarded.input = input.with_new_exprs(input.expressions(), vec![guarded.input])?;
        Ok(Some(guarded))
    }

    fn refusal(&self) -> DataFusionError {
        DataFusionError::External(Box::new(TooFine { table: self.table.clone(), rows: self.rows }))
    }

    /// Whether a condition cannot fail, whatever a row holds.
    fn is_condition(&self, predicate: &Expr, schema: &Arc<DFSchema>) -> Result<bool> {
        let context = SimplifyContext::builder().with_schema(Arc::clone(schema)).build();
        let simplifier = ExprSimplifier::new(context);
        let prepared = simplifier.coerce(predicate.clone(), schema).and_then(|typed| simplifier.simplify(typed));
        // What is wrong with the condition itself is told by whoever plans it.
        Ok(prepared.is_ok_and(|prepared| is_leakproof(&prepared, &self.shown) || is_infallible(&prepared, schema)))
    }

    /// `aggregate` over the table, its small groups dropped and values of few rows made NULL.
    fn large_groups_of(&self, aggregate: &Aggregate) -> Result<LogicalPlan> {
        let keys_are_plain = aggregate.group_expr.iter().all(|key| self.is_key(key));
        let arguments: Option<Vec<Argument<'_>>> = aggregate.aggr_expr.iter().map(Argument::of).collect();
        let (true, Some(arguments)) = (keys_are_plain, arguments) else { return Err(self.refusal()) };
        let least = || lit(i64::try_from(self.rows).unwrap_or(i64::MAX));
        let mut counted = aggregate.aggr_expr.clone();
        let all = "~rows";
        counted.push(count(lit(1_i64)).alias(all));
        for (place, argument) in arguments.iter().enumerate() {
            if let Argument::Of(value) = argument {
                counted.push(count((*value).clone()).alias(values_of(place)));
            }
        }
        let groups = Aggregate::try_new(Arc::new(self.input.clone()), aggregate.group_expr.clone(), counted)?;
        let large = named(all).gt_eq(least());
        let keys = aggregate.schema.columns().into_iter().take(aggregate.schema.fields().len() - arguments.len());
        let mut shown: Vec<Expr> = keys.map(Expr::Column).collect();
        let values = aggregate.schema.columns().into_iter().skip(shown.len());
        for (place, (column, argument)) in values.zip(&arguments).enumerate() {
            let name = column.name.clone();
            shown.push(match argument {
                Argument::Counted => Expr::Column(column),
                Argument::Of(_) => {
                    when(named(values_of(place)).gt_eq(least()), Expr::Column(column)).end()?.alias(name)
                }
            });
        }
        LogicalPlanBuilder::from(LogicalPlan::Aggregate(groups)).filter(large)?.project(shown)?.build()
    }

    /// Whether rows may be grouped by `key`.
    #[expect(clippy::wildcard_enum_match_arm, reason = "everything that is not listed is refused")]
    fn is_key(&self, key: &Expr) -> bool {
        match key {
            Expr::Column(_) => true,
            Expr::Alias(alias) => self.is_key(&alias.expr),
            Expr::ScalarFunction(call) => {
                KEY_FUNCTIONS.contains(&call.name())
                    && matches!(call.args.as_slice(), [Expr::Literal(..), Expr::Column(_)])
            }
            Expr::GroupingSet(GroupingSet::Rollup(keys) | GroupingSet::Cube(keys)) => {
                keys.iter().all(|key| self.is_key(key))
            }
            Expr::GroupingSet(GroupingSet::GroupingSets(sets)) => sets.iter().flatten().all(|key| self.is_key(key)),
            _ => is_leakproof(key, &self.shown),
        }
    }
}

/// Conditions are over the table's own columns: below them no column has another's name.
fn has_projection(plan: &LogicalPlan) -> bool {
    matches!(plan, LogicalPlan::Projection(_)) || plan.inputs().into_iter().any(has_projection)
}

fn named(name: impl Into<String>) -> Expr {
    Expr::Column(Column::new_unqualified(name))
}

/// Name of the count of the values that the aggregate at this place is made of. A table with a column of this name has
/// no unambiguous plan, and is refused.
fn values_of(place: usize) -> String {
    format!("~values {place}")
}

/// What an aggregate is made of.
enum Argument<'a> {
    /// It counts: of the rows themselves nothing is told.
    Counted,
    /// The values of a column.
    Of(&'a Expr),
}

impl<'a> Argument<'a> {
    /// `None` where the aggregate could single a row out.
    #[expect(clippy::wildcard_enum_match_arm, reason = "everything that is not listed is refused")]
    fn of(expression: &'a Expr) -> Option<Self> {
        let (function, parameters) = match expression {
            Expr::Alias(alias) => return Self::of(&alias.expr),
            Expr::AggregateFunction(AggregateFunction { func, params }) => (func, params),
            _ => return None,
        };
        let AggregateFunctionParams { args, distinct, filter: None, order_by, null_treatment: None } = parameters
        else {
            return None;
        };
        if !AGGREGATES.contains(&function.name()) || !order_by.is_empty() {
            return None;
        }
        match (function.name(), args.as_slice()) {
            ("count", [Expr::Literal(..) | Expr::Column(_)]) => Some(Self::Counted),
            // Of different values there may be one only.
            (_, [value @ Expr::Column(_)]) if !distinct => Some(Self::Of(value)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
