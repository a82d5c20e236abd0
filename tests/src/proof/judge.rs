//! Whether two answers tell the same, and whether an answer is right.

use std::collections::BTreeSet;

use datafusion::execution::context::SessionContext;

use super::observe::{Answer, Seen, answer, observe};
use super::question::{Ask, Question};
use super::world::Pair;
use crate::engine;

/// How often a question is put again where the answers differ: some statements have several right answers, and
/// which of them comes is a matter of which thread is faster.
const AGAIN: usize = 6;

/// Words of hidden rows that no statement and no visible row holds.
const SECRETS: [&str; 4] = ["SECRET", "Hiddenville", "hush", "Elsewhere"];

/// What is found out about a question.
#[derive(Debug)]
pub(super) enum Verdict {
    /// The two meshes, and the copy where there is one, tell the same.
    Same {
        /// Whether there were rows, and no error.
        answered: bool,
    },
    /// Both meshes tell the same; where the copy fails the gateway does not, or the other way round. SQL leaves
    /// open whether an expression is evaluated on a row that another condition drops.
    OneSided(String),
    /// Each mesh has several answers, and some of them are common to both.
    Undecided(String),
    /// The answer is not the copy's, but the copy's own once the engine leaves one optimisation out: a fault of the
    /// engine, which shows in one plan and not in the other.
    EngineFault(String),
    /// Something is wrong.
    Wrong(Wrong, String),
}

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrong {
    /// The two meshes can be told apart.
    Difference,
    /// The answer holds a word of a hidden row.
    Secret,
    /// The rows are not those of the secured copy.
    NotTheCopy,
    /// The gateway failed by itself.
    Fault,
}

/// Puts a question to both meshes and to the copy.
pub(super) async fn judge(pair: &Pair, question: &Question) -> Verdict {
    let [here, there] = pair.clients(question.principal);
    let (one, other) = tokio::join!(see(here, question), see(there, question));
    for seen in [&one, &other] {
        if seen.answer.is_fault() {
            return Verdict::Wrong(Wrong::Fault, format!("{seen:?}"));
        }
        if let Some(secret) = secret_in(seen, question) {
            return Verdict::Wrong(Wrong::Secret, format!("{secret} is in {seen:?}"));
        }
    }
    if one != other {
        return differing(pair, question, one, other).await;
    }
    against_copy(pair.copy(), question, one).await
}

/// What a client sees; a client that gives up saw a fault.
async fn see(client: crate::Client, question: &Question) -> Seen {
    let question = question.clone();
    let seen = tokio::spawn(async move { observe(client, &question).await }).await;
    seen.unwrap_or_else(|error| {
        let answer = Answer::Failure { kind: "Client".to_owned(), text: error.to_string() };
        Seen { promise: String::new(), answer }
    })
}

async fn differing(pair: &Pair, question: &Question, one: Seen, other: Seen) -> Verdict {
    let (mut here, mut there) = (BTreeSet::from([one]), BTreeSet::from([other]));
    for _ in 0..AGAIN {
        let [one, other] = pair.clients(question.principal);
        here.insert(see(one, question).await);
        there.insert(see(other, question).await);
    }
    let text = format!("one mesh: {here:#?}\nthe other: {there:#?}");
    if here.is_disjoint(&there) { Verdict::Wrong(Wrong::Difference, text) } else { Verdict::Undecided(text) }
}

async fn against_copy(copy: &SessionContext, question: &Question, seen: Seen) -> Verdict {
    let answered = !matches!(seen.answer, Answer::Failure { .. });
    let (true, Ask::Statement(sql)) = (question.comparable, &question.ask) else {
        return Verdict::Same { answered };
    };
    let expected = engine::answer(copy, sql).await;
    let text = |expected: &dyn std::fmt::Debug| format!("{:#?}\nthe copy: {expected:#?}", seen.answer);
    match (&seen.answer, expected) {
        (Answer::Failure { .. }, Err(_)) => Verdict::Same { answered },
        (Answer::Failure { kind, .. }, Ok(rows)) if question.fallible && kind == "DataError" => {
            Verdict::OneSided(text(&rows.lines()))
        }
        (Answer::Failure { .. }, Ok(rows)) => Verdict::Wrong(Wrong::NotTheCopy, text(&rows.lines())),
        (Answer::Rows(_) | Answer::Number(_), Err(error)) if question.fallible => {
            Verdict::OneSided(text(&error.to_string()))
        }
        (Answer::Rows(_) | Answer::Number(_), Err(error)) => {
            Verdict::Wrong(Wrong::NotTheCopy, text(&error.to_string()))
        }
        (Answer::Rows(_) | Answer::Number(_), Ok(rows)) => {
            if seen.answer == answer(question, &rows) {
                return Verdict::Same { answered };
            }
            let text = text(&rows.lines());
            match without_an_optimisation(copy, question, sql, &seen.answer).await {
                Some(optimisation) => Verdict::EngineFault(format!("without {optimisation}: {text}")),
                None => Verdict::Wrong(Wrong::NotTheCopy, text),
            }
        }
    }
}

/// The optimisation without which the copy gives this answer.
async fn without_an_optimisation(
    copy: &SessionContext,
    question: &Question,
    sql: &str,
    seen: &Answer,
) -> Option<String> {
    for (optimisation, copy) in engine::without_an_optimisation(copy) {
        // Without some of them most statements have no plan.
        if engine::answer(&copy, sql).await.is_ok_and(|rows| answer(question, &rows) == *seen) {
            return Some(optimisation);
        }
    }
    None
}

/// A word of a hidden row that the question does not hold.
fn secret_in(seen: &Seen, question: &Question) -> Option<&'static str> {
    let (seen, asked) = (format!("{seen:?}").to_lowercase(), question.to_string().to_lowercase());
    let told = |secret: &&&str| {
        let secret = secret.to_lowercase();
        seen.contains(&secret) && !asked.contains(&secret)
    };
    SECRETS.iter().find(told).copied()
}
