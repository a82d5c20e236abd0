//! Lets through only expressions that give a value for every row, and the same value every time.
//!
//! An expression that can fail tells, by failing, about rows that its reader may not see. The list says what
//! is allowed; everything else is refused, also what a later DataFusion brings.

use arrow::datatypes::DataType;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::logical_expr::expr::{Like, ScalarFunction};
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, Operator};

use super::identity::{Meaning, is_identity};
use super::lossless::{is_comparable, is_lossless, is_total_try};
use crate::key_set::is_in_keys;
use crate::rules::Refusal;
use crate::rules::mask::is_text;

/// Longest pattern of a LIKE; a pattern becomes a program of limited size.
const MAX_PATTERN: usize = 256;
/// Largest number that counts characters.
const MAX_COUNT: i64 = 1_000_000;

/// Text functions that have a result for every text; numbers among their arguments are literals.
const TOTAL_FUNCTIONS: [&str; 20] = [
    "btrim",
    "character_length",
    "coalesce",
    "concat",
    "concat_ws",
    "contains",
    "ends_with",
    "left",
    "lower",
    "ltrim",
    "nullif",
    "nvl",
    "nvl2",
    "octet_length",
    "reverse",
    "right",
    "rtrim",
    "starts_with",
    "substr",
    "upper",
];

/// Refuses what is not in the language, before types are known.
pub(super) fn check_forms(expression: &Expr) -> Result<(), Refusal> {
    walk(expression, form)
}

/// Refuses what can fail: for expressions that are coerced and folded.
pub(super) fn check(expression: &Expr, schema: &DFSchema) -> Result<(), Refusal> {
    walk(expression, |node| {
        form(node)?;
        typed(node, schema)
    })
}

/// Whether this node by itself has a value for every value of its parts.
pub(crate) fn is_total(node: &Expr, schema: &DFSchema) -> bool {
    form(node).is_ok() && typed(node, schema).is_ok()
}

fn walk(expression: &Expr, check: impl Fn(&Expr) -> Result<(), Refusal>) -> Result<(), Refusal> {
    let mut refusal = None;
    let visited = expression.apply(|node| match check(node) {
        Ok(()) => Ok(TreeNodeRecursion::Continue),
        Err(refused) => {
            refusal = Some(refused);
            Ok(TreeNodeRecursion::Stop)
        }
    });
    match (visited, refusal) {
        (Ok(_), None) => Ok(()),
        (_, Some(refused)) => Err(refused),
        (Err(error), None) => Err(super::unreadable(&error)),
    }
}

/// The kind of node, whatever the types.
#[expect(clippy::wildcard_enum_match_arm, reason = "everything that is not listed is refused")]
fn form(node: &Expr) -> Result<(), Refusal> {
    match node {
        Expr::Column(_)
        | Expr::Literal(_, _)
        | Expr::Not(_)
        | Expr::IsNotNull(_)
        | Expr::IsNull(_)
        | Expr::IsTrue(_)
        | Expr::IsFalse(_)
        | Expr::IsUnknown(_)
        | Expr::IsNotTrue(_)
        | Expr::IsNotFalse(_)
        | Expr::IsNotUnknown(_)
        | Expr::Between(_)
        | Expr::Case(_)
        | Expr::Cast(_)
        | Expr::TryCast(_)
        | Expr::InList(_) => Ok(()),
        Expr::BinaryExpr(BinaryExpr { op, .. }) if is_total_operator(*op) => Ok(()),
        Expr::BinaryExpr(BinaryExpr { op, .. }) => {
            let remedy = "use comparisons, AND, OR, NOT and text functions; arithmetic can fail and is not allowed";
            Err(Refusal::new(format!("operator `{op}` is not allowed"), remedy))
        }
        Expr::Like(like) => form_of_like(like),
        Expr::Placeholder(place) if Meaning::of(&place.id).is_some() => Ok(()),
        Expr::ScalarFunction(call) if is_in_keys(call) => Ok(()),
        Expr::ScalarFunction(call) if is_identity(call.name()) || TOTAL_FUNCTIONS.contains(&call.name()) => Ok(()),
        Expr::ScalarFunction(call) => Err(Refusal::new(
            format!("function `{}` is not allowed", call.name()),
            "use a function that cannot fail and gives the same result every time (policies/README.md)",
        )),
        other => Err(Refusal::new(
            format!("`{other}` is not allowed"),
            "use comparisons, AND, OR, NOT, IN, BETWEEN, LIKE, CASE, IS NULL and text functions",
        )),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "everything but a literal is refused")]
fn form_of_like(like: &Like) -> Result<(), Refusal> {
    let refused = |message: &str, remedy: &str| Err(Refusal::new(message, remedy));
    match like.pattern.as_ref() {
        _ if like.escape_char.is_some() => refused("LIKE … ESCAPE is not allowed", "escape with a backslash"),
        Expr::Literal(pattern, _) => match pattern.try_as_str() {
            Some(Some(text)) if text.len() > MAX_PATTERN => {
                refused("the pattern of LIKE is too long", "use at most 256 bytes")
            }
            Some(Some(_)) => Ok(()),
            Some(None) | None => refused("the pattern of LIKE is not a text", "write LIKE 'pattern'"),
        },
        _ => refused("the pattern of LIKE is computed", "write the pattern in quotes; an attribute may hold wildcards"),
    }
}

/// Operators that have a result for all values of fitting types.
pub(super) fn is_total_operator(operator: Operator) -> bool {
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
            | Operator::And
            | Operator::Or
            | Operator::StringConcat
    )
}

/// The types of a node's parts.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "what is not listed has no parts that must agree, or `form` refuses it"
)]
fn typed(node: &Expr, schema: &DFSchema) -> Result<(), Refusal> {
    let type_of = |part: &Expr| part.get_type(schema).map_err(|error| super::unreadable(&error));
    match node {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            let (left, right) = (type_of(left)?, type_of(right)?);
            match op {
                Operator::And | Operator::Or => all_equal(&DataType::Boolean, [left, right]),
                Operator::StringConcat if is_text(&left) && is_text(&right) => Ok(()),
                Operator::StringConcat => Err(uncomparable(&left, &right)),
                _ => all_equal(&left, [right]),
            }
        }
        Expr::Between(between) => {
            let (low, high) = (type_of(&between.low)?, type_of(&between.high)?);
            all_equal(&type_of(&between.expr)?, [low, high])
        }
        Expr::InList(list) => {
            let items: Vec<DataType> = list.list.iter().map(type_of).collect::<Result<_, _>>()?;
            all_equal(&type_of(&list.expr)?, items)
        }
        Expr::Case(case) => {
            let base = case.expr.as_ref().map_or(Ok(DataType::Boolean), |base| type_of(base))?;
            let cases: Vec<DataType> =
                case.when_then_expr.iter().map(|(when, _)| type_of(when)).collect::<Result<_, _>>()?;
            all_equal(&base, cases)
        }
        Expr::Like(like) => {
            let (text, pattern) = (type_of(&like.expr)?, type_of(&like.pattern)?);
            if is_text(&text) { all_equal(&text, [pattern]) } else { Err(uncomparable(&text, &pattern)) }
        }
        Expr::Cast(cast) => cast_fits(&type_of(&cast.expr)?, cast.field.data_type(), is_lossless),
        Expr::TryCast(cast) => cast_fits(&type_of(&cast.expr)?, cast.field.data_type(), is_total_try),
        Expr::ScalarFunction(call) if is_in_keys(call) => Ok(()),
        Expr::ScalarFunction(call) => numbers_are_literals(call, schema),
        _ => Ok(()),
    }
}

fn all_equal(first: &DataType, others: impl IntoIterator<Item = DataType>) -> Result<(), Refusal> {
    for other in others {
        let null = *first == DataType::Null || other == DataType::Null;
        if !null && (*first != other || !is_comparable(first)) {
            return Err(uncomparable(first, &other));
        }
    }
    Ok(())
}

fn uncomparable(left: &DataType, right: &DataType) -> Refusal {
    let remedy = "compare values of one type: a date with DATE '…', a number with a number";
    Refusal::new(format!("a value of type {left} is compared with one of type {right}"), remedy)
}

fn cast_fits(from: &DataType, to: &DataType, fits: fn(&DataType, &DataType) -> bool) -> Result<(), Refusal> {
    if fits(from, to) {
        return Ok(());
    }
    let remedy = "compare values of one type (a date with DATE '…'), or use try_cast from a text";
    Err(Refusal::new(format!("a cast from {from} to {to} can fail"), remedy))
}

/// A count of characters from a column could be anything; a literal can be looked at now.
fn numbers_are_literals(call: &ScalarFunction, schema: &DFSchema) -> Result<(), Refusal> {
    for argument in &call.args {
        let data_type = argument.get_type(schema).map_err(|error| super::unreadable(&error))?;
        if ["coalesce", "nullif", "nvl", "nvl2"].contains(&call.name()) || is_text(&data_type) {
            continue;
        }
        let Expr::Literal(ScalarValue::Int64(Some(number)), _) = argument else {
            let message = format!("an argument of `{}` is neither a text nor a whole number", call.name());
            return Err(Refusal::new(message, "write numbers as literals"));
        };
        let least = if call.name() == "substr" { 0 } else { -MAX_COUNT };
        if !(least..=MAX_COUNT).contains(number) {
            let message = format!("{number} is out of range for `{}`", call.name());
            return Err(Refusal::new(message, format!("use a number from {least} to {MAX_COUNT}")));
        }
    }
    Ok(())
}
