//! What an error of the Delta library means to us.

use catalog::Table;
use datafusion::error::DataFusionError;
use delta_kernel::Error as KernelError;
use deltalake::DeltaTableError;
use deltalake::kernel::transaction::TransactionError;

use crate::error::{Error, Kind, classify};

/// An error from reading the log of `table`.
pub(super) fn from_log(table: &Table, error: DeltaTableError) -> Error {
    if let Some(what) = unsupported(&error) {
        return Error::unsupported(table, what);
    }
    match classify(&error) {
        Kind::Unavailable => Error::unavailable(table, error),
        Kind::Failed => Error::failed(table, error),
    }
}

/// An error from making or planning a scan of `table`.
pub(super) fn from_scan(table: &Table, error: DataFusionError) -> Error {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(cause) = next {
        if let Some(what) = cause.downcast_ref::<DeltaTableError>().and_then(unsupported) {
            return Error::unsupported(table, what);
        }
        next = cause.source();
    }
    Error::from_scan(table, error)
}

/// The reader feature that the library lacks, in words, if that is the error.
fn unsupported(error: &DeltaTableError) -> Option<String> {
    if let DeltaTableError::Transaction { source: TransactionError::UnsupportedTableFeatures(features) } = error {
        let names: Vec<String> = features.iter().map(ToString::to_string).collect();
        return Some(format!("the Delta reader feature {}", names.join(", ")));
    }
    if let DeltaTableError::KernelError(KernelError::Unsupported(what)) = error {
        return Some(format!("a Delta feature ({what})"));
    }
    None
}
