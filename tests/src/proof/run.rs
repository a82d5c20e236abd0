//! Puts many questions, and counts what comes of them.

use std::fmt;
use std::time::{Duration, Instant};

use super::judge::{Verdict, Wrong, judge};
use super::question::{Question, ROUND};
use super::world::Pair;

/// Most findings that are kept whole.
const KEPT: usize = 20;

/// Something that should not be.
#[derive(Debug)]
pub struct Finding {
    /// The question, with its seed.
    pub question: String,
    /// What was seen.
    pub text: String,
}

/// What came of many questions.
#[derive(Debug, Default)]
pub struct Tally {
    /// How many questions were put.
    pub statements: u64,
    /// How many got rows.
    pub answered: u64,
    /// How many held an expression that may fail.
    pub provocative: u64,
    /// How many answers were compared with the secured copy.
    pub compared: u64,
    /// How many told the two meshes apart.
    pub differences: u64,
    /// How many answers held a word of a hidden row.
    pub secrets: u64,
    /// How many answers were not those of the copy.
    pub unequal: u64,
    /// How many failed through no fault of their own.
    pub faults: u64,
    /// How many failed here and not in the copy, or the other way round.
    pub one_sided: u64,
    /// How many had several answers in each mesh, some of them common.
    pub undecided: u64,
    /// How many were answered rightly where the engine of the copy was wrong.
    pub engine_faults: u64,
    /// The first of everything that is wrong.
    pub wrong: Vec<Finding>,
    /// The first of what could not be decided, or is one-sided.
    pub noted: Vec<Finding>,
    /// How long it took, without the start of the meshes.
    pub time: Duration,
}

impl Tally {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.wrong.is_empty()
    }

    fn count(&mut self, question: &Question, verdict: Verdict) {
        self.statements += 1;
        self.provocative += u64::from(question.fallible);
        self.compared += u64::from(question.comparable);
        let (finding, list) = match verdict {
            Verdict::Same { answered } => {
                self.answered += u64::from(answered);
                return;
            }
            Verdict::OneSided(text) => {
                self.one_sided += 1;
                (text, &mut self.noted)
            }
            Verdict::Undecided(text) => {
                self.undecided += 1;
                (text, &mut self.noted)
            }
            Verdict::EngineFault(text) => {
                self.engine_faults += 1;
                (text, &mut self.noted)
            }
            Verdict::Wrong(wrong, text) => {
                match wrong {
                    Wrong::Difference => self.differences += 1,
                    Wrong::Secret => self.secrets += 1,
                    Wrong::NotTheCopy => self.unequal += 1,
                    Wrong::Fault => self.faults += 1,
                }
                (format!("{wrong:?}\n{text}"), &mut self.wrong)
            }
        };
        if list.len() < KEPT {
            list.push(Finding { question: question.to_string(), text: finding });
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = |part: u64| 100.0 * part as f64 / self.statements.max(1) as f64;
        let (statements, seconds) = (self.statements, self.time.as_secs_f64());
        writeln!(f, "| statements | {statements} |\n|---|---|")?;
        writeln!(f, "| answered with rows | {} ({:.0} %) |", self.answered, share(self.answered))?;
        writeln!(f, "| with an expression that may fail | {} |", self.provocative)?;
        writeln!(f, "| compared with the secured copy | {} |", self.compared)?;
        writeln!(f, "| tell the meshes apart | {} |", self.differences)?;
        writeln!(f, "| show a hidden word | {} |", self.secrets)?;
        writeln!(f, "| differ from the copy | {} |", self.unequal)?;
        writeln!(f, "| faults and panics | {} |", self.faults)?;
        writeln!(f, "| fail on one side of gateway and copy only | {} |", self.one_sided)?;
        writeln!(f, "| faults of the engine in the copy | {} |", self.engine_faults)?;
        writeln!(f, "| several right answers | {} |", self.undecided)?;
        write!(f, "| statements a second | {:.1} |", statements as f64 / seconds.max(0.001))
    }
}

/// Puts this many questions, of the seeds from `seed` on.
pub async fn run(seed: u64, statements: u64) -> Tally {
    put(seed, statements, |_| false).await
}

/// Puts questions until something is wrong, at most this many.
pub async fn until_found(seed: u64, most: u64) -> Tally {
    put(seed, most, |tally| !tally.is_good()).await
}

async fn put(seed: u64, statements: u64, enough: impl Fn(&Tally) -> bool) -> Tally {
    let mut tally = Tally::default();
    let mut next = seed;
    while next < seed + statements && !enough(&tally) {
        let end = ((next / ROUND + 1) * ROUND).min(seed + statements);
        let pair = Pair::serve(Question::layouts(next)).await;
        let begun = Instant::now();
        while next < end && !enough(&tally) {
            let question = Question::new(next);
            let verdict = judge(&pair, &question).await;
            tally.count(&question, verdict);
            next += 1;
        }
        tally.time += begun.elapsed();
        pair.stop().await;
    }
    tally
}
