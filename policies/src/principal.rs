//! Who asks: a subject with roles and attributes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

/// Names that say who the caller is. A claim of such a name must not look like the proven identity.
const RESERVED: [&str; 11] = [
    "current_role",
    "current_user",
    "name",
    "role",
    "roles",
    "session_user",
    "sub",
    "subject",
    "user",
    "user_name",
    "username",
];

/// Whether an attribute must not have this name, in capitals or not: it says who somebody is.
#[must_use]
pub fn is_reserved_attribute(name: &str) -> bool {
    RESERVED.contains(&name.to_lowercase().as_str())
}

/// Who asks. Built by the gateway from a proven credential; two equal principals see the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Principal {
    /// Bare name, such as `ann`; the rules call it `user:ann`.
    pub subject: Arc<str>,
    /// Roles that the identity provider vouches for, bare (`sales_analyst`), held in every domain. Roles from
    /// `g` rules are added when deciding.
    pub roles: BTreeSet<String>,
    /// Attributes by name; what `attribute('region')` reads.
    pub attributes: BTreeMap<String, AttributeValue>,
}

/// Value of an attribute; enters a predicate as a typed literal, never as text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum AttributeValue {
    /// A text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// True or false.
    Boolean(bool),
}

impl fmt::Display for AttributeValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(value) => f.write_str(value),
            Self::Integer(value) => value.fmt(f),
            Self::Boolean(value) => value.fmt(f),
        }
    }
}

impl Principal {
    /// A principal without roles from outside and without attributes.
    #[must_use]
    pub fn named(subject: &str) -> Self {
        Self { subject: subject.into(), roles: BTreeSet::new(), attributes: BTreeMap::new() }
    }
}
