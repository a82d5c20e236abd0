//! Masks of date and timestamp columns: the first day of the month or year.
//!
//! DataFusion's `date_trunc` fails outside the range of its calendar; this one gives NULL there.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, PrimitiveArray};
use arrow::datatypes::{
    ArrowPrimitiveType, ArrowTimestampType, DataType, Date32Type, Date64Type, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};
use datafusion::common::{Result, ScalarValue, internal_err, plan_err};
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};

const SECONDS_A_DAY: i64 = 86_400;

/// How much of a date is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Period {
    Month,
    Year,
}

/// The first day of a period as a function: NULL gives NULL, and a timestamp is cut at midnight UTC.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Truncate {
    period: Period,
    signature: Signature,
}

impl Truncate {
    pub(super) fn function(period: Period) -> Arc<ScalarUDF> {
        let signature = Signature::user_defined(Volatility::Immutable);
        Arc::new(ScalarUDF::new_from_impl(Self { period, signature }))
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "no other type passes coerce_types")]
    fn cut(&self, values: &dyn Array) -> Result<ArrayRef> {
        let period = self.period;
        Ok(match values.data_type() {
            DataType::Date32 => {
                let cut = |days: i32| i32::try_from(period.first_day(i64::from(days))?).ok();
                Arc::new(values.as_primitive::<Date32Type>().unary_opt::<_, Date32Type>(cut))
            }
            DataType::Date64 => scaled(values.as_primitive::<Date64Type>(), period, 1_000),
            DataType::Timestamp(unit, _) => match unit {
                TimeUnit::Second => stamps::<TimestampSecondType>(values, period, 1),
                TimeUnit::Millisecond => stamps::<TimestampMillisecondType>(values, period, 1_000),
                TimeUnit::Microsecond => stamps::<TimestampMicrosecondType>(values, period, 1_000_000),
                TimeUnit::Nanosecond => stamps::<TimestampNanosecondType>(values, period, 1_000_000_000),
            },
            other => return internal_err!("{} got {other}", self.name()),
        })
    }
}

fn stamps<T: ArrowTimestampType>(values: &dyn Array, period: Period, per_second: i64) -> ArrayRef {
    scaled(values.as_primitive::<T>(), period, per_second)
}

fn scaled<T: ArrowPrimitiveType<Native = i64>>(
    values: &PrimitiveArray<T>,
    period: Period,
    per_second: i64,
) -> ArrayRef {
    let a_day = SECONDS_A_DAY * per_second;
    let cut = |value: i64| period.first_day(value.div_euclid(a_day))?.checked_mul(a_day);
    Arc::new(values.unary_opt::<_, T>(cut).with_data_type(values.data_type().clone()))
}

impl Period {
    /// The first day of the period that `day` is in, both counted from 1970-01-01.
    fn first_day(self, day: i64) -> Option<i64> {
        let (year, month) = civil(day)?;
        match self {
            Self::Month => day_of(year, month),
            Self::Year => day_of(year, 1),
        }
    }
}

/// Year and month of a day in the proleptic Gregorian calendar (Howard Hinnant, `civil_from_days`).
fn civil(day: i64) -> Option<(i64, i64)> {
    let shifted = day.checked_add(719_468)?;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era.checked_mul(400)? + i64::from(month <= 2);
    Some((year, month))
}

/// The first day of a month (Howard Hinnant, `days_from_civil`).
fn day_of(year: i64, month: i64) -> Option<i64> {
    let year = if month <= 2 { year.checked_sub(1)? } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era.checked_mul(146_097)?.checked_add(day_of_era)?.checked_sub(719_468)
}

impl ScalarUDFImpl for Truncate {
    fn name(&self) -> &str {
        match self.period {
            Period::Month => "truncate_to_month",
            Period::Year => "truncate_to_year",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        self.coerce_types(arguments)?.pop().map_or_else(|| internal_err!("no argument"), Ok)
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        match arguments {
            [date @ (DataType::Date32 | DataType::Date64 | DataType::Timestamp(_, _))] => Ok(vec![date.clone()]),
            _ => plan_err!("{} masks one date or timestamp", self.name()),
        }
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match arguments.args.as_slice() {
            [ColumnarValue::Array(values)] => self.cut(values.as_ref()).map(ColumnarValue::Array),
            [ColumnarValue::Scalar(value)] => {
                let cut = self.cut(value.to_array()?.as_ref())?;
                ScalarValue::try_from_array(cut.as_ref(), 0).map(ColumnarValue::Scalar)
            }
            _ => internal_err!("{} masks one date or timestamp", self.name()),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests may unwrap")]
mod tests {
    use arrow::array::StringArray;
    use arrow::array::{Date32Array, TimestampMicrosecondArray};
    use arrow::compute::cast;

    use super::*;

    fn check(period: Period, day: &str, expected: &str) {
        let texts: ArrayRef = Arc::new(StringArray::from(vec![day, expected]));
        let days = cast(&texts, &DataType::Date32).unwrap();
        let days = days.as_primitive::<Date32Type>();
        let mask = Truncate { period, signature: Signature::user_defined(Volatility::Immutable) };
        let cut = mask.cut(&days.slice(0, 1)).unwrap();
        assert_eq!(cut.as_primitive::<Date32Type>().value(0), days.value(1), "{period:?} of {day}");
        let stamps = cast(&texts, &DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))).unwrap();
        let cut = mask.cut(stamps.slice(0, 1).as_ref()).unwrap();
        assert_eq!(cut.as_ref(), stamps.slice(1, 1).as_ref(), "{period:?} of timestamp {day}");
    }

    #[test]
    fn a_date_becomes_the_first_day_of_its_period() {
        check(Period::Year, "2024-12-31", "2024-01-01");
        check(Period::Year, "1969-12-31", "1969-01-01");
        check(Period::Year, "2000-02-29", "2000-01-01");
        check(Period::Month, "2024-02-29", "2024-02-01");
        check(Period::Month, "1970-01-01", "1970-01-01");
        check(Period::Month, "1900-03-01", "1900-03-01");
        check(Period::Month, "0001-01-15", "0001-01-01");
    }

    #[test]
    fn every_value_has_a_result() {
        let mask = Truncate { period: Period::Year, signature: Signature::user_defined(Volatility::Immutable) };
        for extreme in [i64::MIN, i64::MAX, 0] {
            let stamps = TimestampMicrosecondArray::from(vec![Some(extreme), None]);
            let cut = mask.cut(&stamps).unwrap();
            assert!(cut.is_null(1));
        }
        let days = Date32Array::from(vec![i32::MIN, i32::MAX]);
        let cut = mask.cut(&days).unwrap();
        assert!(cut.is_null(0), "the year begins before the first day that there is");
        assert!(cut.is_valid(1));
    }
}
