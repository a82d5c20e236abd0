//! How many digits a decimal result can have.

use arrow::datatypes::DataType::{Decimal32, Decimal64, Decimal128, Decimal256};
use arrow::datatypes::{DataType, i256};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::logical_expr::{BinaryExpr, Cast, Expr, ExprSchemable, Operator};

use crate::predicate::{digits, is_lossless};

/// Most digits that sums and products of 128-bit decimals are computed in without any check.
const MOST: i16 = 38;

/// Whether the sums, differences and products that `expression` consists of are never too large for their type.
pub(super) fn always_fits(expression: &Expr, schema: &DFSchema) -> bool {
    Size::of(expression, schema).is_some()
}

/// Digits before and behind the point.
#[derive(Clone, Copy)]
struct Size {
    whole: i16,
    fraction: i16,
}

impl Size {
    /// `None` where it is not known, or more than there is room for.
    #[expect(clippy::wildcard_enum_match_arm, reason = "whatever else there is has the size of its type")]
    fn of(expression: &Expr, schema: &DFSchema) -> Option<Self> {
        let size = match expression {
            Expr::Literal(value, _) => Self::of_value(value),
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
                let (left, right) = (Self::of(left, schema)?, Self::of(right, schema)?);
                match op {
                    Operator::Plus | Operator::Minus => Some(Self {
                        whole: left.whole.max(right.whole) + 1,
                        fraction: left.fraction.max(right.fraction),
                    }),
                    Operator::Multiply => {
                        Some(Self { whole: left.whole + right.whole, fraction: left.fraction + right.fraction })
                    }
                    _ => None,
                }
            }
            Expr::Cast(Cast { expr, field }) if is_lossless(&expr.get_type(schema).ok()?, field.data_type()) => {
                let Self { whole, fraction } = Self::of(expr, schema)?;
                Some(Self { whole, fraction: fraction.max(i16::from(scale(field.data_type()))) })
            }
            other => Self::of_type(&other.get_type(schema).ok()?),
        }?;
        (size.whole + size.fraction <= MOST).then_some(size)
    }

    fn of_type(data_type: &DataType) -> Option<Self> {
        #[expect(clippy::wildcard_enum_match_arm, reason = "other types have whole digits, or none that are known")]
        match data_type {
            Decimal32(precision, scale) | Decimal64(precision, scale) | Decimal128(precision, scale) => {
                Some(Self { whole: i16::from(*precision) - i16::from(*scale), fraction: i16::from(*scale) })
            }
            other => digits(other).map(|whole| Self { whole, fraction: 0 }),
        }
    }

    /// Of a literal it is known how long it really is.
    fn of_value(value: &ScalarValue) -> Option<Self> {
        let data_type = value.data_type();
        let scaled = value.cast_to(&DataType::Decimal256(76, scale(&data_type))).ok()?;
        let ScalarValue::Decimal256(Some(number), _, scale) = scaled else { return Self::of_type(&data_type) };
        let fraction = i16::from(scale);
        let digits = number.checked_abs().unwrap_or(i256::MAX).to_string().len();
        Some(Self { whole: i16::try_from(digits).ok()?.saturating_sub(fraction).max(0), fraction })
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "only decimals have digits behind the point")]
fn scale(data_type: &DataType) -> i8 {
    match data_type {
        Decimal32(_, scale) | Decimal64(_, scale) | Decimal128(_, scale) | Decimal256(_, scale) => *scale,
        _ => 0,
    }
}
