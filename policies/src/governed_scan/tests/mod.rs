//! Tries to see through a governed scan.

#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests may unwrap, and need sessions of their own")]

mod dynamic;
mod estimates;
mod explain;
mod fixture;
mod limits;
mod probes;
mod refusals;
mod running;
mod sources;
mod whole;
