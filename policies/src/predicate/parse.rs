//! Reads the text of a predicate into the parser's tree.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{Expr, ExprWithAlias, UnaryOperator, visit_expressions};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer, Whitespace};

use crate::rules::Refusal;

/// Deepest nesting; the same as for statements.
const MAX_DEPTH: usize = 50;

/// One whole expression, and nothing behind it.
pub(super) fn parse(text: &str) -> Result<ExprWithAlias, Refusal> {
    let dialect = GenericDialect {};
    let tokens = Tokenizer::new(&dialect, text).tokenize().map_err(|error| refused(&error.to_string()))?;
    let comment = |token: &Token| {
        matches!(token, Token::Whitespace(Whitespace::SingleLineComment { .. } | Whitespace::MultiLineComment(_)))
    };
    if tokens.iter().any(comment) {
        return Err(Refusal::new("a comment in an expression", "write the comment on a line of its own, with `#`"));
    }
    let tokens = tokens.into_iter().filter(|token| !matches!(token, Token::Whitespace(_))).collect();
    let mut parser = Parser::new(&dialect).with_recursion_limit(MAX_DEPTH).with_tokens(without_parentheses(tokens));
    let expr = parser.parse_expr().map_err(|error| refused(&error.to_string()))?;
    let next = parser.peek_token().token;
    if next != Token::EOF {
        return Err(refused(&format!("nothing may follow the expression, but `{next}` does")));
    }
    match visit_expressions(&expr, distinct_from_one_value) {
        ControlFlow::Break(refusal) => Err(refusal),
        ControlFlow::Continue(()) => Ok(ExprWithAlias { expr, alias: None }),
    }
}

/// The parser reads `a IS DISTINCT FROM b AND c` as `a IS DISTINCT FROM (b AND c)`, and PostgreSQL does not: what
/// stands behind FROM must be one value, or in parentheses.
fn distinct_from_one_value(expression: &Expr) -> ControlFlow<Refusal> {
    let (Expr::IsDistinctFrom(_, right) | Expr::IsNotDistinctFrom(_, right)) = expression else {
        return ControlFlow::Continue(());
    };
    let one = matches!(
        right.as_ref(),
        Expr::Nested(_)
            | Expr::Value(_)
            | Expr::TypedString(_)
            | Expr::Identifier(_)
            | Expr::CompoundIdentifier(_)
            | Expr::Function(_)
            | Expr::Cast { .. }
            | Expr::Case { .. }
            | Expr::Substring { .. }
            | Expr::Trim { .. }
            | Expr::UnaryOp { op: UnaryOperator::Minus | UnaryOperator::Plus, .. }
    );
    if one {
        return ControlFlow::Continue(());
    }
    let remedy = "put each side of AND and OR in parentheses, such as \"(a IS DISTINCT FROM b) AND c\"";
    ControlFlow::Break(Refusal::new("what follows IS DISTINCT FROM is not one value", remedy))
}

/// `current_user()` as `current_user`: the parser knows the word as a keyword that takes no parentheses.
fn without_parentheses(tokens: Vec<Token>) -> Vec<Token> {
    let mut kept: Vec<Token> = Vec::with_capacity(tokens.len());
    for token in tokens {
        let user = |token: &Token| matches!(token, Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case("current_user"));
        let empty = token == Token::RParen
            && kept.last() == Some(&Token::LParen)
            && kept.len().checked_sub(2).and_then(|before| kept.get(before)).is_some_and(user);
        if empty {
            kept.pop();
        } else {
            kept.push(token);
        }
    }
    kept
}

fn refused(reason: &str) -> Refusal {
    let remedy = "write one condition as in WHERE, in double quotes, such as \"region = 'EU'\"";
    Refusal::new(format!("the expression cannot be read: {reason}"), remedy)
}
