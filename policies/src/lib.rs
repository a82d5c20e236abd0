//! Decides what a principal may see, and builds the table that shows only that.
//!
//! The security kernel: everything that keeps a row or a column from a reader is in this crate. It does no
//! IO and knows no connector. [`decide`](Policies::decide) is pure.

pub mod action;
pub mod decision;
pub mod principal;

pub use action::Action;
pub use decision::{ColumnAccess, ColumnMask, Decision, Restrictions, RuleId};
pub use principal::{AttributeValue, Principal};
