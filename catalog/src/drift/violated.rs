//! What is told of a source that does not keep its contract.

use std::fmt;

use crate::name::TableName;

/// Most bytes of differences in the message; it goes over wires that limit its length.
const MAX_BYTES: usize = 1000;
/// Most bytes of one difference in the message: a nested type can be long.
const MAX_BYTES_OF_ONE: usize = 250;

/// A source is not as its contract promises.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ContractViolated {
    /// The table that cannot be opened.
    pub table: TableName,
    /// The product that publishes it.
    pub product: String,
    /// Who promised it.
    pub owner: Option<String>,
    /// What differs, one text for each column.
    pub differences: Vec<String>,
}

impl fmt::Display for ContractViolated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "table \"{}\" of product {:?}", self.table, self.product)?;
        match &self.owner {
            Some(owner) => write!(f, " (owner {owner:?})")?,
            None => f.write_str(" (no owner)")?,
        }
        f.write_str(" is not as its contract promises")?;
        let mut room = MAX_BYTES;
        for (index, difference) in self.differences.iter().enumerate() {
            let shown = &difference[..difference.floor_char_boundary(MAX_BYTES_OF_ONE)];
            let Some(rest) = room.checked_sub(shown.len()) else {
                return write!(f, "; and {} more", self.differences.len() - index);
            };
            room = rest;
            f.write_str(if index == 0 { ": " } else { "; " })?;
            f.write_str(shown)?;
            f.write_str(if shown.len() < difference.len() { "…" } else { "" })?;
        }
        Ok(())
    }
}
