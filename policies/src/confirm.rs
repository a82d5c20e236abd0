//! Asks Casbin, at load, whether the compiled rules say what the rows say.

use std::collections::BTreeSet;
use std::path::Path;

use catalog::{Name, Problem, Problems, Table};

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
/// Most domains that are looked at, where there are many rules.
const DOMAINS: usize = 4;

/// Compares both forms on a sample of the rules, spread evenly.
///
/// # Errors
/// A problem when they disagree: the mesh must not load.
pub(crate) async fn confirm(rules: &Rules, compiled: &Compiled) -> Result<(), Problems> {
    let refused = |message: String| {
        let remedy = "this is a fault of meshgate, not of your rules: report it, and run the version before";
        Problems::from(Problem::in_file(Path::new("policies"), message, remedy))
    };
    let sample = sample(rules);
    if sample.grants.is_empty() {
        return Ok(());
    }
    let questions = questions(rules, &sample);
    let part = part(sample, &questions);
    let engine = Engine::new(&part).await.map_err(|error| refused(format!("casbin refuses the rules: {error}")))?;
    for (grant, holder) in &questions {
        let (table, column) = match &grant.object {
            Object::EveryTable => (compiled.registry.tables_of(&grant.domain).next(), 0),
            Object::Table(table) => (Some(table), 0),
            Object::Column(table, column) => (Some(table), *column),
        };
        let agree =
            table.map_or(Ok(true), |table| same_answer(&engine, compiled, holder, (table, column), grant.action));
        if !agree.map_err(|error| refused(format!("casbin failed: {error}")))? {
            return Err(refused(format!("the rule at {} is understood in two ways", grant.place)));
        }
    }
    Ok(())
}

/// The rules of a few domains. Casbin copies the `g` rows of domain `*` into every domain and reads every `p` row
/// for every question: with all of them, a large mesh would take minutes to load.
fn sample(rules: &Rules) -> Rules {
    let step = rules.grants.len().div_ceil(DOMAINS).max(1);
    let domains: BTreeSet<&Name> = rules.grants.iter().step_by(step).map(|grant| &grant.domain).collect();
    Rules {
        grants: rules.grants.iter().filter(|grant| domains.contains(&grant.domain)).cloned().collect(),
        memberships: rules
            .memberships
            .iter()
            .filter(|row| row.domain.as_ref().is_none_or(|domain| domains.contains(domain)))
            .cloned()
            .collect(),
        ..Rules::default()
    }
}

/// Rows spread over the sample, each with somebody who holds it.
fn questions(rules: &Rules, sample: &Rules) -> Vec<(Grant, Subject)> {
    let questions = (ROWS / sample.grants.len().max(1)).clamp(DOMAINS, QUESTIONS);
    let step = sample.grants.len().div_ceil(questions).max(1);
    let holder = |grant: &Grant| {
        let holds = |row: &&Membership| {
            row.role == grant.subject && row.domain.as_ref().is_none_or(|domain| *domain == grant.domain)
        };
        rules.memberships.iter().find(holds).map_or_else(|| grant.subject.clone(), |row| row.member.clone())
    };
    sample.grants.iter().step_by(step).map(|grant| (grant.clone(), holder(grant))).collect()
}

/// Without the `g` rows of users whom no question is about: nobody holds a user, so they change no answer.
fn part(mut sample: Rules, questions: &[(Grant, Subject)]) -> Rules {
    let holders: BTreeSet<&Subject> = questions.iter().map(|(_, holder)| holder).collect();
    sample.memberships.retain(|row| row.member.role_name().is_some() || holders.contains(&row.member));
    sample
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
