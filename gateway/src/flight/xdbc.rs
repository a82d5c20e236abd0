//! The SQL types, as ODBC and JDBC ask for them.

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, TimeUnit};
use arrow_flight::sql::metadata::{XdbcTypeInfo, XdbcTypeInfoDataBuilder};
use arrow_flight::sql::{CommandGetXdbcTypeInfo, Nullable, Searchable, XdbcDataType, XdbcDatetimeSubcode};

use super::metadata::unbuilt;
use crate::error::Error;

/// The types, all or those of one number.
///
/// # Errors
/// [`crate::ErrorKind::Internal`] where Arrow cannot build it.
pub(super) fn answer(command: CommandGetXdbcTypeInfo) -> Result<RecordBatch, Error> {
    let mut builder = XdbcTypeInfoDataBuilder::new();
    for info in types() {
        builder.append(info);
    }
    builder.build().and_then(|types| types.record_batch(command.data_type)).map_err(unbuilt)
}

/// What a column's type is called: PostgreSQL's names, as in contracts.
#[expect(clippy::wildcard_enum_match_arm, reason = "types that no contract has are `other`")]
pub(super) fn type_name(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Boolean => "boolean",
        DataType::Int8 | DataType::Int16 | DataType::UInt8 => "smallint",
        DataType::Int32 | DataType::UInt16 => "integer",
        DataType::Int64 | DataType::UInt32 => "bigint",
        DataType::UInt64 | DataType::Decimal128(..) | DataType::Decimal256(..) => "numeric",
        DataType::Float16 | DataType::Float32 => "real",
        DataType::Float64 => "double precision",
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "text",
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => "bytea",
        DataType::Date32 | DataType::Date64 => "date",
        DataType::Time32(_) | DataType::Time64(_) => "time",
        DataType::Timestamp(_, None) => "timestamp",
        DataType::Timestamp(_, Some(_)) => "timestamptz",
        DataType::Interval(_) | DataType::Duration(TimeUnit::Second | TimeUnit::Millisecond) => "interval",
        DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) => "array",
        DataType::Struct(_) | DataType::Map(..) => "jsonb",
        _ => "other",
    }
}

fn types() -> Vec<XdbcTypeInfo> {
    let mut types = vec![
        plain("boolean", XdbcDataType::XdbcBit, 1),
        quoted("text", XdbcDataType::XdbcVarchar, i32::MAX, true),
        XdbcTypeInfo {
            literal_prefix: Some("X'".into()),
            ..quoted("bytea", XdbcDataType::XdbcVarbinary, i32::MAX, false)
        },
    ];
    for (name, data_type, digits) in [
        ("smallint", XdbcDataType::XdbcSmallint, 5),
        ("integer", XdbcDataType::XdbcInteger, 10),
        ("bigint", XdbcDataType::XdbcBigint, 19),
    ] {
        types.push(number(name, data_type, digits, 10, Some((0, 0))));
    }
    types.push(number("real", XdbcDataType::XdbcReal, 24, 2, None));
    types.push(number("double precision", XdbcDataType::XdbcDouble, 53, 2, None));
    types.push(XdbcTypeInfo {
        create_params: Some(vec!["precision".into(), "scale".into()]),
        ..number("numeric", XdbcDataType::XdbcNumeric, 38, 10, Some((0, 38)))
    });
    for (name, data_type, size, subcode) in [
        // XDBC_SUBCODE_DATE has the number of XDBC_SUBCODE_YEAR.
        ("date", XdbcDataType::XdbcDate, 10, XdbcDatetimeSubcode::XdbcSubcodeYear),
        ("time", XdbcDataType::XdbcTime, 15, XdbcDatetimeSubcode::XdbcSubcodeTime),
        ("timestamp", XdbcDataType::XdbcTimestamp, 26, XdbcDatetimeSubcode::XdbcSubcodeTimestamp),
        ("timestamptz", XdbcDataType::XdbcTimestamp, 32, XdbcDatetimeSubcode::XdbcSubcodeTimestampWithTimezone),
    ] {
        types.push(moment(name, data_type, size, subcode));
    }
    types
}

fn plain(name: &str, data_type: XdbcDataType, size: i32) -> XdbcTypeInfo {
    XdbcTypeInfo {
        type_name: name.into(),
        data_type,
        column_size: Some(size),
        nullable: Nullable::NullabilityNullable,
        // Power BI folds filters into the statement only where this says so.
        searchable: Searchable::Full,
        auto_increment: Some(false),
        local_type_name: Some(name.into()),
        sql_data_type: data_type,
        ..XdbcTypeInfo::default()
    }
}

fn quoted(name: &str, data_type: XdbcDataType, size: i32, case_sensitive: bool) -> XdbcTypeInfo {
    XdbcTypeInfo {
        literal_prefix: Some("'".into()),
        literal_suffix: Some("'".into()),
        case_sensitive,
        ..plain(name, data_type, size)
    }
}

fn number(name: &str, data_type: XdbcDataType, digits: i32, radix: i32, scales: Option<(i32, i32)>) -> XdbcTypeInfo {
    XdbcTypeInfo {
        unsigned_attribute: Some(false),
        num_prec_radix: Some(radix),
        minimum_scale: scales.map(|(minimum, _)| minimum),
        maximum_scale: scales.map(|(_, maximum)| maximum),
        ..plain(name, data_type, digits)
    }
}

fn moment(name: &str, data_type: XdbcDataType, size: i32, subcode: XdbcDatetimeSubcode) -> XdbcTypeInfo {
    XdbcTypeInfo {
        literal_prefix: Some(format!("{} '", if name == "timestamptz" { "timestamp" } else { name })),
        sql_data_type: XdbcDataType::XdbcDatetime,
        datetime_subcode: Some(subcode),
        minimum_scale: (name != "date").then_some(0),
        maximum_scale: (name != "date").then_some(9),
        ..quoted(name, data_type, size, false)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may unwrap")]
    use arrow::array::AsArray;
    use arrow::datatypes::Int32Type;

    use super::*;

    fn names(data_type: Option<i32>) -> Vec<String> {
        let batch = answer(CommandGetXdbcTypeInfo { data_type }).unwrap();
        assert_eq!(batch.num_columns(), 19);
        let searchable = batch.column_by_name("searchable").unwrap();
        assert!(searchable.as_primitive::<Int32Type>().values().iter().all(|value| *value == 3));
        batch.column(0).as_string::<i32>().iter().map(|name| name.unwrap().to_owned()).collect()
    }

    #[test]
    fn the_types_are_listed_whole_or_by_number() {
        assert_eq!(names(None).len(), types().len());
        assert_eq!(names(Some(XdbcDataType::XdbcBigint as i32)), ["bigint"]);
        assert_eq!(names(Some(XdbcDataType::XdbcTimestamp as i32)), ["timestamp", "timestamptz"]);
        assert!(names(Some(4711)).is_empty());
    }

    #[test]
    fn the_name_of_a_contracts_type_is_in_the_list() {
        let listed = names(None);
        for data_type in [
            DataType::Boolean,
            DataType::Int16,
            DataType::Int32,
            DataType::Int64,
            DataType::Float32,
            DataType::Float64,
            DataType::Decimal128(18, 2),
            DataType::Utf8,
            DataType::Binary,
            DataType::Date32,
            DataType::Time64(TimeUnit::Microsecond),
            DataType::Timestamp(TimeUnit::Microsecond, None),
            DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        ] {
            assert!(listed.contains(&type_name(&data_type).to_owned()), "{data_type}");
        }
    }
}
