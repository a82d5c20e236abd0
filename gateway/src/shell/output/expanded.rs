//! The format `expanded`: one line for each value, as psql's `\x` writes them.

use std::iter;

use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use unicode_width::UnicodeWidthStr as _;

use super::table::cell_of;
use super::{Printer, cell, footer};
use crate::shell::escape;

/// Longest rule between two records.
const RULE: usize = 100;

/// Writes records as they come.
pub(super) struct Expanded {
    names: Vec<String>,
    width: usize,
    printed: usize,
}

impl Expanded {
    /// Records of these columns.
    pub(super) fn new(schema: &SchemaRef) -> Self {
        let names: Vec<_> = schema.fields().iter().map(|field| escape::line(field.name()).into_owned()).collect();
        let width = names.iter().map(|name| name.width()).max().unwrap_or(0);
        Self { names, width, printed: 0 }
    }

    /// Writes one record, whose values are already cut into lines that are safe for a terminal.
    pub(super) fn record(&mut self, values: &[Vec<String>], out: &mut Vec<u8>) {
        self.printed += 1;
        let widest = values.iter().flatten().map(|line| line.width()).max().unwrap_or(0);
        let label = format!("-[ RECORD {} ]", self.printed);
        let mut rule = format!("{label:-<width$}", width = self.width + 1);
        if rule.len() == self.width + 1 {
            rule.push('+');
        }
        let full = (self.width + widest + 3).min(RULE);
        line(&format!("{rule:-<full$}"), out);
        for (name, lines) in iter::zip(&self.names, values) {
            for (at, text) in lines.iter().enumerate() {
                let name = if at == 0 { name.as_str() } else { "" };
                let gap = " ".repeat(self.width.saturating_sub(name.width()));
                let more = if at + 1 < lines.len() { "+" } else { "" };
                line(&format!("{name}{gap} | {text}{more}"), out);
            }
        }
    }
}

impl Printer for Expanded {
    fn batch(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), ArrowError> {
        let formatters = cell::formatters(batch)?;
        for row in 0..batch.num_rows() {
            let values: Result<Vec<_>, _> =
                formatters.iter().map(|formatter| formatter.value(row).try_to_string().map(|v| cell_of(&v))).collect();
            self.record(&values?, out);
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), ArrowError> {
        out.extend_from_slice(footer(self.printed).as_bytes());
        Ok(())
    }
}

fn line(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(text.trim_end_matches(' ').as_bytes());
    out.push(b'\n');
}
