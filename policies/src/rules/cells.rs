//! The single fields of a row: words of the language, and names resolved against the registry.

use std::collections::BTreeSet;
use std::sync::Arc;

use catalog::{Name, Registry, Table, TableName};

use super::mask::MaskFault;
use super::near::suggestion;
use super::{Effect, Kind, Mask, Object, Subject};
use crate::action::Action;

/// Longest name of a user or role in bytes.
const MAX_SUBJECT_BYTES: usize = 255;

/// Largest size that a group can be asked to have.
const MAX_GROUP: u64 = 1_000_000;

/// Why a row is refused, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) message: String,
    pub(crate) remedy: String,
}

impl Refusal {
    pub(crate) fn new(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { message: message.into(), remedy: remedy.into() }
    }
}

/// Resolves fields against one registry.
pub(crate) struct Cells<'a> {
    registry: &'a Registry,
    domains: BTreeSet<&'a Name>,
}

impl<'a> Cells<'a> {
    pub(crate) fn new(registry: &'a Registry) -> Self {
        Self { registry, domains: registry.domains().collect() }
    }

    pub(crate) fn domain(&self, text: &str) -> Result<Name, Refusal> {
        if text == "*" {
            return Err(Refusal::new("`*` is not a domain here", "name one domain; only a `g` row may say `*`"));
        }
        let known = text.parse::<Name>().ok().filter(|name| self.domains.contains(name));
        known.ok_or_else(|| {
            let names = self.domains.iter().map(|name| name.as_str());
            let remedy = suggestion(text, names, "use a folder of catalog/ that has a contract");
            Refusal::new(format!("domain {text:?} is not in the catalog"), remedy)
        })
    }

    pub(crate) fn table(&self, domain: &Name, text: &str) -> Result<Arc<Table>, Refusal> {
        if text == "*" {
            return Err(Refusal::new("`*` is not a table here", "name one table; only a `p` row may say `*`"));
        }
        let known = text
            .parse::<Name>()
            .ok()
            .and_then(|table| self.registry.table(&TableName { domain: domain.clone(), table }));
        known.map(Arc::clone).ok_or_else(|| {
            let names = self.registry.tables_of(domain).map(|table| table.name.table.as_str());
            let remedy = suggestion(text, names, "use a table that a contract of the domain promises");
            Refusal::new(format!("table \"{domain}.{text}\" is not in the catalog"), remedy)
        })
    }

    /// `table.column`, split at the first dot: a table's name has none, a column's may.
    pub(crate) fn column(&self, domain: &Name, text: &str) -> Result<(Arc<Table>, usize), Refusal> {
        let Some((table, column)) = text.split_once('.') else {
            return Err(Refusal::new(format!("{text:?} does not name a column"), "write table.column"));
        };
        let table = self.table(domain, table)?;
        match table.columns.iter().position(|promised| promised.name == column) {
            Some(index) => Ok((table, index)),
            None => {
                let names = table.columns.iter().map(|promised| promised.name.as_str());
                let remedy = suggestion(column, names, "use a column that the contract promises, letter case as there");
                Err(Refusal::new(format!("table \"{}\" has no column {column:?}", table.name), remedy))
            }
        }
    }

    pub(crate) fn object(&self, domain: &Name, text: &str) -> Result<Object, Refusal> {
        if text == "*" {
            return Ok(Object::EveryTable);
        }
        if text.contains('*') {
            let remedy = "write a table, table.column, or `*` alone for every table of the domain";
            return Err(Refusal::new(format!("{text:?} is a pattern"), remedy));
        }
        if text.contains('.') {
            return self.column(domain, text).map(|(table, column)| Object::Column(table, column));
        }
        self.table(domain, text).map(Object::Table)
    }

    /// Fewest rows of a group.
    pub(crate) fn group(text: &str) -> Result<u64, Refusal> {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let rows = text.parse().ok().filter(|rows| digits && (2..=MAX_GROUP).contains(rows));
        let remedy = "write how many rows a group must have, from 2 to 1000000";
        rows.ok_or_else(|| Refusal::new(format!("{text:?} is not a size of groups"), remedy))
    }

    /// `user:NAME` or `role:NAME`.
    pub(crate) fn subject(text: &str) -> Result<Subject, Refusal> {
        let name = text.strip_prefix("user:").or_else(|| text.strip_prefix("role:"));
        match name {
            None => Err(Refusal::new(format!("{text:?} is not a subject"), "write user:NAME or role:NAME")),
            Some(name) if name.trim() != name || name.is_empty() || name == "*" => Err(Refusal::new(
                format!("{text:?} has no name"),
                "write user:NAME or role:NAME; there are no patterns",
            )),
            Some(name) if name.len() > MAX_SUBJECT_BYTES => {
                Err(Refusal::new("the name of a subject is too long", "use at most 255 bytes"))
            }
            Some(_) => Ok(Subject(text.into())),
        }
    }

    /// `role:NAME`.
    pub(crate) fn role(text: &str) -> Result<Subject, Refusal> {
        let subject = Self::subject(text)?;
        if subject.role_name().is_none() {
            return Err(Refusal::new(format!("{text:?} is not a role"), "the second field of a `g` row is role:NAME"));
        }
        Ok(subject)
    }

    pub(crate) fn action(text: &str) -> Result<Action, Refusal> {
        text.parse().map_err(|()| {
            let words = Action::ALL.into_iter().map(Action::as_str);
            let remedy = suggestion(text, words, "use discover, select, ingest or operate");
            Refusal::new(format!("{text:?} is not an action"), remedy)
        })
    }

    pub(crate) fn effect(text: &str) -> Result<Effect, Refusal> {
        match text {
            "allow" => Ok(Effect::Allow),
            "deny" => Ok(Effect::Deny),
            _ => Err(Refusal::new(format!("{text:?} is not an effect"), "use allow or deny")),
        }
    }

    pub(crate) fn kind(text: &str) -> Result<Kind, Refusal> {
        match text {
            "permissive" => Ok(Kind::Permissive),
            "restrictive" => Ok(Kind::Restrictive),
            _ => Err(Refusal::new(format!("{text:?} is not a kind of filter"), "use permissive or restrictive")),
        }
    }

    pub(crate) fn predicate(text: &str) -> Result<String, Refusal> {
        let predicate = text.trim();
        if predicate.is_empty() {
            return Err(Refusal::new("the predicate is empty", "write a condition, such as \"region = 'EU'\""));
        }
        Ok(predicate.to_owned())
    }

    pub(crate) fn mask(text: &str) -> Result<Mask, Refusal> {
        Mask::parse(text).map_err(|fault| match fault {
            MaskFault::Unknown => {
                let remedy = suggestion(text, Mask::words(), &Mask::words().collect::<Vec<_>>().join(", "));
                Refusal::new(format!("{text:?} is not a mask"), remedy)
            }
            MaskFault::Unquoted => {
                Refusal::new(format!("the value of {text:?} is not quoted"), "write constant:'value', '' for a quote")
            }
            MaskFault::NoExpression => Refusal::new("the expression is empty", "write sql: and an expression"),
        })
    }
}
