//! What a call carries besides the table: which query, until when, for whom, and at which version.

use std::sync::Arc;
use std::time::{Duration, Instant};

use catalog::Version;
use datafusion::catalog::TableProvider;

/// The call that a table is opened for.
#[derive(Debug, Clone)]
pub struct CallContext {
    /// Id of the query, for logs here and at the source.
    pub query_id: Arc<str>,
    /// When the answer is of no use any more.
    pub deadline: Instant,
    /// Who asks; sent only to sources that ask for it.
    pub identity: Option<Identity>,
}

impl CallContext {
    /// Time left until the deadline; zero when it has passed.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

/// Who asks, as far as a source may be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Name of the subject.
    pub subject: String,
    /// Attributes in the order in which they are sent.
    pub attributes: Vec<(String, String)>,
}

/// Which version of a table is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// The newest that is known to be at most this old.
    Latest {
        /// How old the knowledge may be.
        max_age: Duration,
    },
    /// The newest that was there at this time.
    AsOf {
        /// Milliseconds since 1970.
        unix_ms: i64,
    },
    /// Exactly this one.
    Version(Version),
}

/// A table, opened at one version.
#[derive(Debug, Clone)]
pub struct Opened {
    /// Scans the table. Its schema is the source's own: physical names and types.
    pub provider: Arc<dyn TableProvider>,
    /// The version that it scans, whatever happens to the source meanwhile.
    pub version: Version,
}
