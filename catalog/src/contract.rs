//! A data contract, as the rest of the gateway sees it: who promises what, and in which state.

use std::path::PathBuf;

use crate::name::Name;

/// Head of a data contract (Bitol ODCS); its tables refer to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contract {
    /// `id` of the contract.
    pub id: String,
    /// `name`, or the id where there is none.
    pub name: String,
    /// `version` of the contract, such as `1.2.0`.
    pub version: String,
    /// Whether it can be queried, and by whom.
    pub status: Status,
    /// The domain that promises.
    pub domain: Name,
    /// What the data is, in words.
    pub description: Option<String>,
    /// User name of the team member with the role `owner`.
    pub owner: Option<String>,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// The file it was read from, relative to the mesh folder.
    pub file: PathBuf,
}

/// Where a contract is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Being thought about: queryable by the owner only.
    Proposed,
    /// Being written: queryable by the owner only.
    Draft,
    /// In force.
    Active,
    /// In force, but not for long.
    Deprecated,
    /// Over: queryable by nobody.
    Retired,
}
