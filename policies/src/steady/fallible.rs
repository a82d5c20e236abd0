//! Which expressions of a caller can fail on a row. The lists say what cannot; everything else can.
//!
//! Wider than the language of policies: numbers wrap and divide as the engine does it, and dates are taken apart.

use arrow::datatypes::DataType::{
    self, Boolean, Date32, Decimal32, Decimal64, Decimal128, Decimal256, Float16, Float32, Float64, Timestamp, Utf8,
    Utf8View,
};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{ScalarFunction, WindowFunction};
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, Operator, WindowFrameBound};

use super::precision;
use crate::predicate::{is_integer, is_total};

/// Functions that have a result for arguments of every value. A date before the first that a type can hold is the one
/// thing that `date_trunc` fails for.
const FUNCTIONS: [&str; 29] = [
    "array_length",
    "cardinality",
    "ceil",
    "char_length",
    "date_part",
    "date_trunc",
    "exp",
    "floor",
    "get_field",
    "greatest",
    "initcap",
    "isnan",
    "least",
    "length",
    "ln",
    "log10",
    "log2",
    "make_array",
    "md5",
    "named_struct",
    "nanvl",
    "position",
    "sha256",
    "sha512",
    "signum",
    "sqrt",
    "strpos",
    "struct",
    "trim",
];

/// Aggregates that have a result for groups of every size and value.
const AGGREGATES: [&str; 24] = [
    "approx_distinct",
    "array_agg",
    "avg",
    "bit_and",
    "bit_or",
    "bit_xor",
    "bool_and",
    "bool_or",
    "corr",
    "count",
    "covar_pop",
    "covar_samp",
    "first_value",
    "grouping",
    "last_value",
    "max",
    "median",
    "min",
    "stddev",
    "stddev_pop",
    "sum",
    "var",
    "var_pop",
    "var_samp",
];

/// The same of window functions.
const WINDOWS: [&str; 9] =
    ["cume_dist", "dense_rank", "first_value", "lag", "last_value", "lead", "percent_rank", "rank", "row_number"];

/// Whether `expression`, coerced and folded, may give no value for some row. Sub-queries are plans of their own.
pub(super) fn can_fail(expression: &Expr, schema: &DFSchema) -> Result<bool> {
    let mut found = false;
    expression.apply(|node| {
        found = !is_total(node, schema) && !is_total_for_callers(node, schema);
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    Ok(found)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "what is not listed can fail")]
fn is_total_for_callers(node: &Expr, schema: &DFSchema) -> bool {
    let type_of = |part: &Expr| part.get_type(schema).unwrap_or(DataType::Null);
    match node {
        Expr::Alias(_)
        | Expr::Exists(_)
        | Expr::GroupingSet(_)
        | Expr::InSubquery(_)
        | Expr::OuterReferenceColumn(_, _)
        | Expr::ScalarSubquery(_)
        | Expr::SetComparison(_)
        | Expr::Unnest(_) => true,
        Expr::Negative(number) => is_integer(&type_of(number)) || is_float(&type_of(number)),
        Expr::BinaryExpr(binary) => operator(binary, schema, type_of),
        Expr::Cast(cast) => is_total_cast(&type_of(&cast.expr), cast.field.data_type()),
        Expr::TryCast(_) => true,
        Expr::ScalarFunction(call) => function(call, type_of),
        Expr::AggregateFunction(call) => AGGREGATES.contains(&call.func.name()),
        Expr::WindowFunction(call) => window(call),
        _ => false,
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "what is not listed can fail")]
fn operator(binary: &BinaryExpr, schema: &DFSchema, type_of: impl Fn(&Expr) -> DataType) -> bool {
    use Operator::{BitwiseAnd, BitwiseOr, BitwiseXor, Divide, Minus, Modulo, Multiply, Plus};
    let BinaryExpr { left, op, right } = binary;
    let (of_left, of_right) = (type_of(left), type_of(right));
    let floats = is_float(&of_left) && is_float(&of_right);
    let integers = is_integer(&of_left) && is_integer(&of_right);
    match op {
        Plus | Minus | Multiply if floats || integers => true,
        Plus | Minus | Multiply if is_decimal(&of_left) && is_decimal(&of_right) => {
            let whole = Expr::BinaryExpr(binary.clone());
            precision::always_fits(&whole, schema)
        }
        Minus => of_left == Date32 && of_right == Date32,
        Divide | Modulo if floats => true,
        Divide | Modulo if integers => is_divisor(right),
        BitwiseAnd | BitwiseOr | BitwiseXor => integers,
        _ => false,
    }
}

/// A literal that divides every whole number: neither 0, nor -1 that the smallest number has no counterpart for.
fn is_divisor(divisor: &Expr) -> bool {
    let Expr::Literal(value, _) = divisor else { return false };
    matches!(value.cast_to(&DataType::Int64), Ok(ScalarValue::Int64(Some(number))) if number != 0 && number != -1)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "what is not listed can fail")]
fn is_total_cast(from: &DataType, to: &DataType) -> bool {
    let number = is_integer(from) || is_float(from) || is_decimal(from) || *from == Boolean;
    match to {
        Float32 | Float64 => number,
        Utf8 | Utf8View => number,
        Date32 => matches!(from, Timestamp(_, _)),
        _ => false,
    }
}

fn function(call: &ScalarFunction, type_of: impl Fn(&Expr) -> DataType) -> bool {
    let floats = || call.args.iter().all(|argument| is_float(&type_of(argument)));
    match call.name() {
        "date_part" | "date_trunc" => matches!(call.args.first(), Some(Expr::Literal(..))),
        "abs" | "power" | "round" => floats(),
        name => FUNCTIONS.contains(&name),
    }
}

/// A frame that is counted in values, as in `RANGE 1 PRECEDING`, adds to the values of rows.
fn window(call: &WindowFunction) -> bool {
    let frame = &call.params.window_frame;
    let open = |bound: &WindowFrameBound| match bound {
        WindowFrameBound::CurrentRow => true,
        WindowFrameBound::Preceding(value) | WindowFrameBound::Following(value) => value.is_null(),
    };
    let name = call.fun.name();
    (WINDOWS.contains(&name) || AGGREGATES.contains(&name)) && open(&frame.start_bound) && open(&frame.end_bound)
}

fn is_float(data_type: &DataType) -> bool {
    matches!(data_type, Float16 | Float32 | Float64)
}

fn is_decimal(data_type: &DataType) -> bool {
    matches!(data_type, Decimal32(_, _) | Decimal64(_, _) | Decimal128(_, _) | Decimal256(_, _))
}
