//! The rows of `policies/*.csv`, checked: every name resolved against the registry, every word known.

mod cells;
mod csv;
pub(crate) mod mask;
pub(crate) mod model;
mod near;
mod read;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use catalog::{Name, Table};

use crate::action::Action;
use crate::decision::RuleId;
pub(crate) use cells::Refusal;
pub(crate) use mask::Mask;
pub(crate) use read::read;

/// One file of rules, as it stands on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleFile {
    /// Path relative to the mesh folder.
    pub path: PathBuf,
    /// The whole text.
    pub text: String,
}

/// Where a rule stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) file: Arc<Path>,
    pub(crate) line: u64,
}

impl Place {
    pub(crate) fn id(&self) -> RuleId {
        RuleId { file: self.file.to_path_buf(), line: self.line }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

/// `user:ann` or `role:analyst`. The prefix keeps users and roles apart in the one graph that Casbin has.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Subject(pub(crate) Arc<str>);

impl Subject {
    pub(crate) fn user(name: &str) -> Self {
        Self(format!("user:{name}").into())
    }

    pub(crate) fn role(name: &str) -> Self {
        Self(format!("role:{name}").into())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The user's bare name.
    pub(crate) fn user_name(&self) -> Option<&str> {
        self.0.strip_prefix("user:")
    }

    /// The role's bare name.
    pub(crate) fn role_name(&self) -> Option<&str> {
        self.0.strip_prefix("role:")
    }
}

/// What a grant is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Object {
    /// `*`: every table of the domain.
    EveryTable,
    /// One table.
    Table(Arc<Table>),
    /// One column, by its place in the contract.
    Column(Arc<Table>, usize),
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EveryTable => f.write_str("*"),
            Self::Table(table) => write!(f, "{}", table.name.table),
            Self::Column(table, index) => write!(f, "{}.{}", table.name.table, table.columns[*index].name),
        }
    }
}

/// Whether a `p` row allows or denies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Effect {
    Allow,
    Deny,
}

/// How a row filter combines with the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// One of the permissive filters must let the row pass.
    Permissive,
    /// Every restrictive filter must let the row pass.
    Restrictive,
}

/// A `p` row.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    pub(crate) place: Place,
    pub(crate) subject: Subject,
    pub(crate) domain: Name,
    pub(crate) object: Object,
    pub(crate) action: Action,
    pub(crate) effect: Effect,
}

/// A `p2` row.
#[derive(Debug, Clone)]
pub(crate) struct FilterRule {
    pub(crate) place: Place,
    pub(crate) subject: Subject,
    pub(crate) table: Arc<Table>,
    pub(crate) kind: Kind,
    pub(crate) predicate: String,
}

/// A `p3` row.
#[derive(Debug, Clone)]
pub(crate) struct MaskRule {
    pub(crate) place: Place,
    pub(crate) subject: Subject,
    pub(crate) table: Arc<Table>,
    pub(crate) column: usize,
    pub(crate) mask: Mask,
}

/// A `p4` row.
#[derive(Debug, Clone)]
pub(crate) struct GroupRule {
    pub(crate) place: Place,
    pub(crate) subject: Subject,
    pub(crate) table: Arc<Table>,
    /// Fewest rows of a group that is shown.
    pub(crate) rows: u64,
}

/// A `g` row.
#[derive(Debug, Clone)]
pub(crate) struct Membership {
    pub(crate) place: Place,
    pub(crate) member: Subject,
    pub(crate) role: Subject,
    /// `None`: every domain, written `*`.
    pub(crate) domain: Option<Name>,
}

/// All rows of all files, in the order of files and lines.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rules {
    pub(crate) grants: Vec<Grant>,
    pub(crate) filters: Vec<FilterRule>,
    pub(crate) masks: Vec<MaskRule>,
    pub(crate) groups: Vec<GroupRule>,
    pub(crate) memberships: Vec<Membership>,
}
