//! `EXPLAIN` for callers who may not look inside a table.
//!
//! They get the logical plan above the governed scans: it holds only what they wrote and what they may see. A
//! physical plan depends on statistics of what they may not see. `EXPLAIN ANALYZE` adds the rows of the result.

use datafusion::common::Result;
use datafusion::execution::SessionState;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, cast, lit};
use datafusion::prelude::concat;

use crate::error::Error;
use crate::failure;
use crate::governed::Touched;

/// `plan` itself; where it explains a statement on guarded tables, a plan that tells what its caller may know.
pub(super) fn told(plan: LogicalPlan, state: &SessionState, touched: &Touched) -> Result<LogicalPlan, Error> {
    if touched.guarded.is_empty() {
        return Ok(plan);
    }
    let told = if let LogicalPlan::Explain(explain) = &plan {
        explained(&explain.plan, state)
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

fn explained(plan: &LogicalPlan, state: &SessionState) -> Result<LogicalPlan> {
    let text = text(plan, state)?;
    LogicalPlanBuilder::values(vec![vec![lit("logical_plan"), lit(text)]])?
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
