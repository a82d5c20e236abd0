//! A reference to a column, in the notations of ODCS v3.1.0 ("References").

use super::fields::Text;
use super::report::Fault;
use super::shape::{Part, Shape};

/// A reference to a column, before it is known where it leads.
#[derive(Debug)]
pub(super) struct Reference {
    /// Whose it is, in words.
    pub(super) what: String,
    /// As it is written.
    pub(super) text: String,
    /// Its line.
    pub(super) line: u64,
    /// The contract (file or id) before `#`.
    pub(super) contract: Option<String>,
    /// How table and column are written.
    pub(super) notation: Notation,
    /// The table: its name, or its id.
    pub(super) table: String,
    /// The column: its name, or its id; also a path to a part of it.
    column: String,
}

/// How a reference names what it leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Notation {
    /// `table.column`: names.
    Shorthand,
    /// `/schema/table/properties/column`: ids, or names where there is no such id.
    FullyQualified,
}

impl Reference {
    /// Takes a reference apart. `what`: whose it is.
    pub(super) fn parse(text: Text<'_>, what: &str) -> Result<Self, Fault> {
        let whole = text.text.trim();
        let (contract, item) = whole.split_once('#').map_or((None, whole), |(contract, item)| (Some(contract), item));
        let rooted = item.strip_prefix('/').unwrap_or(item);
        let (notation, parts) = match rooted.strip_prefix("schema/") {
            Some(path) => (Notation::FullyQualified, path.split_once("/properties/")),
            None => (Notation::Shorthand, item.split_once('.')),
        };
        let named = |(table, column): &(&str, &str)| !table.is_empty() && !table.contains('/') && !column.is_empty();
        let Some((table, column)) = parts.filter(named) else {
            return Err(Fault::new(
                format!("is {whole:?}, which names no column"),
                "write `table.column` or `/schema/<table id>/properties/<column id>`; for a column of another \
                 contract its file and `#` before it",
            ));
        };
        Ok(Self {
            what: what.to_owned(),
            text: whole.to_owned(),
            line: text.line,
            contract: contract.filter(|contract| !contract.is_empty()).map(str::to_owned),
            notation,
            table: table.to_owned(),
            column: column.to_owned(),
        })
    }

    /// The table that is meant, if it is one of these.
    pub(super) fn table_of<'a>(&self, tables: &'a [Shape]) -> Option<&'a Shape> {
        let named = || tables.iter().find(|table| table.name.table.as_str() == self.table);
        match self.notation {
            Notation::Shorthand => named(),
            Notation::FullyQualified => {
                tables.iter().find(|table| table.id.as_deref() == Some(&self.table)).or_else(named)
            }
        }
    }

    /// The name of the column of `table` that is meant; nothing where it is a part of a column.
    pub(super) fn column_of<'a>(&self, table: &'a Shape) -> Result<Option<&'a str>, Fault> {
        // A column's own name may hold what parts are separated by, so the whole is tried first.
        if let Some(column) = self.part(table, &self.column) {
            return Ok(Some(&column.name));
        }
        let separator = match self.notation {
            Notation::Shorthand => '.',
            Notation::FullyQualified => '/',
        };
        let outer = self.column.split_once(separator).and_then(|(outer, _)| self.part(table, outer));
        if outer.is_some_and(|outer| outer.nested) {
            return Ok(None);
        }
        Err(Fault::new(
            format!("is {:?}, but table \"{}\" has no such column", self.text, table.name),
            "write a column of the table as its contract calls it",
        ))
    }

    fn part<'a>(&self, table: &'a Shape, wanted: &str) -> Option<&'a Part> {
        let named = || table.columns.iter().find(|column| column.name == wanted);
        match self.notation {
            Notation::Shorthand => named(),
            Notation::FullyQualified => {
                table.columns.iter().find(|column| column.id.as_deref() == Some(wanted)).or_else(named)
            }
        }
    }
}
