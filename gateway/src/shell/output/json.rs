//! The formats `json` and `jsonl`: one object a row.

use std::sync::Arc;

use arrow::array::Array;
use arrow::datatypes::{DataType, FieldRef};
use arrow::error::ArrowError;
use arrow::json::writer::{LineDelimited, NullableEncoder, WriterBuilder};
use arrow::json::{Encoder, EncoderFactory, EncoderOptions};
use arrow::record_batch::RecordBatch;

use super::{Printer, cell};

/// Writes objects as they come.
pub(super) struct Json {
    /// Whether the objects are the elements of one array.
    array: bool,
    printed: usize,
}

impl Json {
    /// One array of objects.
    pub(super) fn array() -> Self {
        Self { array: true, printed: 0 }
    }

    /// One object a line.
    pub(super) fn lines() -> Self {
        Self { array: false, printed: 0 }
    }
}

impl Printer for Json {
    fn batch(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), ArrowError> {
        let mut lines = Vec::new();
        let mut writer = WriterBuilder::new()
            .with_explicit_nulls(true)
            .with_encoder_factory(Arc::new(TextFactory))
            .build::<_, LineDelimited>(&mut lines);
        writer.write(batch)?;
        writer.finish()?;
        // A line end inside a value is written `\n`: every line is a whole object.
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            if self.array {
                out.extend_from_slice(if self.printed == 0 { b"[" } else { b",\n" });
                out.extend_from_slice(line.strip_suffix(b"\n").unwrap_or(line));
            } else {
                out.extend_from_slice(line);
            }
            self.printed += 1;
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), ArrowError> {
        if self.array {
            out.extend_from_slice(if self.printed == 0 { b"[]\n" } else { b"]\n" });
        }
        Ok(())
    }
}

/// Writes as text what JSON cannot say, or what arrow's writer would refuse.
#[derive(Debug)]
struct TextFactory;

impl EncoderFactory for TextFactory {
    fn make_default_encoder<'a>(
        &self,
        _field: &'a FieldRef,
        array: &'a dyn Array,
        _options: &'a EncoderOptions,
    ) -> Result<Option<NullableEncoder<'a>>, ArrowError> {
        let data_type = array.data_type();
        let as_text = cell::is_binary(data_type) || matches!(data_type, DataType::Union(..) | DataType::Interval(_));
        if !as_text {
            return Ok(None);
        }
        let text = Text(cell::text_of(array)?);
        Ok(Some(NullableEncoder::new(Box::new(text), array.logical_nulls())))
    }
}

struct Text(arrow::array::StringArray);

impl Encoder for Text {
    fn encode(&mut self, row: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(serde_json::Value::from(self.0.value(row)).to_string().as_bytes());
    }
}
