//! The statement gate: one statement, and one that reads.

use datafusion::execution::context::SQLOptions;
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast::{Query, SetExpr, Statement as Ast, TableFactor, Visit, Visitor};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer, Word};
use std::ops::ControlFlow;

use crate::error::{Error, ErrorKind};
use crate::failure;

/// Deepest nesting of a statement.
const MAX_NESTING: usize = 64;

/// Most operators and key words of a statement: chains of them nest without parentheses, and what walks or drops the
/// tree recurses.
const MAX_OPERATORS: usize = 3_000;

/// Table functions that read nothing.
const TABLE_FUNCTIONS: [&str; 3] = ["generate_series", "range", "unnest"];

/// Parses `sql`, which must be one statement that reads: a query, `EXPLAIN` of one, or `SHOW` of tables and columns.
///
/// # Errors
/// [`ErrorKind::InvalidStatement`] or [`ErrorKind::UnsupportedSql`].
pub(crate) fn parse(sql: &str) -> Result<Statement, Error> {
    check_size(sql)?;
    let parser = DFParserBuilder::new(sql).with_dialect(&GenericDialect {}).with_recursion_limit(MAX_NESTING);
    let mut statements =
        parser.build().and_then(|mut parser| parser.parse_statements()).map_err(|error| failure::told(&error))?;
    let Some(statement) = statements.pop_front() else {
        return Err(Error::new(ErrorKind::InvalidStatement, "the statement is empty"));
    };
    if !statements.is_empty() {
        return Err(Error::new(ErrorKind::InvalidStatement, "more than one statement; send them one by one"));
    }
    check(&statement)?;
    Ok(statement)
}

/// Parses the body of a view: one query.
///
/// # Errors
/// As [`parse`].
pub(crate) fn parse_query(sql: &str) -> Result<Statement, Error> {
    let statement = parse(sql)?;
    match &statement {
        Statement::Statement(ast) if matches!(ast.as_ref(), Ast::Query(_)) => Ok(statement),
        Statement::Statement(_)
        | Statement::Explain(_)
        | Statement::CopyTo(_)
        | Statement::CreateExternalTable(_)
        | Statement::Reset(_) => Err(refused("anything but SELECT in a view")),
    }
}

/// A second look, at the plan: nothing that writes, defines or sets, also not inside of `EXPLAIN`.
///
/// # Errors
/// [`ErrorKind::UnsupportedSql`].
pub(crate) fn check_plan(plan: &LogicalPlan) -> Result<(), Error> {
    let options = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    let inside = if let LogicalPlan::Explain(explain) = plan {
        explain.plan.as_ref()
    } else if let LogicalPlan::Analyze(analyze) = plan {
        analyze.input.as_ref()
    } else {
        plan
    };
    options.verify_plan(inside).map_err(|_| refused("a statement that writes"))
}

/// Refuses, before there is a tree, a statement whose tree could be too deep.
fn check_size(sql: &str) -> Result<(), Error> {
    let tokens = Tokenizer::new(&GenericDialect {}, sql).tokenize();
    let tokens = tokens.map_err(|error| Error::new(ErrorKind::InvalidStatement, error.to_string()))?;
    if tokens.iter().filter(|token| nests(token)).count() > MAX_OPERATORS {
        let message = format!("the statement has more than {MAX_OPERATORS} operators and key words");
        return Err(Error::new(ErrorKind::LimitExceeded, message).with_sqlstate("54001"));
    }
    Ok(())
}

/// Whether a token may make the tree deeper: all but values, names, and what lists them.
fn nests(token: &Token) -> bool {
    !matches!(
        token,
        Token::Word(Word { keyword: Keyword::NoKeyword | Keyword::NULL | Keyword::TRUE | Keyword::FALSE, .. })
            | Token::Number(..)
            | Token::SingleQuotedString(_)
            | Token::Whitespace(_)
            | Token::Comma
            | Token::Period
            | Token::LParen
            | Token::RParen
            | Token::SemiColon
            | Token::Placeholder(_)
    )
}

fn check(statement: &Statement) -> Result<(), Error> {
    match statement {
        Statement::Statement(ast) => check_ast(ast),
        Statement::Explain(explain) => check(&explain.statement),
        Statement::CopyTo(_) => Err(refused("COPY")),
        Statement::CreateExternalTable(_) => Err(refused("CREATE EXTERNAL TABLE")),
        Statement::Reset(_) => Err(refused("RESET")),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the parser's statements are many and grow: all others are refused")]
fn check_ast(ast: &Ast) -> Result<(), Error> {
    match ast {
        Ast::Query(_) | Ast::ShowTables { .. } | Ast::ShowColumns { .. } => {}
        Ast::Explain { statement, .. } => check_ast(statement)?,
        Ast::Set(_) => return Err(refused("SET; use the session options of your client")),
        Ast::Insert(_) | Ast::Update { .. } | Ast::Delete(_) | Ast::Merge { .. } | Ast::Truncate { .. } => {
            return Err(refused("a statement that writes: the gateway is read-only"));
        }
        other => return Err(refused(&first_words(&other.to_string()))),
    }
    match ast.visit(&mut Walker) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

fn first_words(text: &str) -> String {
    text.split_whitespace().take(2).filter(|word| word.chars().all(char::is_alphabetic)).collect::<Vec<_>>().join(" ")
}

fn refused(what: &str) -> Error {
    Error::new(ErrorKind::UnsupportedSql, format!("not supported: {what}"))
}

/// Looks into every query of a statement for what reads from elsewhere, writes or locks.
struct Walker;

impl Visitor for Walker {
    type Break = Error;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Error> {
        if !query.locks.is_empty() {
            return ControlFlow::Break(refused("FOR UPDATE and FOR SHARE"));
        }
        match check_body(&query.body) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }

    fn pre_visit_statement(&mut self, statement: &Ast) -> ControlFlow<Error> {
        if matches!(statement, Ast::Query(_) | Ast::Explain { .. } | Ast::ShowTables { .. } | Ast::ShowColumns { .. }) {
            return ControlFlow::Continue(());
        }
        ControlFlow::Break(refused("a statement inside of a query"))
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<Error> {
        let (TableFactor::Table { name, args: Some(_), .. } | TableFactor::Function { name, .. }) = factor else {
            return ControlFlow::Continue(());
        };
        let name = name.to_string();
        if TABLE_FUNCTIONS.contains(&name.to_lowercase().as_str()) {
            return ControlFlow::Continue(());
        }
        ControlFlow::Break(refused("this table function"))
    }
}

fn check_body(body: &SetExpr) -> Result<(), Error> {
    match body {
        SetExpr::Select(select) if select.into.is_some() => Err(refused("SELECT INTO")),
        SetExpr::Select(_) | SetExpr::Values(_) | SetExpr::Table(_) | SetExpr::Query(_) => Ok(()),
        SetExpr::SetOperation { left, right, .. } => {
            check_body(left)?;
            check_body(right)
        }
        SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => {
            Err(refused("a statement that writes: the gateway is read-only"))
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may unwrap")]
    use super::*;

    fn good(sql: &str) {
        assert!(parse(sql).is_ok(), "{sql}: {:?}", parse(sql));
    }

    fn bad(sql: &str, kind: ErrorKind) {
        assert_eq!(parse(sql).unwrap_err().kind, kind, "{sql}");
    }

    #[test]
    fn statements_that_read_may_pass() {
        for sql in [
            "SELECT 1",
            "select * from a.b;",
            "WITH x AS (SELECT 1) SELECT * FROM x",
            "VALUES (1), (2)",
            "EXPLAIN SELECT 1",
            "EXPLAIN ANALYZE VERBOSE SELECT 1",
            "SHOW TABLES",
            "SHOW COLUMNS FROM a.b",
            "SELECT * FROM generate_series(1, 3)",
            "(SELECT 1) UNION ALL (SELECT 2)",
        ] {
            good(sql);
        }
    }

    #[test]
    fn everything_else_is_refused_also_inside_of_explain_and_of_queries() {
        for sql in [
            "INSERT INTO a.b VALUES (1)",
            "EXPLAIN INSERT INTO a.b VALUES (1)",
            "EXPLAIN ANALYZE DELETE FROM a.b",
            "UPDATE a.b SET c = 1",
            "DELETE FROM a.b",
            "CREATE TABLE x AS SELECT 1",
            "CREATE VIEW v AS SELECT 1",
            "CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/etc/passwd'",
            "CREATE FUNCTION f() RETURNS int RETURN 1",
            "COPY (SELECT 1) TO '/tmp/x'",
            "COPY a.b TO '/tmp/x'",
            "SET datafusion.execution.batch_size = 1",
            "RESET datafusion.execution.batch_size",
            "DROP TABLE a.b",
            "TRUNCATE a.b",
            "SELECT * INTO x FROM a.b",
            "SELECT * FROM a.b FOR UPDATE",
            "WITH x AS (INSERT INTO a.b VALUES (1)) SELECT 1",
            "SELECT * FROM read_csv('/etc/passwd')",
            "SELECT (SELECT count(*) FROM read_parquet('/x'))",
            "BEGIN",
            "PREPARE p AS SELECT 1",
            "EXECUTE p",
            "USE x",
            "SHOW ALL",
        ] {
            let kind = parse(sql).map_err(|error| error.kind);
            assert!(matches!(kind, Err(ErrorKind::UnsupportedSql | ErrorKind::InvalidStatement)), "{sql}: {kind:?}");
        }
    }

    #[test]
    fn one_statement_at_a_time() {
        bad("", ErrorKind::InvalidStatement);
        bad("SELECT 1; SELECT 2", ErrorKind::InvalidStatement);
        bad(&format!("SELECT 1{}", " + 1".repeat(3_001)), ErrorKind::LimitExceeded);
        bad(&format!("SELECT 1{}", " UNION SELECT 1".repeat(1_501)), ErrorKind::LimitExceeded);
        good(&format!("SELECT 1 IN (1{})", ", 'x'".repeat(50_000)));
        bad("SELEC 1", ErrorKind::InvalidStatement);
        bad(&format!("SELECT {}1{}", "(".repeat(5_000), ")".repeat(5_000)), ErrorKind::InvalidStatement);
    }
}
