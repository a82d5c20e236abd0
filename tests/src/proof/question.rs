//! One question to a gateway, made of a seed: who asks, what, and how the answers are to be compared.

use std::fmt;

use super::chance::Chance;
use super::layout;
use super::principals::Principal;
use super::statements;

/// How many questions in a row are put to the same pair of meshes.
pub(super) const ROUND: u64 = 1_000;

/// What is asked.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Ask {
    /// A statement.
    Statement(String),
    /// A statement with placeholders: one for a number, one for a text.
    Prepared(String, i64, &'static str),
    /// The schema of a statement.
    Schema(String),
    /// The tables whose names match.
    Tables { pattern: Option<&'static str>, with_schema: bool },
    /// The keys of a table.
    Keys(String),
}

/// How far the order and number of rows is fixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// By the statement's `ORDER BY`.
    Total,
    /// Not at all: the same rows in any order.
    Any,
    /// Not at all, and `LIMIT` takes any of them: only their number is.
    Number,
}

/// One question.
#[derive(Debug, Clone)]
pub struct Question {
    /// What it was made of.
    pub seed: u64,
    pub(super) principal: Principal,
    pub(super) ask: Ask,
    pub(super) order: Order,
    /// Whether it holds an expression that may fail on some rows.
    pub(super) fallible: bool,
    /// Whether a plain engine understands it as well, over the secured copy.
    pub(super) comparable: bool,
}

impl Question {
    /// The question of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let principal = chance.one(&Principal::ALL);
        statements::question(seed, principal, &mut chance)
    }

    /// The pair of meshes that it is put to.
    pub(super) fn layouts(seed: u64) -> usize {
        usize::try_from(seed / ROUND).unwrap() % layout::PAIRS
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {}, user {}: ", self.seed, self.principal.user())?;
        match &self.ask {
            Ask::Statement(sql) => f.write_str(sql),
            Ask::Prepared(sql, number, text) => write!(f, "{sql}  -- with {number}, {text:?}"),
            Ask::Schema(sql) => write!(f, "GetSchema of {sql}"),
            Ask::Tables { pattern, with_schema } => write!(f, "GetTables {pattern:?}, schemas: {with_schema}"),
            Ask::Keys(table) => write!(f, "GetPrimaryKeys of {table}"),
        }
    }
}
