//! `EXPLAIN`, in two forms.
//!
//! Whoever is guarded from the inside of a table gets the logical plan above the governed scans: it holds only what
//! he wrote and what he may see. A physical plan depends on statistics of what he may not see; only a caller who
//! operates every table of the statement, and sees all of it, gets it as well. `EXPLAIN ANALYZE` gives the number of
//! rows of the result.

use datafusion::common::Result;
use datafusion::execution::SessionState;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, cast, lit};
use datafusion::physical_plan::displayable;
use datafusion::prelude::concat;

use crate::error::Error;
use crate::failure;
use crate::governed::Touched;

/// `plan` itself; where it explains a statement, a plan that tells what its caller may know.
pub(super) async fn told(plan: LogicalPlan, state: &SessionState, touched: &Touched) -> Result<LogicalPlan, Error> {
    let told = if let LogicalPlan::Explain(explain) = &plan {
        explained(&explain.plan, state, touched.guarded.is_empty()).await
    } else if let LogicalPlan::Analyze(analyze) = &plan {
        analysed(&analyze.input, state)
    } else {
        return Ok(plan);
    };
    told.map_err(|error| failure::told(&error))
}

fn text(plan: &LogicalPlan, state: &SessionState) -> Result<String> {
    Ok(state.optimize(plan)?.display_indent().to_string())
}

async fn explained(plan: &LogicalPlan, state: &SessionState, whole: bool) -> Result<LogicalPlan> {
    let mut rows = vec![vec![lit("logical_plan"), lit(text(plan, state)?)]];
    if whole {
        let physical = state.create_physical_plan(plan).await?;
        rows.push(vec![lit("physical_plan"), lit(displayable(physical.as_ref()).indent(false).to_string())]);
    }
    LogicalPlanBuilder::values(rows)?
        .project(vec![
            datafusion::prelude::col("column1").alias("plan_type"),
            datafusion::prelude::col("column2").alias("plan"),
        ])?
        .build()
}

fn analysed(plan: &LogicalPlan, state: &SessionState) -> Result<LogicalPlan> {
    let text = text(plan, state)?;
    let rows = cast(datafusion::prelude::col("rows"), arrow::datatypes::DataType::Utf8);
    LogicalPlanBuilder::from(plan.clone())
        .aggregate(Vec::<datafusion::prelude::Expr>::new(), vec![count(lit(1)).alias("rows")])?
        .project(vec![
            lit("logical_plan, output rows").alias("plan_type"),
            concat(vec![lit(format!("{text}\noutput_rows=")), rows]).alias("plan"),
        ])?
        .build()
}
