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
use crate::query::Parameter;

/// Most rows that can be bound at a time: the statement is planned for each.
const MAX_ROWS: usize = 1_000;

/// Rows of values, each as the statement wants them.
pub(super) type Rows = Vec<Vec<ScalarValue>>;

/// The columns that clients are told to send, named by their placeholders.
pub(super) fn schema(parameters: &[Parameter]) -> Schema {
    let field =
        |(number, parameter): (usize, &Parameter)| Field::new(format!("${number}"), parameter.told.clone(), true);
    Schema::new((1..).zip(parameters).map(field).collect::<Vec<_>>())
}

/// The rows of `batches` as values of the types that the statement wants, by position: clients name the columns as
/// they like.
///
/// # Errors
/// [`ErrorKind::LimitExceeded`] for too many rows; [`ErrorKind::InvalidStatement`] for a wrong number of values;
/// [`ErrorKind::DataError`] for a value that does not fit, without the value.
pub(super) fn bind(batches: &[RecordBatch], wanted: &[Parameter]) -> Result<Rows, Error> {
    let rows = batches.iter().map(RecordBatch::num_rows).sum::<usize>();
    if rows > MAX_ROWS {
        let message = format!("more than {MAX_ROWS} rows of parameters at a time; bind fewer");
        return Err(Error::new(ErrorKind::LimitExceeded, message));
    }
    let mut fitting = Vec::with_capacity(rows);
    for batch in batches.iter().filter(|batch| batch.num_rows() > 0) {
        if batch.num_columns() != wanted.len() {
            return Err(wrong_number(wanted.len(), batch.num_columns()));
        }
        for row in 0..batch.num_rows() {
            let values = batch.columns().iter().zip(wanted).enumerate();
            let fitted = values.map(|(index, (column, Parameter { bound, .. }))| {
                fit(column, row, bound).ok_or_else(|| misfit(index, bound))
            });
            fitting.push(fitted.collect::<Result<_, _>>()?);
        }
    }
    Ok(fitting)
}

/// What is told when a statement gets too few or too many values.
pub(super) fn wrong_number(wanted: usize, got: usize) -> Error {
    let message = format!("the statement has {wanted} parameters, but {got} are bound");
    Error::new(ErrorKind::InvalidStatement, message).with_sqlstate("07001")
}

fn misfit(index: usize, wanted: &DataType) -> Error {
    let message = format!("the value of parameter ${} does not fit the type {wanted}", index + 1);
    Error::new(ErrorKind::DataError, message)
}

/// The value of `column` at `row` in the type `wanted`, without loss; in its own where the type is not known.
fn fit(column: &ArrayRef, row: usize, wanted: &DataType) -> Option<ScalarValue> {
    let value = plain(ScalarValue::try_from_array(column, row).ok()?);
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

/// Rows of values as a ticket carries them; nothing for none.
///
/// # Errors
/// [`ErrorKind::InvalidStatement`] where one parameter has values of different types.
pub(super) fn encode(rows: &Rows) -> Result<Bytes, Error> {
    let parameters = rows.first().map_or(0, Vec::len);
    if parameters == 0 {
        return Ok(Bytes::new());
    }
    let columns = (0..parameters).map(|index| column(rows, index)).collect::<Result<Vec<_>, _>>()?;
    let field =
        |(index, column): (usize, &ArrayRef)| Field::new((index + 1).to_string(), column.data_type().clone(), true);
    let schema = Arc::new(Schema::new(columns.iter().enumerate().map(field).collect::<Vec<_>>()));
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns);
    let write = |batch: &RecordBatch| {
        let mut writer = StreamWriter::try_new(Vec::new(), &schema)?;
        writer.write(batch)?;
        writer.into_inner()
    };
    batch.and_then(|batch| write(&batch)).map(Bytes::from).map_err(|error| encode::internal(&error))
}

/// The values of one parameter. Where its type is not known, each row brings its own, and they must agree.
fn column(rows: &Rows, index: usize) -> Result<ArrayRef, Error> {
    let values = || rows.iter().filter_map(|row| row.get(index));
    let data_type =
        values().map(ScalarValue::data_type).find(|data_type| !data_type.is_null()).unwrap_or(DataType::Null);
    let mixed = || {
        let message = format!("the rows bind values of different types to parameter ${}; cast it", index + 1);
        Error::new(ErrorKind::InvalidStatement, message).with_sqlstate("07006")
    };
    let typed = values().map(|value| {
        if *value == ScalarValue::Null {
            return ScalarValue::try_from(&data_type).map_err(|_| mixed());
        }
        (value.data_type() == data_type).then(|| value.clone()).ok_or_else(mixed)
    });
    ScalarValue::iter_to_array(typed.collect::<Result<Vec<_>, _>>()?).map_err(|error| encode::internal(&error))
}

/// The rows of values that a ticket carries.
///
/// # Errors
/// [`ErrorKind::InvalidTicket`] where it carries something else.
pub(super) fn decode(bytes: &[u8]) -> Result<Rows, Error> {
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let mut reader = StreamReader::try_new(Cursor::new(bytes), None).map_err(|_| ticket::invalid())?;
    let batch = reader.next().and_then(Result::ok).ok_or_else(ticket::invalid)?;
    let values = |row| batch.columns().iter().map(move |column| ScalarValue::try_from_array(column, row));
    let rows = (0..batch.num_rows()).map(|row| values(row).collect::<Result<_, _>>());
    rows.collect::<Result<_, _>>().map_err(|_| ticket::invalid())
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
        let bound = bind(&[batch], &[parameter(&wanted)]);
        let bound = bound.map(|mut rows| rows.remove(0).remove(0)).map_err(|error| error.kind);
        assert_eq!(bound, expected, "{wanted}");
    }

    fn parameter(bound: &DataType) -> Parameter {
        Parameter { bound: bound.clone(), told: bound.clone() }
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
        let error = bind(&[batch], &[parameter(&DataType::Int64)]).unwrap_err();
        assert!(error.message.contains("$1") && !error.message.contains("4711"), "{}", error.message);
    }

    #[test]
    fn every_row_is_bound_with_as_many_values_as_the_statement_wants() {
        let batch = |rows: usize| {
            RecordBatch::try_from_iter([("a", Arc::new(Int64Array::from(vec![1; rows])) as ArrayRef)]).unwrap()
        };
        let wanted = vec![parameter(&DataType::Int64)];
        let bound = |batches: &[RecordBatch], wanted: &[Parameter]| bind(batches, wanted).map_err(|error| error.kind);
        let ones = |rows: usize| Ok(vec![vec![ScalarValue::Int64(Some(1))]; rows]);
        assert_eq!(bound(&[], &wanted), ones(0));
        assert_eq!(bound(&[batch(0)], &wanted), ones(0));
        assert_eq!(bound(&[batch(0), batch(1)], &wanted), ones(1));
        assert_eq!(bound(&[batch(2), batch(1)], &wanted), ones(3));
        assert_eq!(bound(&[batch(MAX_ROWS), batch(1)], &wanted), Err(ErrorKind::LimitExceeded));
        assert_eq!(bound(&[batch(1)], &[]), Err(ErrorKind::InvalidStatement));
        assert_eq!(bound(&[RecordBatch::new_empty(Arc::new(Schema::empty()))], &[]), ones(0));
    }

    #[test]
    fn a_ticket_carries_values_unchanged() {
        let rows = vec![
            vec![ScalarValue::Int64(Some(1)), text("ä"), ScalarValue::Null, ScalarValue::Binary(Some(vec![0, 255]))],
            vec![ScalarValue::Int64(None), text(""), ScalarValue::Null, ScalarValue::Binary(None)],
        ];
        assert_eq!(decode(&encode(&rows).unwrap()).unwrap(), rows);
        let decimal = vec![vec![ScalarValue::Decimal128(Some(5), 10, 2)]];
        assert_eq!(decode(&encode(&decimal).unwrap()).unwrap(), decimal);
        assert_eq!(decode(&encode(&Vec::new()).unwrap()).unwrap(), Rows::new());
        assert_eq!(decode(b"nonsense").unwrap_err().kind, ErrorKind::InvalidTicket);
    }

    #[test]
    fn the_values_of_a_parameter_without_a_known_type_must_agree() {
        let rows = vec![vec![ScalarValue::Null], vec![text("x")]];
        assert_eq!(decode(&encode(&rows).unwrap()).unwrap(), [[ScalarValue::Utf8(None)], [text("x")]]);
        let mixed = vec![vec![ScalarValue::Int64(Some(1))], vec![text("x")]];
        assert_eq!(encode(&mixed).unwrap_err().kind, ErrorKind::InvalidStatement);
    }
}
