//! Takes the sub-queries out of the parser's tree of a rule.

use std::ops::ControlFlow;

use catalog::TableName;
use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident, ObjectName,
    ObjectNamePart, Query, SelectItem, SetExpr, TableFactor, UnaryOperator, Value, visit_expressions_mut,
};

use super::function::NAME;
use crate::rules::Refusal;

const REMEDY: &str = "write value IN (SELECT column FROM domain.table WHERE condition), with nothing else in it";

/// A sub-query: one column of one table, where a condition of the language holds.
#[derive(Debug)]
pub(crate) struct Lookup {
    pub(crate) table: TableName,
    pub(crate) column: String,
    pub(crate) condition: Option<Expr>,
}

/// Replaces each `x [NOT] IN (SELECT …)` by a call with the place of its lookup in the result.
pub(crate) fn take(expression: &mut Expr) -> Result<Vec<Lookup>, Refusal> {
    let mut lookups = Vec::new();
    let visited = visit_expressions_mut(expression, |node| match replace(node, &mut lookups) {
        Ok(()) => ControlFlow::Continue(()),
        Err(refusal) => ControlFlow::Break(refusal),
    });
    match visited {
        ControlFlow::Continue(()) => Ok(lookups),
        ControlFlow::Break(refusal) => Err(refusal),
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "only these hold a query; the rest of the language is checked later"
)]
fn replace(node: &mut Expr, lookups: &mut Vec<Lookup>) -> Result<(), Refusal> {
    match node {
        Expr::InSubquery { expr, subquery, negated } => {
            let lookup = lookup(subquery)?;
            let call = call(expr.as_ref().clone(), lookups.len());
            lookups.push(lookup);
            *node = if *negated { Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(call) } } else { call };
            Ok(())
        }
        Expr::Exists { .. } | Expr::Subquery(_) | Expr::AnyOp { .. } | Expr::AllOp { .. } => {
            Err(Refusal::new("a sub-query that is not `value IN (SELECT …)`", REMEDY))
        }
        _ => Ok(()),
    }
}

fn lookup(query: &Query) -> Result<Lookup, Refusal> {
    let refused = || Refusal::new(format!("the sub-query `{query}` is not in the language"), REMEDY);
    let SetExpr::Select(select) = query.body.as_ref() else { return Err(refused()) };
    let [SelectItem::UnnamedExpr(Expr::Identifier(column))] = select.projection.as_slice() else {
        return Err(refused());
    };
    let [from] = select.from.as_slice() else { return Err(refused()) };
    let TableFactor::Table { name, .. } = &from.relation else { return Err(refused()) };
    // Whatever else a query may hold would be printed as well.
    let condition = select.selection.as_ref().map(|condition| format!(" WHERE {condition}")).unwrap_or_default();
    if query.to_string() != format!("SELECT {column} FROM {name}{condition}") {
        return Err(refused());
    }
    if condition.contains(NAME) {
        return Err(Refusal::new("a sub-query inside a sub-query", "look the keys up in one table"));
    }
    let [ObjectNamePart::Identifier(domain), ObjectNamePart::Identifier(table)] = name.0.as_slice() else {
        return Err(Refusal::new(format!("`{name}` is not the name of a table"), "write domain.table"));
    };
    let named = format!("{}.{}", word(domain), word(table));
    let table = named
        .parse()
        .map_err(|_| Refusal::new(format!("`{named}` is not the name of a table"), "write domain.table"))?;
    Ok(Lookup { table, column: word(column), condition: select.selection.clone() })
}

/// The name as SQL reads it: small letters unless it is quoted.
fn word(ident: &Ident) -> String {
    if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_lowercase() }
}

fn call(value: Expr, number: usize) -> Expr {
    let argument = |expr| FunctionArg::Unnamed(FunctionArgExpr::Expr(expr));
    let number = Expr::Value(Value::Number(number.to_string(), false).with_empty_span());
    Expr::Function(Function {
        name: ObjectName::from(Ident::with_quote('"', NAME)),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: vec![argument(value), argument(number)],
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}
