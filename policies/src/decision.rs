//! The answer to "may this principal do this with this table", with everything that limits a yes.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use datafusion::logical_expr::Expr;

/// Answer of [`decide`](crate::Policies::decide).
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// For this principal the table does not exist.
    Deny,
    /// The principal may, within these restrictions.
    Allow(Arc<Restrictions>),
}

/// Everything that limits a principal's view of one table.
#[derive(Debug, Clone, PartialEq)]
pub struct Restrictions {
    /// Columns that exist for the principal, in contract order. Never empty.
    pub columns: Vec<ColumnAccess>,
    /// Rows that exist for the principal: an infallible, deterministic predicate over the contract's column
    /// names (unqualified, also of columns that are not visible), attributes and identity already folded to
    /// literals, evaluated on raw values. `None`: every row.
    pub row_filter: Option<Expr>,
    /// Fewest rows of a group: the table is seen in aggregates of so many rows only. `None`: row by row.
    pub smallest_group: Option<u64>,
    /// The rules that made this, in the order of files and lines; for the audit record and `policy explain`.
    pub rules: Vec<RuleId>,
    /// Digest of columns, masks, filter and size of groups with the principal's values: equal for principals who see the same.
    pub fingerprint: u64,
}

/// One visible column.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnAccess {
    /// Place in the contract's columns.
    pub index: usize,
    /// What is shown instead of the value. `None`: the value in clear.
    pub mask: Option<ColumnMask>,
}

/// What is shown instead of a column's value.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnMask {
    /// The word of the rule, such as `show_last_4`.
    pub name: String,
    /// Infallible, deterministic expression over the contract's column names (unqualified, raw values) of the
    /// column's own contract type.
    pub expression: Expr,
}

/// Place of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleId {
    /// File relative to the mesh folder.
    pub file: PathBuf,
    /// One-based line.
    pub line: u64,
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

impl Restrictions {
    /// Whether the principal sees, row by row, every row and every one of `columns` contract columns in clear.
    #[must_use]
    pub fn is_unrestricted(&self, columns: usize) -> bool {
        self.row_filter.is_none()
            && self.smallest_group.is_none()
            && self.columns.len() == columns
            && self.columns.iter().all(|column| column.mask.is_none())
    }
}
