//! Parameter values: as clients bind them, and as tickets carry them.

use std::io::Cursor;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use bytes::Bytes;
use datafusion::common::ScalarValue;

use super::{encode, ticket};
use crate::error::{Error, ErrorKind};

/// The one row of `batches` as values of the types that the statement wants, by position: clients name the columns
/// as they like. None where there is no row.
///
/// # Errors
/// [`ErrorKind::UnsupportedCommand`] for more than one row; [`ErrorKind::InvalidStatement`] for a wrong number of
/// values; [`ErrorKind::DataError`] for a value that does not fit, without the value.
pub(super) fn bind(batches: &[RecordBatch], wanted: &[Field]) -> Result<Option<Vec<ScalarValue>>, Error> {
    match batches.iter().map(RecordBatch::num_rows).sum::<usize>() {
        0 => return Ok(None),
        1 => {}
        _ => {
            return Err(Error::new(
                ErrorKind::UnsupportedCommand,
                "not supported: binding more than one row at a time",
            ));
        }
    }
    let Some(batch) = batches.iter().find(|batch| batch.num_rows() == 1) else { return Ok(None) };
    if batch.num_columns() != wanted.len() {
        return Err(wrong_number(wanted.len(), batch.num_columns()));
    }
    let values = batch.columns().iter().zip(wanted).enumerate();
    let fitted =
        values.map(|(index, (column, field))| fit(column, field.data_type()).ok_or_else(|| misfit(index, field)));
    fitted.collect::<Result<_, _>>().map(Some)
}

/// What is told when a statement gets too few or too many values.
pub(super) fn wrong_number(wanted: usize, got: usize) -> Error {
    let message = format!("the statement has {wanted} parameters, but {got} are bound");
    Error::new(ErrorKind::InvalidStatement, message).with_sqlstate("07001")
}

fn misfit(index: usize, field: &Field) -> Error {
    let message = format!("the value of parameter ${} does not fit the type {}", index + 1, field.data_type());
    Error::new(ErrorKind::DataError, message)
}

/// The first value of `column` in the type `wanted`, without loss; in its own where the type is not known.
fn fit(column: &ArrayRef, wanted: &DataType) -> Option<ScalarValue> {
    let value = plain(ScalarValue::try_from_array(column, 0).ok()?);
    if wanted.is_null() {
        return Some(value);
    }
    let fitted = value.cast_to(wanted).ok()?;
    if value.is_null() {
        return Some(fitted);
    }
    // A cast of 1.7 to a whole number would quietly ask for something else.
    let exact = value.data_type().is_numeric() || value.data_type().is_temporal();
    let lossless = !exact || !(wanted.is_numeric() || wanted.is_temporal()) || {
        let back = fitted.cast_to(&value.data_type()).ok()?;
        back == value
    };
    (lossless && !fitted.is_null()).then_some(fitted)
}

/// The value itself, out of the unions and dictionaries that some clients wrap it in.
fn plain(value: ScalarValue) -> ScalarValue {
    #[expect(clippy::wildcard_enum_match_arm, reason = "all other values are plain")]
    match value {
        ScalarValue::Union(Some((_, inner)), _, _) => plain(*inner),
        ScalarValue::Union(None, _, _) => ScalarValue::Null,
        ScalarValue::Dictionary(_, inner) => plain(*inner),
        other => other,
    }
}

/// Values as a ticket carries them; nothing for no values.
///
/// # Errors
/// [`ErrorKind::Internal`] where Arrow cannot encode them.
pub(super) fn encode(values: &[ScalarValue]) -> Result<Bytes, Error> {
    if values.is_empty() {
        return Ok(Bytes::new());
    }
    let fields: Vec<Field> = values
        .iter()
        .enumerate()
        .map(|(index, value)| Field::new(format!("{}", index + 1), value.data_type(), true))
        .collect();
    let columns = values.iter().map(|value| value.to_array()).collect::<Result<Vec<_>, _>>();
    let schema = Arc::new(Schema::new(fields));
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns.map_err(|error| encode::internal(&error))?);
    let write = |batch: &RecordBatch| {
        let mut writer = StreamWriter::try_new(Vec::new(), &schema)?;
        writer.write(batch)?;
        writer.into_inner()
    };
    batch.and_then(|batch| write(&batch)).map(Bytes::from).map_err(|error| encode::internal(&error))
}

/// The values that a ticket carries.
///
/// # Errors
/// [`ErrorKind::InvalidTicket`] where it carries something else.
pub(super) fn decode(bytes: &[u8]) -> Result<Vec<ScalarValue>, Error> {
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let mut reader = StreamReader::try_new(Cursor::new(bytes), None).map_err(|_| ticket::invalid())?;
    let batch = reader.next().and_then(Result::ok).filter(|batch| batch.num_rows() == 1).ok_or_else(ticket::invalid)?;
    let values = batch.columns().iter().map(|column| ScalarValue::try_from_array(column, 0));
    values.collect::<Result<_, _>>().map_err(|_| ticket::invalid())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may unwrap")]
    use arrow::array::{
        BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float64Array, Int32Array, Int64Array, NullArray,
        StringArray, StringViewArray, TimestampMicrosecondArray, UnionArray,
    };
    use arrow::buffer::ScalarBuffer;
    use arrow::datatypes::{Int32Type, TimeUnit, UnionFields};

    use super::*;

    #[expect(clippy::needless_pass_by_value, reason = "reads better where it is called")]
    fn check(column: ArrayRef, wanted: DataType, expected: Result<ScalarValue, ErrorKind>) {
        let batch = RecordBatch::try_from_iter_with_nullable([("any name", column, true)]).unwrap();
        let bound = bind(&[batch], &[Field::new("$1", wanted.clone(), true)]);
        let bound = bound.map(|values| values.unwrap().remove(0)).map_err(|error| error.kind);
        assert_eq!(bound, expected, "{wanted}");
    }

    fn text(value: &str) -> ScalarValue {
        ScalarValue::Utf8(Some(value.into()))
    }

    /// As flightsql-dbapi sends each value.
    fn union(type_id: i8) -> ArrayRef {
        let fields = UnionFields::from_fields(vec![
            Field::new("i", DataType::Int64, true),
            Field::new("s", DataType::Utf8, true),
            Field::new("n", DataType::Null, true),
        ]);
        let children: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from(vec![7])),
            Arc::new(StringArray::from(vec!["x"])),
            Arc::new(NullArray::new(1)),
        ];
        let offsets = Some(ScalarBuffer::from(vec![0]));
        Arc::new(UnionArray::try_new(fields, ScalarBuffer::from(vec![type_id]), offsets, children).unwrap())
    }

    #[test]
    fn values_take_the_type_that_the_statement_wants() {
        check(Arc::new(Int32Array::from(vec![5])), DataType::Int64, Ok(ScalarValue::Int64(Some(5))));
        check(Arc::new(StringArray::from(vec!["5"])), DataType::Int64, Ok(ScalarValue::Int64(Some(5))));
        check(Arc::new(StringViewArray::from(vec!["x"])), DataType::Utf8, Ok(text("x")));
        check(Arc::new(BooleanArray::from(vec![true])), DataType::Boolean, Ok(ScalarValue::Boolean(Some(true))));
        check(Arc::new(StringArray::from(vec!["2024-02-29"])), DataType::Date32, Ok(ScalarValue::Date32(Some(19782))));
        check(Arc::new(Float64Array::from(vec![2.0])), DataType::Int64, Ok(ScalarValue::Int64(Some(2))));
        let dictionary: DictionaryArray<Int32Type> = ["x"].into_iter().collect();
        check(Arc::new(dictionary), DataType::Utf8, Ok(text("x")));
        check(Arc::new(Int32Array::from(vec![5])), DataType::Null, Ok(ScalarValue::Int32(Some(5))));
    }

    #[test]
    fn unions_are_unwrapped() {
        check(union(0), DataType::Int64, Ok(ScalarValue::Int64(Some(7))));
        check(union(0), DataType::Int32, Ok(ScalarValue::Int32(Some(7))));
        check(union(1), DataType::Utf8, Ok(text("x")));
        check(union(1), DataType::Null, Ok(text("x")));
        check(union(2), DataType::Int64, Ok(ScalarValue::Int64(None)));
        check(union(1), DataType::Int64, Err(ErrorKind::DataError));
    }

    #[test]
    fn null_is_null_of_the_wanted_type() {
        check(Arc::new(NullArray::new(1)), DataType::Utf8, Ok(ScalarValue::Utf8(None)));
        check(Arc::new(Int64Array::from(vec![None])), DataType::Utf8, Ok(ScalarValue::Utf8(None)));
        check(Arc::new(NullArray::new(1)), DataType::Null, Ok(ScalarValue::Null));
    }

    #[test]
    fn a_value_that_would_change_is_refused_and_not_repeated() {
        let bad = || Err(ErrorKind::DataError);
        check(Arc::new(Float64Array::from(vec![1.7])), DataType::Int64, bad());
        check(Arc::new(Int64Array::from(vec![1_i64 << 40])), DataType::Int32, bad());
        check(Arc::new(StringArray::from(vec!["4711x"])), DataType::Int64, bad());
        let decimal = Decimal128Array::from(vec![12_345]).with_precision_and_scale(10, 3).unwrap();
        check(Arc::new(decimal), DataType::Decimal128(10, 1), bad());
        check(
            Arc::new(TimestampMicrosecondArray::from(vec![1_500])),
            DataType::Timestamp(TimeUnit::Millisecond, None),
            bad(),
        );
        check(Arc::new(Date32Array::from(vec![1])), DataType::Boolean, bad());
        let batch =
            RecordBatch::try_from_iter([("a", Arc::new(StringArray::from(vec!["4711x"])) as ArrayRef)]).unwrap();
        let error = bind(&[batch], &[Field::new("$1", DataType::Int64, true)]).unwrap_err();
        assert!(error.message.contains("$1") && !error.message.contains("4711"), "{}", error.message);
    }

    #[test]
    fn one_row_with_as_many_values_as_the_statement_wants() {
        let batch = |rows: usize| {
            RecordBatch::try_from_iter([("a", Arc::new(Int64Array::from(vec![1; rows])) as ArrayRef)]).unwrap()
        };
        let wanted = vec![Field::new("$1", DataType::Int64, true)];
        let kind = |batches: &[RecordBatch], wanted: &[Field]| bind(batches, wanted).map_err(|error| error.kind);
        assert_eq!(kind(&[], &wanted), Ok(None));
        assert_eq!(kind(&[batch(0)], &wanted), Ok(None));
        assert_eq!(kind(&[batch(0), batch(1)], &wanted), Ok(Some(vec![ScalarValue::Int64(Some(1))])));
        assert_eq!(kind(&[batch(2)], &wanted), Err(ErrorKind::UnsupportedCommand));
        assert_eq!(kind(&[batch(1), batch(1)], &wanted), Err(ErrorKind::UnsupportedCommand));
        assert_eq!(kind(&[batch(1)], &[]), Err(ErrorKind::InvalidStatement));
        assert_eq!(kind(&[RecordBatch::new_empty(Arc::new(Schema::empty()))], &[]), Ok(None));
    }

    #[test]
    fn a_ticket_carries_values_unchanged() {
        let values = vec![
            ScalarValue::Int64(Some(1)),
            text("ä"),
            ScalarValue::Null,
            ScalarValue::Utf8(None),
            ScalarValue::Decimal128(Some(5), 10, 2),
            ScalarValue::Binary(Some(vec![0, 255])),
        ];
        assert_eq!(decode(&encode(&values).unwrap()).unwrap(), values);
        assert_eq!(decode(&encode(&[]).unwrap()).unwrap(), []);
        assert_eq!(decode(b"nonsense").unwrap_err().kind, ErrorKind::InvalidTicket);
    }
}
