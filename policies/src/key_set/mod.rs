//! `x IN (SELECT column FROM domain.table WHERE …)` in a rule: the keys that another table of the mesh holds.
//!
//! They are looked up as the system when a statement is planned, whatever the caller may see of the other table,
//! and take their place in the rule as literals. A rule whose keys were not looked up cannot run: the call that
//! stands for them is volatile, which no governed table accepts.

mod function;
mod parse;
mod spell;

use std::sync::Arc;

use arrow::datatypes::DataType;
use catalog::{Table, TableName};
use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{Expr, lit};

use crate::decision::{ColumnAccess, Restrictions};

pub(crate) use function::{InKeys, is_in_keys, place, resolve};
pub(crate) use parse::{Lookup, take};
pub(crate) use spell::spell;

/// The values of one column in the rows of a table that a condition is true for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySet {
    /// Where the keys are. Never a view.
    pub table: TableName,
    /// Name of the column in the contract of `table`.
    pub column: String,
    /// The type that the keys are compared in; converting to it never fails.
    pub data_type: DataType,
    /// Over the contract's columns, infallible, with the principal's values in it. `None`: every row.
    pub condition: Option<Expr>,
}

impl KeySet {
    /// What the system reads of `table` to know the keys; `None` where the table is another one.
    #[must_use]
    pub fn restrictions(&self, table: &Table) -> Option<Arc<Restrictions>> {
        if table.name != self.table {
            return None;
        }
        let index = table.columns.iter().position(|column| column.name == self.column)?;
        Some(Arc::new(Restrictions {
            columns: vec![ColumnAccess { index, mask: None }],
            row_filter: self.condition.clone(),
            smallest_group: None,
            rules: Vec::new(),
            fingerprint: 0,
        }))
    }
}

impl Restrictions {
    /// The key sets that must be looked up before a table can be governed, each once.
    #[must_use]
    pub fn key_sets(&self) -> Vec<KeySet> {
        let mut sets: Vec<KeySet> = Vec::new();
        for expression in self.expressions() {
            let visited = expression.apply(|part| {
                if let Some(set) = InKeys::of(part).map(InKeys::key_set).filter(|set| !sets.contains(set)) {
                    sets.push(set);
                }
                Ok(TreeNodeRecursion::Continue)
            });
            debug_assert!(visited.is_ok(), "the visitor does not fail");
        }
        sets
    }

    /// The same with `keys` in the places of their key sets.
    ///
    /// # Errors
    /// A key that cannot be converted. Sets that `keys` has not stay as they are.
    pub fn with_keys(&self, keys: &[(KeySet, Vec<ScalarValue>)]) -> datafusion::common::Result<Self> {
        let fill = |expression: &Expr| filled(expression.clone(), keys);
        let mut restrictions = self.clone();
        restrictions.row_filter = self.row_filter.as_ref().map(fill).transpose()?;
        for mask in restrictions.columns.iter_mut().filter_map(|column| column.mask.as_mut()) {
            mask.expression = fill(&mask.expression)?;
        }
        Ok(restrictions)
    }

    fn expressions(&self) -> impl Iterator<Item = &Expr> {
        let masks = self.columns.iter().filter_map(|column| column.mask.as_ref());
        self.row_filter.iter().chain(masks.map(|mask| &mask.expression))
    }
}

fn filled(expression: Expr, keys: &[(KeySet, Vec<ScalarValue>)]) -> datafusion::common::Result<Expr> {
    let filled = expression.transform_up(|part| {
        let (Some(call), Expr::ScalarFunction(function)) = (InKeys::of(&part), &part) else {
            return Ok(Transformed::no(part));
        };
        let set = call.key_set();
        let (Some((_, keys)), [asked]) = (keys.iter().find(|(known, _)| *known == set), function.args.as_slice())
        else {
            return Ok(Transformed::no(part));
        };
        // An empty IN list is no SQL; of no keys nothing is one, not even NULL.
        if keys.is_empty() {
            return Ok(Transformed::yes(lit(false)));
        }
        let list = keys.iter().map(|key| key.cast_to(&set.data_type).map(|key| Expr::Literal(key, None)));
        let list = list.collect::<datafusion::common::Result<Vec<Expr>>>()?;
        Ok(Transformed::yes(Expr::InList(InList { expr: Box::new(asked.clone()), list, negated: false })))
    });
    filled.map(|filled| filled.data)
}

#[cfg(test)]
mod tests;
