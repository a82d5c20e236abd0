//! Writes a value as an SQL literal of exactly its type.

use arrow::datatypes::{DataType, TimeUnit};
use catalog::source::Dialect;
use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime};
use datafusion::common::ScalarValue;

use super::expression::undictionaried;
use super::stream::plain;

/// Longest text literal, in bytes.
const MAX_TEXT: usize = 10_000;

/// Whether every engine sees the values of the type alike.
pub(super) fn is_exact(data_type: &DataType) -> bool {
    data_type.is_integer()
        || data_type.is_decimal()
        || matches!(data_type, DataType::Boolean | DataType::Date32 | DataType::Timestamp(..))
}

/// Whether the type holds text, in any encoding.
pub(super) fn is_text(data_type: &DataType) -> bool {
    plain(data_type) == DataType::Utf8
}

/// `value` as a literal, where it has the type of `column` and every reader gets back the same value.
pub(super) fn print(value: &ScalarValue, column: &DataType, dialect: Dialect) -> Option<String> {
    let value = undictionaried(value);
    if plain(&value.data_type()) != plain(column) {
        return None;
    }
    number(value, dialect).or_else(|| text(value)).or_else(|| time(value, dialect))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "what is not on the list stays here")]
fn number(value: &ScalarValue, dialect: Dialect) -> Option<String> {
    let double = match dialect {
        Dialect::DataFusion | Dialect::DuckDb => "DOUBLE",
        Dialect::PostgreSql => "DOUBLE PRECISION",
    };
    match value {
        ScalarValue::Boolean(Some(value)) => Some(if *value { "TRUE" } else { "FALSE" }.to_owned()),
        ScalarValue::Int8(Some(value)) => Some(value.to_string()),
        ScalarValue::Int16(Some(value)) => Some(value.to_string()),
        ScalarValue::Int32(Some(value)) => Some(value.to_string()),
        // The smallest has no positive counterpart, and a minus sign is an operator.
        ScalarValue::Int64(Some(value)) => (*value != i64::MIN).then(|| value.to_string()),
        ScalarValue::UInt8(Some(value)) => Some(value.to_string()),
        ScalarValue::UInt16(Some(value)) => Some(value.to_string()),
        ScalarValue::UInt32(Some(value)) => Some(value.to_string()),
        ScalarValue::UInt64(Some(value)) => Some(value.to_string()),
        // A single-precision value is a double-precision one as well, and its text then reads back the same.
        ScalarValue::Float32(Some(value)) => {
            value.is_finite().then(|| format!("CAST(CAST('{}' AS {double}) AS REAL)", f64::from(*value)))
        }
        ScalarValue::Float64(Some(value)) => value.is_finite().then(|| format!("CAST('{value}' AS {double})")),
        ScalarValue::Decimal128(Some(value), precision, scale) => decimal(*value, *precision, *scale),
        _ => None,
    }
}

/// As text that is cast: a bare number with a point would be read as floating point.
fn decimal(value: i128, precision: u8, scale: i8) -> Option<String> {
    let places = usize::try_from(scale).ok()?;
    let sign = if value < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    let point = if places == 0 { "" } else { "." };
    Some(format!("CAST('{sign}{whole}{point}{fraction}' AS DECIMAL({precision}, {scale}))"))
}

fn text(value: &ScalarValue) -> Option<String> {
    let (ScalarValue::Utf8(Some(text)) | ScalarValue::LargeUtf8(Some(text)) | ScalarValue::Utf8View(Some(text))) =
        value
    else {
        return None;
    };
    // A backslash escapes for some readers and not for others: with it, a text could end early.
    let safe = !text.chars().any(|letter| letter == '\\' || letter == '\0') && text.len() <= MAX_TEXT;
    safe.then(|| format!("'{}'", text.replace('\'', "''")))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "what is not on the list stays here")]
fn time(value: &ScalarValue, dialect: Dialect) -> Option<String> {
    match value {
        ScalarValue::Date32(Some(days)) => {
            let epoch = NaiveDate::from_ymd_opt(1970, 1, 1)?;
            let distance = Days::new(u64::from(days.unsigned_abs()));
            let day = if *days < 0 { epoch.checked_sub_days(distance) } else { epoch.checked_add_days(distance) };
            let day = day.filter(|day| (1..=9999).contains(&day.year()))?;
            Some(format!("CAST('{day}' AS DATE)"))
        }
        ScalarValue::TimestampSecond(Some(value), zone) => {
            timestamp(DateTime::from_timestamp(*value, 0)?.naive_utc(), TimeUnit::Second, zone.is_some(), dialect)
        }
        ScalarValue::TimestampMillisecond(Some(value), zone) => timestamp(
            DateTime::from_timestamp_millis(*value)?.naive_utc(),
            TimeUnit::Millisecond,
            zone.is_some(),
            dialect,
        ),
        ScalarValue::TimestampMicrosecond(Some(value), zone) => timestamp(
            DateTime::from_timestamp_micros(*value)?.naive_utc(),
            TimeUnit::Microsecond,
            zone.is_some(),
            dialect,
        ),
        ScalarValue::TimestampNanosecond(Some(value), zone) => {
            timestamp(DateTime::from_timestamp_nanos(*value).naive_utc(), TimeUnit::Nanosecond, zone.is_some(), dialect)
        }
        _ => None,
    }
}

/// A timestamp to the places of its unit; one with a zone is written in UTC.
fn timestamp(time: NaiveDateTime, unit: TimeUnit, zoned: bool, dialect: Dialect) -> Option<String> {
    if !(1..=9999).contains(&time.year()) {
        return None;
    }
    let places = match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 3,
        TimeUnit::Microsecond => 6,
        TimeUnit::Nanosecond => 9,
    };
    let text = match unit {
        TimeUnit::Second => time.format("%Y-%m-%d %H:%M:%S"),
        TimeUnit::Millisecond => time.format("%Y-%m-%d %H:%M:%S%.3f"),
        TimeUnit::Microsecond => time.format("%Y-%m-%d %H:%M:%S%.6f"),
        TimeUnit::Nanosecond => time.format("%Y-%m-%d %H:%M:%S%.9f"),
    };
    let kind = match (dialect, places, zoned) {
        (Dialect::DataFusion, _, false) => format!("TIMESTAMP({places})"),
        (Dialect::DataFusion, _, true) => format!("TIMESTAMP({places}) WITH TIME ZONE"),
        // Neither keeps more than microseconds in all its timestamps.
        (Dialect::PostgreSql | Dialect::DuckDb, 9, _) => return None,
        (Dialect::PostgreSql | Dialect::DuckDb, _, false) => "TIMESTAMP".to_owned(),
        (Dialect::PostgreSql | Dialect::DuckDb, _, true) => "TIMESTAMP WITH TIME ZONE".to_owned(),
    };
    Some(format!("CAST('{text}{}' AS {kind})", if zoned { "+00:00" } else { "" }))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests may unwrap")]
mod tests {
    use std::sync::Arc;

    use arrow::array::RecordBatch;
    use arrow::datatypes::{Field, Schema};
    use datafusion::prelude::SessionContext;

    use super::*;

    /// The literal is of the value's own type: a column with the value is equal to it, and to no neighbour.
    #[expect(clippy::disallowed_methods, reason = "the remote of a test has no governed catalog")]
    async fn check(value: &ScalarValue) {
        let schema = Arc::new(Schema::new(vec![Field::new("c", value.data_type(), true)]));
        let batch = RecordBatch::try_new(schema, vec![value.to_array().unwrap()]).unwrap();
        let context = SessionContext::new();
        context.register_batch("t", batch).unwrap();
        let literal = print(value, &value.data_type(), Dialect::DataFusion).unwrap();
        let sql = format!("SELECT count(*) FROM t WHERE c = {literal} AND NOT c < {literal} AND c IN ({literal})");
        let rows = context.sql(&sql).await.unwrap().collect().await.unwrap();
        assert_eq!(arrow::util::display::array_value_to_string(rows[0].column(0), 0).unwrap(), "1", "{sql}");
    }

    #[tokio::test]
    async fn every_literal_reads_back_as_the_same_value() {
        let zone = || Some(Arc::from("UTC"));
        for value in [
            ScalarValue::Boolean(Some(false)),
            ScalarValue::Int8(Some(-128)),
            ScalarValue::Int32(Some(i32::MIN)),
            ScalarValue::Int64(Some(i64::MAX)),
            ScalarValue::Int64(Some(i64::MIN + 1)),
            ScalarValue::UInt64(Some(u64::MAX)),
            ScalarValue::Float32(Some(0.1)),
            ScalarValue::Float32(Some(f32::MIN_POSITIVE)),
            ScalarValue::Float64(Some(0.1)),
            ScalarValue::Float64(Some(1e300)),
            ScalarValue::Float64(Some(-5e-324)),
            ScalarValue::Decimal128(Some(-5), 10, 2),
            ScalarValue::Decimal128(Some(99_999_999_999_999_999_999_999_999_999_999_999_999), 38, 0),
            ScalarValue::Decimal128(Some(12_345_678_901_234_567_890), 38, 18),
            ScalarValue::Utf8(Some("it's \"quoted\" -- ; /* ünïcödé */".to_owned())),
            ScalarValue::Utf8View(Some(String::new())),
            ScalarValue::Date32(Some(-719_162)),
            ScalarValue::Date32(Some(20_000)),
            ScalarValue::TimestampSecond(Some(253_402_300_799), None),
            ScalarValue::TimestampMillisecond(Some(-1), None),
            ScalarValue::TimestampMicrosecond(Some(253_402_300_799_999_999), None),
            ScalarValue::TimestampMicrosecond(Some(1_700_000_000_123_456), zone()),
            ScalarValue::TimestampNanosecond(Some(1_700_000_000_123_456_789), None),
            ScalarValue::TimestampNanosecond(Some(1_700_000_000_123_456_789), zone()),
        ] {
            check(&value).await;
        }
    }
}
