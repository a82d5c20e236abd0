//! Says what a join has learnt of its keys in SQL, so that the remote sends no rows that nothing can match.
//!
//! The join looks at every row again, so what is said may hold for more rows than the join wants, never for fewer.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::Array;
use arrow::datatypes::Schema;
use catalog::source::Dialect;
use datafusion::common::ScalarValue;
use datafusion::common::tree_node::TreeNode;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{Expr, Operator, binary_expr, lit};
use datafusion::physical_expr::ScalarFunctionExpr;
use datafusion::physical_expr::expressions::{
    BinaryExpr, CaseExpr, Column, DynamicFilterPhysicalExpr, InListExpr, IsNullExpr, Literal,
};
use datafusion::physical_plan::PhysicalExpr;

use super::expression;

/// Most keys of one list.
const MAX_KEYS: usize = 10_000;

/// Longest condition, in bytes: many servers take a megabyte.
const MAX_TEXT: usize = 256 << 10;

/// What a join has learnt.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Keys {
    /// Nothing that could be said.
    Unknown,
    /// No row can match.
    None,
    /// All rows that can match fulfil these conditions, and maybe others do.
    Some(Vec<String>),
}

/// What `filters`, over the columns of a scan, have become by now.
///
/// # Errors
/// The engine's, where a filter cannot be read.
pub(super) fn known(filters: &[Arc<dyn PhysicalExpr>], schema: &Schema, dialect: Dialect) -> Result<Keys> {
    let mut conditions = Vec::new();
    for filter in filters {
        let Some(keys) = at_least(filter)? else { continue };
        if keys == lit(false) {
            return Ok(Keys::None);
        }
        let said = split_conjunction(&keys).into_iter();
        let said = said.filter_map(|part| expression::filter_of_keys(part, schema, dialect, MAX_KEYS));
        conditions.extend(said.filter(|text| text.len() <= MAX_TEXT));
    }
    Ok(if conditions.is_empty() { Keys::Unknown } else { Keys::Some(conditions) })
}

/// Whether `filter` is one that a join, or a limit, fills while the plan runs.
pub(super) fn is_dynamic(filter: &Arc<dyn PhysicalExpr>) -> bool {
    filter.exists(|part| Ok(part.is::<DynamicFilterPhysicalExpr>())).unwrap_or(false)
}

/// An expression that holds for every row that `filter` holds for; `None` where that is every row.
fn at_least(filter: &Arc<dyn PhysicalExpr>) -> Result<Option<Expr>> {
    if let Some(dynamic) = filter.downcast_ref::<DynamicFilterPhysicalExpr>() {
        return at_least(&dynamic.current()?);
    }
    if let Some(binary) = filter.downcast_ref::<BinaryExpr>() {
        let parts = || Ok::<_, DataFusionError>((at_least(binary.left())?, at_least(binary.right())?));
        if *binary.op() == Operator::And {
            return parts().map(|(left, right)| both(left, right));
        }
        if *binary.op() == Operator::Or {
            return parts().map(|(left, right)| either(left, right));
        }
        return Ok(comparison(binary));
    }
    if let Some(literal) = filter.downcast_ref::<Literal>() {
        return Ok((*literal.value() == ScalarValue::Boolean(Some(false))).then(|| lit(false)));
    }
    if let Some(list) = filter.downcast_ref::<InListExpr>() {
        return Ok(if list.negated() { None } else { members(list) });
    }
    if let Some(null) = filter.downcast_ref::<IsNullExpr>() {
        return Ok(column(null.arg()).map(Expr::is_null));
    }
    if let Some(case) = filter.downcast_ref::<CaseExpr>() {
        // Which branch a row goes by is a hash of its keys: a row fulfils one of them.
        let mut any = match case.else_expr() {
            Some(otherwise) => at_least(otherwise)?,
            None => Some(lit(false)),
        };
        for (_, then) in case.when_then_expr() {
            any = either(any, at_least(then)?);
        }
        return Ok(any);
    }
    Ok(None)
}

fn both(left: Option<Expr>, right: Option<Expr>) -> Option<Expr> {
    match (left, right) {
        (Some(left), Some(right)) if left == lit(false) || right == lit(false) => Some(lit(false)),
        (Some(left), Some(right)) => Some(left.and(right)),
        (one, None) | (None, one) => one,
    }
}

/// The branches of partitions name the same columns: their lists become one, and so do their bounds.
fn either(left: Option<Expr>, right: Option<Expr>) -> Option<Expr> {
    let (left, right) = (left?, right?);
    if left == lit(false) || left == right {
        return Some(right);
    }
    if right == lit(false) {
        return Some(left);
    }
    let whole = left.clone().or(right.clone());
    let (left, right) = (lists(&left), lists(&right));
    let merged = left.into_iter().filter_map(|(key, mut values)| {
        let (_, more) = right.iter().find(|(other, _)| *other == key)?;
        values.extend(more.iter().cloned());
        Some(in_list(key, values))
    });
    merged.reduce(Expr::and).or_else(|| Some(whole))
}

/// The lists of keys among the parts of a conjunction.
fn lists(conjunction: &Expr) -> Vec<(Expr, Vec<Expr>)> {
    let list = |part: &Expr| {
        let Expr::InList(list) = part else { return None };
        Some((list.expr.as_ref().clone(), list.list.clone()))
    };
    split_conjunction(conjunction).into_iter().filter_map(list).collect()
}

fn comparison(binary: &BinaryExpr) -> Option<Expr> {
    let value = binary.right().downcast_ref::<Literal>()?.value();
    let key = column(binary.left())?;
    (!value.is_null()).then(|| binary_expr(key, *binary.op(), Expr::Literal(value.clone(), None)))
}

/// The rows whose key is in a list: of several keys, each by itself.
fn members(list: &InListExpr) -> Option<Expr> {
    let values: Option<Vec<&ScalarValue>> =
        list.list().iter().map(|value| Some(value.downcast_ref::<Literal>()?.value())).collect();
    let values = values?;
    if let Some(key) = column(list.expr()) {
        return Some(in_list(key, values.into_iter().map(|value| Expr::Literal(value.clone(), None)).collect()));
    }
    let keys = list.expr().downcast_ref::<ScalarFunctionExpr>().filter(|call| call.fun().name() == "struct")?;
    let lists = keys.args().iter().enumerate().filter_map(|(place, key)| {
        let key = column(key)?;
        let values = values.iter().map(|value| field(value, place).map(|value| Expr::Literal(value, None)));
        Some(in_list(key, values.collect::<Option<Vec<Expr>>>()?))
    });
    lists.reduce(Expr::and)
}

/// One field of a struct.
fn field(value: &ScalarValue, place: usize) -> Option<ScalarValue> {
    let ScalarValue::Struct(fields) = value else { return None };
    (!fields.is_null(0)).then(|| ScalarValue::try_from_array(fields.columns().get(place)?, 0).ok())?
}

/// `key IN (values)`, each value once. A NULL matches nothing, and the join says so where one matches another.
fn in_list(key: Expr, values: Vec<Expr>) -> Expr {
    let mut seen = HashSet::new();
    let is_null = |value: &Expr| matches!(value, Expr::Literal(value, _) if value.is_null());
    let values: Vec<Expr> = values.into_iter().filter(|value| !is_null(value) && seen.insert(value.clone())).collect();
    if values.is_empty() { lit(false) } else { key.in_list(values, false) }
}

fn column(key: &Arc<dyn PhysicalExpr>) -> Option<Expr> {
    let column = key.downcast_ref::<Column>()?;
    Some(Expr::Column(datafusion::common::Column::new_unqualified(column.name())))
}

#[cfg(test)]
#[path = "keys_tests.rs"]
mod tests;
