//! Asks Casbin, at load, whether the compiled rules say what the rows say.

use std::path::Path;

use catalog::{Problem, Problems, Table};

use crate::action::Action;
use crate::compiled::Compiled;
use crate::coverage::Coverage;
use crate::decide::Question;
use crate::engine::Engine;
use crate::principal::Principal;
use crate::rules::{Grant, Membership, Object, Rules, Subject};

/// How many rows Casbin may look at in all: it reads every row for every question.
const ROWS: usize = 200_000;
/// Most questions.
const QUESTIONS: usize = 64;

/// Compares both forms on a sample of the rules, spread evenly.
///
/// # Errors
/// A problem when they disagree: the mesh must not load.
pub(crate) async fn confirm(rules: &Rules, compiled: &Compiled) -> Result<(), Problems> {
    let refused = |message: String| {
        let remedy =
            "this is a fault of meshgate, not of your files: report it with the rules, and run the last version";
        Problems::from(Problem::in_file(Path::new("policies"), message, remedy))
    };
    if rules.grants.is_empty() {
        return Ok(());
    }
    let engine =
        Engine::new(rules).await.map_err(|error| refused(format!("the rules cannot be read by casbin: {error}")))?;
    let questions = (ROWS / rules.grants.len()).clamp(2, QUESTIONS);
    let step = rules.grants.len().div_ceil(questions);
    for grant in rules.grants.iter().step_by(step) {
        if !agree(&engine, compiled, rules, grant).map_err(|error| refused(format!("casbin failed: {error}")))? {
            return Err(refused(format!("the rule at {} is understood in two ways", grant.place)));
        }
    }
    Ok(())
}

/// Whether both forms give the same answer about the object of a row to somebody who holds it.
fn agree(engine: &Engine, compiled: &Compiled, rules: &Rules, grant: &Grant) -> casbin::Result<bool> {
    let (table, column) = match &grant.object {
        Object::EveryTable => (compiled.registry.tables_of(&grant.domain).next(), 0),
        Object::Table(table) => (Some(table), 0),
        Object::Column(table, column) => (Some(table), *column),
    };
    let holds =
        |row: &&Membership| row.role == grant.subject && row.domain.as_ref().is_none_or(|name| *name == grant.domain);
    let holder = rules.memberships.iter().find(holds).map_or(&grant.subject, |row| &row.member);
    table.map_or(Ok(true), |table| same_answer(engine, compiled, holder, (table, column), grant.action))
}

/// Whether both forms give the same answer to one subject about one column.
pub(crate) fn same_answer(
    engine: &Engine,
    compiled: &Compiled,
    subject: &Subject,
    (table, column): (&Table, usize),
    action: Action,
) -> casbin::Result<bool> {
    let Some(promised) = table.columns.get(column) else {
        return Ok(true);
    };
    let object = format!("{}.{}", table.name.table, promised.name);
    let nobody = Principal::named("");
    let own = Coverage::of_rows(&Question::of_subject(compiled, subject, &nobody, table), action).opens(column);
    Ok(own == engine.allows(subject, &table.name.domain, &object, action)?)
}
