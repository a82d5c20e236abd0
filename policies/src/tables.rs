//! Which tables a plan reads.

use std::collections::BTreeSet;

use catalog::TableName;
use datafusion::error::Result;
use datafusion::logical_expr::LogicalPlan;

use crate::steady::{governed, visit};

/// The governed tables that `plan`, an optimised one, reads, in sub-queries and in the bodies of views as well; `None` where it reads another one
/// as well, such as the gateway's own.
///
/// # Errors
/// The engine's, where it cannot walk over the plan.
pub fn tables_of(plan: &LogicalPlan) -> Result<Option<BTreeSet<TableName>>> {
    let mut tables = Some(BTreeSet::new());
    visit(plan, &mut |node| {
        if let LogicalPlan::TableScan(_) = node {
            tables = tables.take().zip(governed(node)).map(|(mut tables, table)| {
                tables.insert(table.name().clone());
                tables
            });
        }
        Ok(())
    })?;
    Ok(tables)
}
