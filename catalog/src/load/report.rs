//! Collects what is wrong with one file.

use std::path::Path;

use crate::problem::{Problem, Problems};

/// What is wrong with one file, so far.
#[derive(Debug)]
pub(super) struct Report<'a> {
    file: &'a Path,
    problems: Problems,
}

/// A value that cannot be used: what is wrong with it, and what to do. Never holds the value itself
/// where that may be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// Lower case, no full stop.
    pub(super) message: String,
    /// What to do.
    pub(super) remedy: String,
}

/// A mistake that the report holds already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Noted;

impl Fault {
    /// A fault in these words.
    pub(super) fn new(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { message: message.into(), remedy: remedy.into() }
    }
}

impl<'a> Report<'a> {
    /// An empty report about `file`, which is relative to the mesh folder.
    pub(super) fn of(file: &'a Path) -> Self {
        Self { file, problems: Problems::default() }
    }

    /// Adds a problem at a line.
    pub(super) fn at(&mut self, line: u64, message: impl Into<String>, remedy: impl Into<String>) {
        self.problems.push(Problem::at(self.file, line, message, remedy));
    }

    /// Adds a problem of the whole file.
    pub(super) fn whole(&mut self, message: impl Into<String>, remedy: impl Into<String>) {
        self.problems.push(Problem::in_file(self.file, message, remedy));
    }

    /// The value, or nothing once its fault is noted as one of `what`.
    pub(super) fn take<T>(&mut self, line: u64, what: &str, outcome: Result<T, Fault>) -> Option<T> {
        match outcome {
            Ok(value) => Some(value),
            Err(fault) => {
                self.at(line, format!("{what} {}", fault.message), fault.remedy);
                None
            }
        }
    }

    /// All of it.
    pub(super) fn into_problems(self) -> Problems {
        self.problems
    }
}
