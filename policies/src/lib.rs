//! Decides what a principal may see, and builds the table that shows only that.
//!
//! The security kernel: everything that keeps a row or a column from a reader is in this crate. It does no
//! IO and knows no connector. [`decide`](Policies::decide) is pure.

pub mod access;
pub mod action;
mod compiled;
mod confirm;
mod conflicts;
mod coverage;
mod decide;
pub mod decision;
pub mod difference;
mod engine;
pub mod error;
pub mod explain;
mod fingerprint;
pub mod governed_scan;
pub mod governed_table;
pub mod key_set;
pub mod leakproof;
mod masking;
mod masks;
pub mod obstacle;
pub mod own_table;
pub mod partitioning;
mod policies;
mod predicate;
pub mod principal;
mod roles;
mod row_filter;
mod rules;
pub mod scan_error;
pub mod small_groups;
pub mod steady;
pub mod tables;
#[cfg(test)]
mod testing;
mod through_view;
pub mod unguarded;
pub mod verify;

pub use access::{Access, SeenColumn, SeenRows};
pub use action::Action;
pub use decision::{ColumnAccess, ColumnMask, Decision, Restrictions, RuleId};
pub use difference::{Change, changes};
pub use error::Error;
pub use explain::Explanation;
pub use governed_scan::GovernedScan;
pub use governed_table::governed_table;
pub use key_set::KeySet;
pub use masks::HashKey;
pub use obstacle::Obstacle;
pub use own_table::{OwnScan, own_table};
pub use partitioning::{Partitioning, partitioning};
pub use policies::Policies;
pub use principal::{AttributeValue, Principal, is_reserved_attribute};
pub use rules::RuleFile;
pub use scan_error::ScanError;
pub use small_groups::{TooFine, drop_small_groups};
pub use steady::must_be_steady;
pub use tables::tables_of;
pub use verify::verify;
