//! Reads the types of a contract: `physicalType` in PostgreSQL spelling and ODCS `logicalType`, into Arrow.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, TimeUnit};

use super::report::Fault;
use crate::drift::is_same;

/// Most digits that a decimal number may have.
const MAX_PRECISION: u8 = 38;
/// Digits after the point of a plain `numeric`, which PostgreSQL leaves open and Arrow cannot.
const PLAIN_NUMERIC_SCALE: i8 = 9;
/// Finest fraction of a second: six digits, a microsecond.
const MAX_SECOND_DIGITS: u32 = 6;
/// Most `[]` after a type.
const MAX_ARRAY_DEPTH: usize = 8;

const REMEDY: &str = "write a PostgreSQL type: boolean, smallint, integer, bigint, real, double precision, \
                      numeric(p,s), text, varchar(n), bytea, date, time, timestamp, timestamptz, uuid, jsonb, \
                      or one of these with `[]`";

/// A `physicalType`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Physical {
    /// A type of its own.
    Plain(DataType),
    /// `json` or `jsonb`: the shape, if any, stands in `properties` or `items`.
    Json,
}

/// A `logicalType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Logical {
    /// Text.
    Text,
    /// A day.
    Date,
    /// A moment.
    Timestamp,
    /// A time of day.
    Time,
    /// A number with a fraction.
    Number,
    /// A whole number.
    Integer,
    /// Columns within a column.
    Object,
    /// Many values in one.
    Array,
    /// True or false.
    Boolean,
}

impl Physical {
    /// Reads a PostgreSQL type name, letter case ignored.
    pub(super) fn parse(spelling: &str) -> Result<Self, Fault> {
        let mut element = spelling.trim().to_lowercase();
        let mut depth = 0;
        while let Some(shorter) = element.strip_suffix("[]") {
            element = shorter.trim_end().to_owned();
            depth += 1;
        }
        if depth > MAX_ARRAY_DEPTH {
            return Err(Fault::new("is an array of too many dimensions", "use fewer `[]`"));
        }
        let element = parse_element(&element)?;
        match (element, depth) {
            (Self::Json, 1..) => Err(Fault::new(
                "is an array of json",
                "write `physicalType: jsonb`, `logicalType: array`, and the element's type under `items`",
            )),
            (Self::Plain(element), depth) => {
                Ok(Self::Plain((0..depth).fold(element, |element, _| list_of(element, true))))
            }
            (Self::Json, _) => Ok(Self::Json),
        }
    }
}

impl Logical {
    /// Reads a logical type of ODCS.
    pub(super) fn parse(spelling: &str) -> Result<Self, Fault> {
        Ok(match spelling {
            "string" => Self::Text,
            "date" => Self::Date,
            "timestamp" => Self::Timestamp,
            "time" => Self::Time,
            "number" => Self::Number,
            "integer" => Self::Integer,
            "object" => Self::Object,
            "array" => Self::Array,
            "boolean" => Self::Boolean,
            "map" | "vector" => {
                return Err(Fault::new(
                    format!("is {spelling:?}, which cannot be queried yet"),
                    "leave the column out, or have the source publish it in another form",
                ));
            }
            _ => {
                return Err(Fault::new(
                    format!("is {spelling:?}, which is not a logical type"),
                    "write string, integer, number, boolean, date, time, timestamp, array or object",
                ));
            }
        })
    }

    /// The Arrow type where the contract has no `physicalType`. Nothing for nested types: their shape
    /// stands elsewhere.
    fn default_type(self) -> Option<DataType> {
        Some(match self {
            Self::Text => DataType::Utf8,
            Self::Date => DataType::Date32,
            Self::Timestamp => timestamp(true),
            Self::Time => DataType::Time64(TimeUnit::Microsecond),
            Self::Number => DataType::Float64,
            Self::Integer => DataType::Int64,
            Self::Boolean => DataType::Boolean,
            Self::Object | Self::Array => return None,
        })
    }

    /// Whether a value of the physical type can be called this.
    ///
    /// Before v3.1 ODCS had neither `timestamp` nor `time`, and `date` stood for all three.
    fn describes(self, physical: &Physical, before_v3_1: bool) -> bool {
        let data_type = match physical {
            Physical::Json => return matches!(self, Self::Text | Self::Object | Self::Array),
            Physical::Plain(data_type) => data_type,
        };
        let moment = matches!(data_type, DataType::Timestamp(..));
        let time = matches!(data_type, DataType::Time64(_));
        match self {
            Self::Text => matches!(data_type, DataType::Utf8 | DataType::Binary),
            Self::Date => *data_type == DataType::Date32 || (before_v3_1 && (moment || time)),
            Self::Timestamp => moment,
            Self::Time => time,
            Self::Number => data_type.is_numeric(),
            Self::Integer => data_type.is_integer() || matches!(data_type, DataType::Decimal128(_, 0)),
            Self::Boolean => *data_type == DataType::Boolean,
            Self::Object => matches!(data_type, DataType::Struct(_)),
            Self::Array => matches!(data_type, DataType::List(_)),
        }
    }
}

/// The one type that a column's `logicalType`, its `physicalType` and its shape (from `properties` or
/// `items`) agree on.
///
/// `json` without a shape is JSON text. `before_v3_1`: the contract is written in ODCS v3.0.
pub(super) fn combine(
    logical: Option<Logical>,
    physical: Option<Physical>,
    shape: Option<DataType>,
    before_v3_1: bool,
) -> Result<DataType, Fault> {
    let contradiction = || {
        Fault::new(
            "is one thing in `physicalType` and another in `logicalType`",
            "make them agree, or remove one of them",
        )
    };
    if let (Some(logical), Some(physical)) = (logical, &physical)
        && !logical.describes(physical, before_v3_1)
    {
        return Err(contradiction());
    }
    match (physical, shape) {
        (Some(Physical::Plain(plain)), None) => Ok(plain),
        (Some(Physical::Plain(plain)), Some(shape)) if is_same(&plain, &shape) => Ok(shape),
        (Some(Physical::Plain(_)), Some(_)) => Err(contradiction()),
        (Some(Physical::Json) | None, Some(shape)) => Ok(shape),
        (Some(Physical::Json), None) => Ok(DataType::Utf8),
        (None, None) => logical.and_then(Logical::default_type).ok_or_else(|| {
            Fault::new(
                "has no shape",
                "list the columns of an object under `properties`, the type of an array's items under `items`",
            )
        }),
    }
}

/// A list of this element type.
pub(super) fn list_of(element: DataType, nullable: bool) -> DataType {
    DataType::List(Arc::new(Field::new_list_field(element, nullable)))
}

fn timestamp(zoned: bool) -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, zoned.then(|| "UTC".into()))
}

fn parse_element(spelling: &str) -> Result<Physical, Fault> {
    let unknown = || Fault::new(format!("is {spelling:?}, which is not a known type"), REMEDY);
    let (base, arguments) = split(spelling).ok_or_else(unknown)?;
    let plain = match (base.as_str(), arguments.as_slice()) {
        ("boolean" | "bool", []) => DataType::Boolean,
        ("smallint" | "int2", []) => DataType::Int16,
        ("integer" | "int" | "int4", []) => DataType::Int32,
        ("bigint" | "int8", []) => DataType::Int64,
        ("real" | "float4", []) | ("float", [1..=24]) => DataType::Float32,
        ("double precision" | "float8" | "double" | "float", []) | ("float", [25..=53]) => DataType::Float64,
        ("numeric" | "decimal", arguments) => decimal(arguments)?,
        ("text" | "string" | "uuid" | "varchar" | "character varying" | "char" | "character" | "bpchar", [])
        | ("varchar" | "character varying" | "char" | "character" | "bpchar", [1..=u32::MAX]) => DataType::Utf8,
        ("bytea" | "binary", []) => DataType::Binary,
        ("date", []) => DataType::Date32,
        ("time" | "time without time zone", [] | [0..=MAX_SECOND_DIGITS]) => DataType::Time64(TimeUnit::Microsecond),
        ("timestamp" | "timestamp without time zone", [] | [0..=MAX_SECOND_DIGITS]) => timestamp(false),
        ("timestamptz" | "timestamp with time zone", [] | [0..=MAX_SECOND_DIGITS]) => timestamp(true),
        ("json" | "jsonb", []) => return Ok(Physical::Json),
        _ => return Err(unknown()),
    };
    Ok(Physical::Plain(plain))
}

/// `numeric`, `numeric(p)` or `numeric(p,s)`.
fn decimal(arguments: &[u32]) -> Result<DataType, Fault> {
    let (precision, scale) = match *arguments {
        [] => (Some(MAX_PRECISION), Some(PLAIN_NUMERIC_SCALE)),
        [precision] => (u8::try_from(precision).ok(), Some(0)),
        [precision, scale] => (u8::try_from(precision).ok(), i8::try_from(scale).ok()),
        _ => (None, None),
    };
    match (precision, scale) {
        (Some(precision @ 1..=MAX_PRECISION), Some(scale)) if i16::from(scale) <= i16::from(precision) => {
            Ok(DataType::Decimal128(precision, scale))
        }
        _ => Err(Fault::new(
            "is a numeric of impossible size",
            format!("write `numeric(p,s)` with 1 ≤ p ≤ {MAX_PRECISION} digits, s ≤ p of them after the point"),
        )),
    }
}

/// `timestamp(3) with time zone` into `timestamp with time zone` and 3.
fn split(spelling: &str) -> Option<(String, Vec<u32>)> {
    let (before, arguments, after) = match spelling.split_once('(') {
        None => (spelling, Vec::new(), ""),
        Some((before, rest)) => {
            let (inside, after) = rest.split_once(')')?;
            (before, inside.split(',').map(|number| number.trim().parse().ok()).collect::<Option<_>>()?, after)
        }
    };
    let words: Vec<&str> = before.split_whitespace().chain(after.split_whitespace()).collect();
    Some((words.join(" "), arguments))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests may unwrap")]
mod tests {
    use arrow::datatypes::DataType::{
        Binary, Boolean, Date32, Decimal128, Float32, Float64, Int16, Int32, Int64, Time64, Utf8,
    };

    use super::*;

    const MICROSECOND: TimeUnit = TimeUnit::Microsecond;

    fn check(spellings: &[&str], expected: &DataType) {
        for spelling in spellings {
            assert_eq!(Physical::parse(spelling).unwrap(), Physical::Plain(expected.clone()), "{spelling:?}");
            assert_eq!(Physical::parse(&format!(" {} ", spelling.to_uppercase())), Physical::parse(spelling));
        }
    }

    #[test]
    fn a_physical_type_in_postgresql_spelling_has_one_arrow_type() {
        check(&["boolean", "bool"], &Boolean);
        check(&["smallint", "int2"], &Int16);
        check(&["integer", "int", "int4"], &Int32);
        check(&["bigint", "int8"], &Int64);
        check(&["real", "float4", "float(24)"], &Float32);
        check(&["double precision", "double  precision", "float8", "double", "float", "float(25)"], &Float64);
        check(&["numeric(18,2)", "decimal(18, 2)", "numeric (18,2)"], &Decimal128(18, 2));
        check(&["numeric(5)"], &Decimal128(5, 0));
        check(&["numeric", "decimal"], &Decimal128(38, 9));
        check(&["text", "string", "varchar", "varchar(20)", "char(3)", "character varying(9)", "uuid"], &Utf8);
        check(&["bytea", "binary"], &Binary);
        check(&["date"], &Date32);
        check(&["time", "time(3)", "time without time zone"], &Time64(MICROSECOND));
        check(&["timestamp", "timestamp(6)", "timestamp without time zone"], &DataType::Timestamp(MICROSECOND, None));
        let zoned = DataType::Timestamp(MICROSECOND, Some("UTC".into()));
        check(&["timestamptz", "timestamptz(3)", "timestamp with time zone", "timestamp(3) with time zone"], &zoned);
        check(&["text[]", "text []"], &list_of(Utf8, true));
        check(&["bigint[][]"], &list_of(list_of(Int64, true), true));
        assert_eq!(Physical::parse("jsonb").unwrap(), Physical::Json);
    }

    #[test]
    fn a_type_that_is_not_one_is_refused() {
        for bad in [
            "",
            "blob",
            "int(11)",
            "varchar(0)",
            "varchar(",
            "varchar)",
            "varchar(x)",
            "text(5)",
            "numeric(39,2)",
            "numeric(0)",
            "numeric(4,5)",
            "numeric(4,-1)",
            "numeric(1,2,3)",
            "numeric()",
            "timestamp(9)",
            "time(7)",
            "timetz",
            "float(54)",
            "float(0)",
            "array<string>",
            "struct<a:int>",
            "json[]",
            "[]",
            "text[][][][][][][][][]",
            "bigint unsigned",
        ] {
            assert!(Physical::parse(bad).is_err(), "{bad:?}");
        }
        for bad in ["", "String", "text", "map", "vector"] {
            assert!(Logical::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_logical_type_alone_has_a_default() {
        let check = |logical: &str, expected| {
            assert_eq!(Logical::parse(logical).unwrap().default_type(), expected, "{logical}");
        };
        check("integer", Some(Int64));
        check("number", Some(Float64));
        check("string", Some(Utf8));
        check("boolean", Some(Boolean));
        check("date", Some(Date32));
        check("time", Some(Time64(MICROSECOND)));
        check("timestamp", Some(DataType::Timestamp(MICROSECOND, Some("UTC".into()))));
        check("object", None);
        check("array", None);
    }

    #[test]
    fn a_physical_type_must_not_contradict_the_logical_type() {
        let check = |logical: &str, agree: &[&str], contradict: &[&str]| {
            let logical = Logical::parse(logical).unwrap();
            agree.iter().for_each(|p| assert!(logical.describes(&Physical::parse(p).unwrap(), false), "{p}"));
            contradict.iter().for_each(|p| assert!(!logical.describes(&Physical::parse(p).unwrap(), false), "{p}"));
        };
        check("string", &["text", "varchar(3)", "uuid", "bytea", "jsonb"], &["bigint", "date", "boolean", "text[]"]);
        check("integer", &["smallint", "bigint", "numeric(20,0)"], &["numeric(20,2)", "real", "text"]);
        check("number", &["real", "numeric(18,2)", "bigint"], &["text", "boolean"]);
        check("boolean", &["bool"], &["smallint", "text"]);
        check("date", &["date"], &["timestamp", "timestamptz", "time", "text"]);
        check("timestamp", &["timestamp", "timestamptz"], &["date", "time", "text"]);
        check("time", &["time"], &["timestamp", "text"]);
        check("object", &["jsonb"], &["text", "text[]"]);
        check("array", &["jsonb", "text[]"], &["text"]);
        assert!(Logical::Date.describes(&Physical::parse("timestamptz").unwrap(), true), "the only spelling in v3.0");
    }
}
