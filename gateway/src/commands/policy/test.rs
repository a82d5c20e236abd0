//! `meshgate policy test`: asks the mesh's own questions as its users, in this process.

use std::path::Path;
use std::sync::Arc;

use futures::TryStreamExt;

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
        say(&format!("FAILED {}. as {}: {}\n    {why}", index + 1, expectation.user, expectation.query.trim()));
    }
    say(&format!("{} passed, {failed} failed", expectations.len() - failed));
    Ok(if failed == 0 { Outcome::Good } else { Outcome::Failed })
}

async fn ask(gateway: &Arc<Gateway>, expectation: &Expectation) -> Result<Rows, Error> {
    let mut principal = super::principal(&gateway.current(), &expectation.user);
    if let Some(attributes) = &expectation.attributes {
        principal.attributes = attributes.iter().map(|(name, value)| (name.clone(), value.as_attribute())).collect();
    }
    let principal = Arc::new(principal);
    let statement = Statement { sql: expectation.query.clone(), ..Statement::default() };
    let query = Query::receive(gateway, principal, statement)?.plan(Pins::default()).await?.run().await?;
    let batches: Vec<_> = query.try_collect().await?;
    let mut rows = Rows::new();
    for batch in &batches {
        let text = expectation::rows(batch).map_err(|error| crate::failure::told(&error.into()))?;
        rows.extend(text);
    }
    Ok(rows)
}

/// Why an expectation is not met; `None` where it is.
fn unmet(expectation: &Expectation, result: &Result<Rows, Error>) -> Option<String> {
    match (&expectation.rows, &expectation.error, result) {
        (Some(expected), None, Ok(rows)) => (!met(expected, rows)).then(|| format!("it gives {}", shown(rows))),
        (None, Some(expected), Err(error)) => {
            (error.kind.as_str() != expected).then(|| format!("it gives {}: {error}", error.kind))
        }
        (Some(_), None, Err(error)) => Some(format!("it gives {}: {error}", error.kind)),
        (None, Some(expected), Ok(rows)) => Some(format!("it gives {} rows instead of {expected}", rows.len())),
        (Some(_), Some(_), _) | (None, None, _) => Some("write either `rows` or `error`".to_owned()),
    }
}

fn shown(rows: &Rows) -> String {
    const MOST: usize = 10;
    let line = |row: &Vec<Option<String>>| {
        let cells: Vec<&str> = row.iter().map(|cell| cell.as_deref().unwrap_or("null")).collect();
        format!("[{}]", cells.join(", "))
    };
    let shown: Vec<String> = rows.iter().take(MOST).map(line).collect();
    let more = if rows.len() > MOST { format!(" and {} more rows", rows.len() - MOST) } else { String::new() };
    format!("[{}]{more}", shown.join(", "))
}
