//! The name of a column's type, spelled as psql does where it can be.

use arrow::datatypes::{DataType, Field};

/// What Flight SQL servers call the type, in the field's metadata.
const FLIGHT_SQL_TYPE_NAME: &str = "ARROW:FLIGHT:SQL:TYPE_NAME";

/// The type as the server names it, or else as SQL does.
pub(super) fn type_name(field: &Field) -> String {
    field.metadata().get(FLIGHT_SQL_TYPE_NAME).cloned().unwrap_or_else(|| sql_name(field.data_type()))
}

fn sql_name(data_type: &DataType) -> String {
    let name = match data_type {
        DataType::Boolean => "boolean",
        DataType::Int16 => "smallint",
        DataType::Int32 => "integer",
        DataType::Int64 => "bigint",
        DataType::Float32 => "real",
        DataType::Float64 => "double precision",
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "text",
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => "bytea",
        DataType::Date32 | DataType::Date64 => "date",
        DataType::Time32(_) | DataType::Time64(_) => "time",
        DataType::Timestamp(_, None) => "timestamp",
        DataType::Timestamp(_, Some(_)) => "timestamptz",
        DataType::Interval(_) | DataType::Duration(_) => "interval",
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => return format!("numeric({precision},{scale})"),
        DataType::Dictionary(_, value) => return sql_name(value),
        DataType::RunEndEncoded(_, value) => return sql_name(value.data_type()),
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _) => return format!("{}[]", sql_name(item.data_type())),
        DataType::Struct(fields) => {
            let fields: Vec<_> = fields.iter().map(|field| format!("{} {}", field.name(), type_name(field))).collect();
            return format!("struct({})", fields.join(", "));
        }
        DataType::Null
        | DataType::Int8
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32
        | DataType::UInt64
        | DataType::Float16
        | DataType::Union(..)
        | DataType::Map(..) => return data_type.to_string(),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use arrow::datatypes::TimeUnit;

    use super::*;

    fn check(data_type: DataType, expected: &str) {
        assert_eq!(type_name(&Field::new("c", data_type, true)), expected);
    }

    #[test]
    fn types_have_sql_names() {
        check(DataType::Int64, "bigint");
        check(DataType::Decimal128(18, 2), "numeric(18,2)");
        check(DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), "timestamptz");
        check(DataType::new_list(DataType::Utf8, true), "text[]");
        check(DataType::Struct(vec![Field::new("a", DataType::Int32, true)].into()), "struct(a integer)");
        check(DataType::UInt8, "UInt8");
    }

    #[test]
    fn the_servers_own_name_comes_first() {
        let metadata = HashMap::from([(FLIGHT_SQL_TYPE_NAME.to_owned(), "varchar(3)".to_owned())]);
        assert_eq!(type_name(&Field::new("c", DataType::Utf8, true).with_metadata(metadata)), "varchar(3)");
    }
}
