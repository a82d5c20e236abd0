//! Which casts cannot fail, and which types can be compared.

use arrow::datatypes::DataType::{
    self, Binary, BinaryView, Boolean, Date32, Date64, Decimal128, Decimal256, Float16, Float32, Float64, Int8, Int16,
    Int32, Int64, LargeBinary, LargeUtf8, Time32, Time64, Timestamp, UInt8, UInt16, UInt32, UInt64, Utf8, Utf8View,
};

use crate::rules::mask::is_text;

/// Whether two values of this type can be compared without any error.
pub(super) fn is_comparable(data_type: &DataType) -> bool {
    is_number_or_text(data_type)
        || matches!(
            data_type,
            Boolean | Date32 | Date64 | Time32(_) | Time64(_) | Timestamp(_, _) | Binary | LargeBinary | BinaryView
        )
}

/// Whether values of this type are numbers or texts.
pub(super) fn is_number_or_text(data_type: &DataType) -> bool {
    is_text(data_type) || is_number(data_type)
}

fn is_number(data_type: &DataType) -> bool {
    is_integer(data_type) || matches!(data_type, Float16 | Float32 | Float64 | Decimal128(_, _) | Decimal256(_, _))
}

/// Whether values of this type are whole numbers.
pub(crate) fn is_integer(data_type: &DataType) -> bool {
    digits(data_type).is_some()
}

/// Whether every value of `from` has a value of `to`, so that a cast never fails.
pub(crate) fn is_lossless(from: &DataType, to: &DataType) -> bool {
    if from == to || *from == DataType::Null {
        return true;
    }
    match (from, to) {
        (Utf8, Utf8View | LargeUtf8) | (Utf8View, LargeUtf8) | (Binary, BinaryView | LargeBinary) => true,
        (Timestamp(from_unit, from_zone), Timestamp(to_unit, to_zone)) => {
            from_unit == to_unit && from_zone.is_some() == to_zone.is_some()
        }
        (Boolean, Utf8 | LargeUtf8 | Utf8View) => true,
        (Float32, Float64) => true,
        (Decimal128(p, s), Decimal128(q, t) | Decimal256(q, t)) | (Decimal256(p, s), Decimal256(q, t)) => {
            t >= s && i16::from(*q) - i16::from(*t) >= i16::from(*p) - i16::from(*s)
        }
        (number, Utf8 | LargeUtf8 | Utf8View) => is_integer(number),
        (number, Decimal128(precision, scale) | Decimal256(precision, scale)) => {
            digits(number).is_some_and(|digits| i16::from(*precision) - i16::from(*scale) >= digits)
        }
        (Int8 | Int16 | UInt8 | UInt16, Float32 | Float64) | (Int32 | UInt32, Float64) => true,
        (narrow, wide) => is_wider(narrow, wide),
    }
}

/// Whether `try_cast` gives a value or NULL for every value of `from`, and never an error.
pub(super) fn is_total_try(from: &DataType, to: &DataType) -> bool {
    let target = is_integer(to) || matches!(to, Boolean | Float32 | Float64 | Date32);
    is_lossless(from, to)
        || (is_text(from) && target)
        || (is_integer(from) && is_integer(to))
        || (matches!(from, Float32 | Float64) && is_integer(to))
}

/// Most decimal digits of an integer type; `None` for other types.
#[expect(clippy::wildcard_enum_match_arm, reason = "only whole numbers have a fixed count")]
pub(crate) fn digits(data_type: &DataType) -> Option<i16> {
    match data_type {
        Int8 | UInt8 => Some(3),
        Int16 | UInt16 => Some(5),
        Int32 | UInt32 => Some(10),
        Int64 => Some(19),
        UInt64 => Some(20),
        _ => None,
    }
}

fn is_wider(narrow: &DataType, wide: &DataType) -> bool {
    matches!(
        (narrow, wide),
        (Int8, Int16 | Int32 | Int64)
            | (Int16, Int32 | Int64)
            | (Int32, Int64)
            | (UInt8, UInt16 | UInt32 | UInt64 | Int16 | Int32 | Int64)
            | (UInt16, UInt32 | UInt64 | Int32 | Int64)
            | (UInt32, UInt64 | Int64)
    )
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::TimeUnit::{Microsecond, Nanosecond, Second};

    use super::*;

    fn check(from: &DataType, to: &DataType, lossless: bool) {
        assert_eq!(is_lossless(from, to), lossless, "{from} to {to}");
    }

    #[test]
    fn a_cast_is_lossless_when_every_value_fits() {
        check(&Int32, &Int64, true);
        check(&Int64, &Int32, false);
        check(&UInt32, &Int32, false);
        check(&Int32, &UInt64, false);
        check(&Int64, &Float64, false);
        check(&Utf8, &Utf8View, true);
        check(&Utf8, &Int64, false);
        check(&LargeUtf8, &Utf8, false);
        check(&Int64, &Utf8, true);
        check(&Date32, &Utf8, false);
        check(&Decimal128(10, 2), &Decimal128(12, 4), true);
        check(&Decimal128(10, 2), &Decimal128(10, 4), false);
        check(&Decimal128(10, 2), &Decimal128(12, 0), false);
        check(&Int64, &Decimal128(19, 0), true);
        check(&Int64, &Decimal128(20, 2), false);
        check(&Date32, &Timestamp(Microsecond, None), false);
        check(&Timestamp(Second, None), &Timestamp(Nanosecond, None), false);
        check(&Timestamp(Second, None), &Timestamp(Second, Some("UTC".into())), false);
    }
}
