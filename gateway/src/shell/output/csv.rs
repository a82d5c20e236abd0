//! The formats `csv` and `tsv`: a header, and then rows as they come.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::csv::WriterBuilder;
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

use super::{Printer, cell};

/// Writes the header before the first rows.
pub(super) struct Csv {
    schema: SchemaRef,
    delimiter: u8,
    header_done: bool,
}

impl Csv {
    /// Rows of these columns, with this between the values.
    pub(super) fn new(schema: &SchemaRef, delimiter: u8) -> Self {
        Self { schema: SchemaRef::clone(schema), delimiter, header_done: false }
    }
}

impl Printer for Csv {
    fn batch(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), ArrowError> {
        let mut writer = WriterBuilder::new().with_delimiter(self.delimiter).with_header(!self.header_done).build(out);
        writer.write(&flat(batch)?)?;
        self.header_done = true;
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), ArrowError> {
        if self.header_done {
            return Ok(());
        }
        self.batch(&RecordBatch::new_empty(SchemaRef::clone(&self.schema)), out)
    }
}

/// The batch with text in place of what arrow's writer refuses (nested values) or writes in another way (binary).
fn flat(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let mut fields = Vec::with_capacity(batch.num_columns());
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(batch.num_columns());
    for (field, column) in std::iter::zip(batch.schema_ref().fields(), batch.columns()) {
        let column: ArrayRef = if field.data_type().is_nested() || cell::is_binary(field.data_type()) {
            Arc::new(cell::text_of(column.as_ref())?)
        } else {
            Arc::clone(column)
        };
        fields.push(Field::new(field.name(), column.data_type().clone(), true));
        columns.push(column);
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}
