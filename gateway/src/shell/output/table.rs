//! The format `table`: aligned columns, as psql writes them.

use std::iter;

use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use unicode_width::UnicodeWidthStr as _;

use super::expanded::Expanded;
use super::{Printer, cell, footer};
use crate::shell::escape;

/// Rows and bytes that are kept to find the widths; what comes later is written with the same widths.
const BUFFERED_ROWS: usize = 10_000;
const BUFFERED_BYTES: usize = 16 * 1024 * 1024;

/// One value: its lines, safe for a terminal.
type Cell = Vec<String>;

/// Keeps rows until it knows how wide the columns are.
pub(super) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
    bytes: usize,
    printed: usize,
    header_done: bool,
    /// A wider table is written one line for each value.
    screen_width: Option<usize>,
    expanded: Option<Expanded>,
    schema: SchemaRef,
}

struct Column {
    name: String,
    right: bool,
    width: usize,
}

impl Table {
    /// A table of these columns; wider than `screen_width`, and it is written expanded.
    pub(super) fn new(schema: &SchemaRef, screen_width: Option<usize>) -> Self {
        let columns = schema
            .fields()
            .iter()
            .map(|field| {
                let name = escape::line(field.name()).into_owned();
                Column { width: name.width(), name, right: cell::is_right_aligned(field.data_type()) }
            })
            .collect();
        Self {
            columns,
            rows: Vec::new(),
            bytes: 0,
            printed: 0,
            header_done: false,
            screen_width,
            expanded: None,
            schema: SchemaRef::clone(schema),
        }
    }

    /// Writes the rows that are kept, and the header before the first.
    fn flush(&mut self, out: &mut Vec<u8>) {
        if !self.header_done {
            self.header_done = true;
            for (index, column) in self.columns.iter_mut().enumerate() {
                let widths = self.rows.iter().filter_map(|row| row.get(index)).flatten().map(|line| line.width());
                column.width = widths.fold(column.width, usize::max);
            }
            if self.screen_width.is_some_and(|screen| self.width() > screen) {
                self.expanded = Some(Expanded::new(&self.schema));
            } else {
                self.write_header(out);
            }
        }
        self.bytes = 0;
        self.printed += self.rows.len();
        for row in std::mem::take(&mut self.rows) {
            match &mut self.expanded {
                Some(expanded) => expanded.record(&row, out),
                None => write_row(&self.columns, &row, out),
            }
        }
    }

    fn width(&self) -> usize {
        self.columns.iter().map(|column| column.width + 3).sum::<usize>().saturating_sub(1)
    }

    fn write_header(&self, out: &mut Vec<u8>) {
        let centred = self.columns.iter().map(|Column { name, width, .. }| {
            let left = (width - name.width()) / 2;
            format!(" {}{name}{} ", " ".repeat(left), " ".repeat(width - name.width() - left))
        });
        write_line(&centred.collect::<Vec<_>>().join("|"), out);
        let rules: Vec<_> = self.columns.iter().map(|column| "-".repeat(column.width + 2)).collect();
        write_line(&rules.join("+"), out);
    }
}

impl Printer for Table {
    fn batch(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), ArrowError> {
        let formatters = cell::formatters(batch)?;
        for row in 0..batch.num_rows() {
            let mut cells = Vec::with_capacity(formatters.len());
            for formatter in &formatters {
                let value = formatter.value(row).try_to_string()?;
                self.bytes += value.len();
                cells.push(cell_of(&value));
            }
            self.rows.push(cells);
            if self.rows.len() >= BUFFERED_ROWS || self.bytes >= BUFFERED_BYTES {
                self.flush(out);
            }
        }
        // Once the widths are fixed there is nothing to wait for.
        if self.header_done {
            self.flush(out);
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), ArrowError> {
        self.flush(out);
        out.extend_from_slice(footer(self.printed).as_bytes());
        Ok(())
    }
}

/// A value's lines, safe for a terminal.
pub(super) fn cell_of(value: &str) -> Cell {
    value.split('\n').map(|line| escape::line(line).into_owned()).collect()
}

/// Writes a row; as in psql a `+` behind a line says that the value goes on below.
fn write_row(columns: &[Column], row: &[Cell], out: &mut Vec<u8>) {
    let height = row.iter().map(Vec::len).max().unwrap_or(1);
    for at in 0..height {
        let cells = iter::zip(columns, row).map(|(column, lines)| {
            let text = lines.get(at).map_or("", String::as_str);
            let gap = " ".repeat(column.width.saturating_sub(text.width()));
            let more = if at + 1 < lines.len() { '+' } else { ' ' };
            if column.right { format!(" {gap}{text}{more}") } else { format!(" {text}{gap}{more}") }
        });
        write_line(&cells.collect::<Vec<_>>().join("|"), out);
    }
}

fn write_line(line: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(line.trim_end_matches(' ').as_bytes());
    out.push(b'\n');
}
