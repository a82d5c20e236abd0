//! Why a governed table or plan is refused.

use catalog::TableName;
use datafusion::error::DataFusionError;

/// Why a governed table cannot be built, or a plan not be run.
///
/// The texts may be shown to whoever sees the table; what the rules say and which hidden columns there are stands
/// in the sources only.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A plan reads from somewhere else than a governed table.
    #[error("the plan reads from {node}, which is not governed")]
    UngovernedLeaf {
        /// Type of the plan node.
        node: String,
    },
    /// A plan would change something.
    #[error("the plan writes with {node}")]
    Write {
        /// Type of the plan node.
        node: String,
    },
    /// A row filter or column mask does not fit the table's real columns; nobody may read it before that is
    /// repaired.
    #[error("the rules of table \"{table}\" do not fit its source")]
    RuleMisfit {
        /// The table.
        table: TableName,
        /// What does not fit, for the log.
        #[source]
        cause: DataFusionError,
    },
    /// The binding of the contract's columns does not fit the source's schema.
    #[error("the columns of table \"{table}\" do not fit its source")]
    BindingMisfit {
        /// The table.
        table: TableName,
        /// What does not fit, for the log.
        #[source]
        cause: DataFusionError,
    },
}
