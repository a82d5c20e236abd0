//! A point in one table's history.

use std::fmt;

/// A point in one table's history; what a snapshot pins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Version {
    /// Commit number of a Delta table.
    Delta(u64),
    /// The source keeps no history: what it answers now.
    Unversioned,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delta(version) => write!(f, "{version}"),
            Self::Unversioned => f.write_str("-"),
        }
    }
}
