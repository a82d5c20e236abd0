//! A promise that the values of one table are found in another.

use crate::name::TableName;

/// A foreign key, as its contract promises it. Nothing enforces it.
///
/// Invariant: `columns` and `other_columns` are of the same length, and not empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignKey {
    /// The relationship's `id` in the contract.
    pub name: Option<String>,
    /// Names of the own columns, in the order of the key.
    pub columns: Vec<String>,
    /// The table that they refer to; may be of another domain, or the same table.
    pub other: TableName,
    /// Names of its columns, in the same order.
    pub other_columns: Vec<String>,
}
