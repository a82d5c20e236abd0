//! What a principal may do with a table and what it sees there, in words of SQL: for people who compare rules.

use std::fmt;

use catalog::{Table, TableName};
use datafusion::logical_expr::{Expr, lit};

use crate::action::Action;
use crate::decide::{Question, View};
use crate::{key_set, predicate};

/// What a principal may do with one table, and what it sees of it. Holds predicates and attribute values: only for
/// people who may read the rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// What is allowed. Nothing: the table does not exist for the principal.
    pub actions: Vec<Action>,
    /// The columns that exist for it, in the order of the contract.
    pub columns: Vec<SeenColumn>,
    /// The rows that it sees.
    pub rows: SeenRows,
    /// Fewest rows of a group, where it sees groups only.
    pub smallest_group: Option<u64>,
}

/// A column that exists for a principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenColumn {
    /// Its name.
    pub name: String,
    /// What is shown instead of the value, in SQL. `None`: the value.
    pub mask: Option<String>,
}

/// Rows that a principal sees.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum SeenRows {
    /// None.
    #[default]
    None,
    /// Those for which this condition is true, in SQL.
    Where(String),
    /// Every row.
    All,
}

impl fmt::Display for SeenRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Where(condition) => write!(f, "WHERE {condition}"),
            Self::All => f.write_str("every row"),
        }
    }
}

impl Access {
    /// What the rules give; nothing where there is no question to ask.
    pub(crate) fn of(question: Option<&Question<'_>>) -> Self {
        let Some(question) = question else {
            return Self::default();
        };
        let actions: Vec<Action> = Action::ALL.into_iter().filter(|action| question.view(*action).is_some()).collect();
        let mut access = Self { actions, ..Self::default() };
        if let Some(view) = question.view(Action::Select) {
            access.columns = columns(question.table, &view);
            access.rows = rows(view.row_filter);
            access.smallest_group = view.smallest_group;
        } else if let Some(view) = question.view(Action::Discover) {
            access.columns = columns(question.table, &view);
        }
        access
    }

    /// The view over the whole table that shows the same; `None` where nothing may be selected.
    #[must_use]
    pub fn sql(&self, table: &TableName) -> Option<String> {
        if !self.actions.contains(&Action::Select) {
            return None;
        }
        let shown = self.columns.iter().map(|column| match &column.mask {
            None => quoted(&column.name),
            Some(mask) => format!("{mask} AS {}", quoted(&column.name)),
        });
        let filter = match &self.rows {
            SeenRows::None => " WHERE false".to_owned(),
            SeenRows::Where(condition) => format!(" WHERE {condition}"),
            SeenRows::All => String::new(),
        };
        Some(format!("SELECT {} FROM {table}{filter}", shown.collect::<Vec<_>>().join(", ")))
    }
}

fn columns(table: &Table, view: &View) -> Vec<SeenColumn> {
    let seen = view.columns.iter().filter_map(|access| {
        let name = table.columns.get(access.index)?.name.clone();
        Some(SeenColumn { name, mask: access.mask.as_ref().map(|mask| sql(&mask.expression)) })
    });
    seen.collect()
}

fn rows(filter: Option<Expr>) -> SeenRows {
    match filter {
        None => SeenRows::All,
        Some(filter) if filter == lit(false) => SeenRows::None,
        Some(filter) => SeenRows::Where(sql(&filter)),
    }
}

fn sql(expression: &Expr) -> String {
    key_set::spell(&predicate::as_written(expression.clone()))
}

fn quoted(name: &str) -> String {
    if name.parse::<catalog::Name>().is_ok() { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}
