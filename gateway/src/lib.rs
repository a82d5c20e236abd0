//! The gateway: authenticates, plans, runs, streams. Also the shell, the demo and the command line.
//!
//! The only crate that knows a wire protocol, the configuration and the clock.

mod admission;
mod audit;
pub mod auth;
pub mod commands;
pub mod config;
pub mod demo;
mod descriptors;
pub mod error;
mod failure;
mod filter_pushdown;
pub mod flight;
mod gate;
mod gateway;
mod governed;
mod http;
mod mesh;
mod metadata;
pub mod query;
mod reload;
mod runtime;
mod server;
mod session;
pub mod shell;
pub mod telemetry;

pub use error::{Error, ErrorKind};
pub use gateway::Gateway;
pub use mesh::Mesh;
pub use metadata::VisibleTable;
pub use server::{ServeOptions, Server, StartError, serve};
