//! The gateway: authenticates, plans, runs, streams. Also the shell, the demo and the command line.
//!
//! The only crate that knows a wire protocol, the configuration and the clock.

pub mod auth;
pub mod demo;
pub mod error;
pub mod flight;
pub mod shell;

pub use error::{Error, ErrorKind};
