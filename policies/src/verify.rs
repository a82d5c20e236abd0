//! The last look at a plan before it runs: every leaf is governed.

use std::any::Any;
use std::sync::Arc;

use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::sink::DataSinkExec;
use datafusion::datasource::source::DataSourceExec;
use datafusion::functions_table::generate_series::{Empty, GenericSeriesState, TimestampValue};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::memory::{LazyBatchGenerator, LazyMemoryExec};
use datafusion::physical_plan::placeholder_row::PlaceholderRowExec;
use datafusion::physical_plan::work_table::WorkTableExec;

use crate::error::Error;
use crate::governed_scan::GovernedScan;
use crate::own_table::OwnScan;

/// Refuses a plan that reads from anything but governed tables and rows that the statement itself makes.
///
/// Allowed leaves: [`GovernedScan`], [`OwnScan`], the empty relation, the one row of a `SELECT` without `FROM`,
/// `VALUES`, `generate_series`/`range`, and the working table of a recursive query. Plans inside other nodes, such
/// as scalar sub-queries, are children in DataFusion 55 and are looked at like the rest. Types are compared
/// exactly: a node that only claims to be another one is refused.
///
/// # Errors
/// [`Error::UngovernedLeaf`] or [`Error::Write`], which name the type of the node and nothing of its content.
pub fn verify(plan: &Arc<dyn ExecutionPlan>) -> Result<(), Error> {
    let mut open = vec![plan];
    while let Some(plan) = open.pop() {
        if is::<DataSinkExec>(plan) {
            return Err(Error::Write { node: plan.name().to_owned() });
        }
        let children = plan.children();
        if children.is_empty() && !is_allowed_leaf(plan) {
            return Err(Error::UngovernedLeaf { node: plan.name().to_owned() });
        }
        open.extend(children);
    }
    Ok(())
}

fn is_allowed_leaf(plan: &Arc<dyn ExecutionPlan>) -> bool {
    is::<GovernedScan>(plan)
        || is::<OwnScan>(plan)
        || is::<EmptyExec>(plan)
        || is::<PlaceholderRowExec>(plan)
        || is::<WorkTableExec>(plan)
        || exact::<DataSourceExec>(plan).is_some_and(is_values)
        || exact::<LazyMemoryExec>(plan).is_some_and(is_series)
}

/// Not `plan.is()`: that follows `downcast_delegate`, a claim of the node about itself.
fn exact<T: ExecutionPlan>(plan: &Arc<dyn ExecutionPlan>) -> Option<&T> {
    (plan.as_ref() as &dyn Any).downcast_ref()
}

fn is<T: ExecutionPlan>(plan: &Arc<dyn ExecutionPlan>) -> bool {
    exact::<T>(plan).is_some()
}

/// Whether the node holds the rows of a `VALUES`, and not those of a table in memory: nothing marks them, but
/// `VALUES` has one batch, no order, and columns called `column1`, `column2`, …, which no contract has.
fn is_values(node: &DataSourceExec) -> bool {
    let source: &dyn Any = node.data_source().as_ref();
    let Some(memory) = source.downcast_ref::<MemorySourceConfig>() else { return false };
    let [batches] = memory.partitions() else { return false };
    let schema = memory.original_schema();
    let named_by_place =
        schema.fields().iter().enumerate().all(|(index, field)| *field.name() == format!("column{}", index + 1));
    batches.len() <= 1 && memory.sort_information().is_empty() && named_by_place
}

/// Whether the node makes the rows of `generate_series` or `range`.
fn is_series(node: &LazyMemoryExec) -> bool {
    node.generators().iter().all(|generator| {
        let generator = generator.read();
        let generator: &dyn LazyBatchGenerator = &*generator;
        let generator = generator.as_any();
        generator.is::<GenericSeriesState<i64>>()
            || generator.is::<GenericSeriesState<TimestampValue>>()
            || generator.is::<Empty>()
    })
}
