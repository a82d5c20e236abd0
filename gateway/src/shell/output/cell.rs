//! The text of one value, the same in every format that is made of text.

use arrow::array::{Array, AsArray as _, StringArray};
use arrow::datatypes::{DataType, Field};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, ArrayFormatterFactory, DisplayIndex, FormatOptions, FormatResult};

/// What stands for a missing value.
const NULL: &str = "NULL";

const OPTIONS: FormatOptions<'static> =
    FormatOptions::new().with_display_error(true).with_null(NULL).with_formatter_factory(Some(&HexFactory));

/// Columns whose text is written by these, `NULL` where a value is missing.
pub(super) fn formatters(batch: &RecordBatch) -> Result<Vec<ArrayFormatter<'_>>, ArrowError> {
    batch.columns().iter().map(|column| formatter(column.as_ref(), &OPTIONS)).collect()
}

/// The column as text; a missing value stays missing.
pub(in crate::shell) fn text_of(column: &dyn Array) -> Result<StringArray, ArrowError> {
    let formatter = formatter(column, &OPTIONS)?;
    (0..column.len())
        .map(|row| column.is_valid(row).then(|| formatter.value(row).try_to_string()).transpose())
        .collect()
}

/// Whether values of this type stand at the right of their column.
pub(super) fn is_right_aligned(data_type: &DataType) -> bool {
    if let DataType::Dictionary(_, value) = data_type { value.is_numeric() } else { data_type.is_numeric() }
}

/// Whether the type, itself or inside a dictionary, is one of the binary ones.
pub(super) fn is_binary(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_))
}

fn formatter<'a>(array: &'a dyn Array, options: &FormatOptions<'a>) -> Result<ArrayFormatter<'a>, ArrowError> {
    match HexFactory.create_array_formatter(array, options, None)? {
        Some(formatter) => Ok(formatter),
        None => ArrayFormatter::try_new(array, options),
    }
}

/// Writes binary values as psql shows them, `\x0aff`, inside lists and structs too.
#[derive(Debug)]
struct HexFactory;

impl ArrayFormatterFactory for HexFactory {
    fn create_array_formatter<'a>(
        &self,
        array: &'a dyn Array,
        options: &FormatOptions<'a>,
        _field: Option<&'a Field>,
    ) -> Result<Option<ArrayFormatter<'a>>, ArrowError> {
        let hex = is_binary(array.data_type()).then(|| Hex { array, null: options.null() });
        Ok(hex.map(|hex| ArrayFormatter::new(Box::new(hex), options.safe())))
    }
}

struct Hex<'a> {
    array: &'a dyn Array,
    null: &'a str,
}

impl DisplayIndex for Hex<'_> {
    fn write(&self, row: usize, out: &mut dyn std::fmt::Write) -> FormatResult {
        if self.array.is_null(row) {
            out.write_str(self.null)?;
            return Ok(());
        }
        out.write_str("\\x")?;
        for byte in bytes_at(self.array, row) {
            write!(out, "{byte:02x}")?;
        }
        Ok(())
    }
}

/// The bytes of a binary column in a row; none when it is not binary.
pub(super) fn bytes_at(array: &dyn Array, row: usize) -> &[u8] {
    if let Some(array) = array.as_binary_opt::<i32>() {
        array.value(row)
    } else if let Some(array) = array.as_binary_opt::<i64>() {
        array.value(row)
    } else if let Some(array) = array.as_binary_view_opt() {
        array.value(row)
    } else if let Some(array) = array.as_fixed_size_binary_opt() {
        array.value(row)
    } else {
        &[]
    }
}
