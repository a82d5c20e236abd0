//! `meshgate policy test`: asks the mesh's own questions as its users, in this process.

use std::path::Path;
use std::sync::Arc;

use futures::TryStreamExt;
use tokio_util::sync::CancellationToken;

use super::super::{Failure, Outcome, say};
use super::expectation::{self, Expectation, Rows, met};
use crate::query::{Pins, Query, Statement};
use crate::{Error, Gateway};

/// Runs every expectation and says which are not met.
pub(in super::super) async fn run(mesh: &Path) -> Result<Outcome, Failure> {
    let expectations = expectation::read(mesh).map_err(catalog::Problems::from)?;
    let gateway = Gateway::start(mesh).await?;
    let mut failed = 0;
    for (index, expectation) in expectations.iter().enumerate() {
        let result = ask(&gateway, expectation).await;
        let Some(why) = unmet(expectation, &result) else { continue };
        failed += 1;
        say(&format!("FAILED {}. as {}: {}\n{why}", index + 1, expectation.user, expectation.query.trim()));
    }
    say(&format!("{} passed, {failed} failed", expectations.len() - failed));
    Ok(if failed == 0 { Outcome::Good } else { Outcome::Failed })
}

async fn ask(gateway: &Arc<Gateway>, expectation: &Expectation) -> Result<Rows, Error> {
    let mut principal = super::principal(&gateway.current(), &expectation.user);
    if let Some(attributes) = &expectation.attributes {
        principal.attributes = attributes.iter().map(|(name, value)| (name.clone(), value.as_attribute())).collect();
    }
    principal.roles.clone_from(&expectation.roles);
    let principal = Arc::new(principal);
    let statement = Statement { text: expectation.query.clone().into(), ..Statement::default() };
    let query = Query::receive(gateway, principal, statement)?.plan(Pins::default()).await?;
    let query = query.run(&CancellationToken::new()).await?;
    let batches: Vec<_> = query.try_collect().await?;
    let mut rows = Rows::new();
    for batch in &batches {
        let text = expectation::rows(batch).map_err(|error| crate::failure::told(&error.into()))?;
        rows.extend(text);
    }
    Ok(rows)
}

/// What was expected and what came, in two lines; `None` where the expectation is met.
fn unmet(expectation: &Expectation, result: &Result<Rows, Error>) -> Option<String> {
    let expected = match (&expectation.rows, &expectation.error) {
        (Some(expected), None) => match result {
            Ok(rows) if met(expected, rows) => return None,
            Ok(_) | Err(_) => shown(expected, |value| value.to_string()),
        },
        (None, Some(expected)) => match result {
            Err(error) if error.kind.as_str() == expected => return None,
            Ok(_) | Err(_) => format!("error {expected}"),
        },
        (Some(_), Some(_)) | (None, None) => return Some("    write either `rows` or `error`".to_owned()),
    };
    let actual = match result {
        Ok(rows) => shown(rows, |cell| cell.clone().unwrap_or_else(|| "null".to_owned())),
        Err(error) => format!("error {}: {error}", error.kind),
    };
    Some(format!("    expected: {expected}\n    actual:   {actual}"))
}

/// The first rows, as the file of expectations writes them.
fn shown<T>(rows: &[Vec<T>], text: impl Fn(&T) -> String) -> String {
    const MOST: usize = 10;
    let line = |row: &Vec<T>| format!("[{}]", row.iter().map(&text).collect::<Vec<_>>().join(", "));
    let shown: Vec<String> = rows.iter().take(MOST).map(line).collect();
    let more = if rows.len() > MOST { format!(" and {} more rows", rows.len() - MOST) } else { String::new() };
    format!("[{}]{more}", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::expectation::Value;
    use super::*;
    use crate::ErrorKind;

    fn check(rows: Option<&[Value]>, error: Option<&str>, result: &Result<Rows, Error>, why: Option<&str>) {
        let expectation = Expectation {
            user: "ann".to_owned(),
            attributes: None,
            roles: BTreeSet::new(),
            query: "SELECT 1".to_owned(),
            rows: rows.map(|values| values.iter().map(|value| vec![value.clone()]).collect()),
            error: error.map(str::to_owned),
        };
        assert_eq!(unmet(&expectation, result).as_deref(), why);
    }

    #[test]
    fn a_failure_tells_what_was_expected_and_what_came() {
        let rows = |cell: Option<&str>| Ok(vec![vec![cell.map(str::to_owned)]]);
        let missing = || Err(Error::new(ErrorKind::UndefinedTable, "table \"a.b\" does not exist"));
        check(Some(&[Value::Integer(5)]), None, &rows(Some("5")), None);
        check(None, Some("UndefinedTable"), &missing(), None);
        let why = "    expected: [[5]]\n    actual:   [[null]]";
        check(Some(&[Value::Integer(5)]), None, &rows(None), Some(why));
        let why = "    expected: [[EU], [null]]\n    actual:   error UndefinedTable: table \"a.b\" does not exist";
        check(Some(&[Value::Text("EU".into()), Value::Null]), None, &missing(), Some(why));
        let why = "    expected: error UndefinedColumn\n    actual:   [[x]]";
        check(None, Some("UndefinedColumn"), &rows(Some("x")), Some(why));
        check(None, None, &rows(None), Some("    write either `rows` or `error`"));
    }
}
