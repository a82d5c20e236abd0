//! A data product: what a domain publishes under one name.

use std::path::PathBuf;

use crate::contract::Status;
use crate::name::{Name, TableName};

/// A data product (Bitol ODPS), or a contract that stands for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// `id` of the product.
    pub id: String,
    /// `name`, or the id where there is none.
    pub name: String,
    /// `version` of the product, where it has one.
    pub version: Option<String>,
    /// Where the product is in its life.
    pub status: Status,
    /// The domain that publishes it.
    pub domain: Name,
    /// What it is for, in words.
    pub description: Option<String>,
    /// User name of the team member with the role `owner`.
    pub owner: Option<String>,
    /// The tables of its output ports, sorted.
    pub tables: Vec<TableName>,
    /// The file it was read from, relative to the mesh folder.
    pub file: PathBuf,
}
