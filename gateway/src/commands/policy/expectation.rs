//! An expectation of `policies/tests.yaml`, and whether a result meets it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use catalog::Problem;
use policies::AttributeValue;
use serde::Deserialize;

/// The file of expectations, below the mesh folder.
pub(super) const FILE: &str = "policies/tests.yaml";

/// Largest file of expectations that is read, in bytes.
const MAX_BYTES: u64 = 16 << 20;

/// One expectation: as this user, this statement gives these rows, or this error.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expectation {
    #[serde(rename = "as")]
    pub(super) user: String,
    /// Instead of the user's own attributes, where they are written.
    pub(super) attributes: Option<BTreeMap<String, Value>>,
    /// Roles that the identity provider vouches for.
    #[serde(default)]
    pub(super) roles: BTreeSet<String>,
    pub(super) query: String,
    pub(super) rows: Option<Vec<Vec<Value>>>,
    pub(super) error: Option<String>,
}

/// A value as YAML writes it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub(super) enum Value {
    Boolean(bool),
    Integer(i64),
    Number(f64),
    Text(String),
    Null,
}

impl Value {
    pub(super) fn as_attribute(&self) -> AttributeValue {
        match self {
            Self::Boolean(value) => AttributeValue::Boolean(*value),
            Self::Integer(value) => AttributeValue::Integer(*value),
            Self::Number(value) => AttributeValue::Text(value.to_string()),
            Self::Text(value) => AttributeValue::Text(value.clone()),
            Self::Null => AttributeValue::Text(String::new()),
        }
    }

    /// Whether a cell of a result, as text, is this value. Numbers are compared as numbers: 10.50 is 10.5.
    fn is(&self, cell: Option<&str>) -> bool {
        let number = |expected: f64| cell.and_then(|cell| cell.parse::<f64>().ok()).is_some_and(|n| n == expected);
        match self {
            Self::Null => cell.is_none(),
            Self::Boolean(value) => cell == Some(if *value { "true" } else { "false" }),
            Self::Integer(value) => cell == Some(value.to_string().as_str()) || number(*value as f64),
            Self::Number(value) => number(*value),
            Self::Text(value) => cell == Some(value),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean(value) => value.fmt(f),
            Self::Integer(value) => value.fmt(f),
            Self::Number(value) => value.fmt(f),
            Self::Text(value) => f.write_str(value),
            Self::Null => f.write_str("null"),
        }
    }
}

/// A result as text; `None` is NULL.
pub(super) type Rows = Vec<Vec<Option<String>>>;

/// Reads the expectations of a mesh.
///
/// # Errors
/// What is wrong with the file.
pub(super) fn read(folder: &Path) -> Result<Vec<Expectation>, Problem> {
    let file = Path::new(FILE);
    let text = crate::config::read(folder, file, MAX_BYTES)?;
    serde_saphyr::from_str(&text)
        .map_err(|error| Problem::in_file(file, error.to_string(), "write a list of {as, query, rows or error}"))
}

/// The rows of a batch as text.
///
/// # Errors
/// Where a type cannot be shown.
pub(super) fn rows(batch: &RecordBatch) -> Result<Rows, ArrowError> {
    let options = FormatOptions::default();
    let columns = batch.columns().iter().map(|column| ArrayFormatter::try_new(column.as_ref(), &options));
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let cell = |column: usize, row: usize| {
        batch.column(column).is_valid(row).then(|| columns.get(column).map(|column| column.value(row).to_string()))
    };
    Ok((0..batch.num_rows())
        .map(|row| (0..batch.num_columns()).map(|column| cell(column, row).flatten()).collect())
        .collect())
}

/// Whether the rows are those, in order.
pub(super) fn met(expected: &[Vec<Value>], rows: &Rows) -> bool {
    expected.len() == rows.len()
        && expected.iter().zip(rows).all(|(expected, row)| {
            expected.len() == row.len() && expected.iter().zip(row).all(|(value, cell)| value.is(cell.as_deref()))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &Value, cell: Option<&str>, met: bool) {
        assert_eq!(value.is(cell), met, "{value:?} {cell:?}");
    }

    #[test]
    fn a_cell_is_compared_by_what_it_means() {
        check(&Value::Integer(3), Some("3"), true);
        check(&Value::Integer(3), Some("3.00"), true);
        check(&Value::Integer(3), Some("4"), false);
        check(&Value::Number(10.5), Some("10.50"), true);
        check(&Value::Text("EU".into()), Some("EU"), true);
        check(&Value::Text("EU".into()), None, false);
        check(&Value::Null, None, true);
        check(&Value::Null, Some(""), false);
        check(&Value::Boolean(true), Some("true"), true);
    }

    #[test]
    fn rows_are_compared_whole_and_in_order() {
        let rows = vec![vec![Some("a".to_owned())], vec![None]];
        assert!(met(&[vec![Value::Text("a".into())], vec![Value::Null]], &rows));
        assert!(!met(&[vec![Value::Null], vec![Value::Text("a".into())]], &rows));
        assert!(!met(&[vec![Value::Text("a".into())]], &rows));
    }
}
