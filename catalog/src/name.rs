//! Names of domains and tables, parsed once and then passed as proof.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Longest name in bytes, as in PostgreSQL.
const MAX_BYTES: usize = 63;

/// Name of a mesh, a domain or a table: `[a-z][a-z0-9_]*`, at most 63 bytes.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(Arc<str>);

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a name: use a lower-case letter, then lower-case letters, digits or `_`, at most 63 in all")]
pub struct NameError {
    /// The refused text.
    pub text: String,
}

impl Name {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let mut bytes = text.bytes();
        let good = text.len() <= MAX_BYTES
            && bytes.next().is_some_and(|first| first.is_ascii_lowercase())
            && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        if good { Ok(Self(text.into())) } else { Err(NameError { text: text.to_owned() }) }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Name of a table with its domain, written `sales.orders`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableName {
    /// The domain that publishes the table; the SQL schema.
    pub domain: Name,
    /// The table's own name.
    pub table: Name,
}

impl FromStr for TableName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let refused = || NameError { text: text.to_owned() };
        let (domain, table) = text.split_once('.').ok_or_else(refused)?;
        Ok(Self { domain: domain.parse().map_err(|_| refused())?, table: table.parse().map_err(|_| refused())? })
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.domain, self.table)
    }
}

impl fmt::Debug for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, good: bool) {
        assert_eq!(text.parse::<Name>().is_ok(), good, "{text:?}");
    }

    #[test]
    fn a_name_is_lower_case_letters_digits_and_underscores() {
        check("orders", true);
        check("o2_x", true);
        for bad in ["", "2x", "_x", "Orders", "ö", "a.b", "a b", &"a".repeat(64)] {
            check(bad, false);
        }
    }

    #[test]
    fn a_table_name_has_exactly_two_parts() {
        assert_eq!("sales.orders".parse::<TableName>().map(|n| n.to_string()), Ok("sales.orders".to_owned()));
        assert!("orders".parse::<TableName>().is_err());
        assert!("a.b.c".parse::<TableName>().is_err());
    }
}
