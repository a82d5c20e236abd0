//! What the tests of the whole product share: a mesh folder that is served, clients, a foreign source, faults.
//!
//! Everything here drives the gateway from outside: through its wire protocols and the files of a mesh.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests may unwrap")]

pub mod audit;
pub mod authority;
pub mod client;
pub mod contract;
pub mod deadline;
pub mod delta;
pub mod demo;
pub mod engine;
pub mod failure;
pub mod http;
pub mod issuer;
pub mod mesh;
pub mod plant;
pub mod proof;
pub mod remote;
pub mod retail;
pub mod rows;
pub mod vault;

pub use client::Client;
pub use contract::Contract;
pub use failure::Failure;
pub use mesh::{Gateway, Mesh};
pub use remote::Remote;
pub use rows::Rows;
