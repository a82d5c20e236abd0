//! The format `markdown`: a table that can be pasted into a document.

use std::fmt::Write as _;

use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

use super::{Printer, cell};
use crate::shell::escape;

/// Writes rows as they come.
pub(super) struct Markdown {
    schema: SchemaRef,
    header_done: bool,
}

impl Markdown {
    /// A table of these columns.
    pub(super) fn new(schema: &SchemaRef) -> Self {
        Self { schema: SchemaRef::clone(schema), header_done: false }
    }

    fn header(&mut self, out: &mut Vec<u8>) {
        if self.header_done {
            return;
        }
        self.header_done = true;
        let fields = self.schema.fields();
        row(fields.iter().map(|field| safe(field.name())), out);
        let rules = fields.iter().map(|field| if cell::is_right_aligned(field.data_type()) { "--:" } else { "---" });
        row(rules.map(str::to_owned), out);
    }
}

impl Printer for Markdown {
    fn batch(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), ArrowError> {
        self.header(out);
        let formatters = cell::formatters(batch)?;
        for at in 0..batch.num_rows() {
            let values: Result<Vec<_>, _> =
                formatters.iter().map(|formatter| formatter.value(at).try_to_string().map(|v| safe(&v))).collect();
            row(values?.into_iter(), out);
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), ArrowError> {
        self.header(out);
        Ok(())
    }
}

fn row(values: impl Iterator<Item = String>, out: &mut Vec<u8>) {
    let mut line = String::from("|");
    for value in values {
        // Writing into a `String` cannot fail.
        _ = write!(line, " {value} |");
    }
    line.push('\n');
    out.extend_from_slice(line.as_bytes());
}

/// The value as text that Markdown does not read as markup of its own.
fn safe(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '\n' => text.push_str("<br>"),
            '|' | '\\' | '`' | '*' | '[' => text.extend(['\\', c]),
            '<' => text.push_str("&lt;"),
            '&' => text.push_str("&amp;"),
            c => text.push(c),
        }
    }
    escape::line(&text).into_owned()
}
