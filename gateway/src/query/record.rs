//! The record of one query: opened when it arrives, written once when it ends, however it ends.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Instant;

use crate::error::{Error, ErrorKind};
use crate::governed::Touched;

/// What the log and the metrics say of one query. Never values, literals or credentials.
#[derive(Debug)]
pub(super) struct Record {
    query_id: Arc<str>,
    subject: Arc<str>,
    policy_version: u64,
    begun: Instant,
    tables: String,
    rows: u64,
    outcome: Outcome,
}

#[derive(Debug, Clone, Copy)]
enum Outcome {
    /// Still going: when it is dropped like this, nobody waited for the end.
    Open,
    Planned,
    Finished,
    Failed(ErrorKind),
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Self::Open => "Cancelled",
            Self::Planned => "Planned",
            Self::Finished => "Finished",
            Self::Failed(kind) => kind.as_str(),
        }
    }
}

impl Record {
    pub(super) fn open(query_id: &Arc<str>, subject: &Arc<str>, policy_version: u64) -> Self {
        Self {
            query_id: Arc::clone(query_id),
            subject: Arc::clone(subject),
            policy_version,
            begun: Instant::now(),
            tables: String::new(),
            rows: 0,
            outcome: Outcome::Open,
        }
    }

    /// Notes tables and versions.
    pub(super) fn touched(&mut self, touched: &Touched) {
        self.tables.clear();
        for (table, version) in &touched.versions {
            // Writing to a string does not fail.
            let _ = write!(self.tables, "{}{table}@{version}", if self.tables.is_empty() { "" } else { " " });
        }
    }

    /// Notes rows that were sent.
    pub(super) fn sent(&mut self, rows: usize) {
        self.rows += rows as u64;
    }

    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    pub(super) fn planned(&mut self) {
        self.outcome = Outcome::Planned;
    }

    /// Opens the record again, from now on.
    pub(super) fn resume(&mut self) {
        self.begun = Instant::now();
        self.outcome = Outcome::Open;
    }

    pub(super) fn finish(&mut self) {
        self.outcome = Outcome::Finished;
    }

    pub(super) fn fail(&mut self, error: &Error) {
        self.outcome = Outcome::Failed(error.kind);
    }
}

impl Drop for Record {
    #[expect(clippy::cognitive_complexity, reason = "what the macros of the log and the metrics expand to counts")]
    fn drop(&mut self) {
        let outcome = self.outcome.as_str();
        let milliseconds = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        metrics::counter!("meshgate_queries_total", "outcome" => outcome).increment(1);
        metrics::histogram!("meshgate_query_seconds").record(self.begun.elapsed().as_secs_f64());
        metrics::counter!("meshgate_rows_sent_total").increment(self.rows);
        let Self { query_id, subject, policy_version, tables, rows, .. } = self;
        if matches!(self.outcome, Outcome::Planned) {
            tracing::debug!(%query_id, %subject, policy_version, tables, outcome, milliseconds, "query");
        } else {
            tracing::info!(%query_id, %subject, policy_version, tables, outcome, rows, milliseconds, "query");
        }
    }
}
