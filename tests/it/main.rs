//! Rules of the whole product. One binary, because each links the whole query engine.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests may unwrap")]

mod audit;
mod cancellation;
mod connections;
mod contracts;
mod entitlements;
mod errors;
mod faults;
mod groups;
mod http;
mod join_keys;
mod leaks;
mod limits;
mod login;
mod messages;
mod metadata;
mod oidc;
mod options;
mod prepared;
mod proof;
mod pushdown;
mod reload;
mod slow_readers;
mod slt;
mod statements;
mod substrait;
mod threats;
mod tickets;
mod tidy;
mod tls;
mod views;
