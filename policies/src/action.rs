//! What a principal may want to do with a table.

use std::fmt;
use std::str::FromStr;

/// The action of Casbin's triple.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// Know that the table is there, and its columns.
    Discover,
    /// Read rows. Includes [`Action::Discover`].
    Select,
    /// Add rows.
    Ingest,
    /// See history, files and full plans. Gives no right to data.
    Operate,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 4] = [Self::Discover, Self::Select, Self::Ingest, Self::Operate];

    /// The word of the policy language.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Discover => "discover",
            Self::Select => "select",
            Self::Ingest => "ingest",
            Self::Operate => "operate",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Action {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|action| action.as_str() == word).ok_or(())
    }
}
