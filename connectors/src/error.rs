//! Why a source could not be opened or read.

use std::sync::Arc;

use catalog::{Table, TableName, Version};
use datafusion::error::DataFusionError;

use crate::credentials::CredentialError;

/// What lies behind an error: for the log only, because it may name addresses, paths and values.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a source could not be opened or read.
///
/// The texts name the table and never an address, a path, a value or a secret; the causes may (but for
/// secrets). From a stream it travels as [`DataFusionError::External`].
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The source does not answer, or stopped answering.
    #[error("the source of table \"{table}\" (product \"{product}\") is not available")]
    Unavailable {
        /// The table that was opened or read.
        table: TableName,
        /// The product that publishes it.
        product: Arc<str>,
        /// What the transport said.
        #[source]
        source: Cause,
    },
    /// The source answers, but not with the table that it promised.
    #[error("the source of table \"{table}\" failed")]
    Failed {
        /// The table that was opened or read.
        table: TableName,
        /// What is wrong.
        #[source]
        source: Cause,
    },
    /// The version is not there any more.
    #[error("version {version} of table \"{table}\" is gone")]
    SnapshotGone {
        /// The table that was opened.
        table: TableName,
        /// The version that was asked for.
        version: Version,
    },
    /// The table had no version yet at the time that it was asked for, or has none any more.
    #[error("table \"{table}\" has no version that is as old as that")]
    BeforeHistory {
        /// The table that was opened.
        table: TableName,
    },
    /// The source knows nothing but its present.
    #[error("table \"{table}\" keeps no history: it cannot be read as of another time (as_of)")]
    NoHistory {
        /// The table that was opened.
        table: TableName,
    },
    /// The source asks for something that this gateway cannot do.
    #[error("table \"{table}\" needs {what}, which is not supported")]
    Unsupported {
        /// The table that was opened.
        table: TableName,
        /// What is missing, in words.
        what: String,
    },
    /// The secret that opens the source cannot be used.
    #[error("the credential for the source of table \"{table}\" cannot be used")]
    Credential {
        /// The table that was opened.
        table: TableName,
        /// Why not, without the secret.
        #[source]
        source: CredentialError,
    },
}

impl Error {
    /// The table that was opened or read.
    #[must_use]
    pub fn table(&self) -> &TableName {
        match self {
            Self::Unavailable { table, .. }
            | Self::Failed { table, .. }
            | Self::SnapshotGone { table, .. }
            | Self::BeforeHistory { table }
            | Self::NoHistory { table }
            | Self::Unsupported { table, .. }
            | Self::Credential { table, .. } => table,
        }
    }

    /// What an error from a scan of `table` means.
    ///
    /// An error of this crate anywhere in the chain of causes is found by its kind; an error of an object
    /// store means that the source is not available; everything else that it failed.
    #[must_use]
    pub fn from_scan(table: &Table, error: DataFusionError) -> Self {
        match classify(&error) {
            Kind::Unavailable => Self::unavailable(table, error),
            Kind::Failed => Self::failed(table, error),
        }
    }

    pub(crate) fn unavailable(table: &Table, source: impl Into<Cause>) -> Self {
        Self::Unavailable { table: table.name.clone(), product: Arc::clone(&table.product), source: source.into() }
    }

    pub(crate) fn failed(table: &Table, source: impl Into<Cause>) -> Self {
        Self::Failed { table: table.name.clone(), source: source.into() }
    }

    pub(crate) fn unsupported(table: &Table, what: impl Into<String>) -> Self {
        Self::Unsupported { table: table.name.clone(), what: what.into() }
    }

    pub(crate) fn credential(table: &Table, source: CredentialError) -> Self {
        Self::Credential { table: table.name.clone(), source }
    }

    pub(crate) fn gone(table: &Table, version: Version) -> Self {
        Self::SnapshotGone { table: table.name.clone(), version }
    }
}

impl From<Error> for DataFusionError {
    fn from(error: Error) -> Self {
        Self::External(Box::new(error))
    }
}

/// Which of the two general kinds an error from below is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The source does not answer.
    Unavailable,
    /// The source answers, but wrongly.
    Failed,
}

/// Looks through the chain of causes for the first one that tells whether the source answers at all.
pub(crate) fn classify(error: &(dyn std::error::Error + 'static)) -> Kind {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(own) = error.downcast_ref::<Error>() {
            return match own {
                Error::Unavailable { .. } => Kind::Unavailable,
                Error::Failed { .. }
                | Error::SnapshotGone { .. }
                | Error::BeforeHistory { .. }
                | Error::NoHistory { .. }
                | Error::Unsupported { .. }
                | Error::Credential { .. } => Kind::Failed,
            };
        }
        if let Some(store) = error.downcast_ref::<object_store::Error>() {
            return classify_store(store);
        }
        // The kernel does not name the store's error as its cause.
        if let Some(delta_kernel::Error::ObjectStore(store)) = error.downcast_ref() {
            return classify_store(store);
        }
        next = error.source();
    }
    Kind::Failed
}

fn classify_store(error: &object_store::Error) -> Kind {
    use object_store::Error as Store;
    // The enum is another crate's and may grow; what is not known to be the source's fault is transport.
    match error {
        Store::NotFound { .. }
        | Store::InvalidPath { .. }
        | Store::NotSupported { .. }
        | Store::AlreadyExists { .. }
        | Store::Precondition { .. }
        | Store::NotModified { .. }
        | Store::NotImplemented { .. }
        | Store::PermissionDenied { .. }
        | Store::Unauthenticated { .. } => Kind::Failed,
        Store::Generic { .. } | Store::JoinError { .. } | Store::UnknownConfigurationKey { .. } | _ => {
            Kind::Unavailable
        }
    }
}
