//! A rule's expression as SQL, with the sub-queries as their author wrote them.

use std::ops::ControlFlow;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::logical_expr::Expr;
use datafusion::sql::sqlparser::ast::{
    Expr as SqlExpr, FunctionArg, FunctionArgExpr, FunctionArguments, visit_expressions_mut,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::unparser::expr_to_sql;

use super::function::{InKeys, NAME};
use crate::predicate::as_written;

/// `expression` in SQL.
pub(crate) fn spell(expression: &Expr) -> String {
    spelled(expression).unwrap_or_else(|| expression.to_string())
}

fn spelled(expression: &Expr) -> Option<String> {
    // Each call gets a name of its own, by which it is found in the parser's tree.
    let mut queries = Vec::new();
    let named = expression.clone().transform_up(|part| {
        let (Some(call), Expr::ScalarFunction(function)) = (InKeys::of(&part), &part) else {
            return Ok(Transformed::no(part));
        };
        let Some(value) = function.args.first().cloned() else { return Ok(Transformed::no(part)) };
        let name = format!("{NAME} {}", queries.len());
        queries.push((name.clone(), query(call)));
        Ok(Transformed::yes(InKeys { name, ..call.clone() }.call(value)))
    });
    let mut sql = expr_to_sql(&named.ok()?.data).ok()?;
    let visited = visit_expressions_mut(&mut sql, |node| {
        if let Some(spelled) = in_subquery(node, &queries) {
            *node = spelled;
        }
        ControlFlow::<()>::Continue(())
    });
    visited.is_continue().then(|| sql.to_string())
}

fn query(call: &InKeys) -> String {
    let set = call.key_set();
    let condition = set
        .condition
        .as_ref()
        .map(|condition| format!(" WHERE {}", spell(&as_written(condition.clone()))))
        .unwrap_or_default();
    format!("SELECT \"{}\" FROM {}{condition}", set.column.replace('"', "\"\""), set.table)
}

fn in_subquery(node: &SqlExpr, queries: &[(String, String)]) -> Option<SqlExpr> {
    let SqlExpr::Function(function) = node else { return None };
    let name = function.name.0.first()?.as_ident()?;
    let (_, query) = queries.iter().find(|(known, _)| *known == name.value)?;
    let FunctionArguments::List(list) = &function.args else { return None };
    let [FunctionArg::Unnamed(FunctionArgExpr::Expr(value))] = list.args.as_slice() else { return None };
    let subquery = Parser::new(&GenericDialect {}).try_with_sql(query).ok()?.parse_query().ok()?;
    Some(SqlExpr::InSubquery { expr: Box::new(value.clone()), subquery, negated: false })
}
