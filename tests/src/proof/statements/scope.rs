//! The columns that a place in a statement can name.

use crate::proof::chance::Chance;
use crate::proof::principals::Principal;

/// What kind of value a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Number,
    Text,
    Decimal,
    Float,
    Date,
    Truth,
    List,
    Struct,
}

/// The columns of a table or sub-query.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope(pub(super) Vec<(String, Kind)>);

/// Columns of the tables `p` and `q`; of the view the first six.
const COLUMNS: [(&str, Kind); 13] = [
    ("id", Kind::Number),
    ("tenant", Kind::Text),
    ("ssn", Kind::Text),
    ("salary", Kind::Number),
    ("note", Kind::Text),
    ("city", Kind::Text),
    ("badge", Kind::Text),
    ("amount", Kind::Decimal),
    ("score", Kind::Float),
    ("born", Kind::Date),
    ("active", Kind::Truth),
    ("tags", Kind::List),
    ("spot", Kind::Struct),
];

impl Scope {
    /// The columns of a table under this alias.
    pub(super) fn table(table: &str, alias: &str, principal: Principal) -> Self {
        let columns = if table == "v" { &COLUMNS[..6] } else { &COLUMNS[..] };
        let mut scope: Vec<_> = columns.iter().map(|(name, kind)| (format!("{alias}.{name}"), *kind)).collect();
        if table != "v" && !principal.is_masked() {
            scope.push((format!("{alias}.code"), Kind::Text));
        }
        Self(scope)
    }

    /// The columns of both.
    pub(super) fn and(&self, other: &Self) -> Self {
        Self(self.0.iter().chain(&other.0).cloned().collect())
    }

    /// One of the columns of a kind.
    pub(super) fn one(&self, kind: Kind, chance: &mut Chance) -> Option<String> {
        let all: Vec<&String> = self.0.iter().filter(|(_, of)| *of == kind).map(|(name, _)| name).collect();
        if all.is_empty() { None } else { Some(all[chance.below(all.len())].clone()) }
    }

    /// The column whose name ends like this.
    pub(super) fn named(&self, name: &str) -> Option<&str> {
        let is_it = |column: &str| column == name || column.strip_suffix(name).is_some_and(|rest| rest.ends_with('.'));
        self.0.iter().map(|(column, _)| column.as_str()).find(|column| is_it(column))
    }
}
