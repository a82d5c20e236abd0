//! The result of a statement, readable in an assertion.

use arrow::array::{AsArray as _, RecordBatch};
use arrow::datatypes::SchemaRef;
use arrow::util::display::{ArrayFormatter, FormatOptions};

/// The result of a statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    /// Schema of the stream.
    pub schema: SchemaRef,
    /// The batches in the order in which they came.
    pub batches: Vec<RecordBatch>,
}

impl Rows {
    /// How many rows there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// Every row as one line, its values separated by `|`, NULL as `NULL`.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.cells().iter().map(|row| row.join("|")).collect()
    }

    /// [`Rows::lines`], sorted: for statements without `ORDER BY`.
    #[must_use]
    pub fn sorted(&self) -> Vec<String> {
        let mut lines = self.lines();
        lines.sort();
        lines
    }

    /// Names of the columns.
    #[must_use]
    pub fn columns(&self) -> Vec<&str> {
        self.schema.fields().iter().map(|field| field.name().as_str()).collect()
    }

    /// The values of a column of bytes; empty where there is no such column.
    #[must_use]
    pub fn bytes(&self, column: &str) -> Vec<Vec<u8>> {
        let columns = self.batches.iter().filter_map(|batch| batch.column_by_name(column));
        let bytes = columns.flat_map(|column| column.as_binary::<i32>().iter().flatten());
        bytes.map(<[u8]>::to_vec).collect()
    }

    /// Every value as text, NULL as `NULL`.
    #[must_use]
    pub fn cells(&self) -> Vec<Vec<String>> {
        let options = FormatOptions::new().with_null("NULL");
        let mut rows = Vec::new();
        for batch in &self.batches {
            let columns: Vec<_> =
                batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options).unwrap()).collect();
            for row in 0..batch.num_rows() {
                rows.push(columns.iter().map(|column| column.value(row).to_string()).collect());
            }
        }
        rows
    }
}
