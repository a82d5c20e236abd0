//! What leaves the gateway: plain Arrow types that every client reads.
//!
//! View, dictionary, run-end and large list types become the plain ones. Every column is nullable: the planner's
//! claims of "never NULL" and the batches' differ now and then, and a client compares the two schemas exactly.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use arrow::error::ArrowError;

/// The schema of a result on the wire.
pub(super) fn schema(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| Field::new(field.name(), data_type(field.data_type()), true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// The type on the wire.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other type is plain, also those to come")]
pub(super) fn data_type(of: &DataType) -> DataType {
    let inner = |field: &FieldRef| -> FieldRef {
        Arc::new(field.as_ref().clone().with_data_type(data_type(field.data_type())))
    };
    match of {
        DataType::Utf8View | DataType::LargeUtf8 => DataType::Utf8,
        DataType::BinaryView | DataType::LargeBinary => DataType::Binary,
        DataType::Dictionary(_, values) => data_type(values),
        DataType::RunEndEncoded(_, values) => data_type(values.data_type()),
        DataType::List(item) | DataType::LargeList(item) | DataType::ListView(item) | DataType::LargeListView(item) => {
            DataType::List(inner(item))
        }
        DataType::FixedSizeList(item, length) => DataType::FixedSizeList(inner(item), *length),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(inner).collect()),
        DataType::Map(entries, sorted) => DataType::Map(inner(entries), *sorted),
        plain => plain.clone(),
    }
}

/// `batch` in the types of `schema`, which is [`schema`] of the batch's own.
///
/// # Errors
/// Where a value cannot be cast, such as a list of more than 2³¹ items.
pub(super) fn batch(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    if batch.num_columns() != schema.fields().len() {
        return Err(ArrowError::SchemaError("a batch does not match its schema".into()));
    }
    let columns = batch.columns().iter().zip(schema.fields()).map(|(column, field)| {
        if column.data_type() == field.data_type() { Ok(Arc::clone(column)) } else { cast(column, field.data_type()) }
    });
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns.collect::<Result<Vec<_>, _>>()?, &options)
}

/// Bytes of the values of `batch`, shared buffers counted as far as the batch uses them.
pub(super) fn bytes(batch: &RecordBatch) -> usize {
    let column =
        |column: &ArrayRef| column.to_data().get_slice_memory_size().unwrap_or_else(|_| column.get_array_memory_size());
    batch.columns().iter().map(column).sum()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may unwrap")]
    use super::*;
    use arrow::array::{DictionaryArray, StringViewArray};
    use arrow::datatypes::Int32Type;

    fn check(from: &DataType, to: &DataType) {
        assert_eq!(data_type(from), *to);
    }

    #[test]
    fn only_plain_types_leave() {
        let item = |data_type| Arc::new(Field::new("item", data_type, true));
        check(&DataType::Utf8View, &DataType::Utf8);
        check(&DataType::Dictionary(Box::new(DataType::UInt16), Box::new(DataType::Utf8View)), &DataType::Utf8);
        check(&DataType::LargeList(item(DataType::Utf8View)), &DataType::List(item(DataType::Utf8)));
        check(
            &DataType::Struct(vec![item(DataType::BinaryView)].into()),
            &DataType::Struct(vec![item(DataType::Binary)].into()),
        );
        check(&DataType::Decimal128(12, 2), &DataType::Decimal128(12, 2));
    }

    #[test]
    fn a_batch_gets_exactly_the_advertised_schema() {
        let view: ArrayRef = Arc::new(StringViewArray::from(vec![Some("a"), None]));
        let dictionary: ArrayRef = Arc::new(vec![Some("x"), None].into_iter().collect::<DictionaryArray<Int32Type>>());
        let before = RecordBatch::try_from_iter([("v", view), ("d", dictionary)]).unwrap();
        let advertised = schema(before.schema().as_ref());
        assert_eq!(batch(&before, &advertised).unwrap().schema(), advertised);
    }

    #[test]
    fn rows_without_columns_keep_their_number() {
        let none = Arc::new(Schema::empty());
        let options = RecordBatchOptions::new().with_row_count(Some(3));
        let before = RecordBatch::try_new_with_options(Arc::clone(&none), vec![], &options).unwrap();
        assert_eq!(batch(&before, &schema(&none)).unwrap().num_rows(), 3);
    }
}
