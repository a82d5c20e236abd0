//! Turns a source at a version into a table that the query engine can scan.
//!
//! [`Connectors::open`] is the one way in: it takes a table of the catalog and answers with a provider whose
//! schema is the *source's own*; contracts and policies are applied by others, on top. Nothing here knows who
//! asks, except as the explicit [`Identity`] that some sources want to be told.

mod connectors;
mod context;
mod credentials;
mod delta;
mod error;
mod flight;
mod key_sharing;
mod storage;
#[cfg(test)]
mod testing;

pub use connectors::{Connector, Connectors, Options};
pub use context::{At, CallContext, Identity, Opened};
pub use credentials::{CredentialError, Secret, read as read_secret};
pub use error::{Cause, Error};
pub use key_sharing::KeySharing;
