//! Writes results: one printer for each format, each in bounded memory.

mod arrow;
mod cell;
mod csv;
mod expanded;
mod json;
mod markdown;
mod table;
mod writer;

use ::arrow::datatypes::SchemaRef;
use ::arrow::error::ArrowError;
use ::arrow::record_batch::RecordBatch;

use super::options::Format;
pub(super) use cell::text_of;
pub(super) use writer::Writer;

/// Rows that are printed at a time, whatever the size of the server's batches.
pub(super) const CHUNK_ROWS: usize = 4096;

/// Turns batches into bytes of one format.
pub(super) trait Printer: Send {
    /// Appends what can be written now; a printer may hold rows back.
    fn batch(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), ArrowError>;

    /// Appends what is left, and the end of the format.
    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), ArrowError>;
}

/// Whether records are written one line for each value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Expanded {
    On,
    #[default]
    Off,
    /// When a table would be wider than the screen.
    Auto,
}

/// What a printer is told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    pub(super) format: Format,
    pub(super) expanded: Expanded,
    /// The columns of the screen, when there is one.
    pub(super) screen_width: Option<usize>,
}

impl Layout {
    /// Whether a person reads it: then there are footers and titles.
    pub(super) fn is_for_people(&self) -> bool {
        match self.format {
            Format::Table | Format::Expanded => true,
            Format::Csv | Format::Tsv | Format::Json | Format::Jsonl | Format::Markdown | Format::Arrow => false,
        }
    }

    /// The printer for results of this schema.
    pub(super) fn printer(&self, schema: &SchemaRef) -> Result<Box<dyn Printer>, ArrowError> {
        Ok(match (self.format, self.expanded) {
            (Format::Table, Expanded::On) | (Format::Expanded, _) => Box::new(expanded::Expanded::new(schema)),
            (Format::Table, Expanded::Off) => Box::new(table::Table::new(schema, None)),
            (Format::Table, Expanded::Auto) => Box::new(table::Table::new(schema, self.screen_width)),
            (Format::Csv, _) => Box::new(csv::Csv::new(schema, b',')),
            (Format::Tsv, _) => Box::new(csv::Csv::new(schema, b'\t')),
            (Format::Json, _) => Box::new(json::Json::array()),
            (Format::Jsonl, _) => Box::new(json::Json::lines()),
            (Format::Markdown, _) => Box::new(markdown::Markdown::new(schema)),
            (Format::Arrow, _) => Box::new(arrow::ArrowStream::new(schema)?),
        })
    }
}

/// `(1 row)`, `(3 rows)`.
fn footer(rows: usize) -> String {
    format!("({rows} row{})\n", if rows == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests;
