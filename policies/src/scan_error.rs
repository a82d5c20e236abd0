//! What a caller learns when something fails below a governed table: that it failed.

use std::fmt;

use catalog::TableName;
use datafusion::error::DataFusionError;

/// A failure below a governed table. Its text is fixed: the cause may hold paths, addresses and hidden values.
///
/// Travels as [`DataFusionError::External`]. Neither `Display` nor `Debug` nor `source()` gives the cause away, so
/// that no log line or answer shows it by accident; ask [`cause`](Self::cause).
#[derive(thiserror::Error)]
#[error("reading table \"{table}\" failed")]
pub struct ScanError {
    /// The table that was read.
    pub table: TableName,
    cause: DataFusionError,
}

impl ScanError {
    /// Hides `cause` behind a fixed text.
    #[must_use]
    pub fn new(table: TableName, cause: DataFusionError) -> Self {
        Self { table, cause }
    }

    /// What really happened. For the server's log and for telling "unavailable" from "failed", never for a caller.
    #[must_use]
    pub fn cause(&self) -> &DataFusionError {
        &self.cause
    }

    /// The scan error that `error` is or wraps.
    #[must_use]
    pub fn find(error: &DataFusionError) -> Option<&Self> {
        let DataFusionError::External(inner) = error.find_root() else { return None };
        inner.downcast_ref::<Self>()
    }
}

impl fmt::Debug for ScanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScanError").field("table", &self.table).finish_non_exhaustive()
    }
}

impl From<ScanError> for DataFusionError {
    fn from(error: ScanError) -> Self {
        Self::External(Box::new(error))
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    fn secret() -> ScanError {
        let cause = DataFusionError::Execution("cannot open /secret/path: value 's3cret'".to_owned());
        #[expect(clippy::unwrap_used, reason = "tests may unwrap")]
        ScanError::new("sales.orders".parse().unwrap(), cause)
    }

    #[test]
    fn no_text_of_a_scan_error_holds_its_cause() {
        let error = secret();
        assert!(error.source().is_none());
        let wrapped = DataFusionError::from(error).context("while joining");
        for text in [format!("{wrapped}"), format!("{wrapped:?}"), wrapped.find_root().to_string()] {
            assert!(!text.contains("secret"), "{text}");
        }
    }

    #[test]
    fn the_cause_is_found_by_who_asks_for_it() {
        let wrapped = DataFusionError::from(secret()).context("while joining");
        assert!(ScanError::find(&wrapped).is_some_and(|error| error.cause().to_string().contains("/secret/path")));
        assert!(ScanError::find(&DataFusionError::Execution(String::new())).is_none());
    }
}
