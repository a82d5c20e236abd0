//! Compares what a contract promises with what its source really holds.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Schema};

use crate::table::{Column, Table};

mod encoding;
mod violated;
mod widening;

pub(crate) use encoding::is_same;
pub use violated::ContractViolated;

/// Where the columns of a contract are found in its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// One for each column of the contract, in the contract's order.
    pub columns: Vec<BoundColumn>,
}

/// One column of a contract, found in its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoundColumn {
    /// Place of the column in the source's schema.
    pub source_index: usize,
    /// The column as the gateway knows it: the contract's name; the source's own type where that is only
    /// another encoding of the promised one, else the promised type; nullable unless both sides say it is not.
    pub field: FieldRef,
    /// Whether a value of the source must be cast to the field's type. Such a cast loses nothing.
    pub cast: bool,
}

/// How a type of a source serves a promised type.
enum Fit {
    /// As it is.
    Same,
    /// After a cast that loses nothing.
    Wider,
    /// Not at all.
    Not,
}

/// Finds every column of the contract in the source's schema.
///
/// Columns are found by their physical name, letter case heeded. Columns of the source that the contract does
/// not name stay unbound: they do not exist for anybody.
///
/// # Errors
/// Every difference at once: a column is missing, is there more than once, or is of a type that cannot
/// become the promised one without loss.
pub fn bind(table: &Table, source: &Schema) -> Result<Binding, ContractViolated> {
    let mut columns = Vec::with_capacity(table.columns.len());
    let mut differences = Vec::new();
    for column in &table.columns {
        match bind_column(column, source) {
            Ok(bound) => columns.push(bound),
            Err(difference) => differences.push(difference),
        }
    }
    if differences.is_empty() {
        return Ok(Binding { columns });
    }
    Err(ContractViolated {
        table: table.name.clone(),
        product: table.product.to_string(),
        owner: table.contract.owner.clone(),
        differences,
    })
}

fn bind_column(column: &Column, source: &Schema) -> Result<BoundColumn, String> {
    let (source_index, found) = find(column, source)?;
    let (data_type, cast) = match fit(found.data_type(), &column.data_type) {
        Fit::Same => (found.data_type().clone(), false),
        Fit::Wider => (column.data_type.clone(), true),
        Fit::Not => {
            return Err(format!(
                "column {:?} is promised as {} but is {}",
                column.name,
                column.data_type,
                found.data_type()
            ));
        }
    };
    let nullable = found.is_nullable() || !column.required;
    Ok(BoundColumn { source_index, field: Arc::new(Field::new(&column.name, data_type, nullable)), cast })
}

/// The one column of the source that has the physical name.
fn find<'a>(column: &Column, source: &'a Schema) -> Result<(usize, &'a FieldRef), String> {
    let wanted = &column.physical_name;
    let called = if *wanted == column.name { String::new() } else { format!(" ({wanted:?} in the source)") };
    let missing = || format!("column {:?}{called} is missing", column.name);
    let found = source.fields().iter().enumerate().find(|(_, field)| field.name() == wanted);
    let (index, field) = found.ok_or_else(missing)?;
    // Engines that ignore letter case would read either of two such columns: whoever wrote the contract may
    // have meant the other one.
    let lower = wanted.to_lowercase();
    if source.fields().iter().filter(|field| field.name().to_lowercase() == lower).count() > 1 {
        return Err(format!("column {:?}{called} is there more than once, letter case ignored", column.name));
    }
    Ok((index, field))
}

fn fit(found: &DataType, promised: &DataType) -> Fit {
    if encoding::is_same(found, promised) {
        Fit::Same
    } else if widening::is_lossless(found, promised) {
        Fit::Wider
    } else {
        Fit::Not
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests may unwrap")]
mod tests;
