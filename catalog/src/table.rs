//! A queryable relation as its contract promises it.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use crate::contract::Contract;
use crate::foreign_key::ForeignKey;
use crate::name::TableName;
use crate::source::Source;

/// One queryable relation of a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Domain and name.
    pub name: TableName,
    /// What the source calls it; the name where the contract does not say.
    pub physical_name: String,
    /// What a row is, in words.
    pub description: Option<String>,
    /// Columns in the order of the contract. Names are unique, letter case ignored.
    pub columns: Vec<Column>,
    /// What its columns refer to, in the order of the contract: keys of columns, then keys of the table.
    pub foreign_keys: Vec<ForeignKey>,
    /// Where the data lives.
    pub source: Source,
    /// May key values of this table be sent to another domain's endpoint in a join?
    pub share_join_keys: bool,
    /// The contract that promises it.
    pub contract: Arc<Contract>,
    /// Name of the product that publishes it.
    pub product: Arc<str>,
}

/// One promised column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Name in SQL.
    pub name: String,
    /// What the source calls it.
    pub physical_name: String,
    /// Promised type.
    pub data_type: DataType,
    /// Whether NULL is promised never to occur.
    pub required: bool,
    /// Whether no value occurs twice.
    pub unique: bool,
    /// One-based place in the primary key.
    pub primary_key_position: Option<u32>,
    /// How secret it is: `public`, `internal`, `confidential`, `restricted`, or the owner's own word.
    pub classification: Option<String>,
    /// What a value means, in words.
    pub description: Option<String>,
}

impl Table {
    /// The promised Arrow schema: contract names, order and types; `required` columns are not nullable.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        let fields: Vec<Field> = self
            .columns
            .iter()
            .map(|column| Field::new(&column.name, column.data_type.clone(), !column.required))
            .collect();
        Arc::new(Schema::new(fields))
    }

    /// Names of the primary key's columns in key order; empty where the contract has no key.
    #[must_use]
    pub fn primary_key(&self) -> Vec<&str> {
        let mut key: Vec<(u32, &str)> = self
            .columns
            .iter()
            .filter_map(|column| Some((column.primary_key_position?, column.name.as_str())))
            .collect();
        key.sort_unstable();
        key.into_iter().map(|(_, name)| name).collect()
    }
}
