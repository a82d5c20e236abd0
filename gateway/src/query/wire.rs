//! What leaves the gateway: plain Arrow types that every client reads, unless the client asks for the engine's own.
//!
//! View, dictionary, run-end and large types become the plain ones. Every column is nullable: the planner's
//! claims of "never NULL" and the batches' differ now and then, and a client compares the two schemas exactly.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, make_array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, IntervalUnit, Schema, SchemaRef};
use arrow::error::ArrowError;

/// The Arrow types of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Types {
    /// Only those that every client reads.
    #[default]
    Plain,
    /// The same, and moments without their zone, in UTC: for clients that cannot read one.
    Utc,
    /// Those that the engine computes with, as far as Flight can carry them: no copy, but views and dictionaries.
    Native,
}

impl Types {
    /// The name that clients and tickets use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Utc => "utc",
            Self::Native => "native",
        }
    }

    /// The types of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Plain, Self::Utc, Self::Native].into_iter().find(|types| types.as_str() == name)
    }
}

/// The schema of a result on the wire.
pub(super) fn schema(schema: &Schema, types: Types) -> SchemaRef {
    let field = |field: &FieldRef| {
        let data_type = data_type(field.data_type(), types);
        let digits = digits(&data_type);
        Field::new(field.name(), data_type, true).with_metadata(digits)
    };
    Arc::new(Schema::new(schema.fields().iter().map(field).collect::<Vec<_>>()))
}

/// The digits of a decimal, where JDBC looks for them (Flight SQL, "Column metadata").
fn digits(data_type: &DataType) -> HashMap<String, String> {
    let (DataType::Decimal128(precision, scale) | DataType::Decimal256(precision, scale)) = data_type else {
        return HashMap::new();
    };
    let flight_sql = |key: &str, value: String| (format!("ARROW:FLIGHT:SQL:{key}"), value);
    HashMap::from([flight_sql("PRECISION", precision.to_string()), flight_sql("SCALE", scale.to_string())])
}

/// The type on the wire.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other type is plain, also those to come")]
pub(super) fn data_type(of: &DataType, types: Types) -> DataType {
    let inner = |field: &FieldRef| -> FieldRef {
        Arc::new(field.as_ref().clone().with_data_type(data_type(field.data_type(), types)))
    };
    match of {
        // What Flight's encoder does not carry.
        DataType::List(item) | DataType::LargeList(item) | DataType::ListView(item) | DataType::LargeListView(item) => {
            DataType::List(inner(item))
        }
        DataType::FixedSizeList(item, length) => DataType::FixedSizeList(inner(item), *length),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(inner).collect()),
        DataType::Map(entries, sorted) => DataType::Map(inner(entries), *sorted),
        native if types == Types::Native => native.clone(),
        DataType::Utf8View | DataType::LargeUtf8 => DataType::Utf8,
        DataType::BinaryView | DataType::LargeBinary => DataType::Binary,
        DataType::Dictionary(_, values) => data_type(values, types),
        DataType::RunEndEncoded(_, values) => data_type(values.data_type(), types),
        DataType::Float16 => DataType::Float32,
        DataType::Decimal32(precision, scale) | DataType::Decimal64(precision, scale) => {
            DataType::Decimal128(*precision, *scale)
        }
        DataType::Interval(_) => DataType::Interval(IntervalUnit::MonthDayNano),
        DataType::Timestamp(unit, Some(_)) if types == Types::Utc => DataType::Timestamp(*unit, None),
        plain => plain.clone(),
    }
}

/// `batch` in the types of `schema`, which is [`schema()`] of the batch's own.
///
/// # Errors
/// Where a value cannot be cast, such as a list of more than 2³¹ items.
pub(super) fn batch(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    if batch.num_columns() != schema.fields().len() {
        return Err(ArrowError::SchemaError("a batch does not match its schema".into()));
    }
    let columns =
        batch.columns().iter().zip(schema.fields()).map(|(column, field)| converted(column, field.data_type()));
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns.collect::<Result<Vec<_>, _>>()?, &options)
}

/// `column` in the type of the wire.
fn converted(column: &ArrayRef, wanted: &DataType) -> Result<ArrayRef, ArrowError> {
    match (column.data_type(), wanted) {
        (is, wanted) if is == wanted => Ok(Arc::clone(column)),
        // A plain cast might give the time of day at the zone.
        (DataType::Timestamp(unit, Some(_)), DataType::Timestamp(_, None)) => {
            let moments = column.to_data().into_builder().data_type(DataType::Timestamp(*unit, None));
            cast(&make_array(moments.build()?), wanted)
        }
        _ => cast(column, wanted),
    }
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
    use arrow::array::{DictionaryArray, StringViewArray, TimestampMillisecondArray};
    use arrow::datatypes::{Int32Type, TimeUnit};

    fn check(from: &DataType, to: &DataType) {
        assert_eq!(data_type(from, Types::Plain), *to);
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
        check(&DataType::Decimal32(9, 2), &DataType::Decimal128(9, 2));
        check(&DataType::Float16, &DataType::Float32);
        check(&DataType::Interval(IntervalUnit::YearMonth), &DataType::Interval(IntervalUnit::MonthDayNano));
    }

    #[test]
    fn moments_lose_their_zone_and_nothing_else_for_who_asks_for_that() {
        let berlin = DataType::Timestamp(TimeUnit::Millisecond, Some("Europe/Berlin".into()));
        assert_eq!(data_type(&berlin, Types::Plain), berlin);
        let moments = TimestampMillisecondArray::from(vec![Some(1_709_164_800_123), None]);
        let before = RecordBatch::try_from_iter([("t", Arc::new(moments.with_timezone("Europe/Berlin")) as ArrayRef)]);
        let before = before.unwrap();
        let after = batch(&before, &schema(before.schema().as_ref(), Types::Utc)).unwrap();
        let expected = TimestampMillisecondArray::from(vec![Some(1_709_164_800_123), None]);
        assert_eq!(after.column(0).as_ref(), &expected as &dyn Array);
    }

    #[test]
    fn a_decimal_says_its_digits() {
        let fields = vec![Field::new("d", DataType::Decimal64(9, 2), true), Field::new("i", DataType::Int64, true)];
        let schema = schema(&Schema::new(fields), Types::Plain);
        let metadata = |key: &str| schema.field(0).metadata().get(&format!("ARROW:FLIGHT:SQL:{key}")).cloned();
        assert_eq!((metadata("PRECISION"), metadata("SCALE")), (Some("9".to_owned()), Some("2".to_owned())));
        assert!(schema.field(1).metadata().is_empty());
    }

    #[test]
    fn who_asks_for_them_gets_the_types_of_the_engine() {
        let dictionary = DataType::Dictionary(Box::new(DataType::UInt16), Box::new(DataType::Utf8View));
        let list = |item| Arc::new(Field::new("item", item, true));
        for kept in [DataType::Utf8View, DataType::LargeUtf8, dictionary.clone()] {
            assert_eq!(data_type(&kept, Types::Native), kept);
        }
        let carried = DataType::List(list(dictionary.clone()));
        assert_eq!(data_type(&DataType::LargeList(list(dictionary)), Types::Native), carried);
    }

    #[test]
    fn a_batch_gets_exactly_the_advertised_schema() {
        let view: ArrayRef = Arc::new(StringViewArray::from(vec![Some("a"), None]));
        let dictionary: ArrayRef = Arc::new(vec![Some("x"), None].into_iter().collect::<DictionaryArray<Int32Type>>());
        let before = RecordBatch::try_from_iter([("v", view), ("d", dictionary)]).unwrap();
        let advertised = schema(before.schema().as_ref(), Types::Plain);
        assert_eq!(batch(&before, &advertised).unwrap().schema(), advertised);
    }

    #[test]
    fn rows_without_columns_keep_their_number() {
        let none = Arc::new(Schema::empty());
        let options = RecordBatchOptions::new().with_row_count(Some(3));
        let before = RecordBatch::try_new_with_options(Arc::clone(&none), vec![], &options).unwrap();
        assert_eq!(batch(&before, &schema(&none, Types::Plain)).unwrap().num_rows(), 3);
    }
}
