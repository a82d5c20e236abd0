//! Which casts between Arrow types lose nothing.

use arrow::datatypes::{DataType, TimeUnit};

/// Whether every value of `from` is exactly a value of `to`, which is of another type.
pub(super) fn is_lossless(from: &DataType, to: &DataType) -> bool {
    use DataType::{
        Binary, Dictionary, FixedSizeBinary, Float16, Float32, Float64, Int8, Int16, Int32, Int64, Time32, Time64,
        Timestamp, UInt8, UInt16, UInt32,
    };
    if let (Some(from), Some(to)) = (decimal(from), decimal(to)) {
        return to.scale >= from.scale && to.whole_digits() >= from.whole_digits();
    }
    match (from, to) {
        (Dictionary(_, value), to) => is_lossless(value, to),
        (Int8 | UInt8, Int16)
        | (Int8 | UInt8 | Int16 | UInt16, Int32)
        | (Int8 | UInt8 | Int16 | UInt16 | Int32 | UInt32, Int64)
        | (Int8 | UInt8 | Int16 | UInt16, Float32)
        | (Int8 | UInt8 | Int16 | UInt16 | Int32 | UInt32, Float64)
        | (Float16, Float32)
        | (Float16 | Float32, Float64)
        | (FixedSizeBinary(_), Binary) => true,
        (Timestamp(from_unit, from_zone), Timestamp(to_unit, to_zone)) => {
            fineness(*from_unit) <= fineness(*to_unit) && is_same_zone(from_zone.as_deref(), to_zone.as_deref())
        }
        (Time32(from_unit) | Time64(from_unit), Time64(to_unit)) => fineness(*from_unit) <= fineness(*to_unit),
        _ => false,
    }
}

/// Size of a decimal type.
struct Decimal {
    precision: u8,
    scale: i8,
}

impl Decimal {
    /// Digits before the point.
    fn whole_digits(&self) -> i16 {
        i16::from(self.precision) - i16::from(self.scale)
    }
}

fn decimal(data_type: &DataType) -> Option<Decimal> {
    if let DataType::Decimal32(precision, scale)
    | DataType::Decimal64(precision, scale)
    | DataType::Decimal128(precision, scale)
    | DataType::Decimal256(precision, scale) = *data_type
    {
        return Some(Decimal { precision, scale });
    }
    None
}

fn fineness(unit: TimeUnit) -> u8 {
    match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 1,
        TimeUnit::Microsecond => 2,
        TimeUnit::Nanosecond => 3,
    }
}

/// Whether two time zones are one: the same spelling, or two spellings of UTC. A timestamp without a zone
/// is no moment in time, so it never becomes one with a zone, nor the other way round.
fn is_same_zone(a: Option<&str>, b: Option<&str>) -> bool {
    a == b || (a.is_some_and(is_utc) && b.is_some_and(is_utc))
}

fn is_utc(zone: &str) -> bool {
    const SPELLINGS: [&str; 14] = [
        "utc",
        "etc/utc",
        "z",
        "+00:00",
        "-00:00",
        "+00",
        "+0000",
        "gmt",
        "etc/gmt",
        "uct",
        "etc/uct",
        "zulu",
        "etc/zulu",
        "universal",
    ];
    SPELLINGS.contains(&zone.to_ascii_lowercase().as_str())
}
