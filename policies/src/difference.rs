//! What changes for a principal between two accesses to one table.

use std::fmt;

use crate::access::{Access, SeenColumn, SeenRows};
use crate::action::Action;

/// One thing that is otherwise than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The table exists now. What it shows follows, as further changes.
    TableGained,
    /// The table no longer exists.
    TableLost,
    /// Something may be done now.
    ActionGained(Action),
    /// Something may no longer be done.
    ActionLost(Action),
    /// A column exists now.
    ColumnGained(SeenColumn),
    /// A column no longer exists.
    ColumnLost(String),
    /// A column shows another thing than before; `None` is the value itself.
    MaskChanged {
        /// The column's name.
        column: String,
        /// What it showed instead of the value, in SQL.
        was: Option<String>,
        /// What it shows instead of the value, in SQL.
        is: Option<String>,
    },
    /// Other rows are seen.
    RowsChanged {
        /// The rows that were seen.
        was: SeenRows,
        /// The rows that are seen.
        is: SeenRows,
    },
    /// Groups must have another size; `None`: rows are seen one by one.
    GroupsChanged {
        /// Fewest rows of a group before.
        was: Option<u64>,
        /// Fewest rows of a group now.
        is: Option<u64>,
    },
}

/// Everything that changes from `was` to `is`: table, actions, columns in their order, rows.
#[must_use]
pub fn changes(was: &Access, is: &Access) -> Vec<Change> {
    let mut changes = Vec::new();
    match (was.actions.is_empty(), is.actions.is_empty()) {
        (true, true) => return changes,
        (false, true) => return vec![Change::TableLost],
        (true, false) => changes.push(Change::TableGained),
        (false, false) => {}
    }
    let lost = was.actions.iter().filter(|action| !is.actions.contains(action));
    let gained = is.actions.iter().filter(|action| !was.actions.contains(action));
    changes.extend(lost.map(|action| Change::ActionLost(*action)));
    changes.extend(gained.map(|action| Change::ActionGained(*action)));
    columns(&was.columns, &is.columns, &mut changes);
    if was.rows != is.rows {
        changes.push(Change::RowsChanged { was: was.rows.clone(), is: is.rows.clone() });
    }
    if was.smallest_group != is.smallest_group {
        changes.push(Change::GroupsChanged { was: was.smallest_group, is: is.smallest_group });
    }
    changes
}

fn columns(was: &[SeenColumn], is: &[SeenColumn], changes: &mut Vec<Change>) {
    let lost = was.iter().filter(|old| !is.iter().any(|new| new.name == old.name));
    changes.extend(lost.map(|old| Change::ColumnLost(old.name.clone())));
    for new in is {
        match was.iter().find(|old| old.name == new.name) {
            None => changes.push(Change::ColumnGained(new.clone())),
            Some(old) if old.mask != new.mask => {
                let (was, is) = (old.mask.clone(), new.mask.clone());
                changes.push(Change::MaskChanged { column: new.name.clone(), was, is });
            }
            Some(_) => {}
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TableGained => f.write_str("gains the table"),
            Self::TableLost => f.write_str("loses the table"),
            Self::ActionGained(action) => write!(f, "may now {action}"),
            Self::ActionLost(action) => write!(f, "may no longer {action}"),
            Self::ColumnGained(SeenColumn { name, mask: None }) => write!(f, "gains column {name}"),
            Self::ColumnGained(SeenColumn { name, mask: Some(mask) }) => {
                write!(f, "gains column {name}, masked as {mask}")
            }
            Self::ColumnLost(column) => write!(f, "loses column {column}"),
            Self::MaskChanged { column, was: None, is: Some(is) } => write!(f, "column {column} is now masked as {is}"),
            Self::MaskChanged { column, was: Some(was), is: None } => {
                write!(f, "column {column} is no longer masked; it was {was}")
            }
            Self::MaskChanged { column, was, is } => {
                let [was, is] = [was, is].map(|mask| mask.as_deref().unwrap_or(column));
                write!(f, "column {column} is masked as {is}; it was {was}")
            }
            Self::GroupsChanged { was: _, is: None } => f.write_str("sees rows one by one, no longer in groups only"),
            Self::GroupsChanged { was: None, is: Some(is) } => write!(f, "sees groups of at least {is} rows only"),
            Self::GroupsChanged { was: Some(was), is: Some(is) } => {
                write!(f, "sees groups of at least {is} rows only; it was {was}")
            }
            Self::RowsChanged { was, is } => write!(f, "rows before: {was}\nrows now:    {is}"),
        }
    }
}

#[cfg(test)]
mod tests;
