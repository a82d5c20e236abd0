//! Which conditions of a caller may be evaluated on rows that the caller must not see.
//!
//! A condition is *leakproof* when evaluating it can neither fail nor have an effect that depends on the row:
//! nothing of a row that the row filter drops later can then be observed through it.

use arrow::datatypes::{DataType, Schema};
use datafusion::logical_expr::expr::{BinaryExpr, InList, Like};
use datafusion::logical_expr::{Between, Expr, Operator};
use datafusion::scalar::ScalarValue;

use crate::unguarded::{self, Mutation};

/// Longest `LIKE` pattern in bytes: a longer one might be too big a regular expression to compile.
const MAX_PATTERN_BYTES: usize = 1_000;

/// Whether `condition` is leakproof when its columns are those of `clear`.
///
/// `clear` holds the columns that the caller sees as they are, under the names and with the types that
/// `condition` uses; a condition on any other column is not leakproof. Accepted are: a column against a literal of
/// the same base type with `= <> < <= > >= IS [NOT] DISTINCT FROM`, `BETWEEN`, `IN`, `LIKE`; `IS [NOT] NULL` of a
/// column; a boolean column or literal; and `AND`, `OR`, `NOT`, `IS [NOT] TRUE/FALSE/UNKNOWN` of these.
#[must_use]
pub fn is_leakproof(condition: &Expr, clear: &Schema) -> bool {
    if unguarded::has(Mutation::EveryConditionIsLeakproof) {
        return true;
    }
    // A stack of our own: a statement may nest deeper than the thread's stack allows.
    let mut open = vec![condition];
    while let Some(condition) = open.pop() {
        if !is_leakproof_leaf(condition, clear) {
            let Some(parts) = parts(condition) else { return false };
            open.extend(parts);
        }
    }
    true
}

/// The conditions that a boolean connective joins; `None` for anything else.
fn parts(condition: &Expr) -> Option<Vec<&Expr>> {
    if let Expr::BinaryExpr(BinaryExpr { left, op: Operator::And | Operator::Or, right }) = condition {
        return Some(vec![left, right]);
    }
    if let Expr::Not(part)
    | Expr::IsTrue(part)
    | Expr::IsNotTrue(part)
    | Expr::IsFalse(part)
    | Expr::IsNotFalse(part)
    | Expr::IsUnknown(part)
    | Expr::IsNotUnknown(part) = condition
    {
        return Some(vec![part]);
    }
    None
}

fn is_leakproof_leaf(condition: &Expr, clear: &Schema) -> bool {
    let comparable = |column: &Expr, literal: &Expr| is_comparable(column, literal, clear);
    if let Expr::BinaryExpr(BinaryExpr { left, op, right }) = condition {
        return is_comparison(*op) && (comparable(left, right) || comparable(right, left));
    }
    if let Expr::Between(Between { expr, low, high, negated: _ }) = condition {
        return comparable(expr, low) && comparable(expr, high);
    }
    if let Expr::InList(InList { expr, list, negated: _ }) = condition {
        return list.iter().all(|literal| comparable(expr, literal));
    }
    if let Expr::Like(like) = condition {
        return is_leakproof_like(like, clear);
    }
    if let Expr::IsNull(column) | Expr::IsNotNull(column) = condition {
        return column_type(column, clear).is_some();
    }
    matches!(condition, Expr::Literal(ScalarValue::Boolean(_), _))
        || column_type(condition, clear).is_some_and(|data_type| *data_type == DataType::Boolean)
}

fn is_leakproof_like(like: &Like, clear: &Schema) -> bool {
    let Like { negated: _, expr, pattern, escape_char, case_insensitive } = like;
    let Expr::Literal(literal, _) = pattern.as_ref() else { return false };
    let short = literal.try_as_str().flatten().is_none_or(|text| text.len() <= MAX_PATTERN_BYTES);
    let text = column_type(expr, clear).is_some_and(|data_type| *base_type(data_type) == DataType::Utf8);
    short && text && escape_char.is_none() && !case_insensitive && is_comparable(expr, pattern, clear)
}

fn is_comparison(operator: Operator) -> bool {
    matches!(
        operator,
        Operator::Eq
            | Operator::NotEq
            | Operator::Lt
            | Operator::LtEq
            | Operator::Gt
            | Operator::GtEq
            | Operator::IsDistinctFrom
            | Operator::IsNotDistinctFrom
    )
}

/// Whether `column` is a clear column and `literal` a literal of the same base type, so that comparing them cannot
/// fail.
fn is_comparable(column: &Expr, literal: &Expr, clear: &Schema) -> bool {
    let Expr::Literal(literal, _) = literal else { return false };
    let Some(column) = column_type(column, clear).map(base_type) else { return false };
    let literal = literal.data_type();
    is_plain(column) && column == base_type(&literal)
}

fn column_type<'a>(column: &Expr, clear: &'a Schema) -> Option<&'a DataType> {
    let Expr::Column(column) = column else { return None };
    clear.field_with_name(&column.name).ok().map(|field| field.data_type())
}

/// The type of the values, whatever the encoding: `Utf8` for every text type, `Binary` for every type of bytes of
/// any length, the value type of a dictionary.
pub(crate) fn base_type(data_type: &DataType) -> &DataType {
    if let DataType::Dictionary(_, value) = data_type {
        return base_type(value);
    }
    if matches!(data_type, DataType::LargeUtf8 | DataType::Utf8View) {
        return &DataType::Utf8;
    }
    if matches!(data_type, DataType::LargeBinary | DataType::BinaryView) {
        return &DataType::Binary;
    }
    data_type
}

fn is_plain(base: &DataType) -> bool {
    base.is_primitive()
        || matches!(base, DataType::Boolean | DataType::Utf8 | DataType::Binary | DataType::FixedSizeBinary(_))
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::Field;
    use datafusion::logical_expr::{cast, col, lit};

    use super::*;

    fn clear() -> Schema {
        let text = DataType::Dictionary(Box::new(DataType::UInt16), Box::new(DataType::Utf8));
        Schema::new(vec![
            Field::new("n", DataType::Int64, true),
            Field::new("t", DataType::Utf8View, true),
            Field::new("d", text, true),
            Field::new("b", DataType::Boolean, true),
            Field::new("l", DataType::new_list(DataType::Int64, true), true),
        ])
    }

    fn check(condition: &Expr, leakproof: bool) {
        assert_eq!(is_leakproof(condition, &clear()), leakproof, "{condition}");
    }

    #[test]
    fn comparing_a_clear_column_with_a_literal_is_leakproof() {
        for condition in [
            col("n").eq(lit(1_i64)),
            lit(1_i64).lt_eq(col("n")),
            col("n").not_eq(lit(1_i64)).or(col("n").gt(lit(5_i64)).and(!col("b"))),
            col("n").between(lit(1_i64), lit(2_i64)),
            col("n").in_list(vec![lit(1_i64), lit(2_i64)], true),
            col("n").is_null(),
            col("l").is_not_null(),
            col("b").is_not_true(),
            col("t").eq(lit("x")),
            col("d").eq(lit("x")),
            col("t").eq(lit(ScalarValue::Dictionary(Box::new(DataType::UInt16), Box::new(ScalarValue::from("x"))))),
            col("t").like(lit("x%")),
            lit(true),
        ] {
            check(&condition, true);
        }
    }

    #[test]
    fn whatever_can_fail_or_depends_on_another_column_is_not_leakproof() {
        let escaped = Like::new(false, Box::new(col("t")), Box::new(lit("x")), Some('!'), false);
        for condition in [
            col("hidden").eq(lit(1_i64)),
            col("hidden").is_null(),
            col("n").eq(lit(1_i32)),
            col("n").eq(col("n")),
            col("t").eq(lit(1_i64)),
            cast(col("t"), DataType::Int64).eq(lit(1_i64)),
            (col("n") + lit(1_i64)).eq(lit(1_i64)),
            (lit(1_i64) / col("n")).is_null(),
            col("n").in_list(vec![lit(1_i64), lit(1_i64) / col("n")], false),
            col("n").between(lit(1_i64), col("n")),
            col("b").or((lit(1_i64) / col("n")).eq(lit(0_i64))),
            (!col("n").eq(lit(1_i64) / lit(0_i64))).is_unknown(),
            col("t").like(col("t")),
            col("t").ilike(lit("x")),
            col("t").like(lit("x".repeat(2_000))),
            col("n").like(lit("x")),
            Expr::Like(escaped),
            datafusion::functions::expr_fn::upper(col("t")).eq(lit("X")),
            lit(1_i64),
            col("n"),
        ] {
            check(&condition, false);
        }
    }

    #[test]
    fn a_condition_may_be_as_deep_as_it_likes() {
        let mut deep = col("b");
        for _ in 0..20_000 {
            deep = Expr::Not(Box::new(deep));
        }
        assert!(is_leakproof(&deep, &clear()));
        // Dropping it level by level, not all levels on one stack.
        while let Expr::Not(inner) = deep {
            deep = *inner;
        }
    }
}
