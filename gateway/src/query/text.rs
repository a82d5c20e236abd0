//! What a statement is written in.

use std::borrow::Cow;

use bytes::Bytes;

use super::substrait;

/// A statement as a client writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Text {
    /// SQL. Placeholders are `$1`, `$2`, ….
    Sql(String),
    /// A serialised plan of Substrait.
    Substrait(Bytes),
}

impl Text {
    /// Length in bytes.
    pub(super) fn len(&self) -> usize {
        self.bytes().len()
    }

    /// What a digest is made of.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Sql(sql) => sql.as_bytes(),
            Self::Substrait(plan) => plan,
        }
    }

    /// The text for people: SQL as it is, a plan in the notation of Protobuf where it can be read.
    pub(super) fn readable(&self) -> Cow<'_, str> {
        match self {
            Self::Sql(sql) => Cow::Borrowed(sql),
            Self::Substrait(plan) => Cow::Owned(substrait::readable(plan)),
        }
    }
}

impl Default for Text {
    fn default() -> Self {
        Self::Sql(String::new())
    }
}

impl From<String> for Text {
    fn from(sql: String) -> Self {
        Self::Sql(sql)
    }
}
