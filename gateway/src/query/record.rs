//! The record of one query: opened when it arrives, written once when it ends, however it ends.
//!
//! It goes to the metrics, to the log, and, where the mesh has one, to the audit log. One statement is one record: the
//! call that plans it and the first one that redeems its ticket, within the time that its plan waits, share it.

use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use policies::Principal;

use super::{Origin, Statement};
use crate::audit::{Audit, Ending, Trail, Written};
use crate::error::{Error, ErrorKind};
use crate::governed::Touched;
use crate::mesh::Mesh;

/// What is known of one query. For the log and the metrics: never values, literals or credentials.
#[derive(Debug)]
pub(super) struct Record {
    query_id: Arc<str>,
    subject: Arc<str>,
    policy_version: u64,
    begun: Instant,
    /// Time before `begun`: planning, where the plan has waited for its ticket.
    before: Duration,
    tables: String,
    rows: u64,
    bytes: u64,
    outcome: Outcome,
    /// The audit record, until it is on its way.
    trail: Option<Box<Trail>>,
}

#[derive(Debug, Clone, Copy)]
enum Outcome {
    /// Still going: when it is dropped like this, nobody waited for the end.
    Open,
    Planned,
    Finished,
    Failed(ErrorKind, &'static str),
}

impl Outcome {
    fn of(error: &Error) -> Self {
        Self::Failed(error.kind, error.sqlstate())
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Open => ErrorKind::Cancelled.as_str(),
            Self::Planned => "Planned",
            Self::Finished => "Finished",
            Self::Failed(kind, _) => kind.as_str(),
        }
    }

    fn sqlstate(self) -> Option<&'static str> {
        match self {
            Self::Open => Some(ErrorKind::Cancelled.sqlstate()),
            Self::Planned | Self::Finished => None,
            Self::Failed(_, sqlstate) => Some(sqlstate),
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
            before: Duration::ZERO,
            tables: String::new(),
            rows: 0,
            bytes: 0,
            outcome: Outcome::Open,
            trail: None,
        }
    }

    /// Takes a place in the audit log, where there is one.
    ///
    /// # Errors
    /// [`ErrorKind::AuditUnavailable`] where the statement must not begin without a record.
    pub(super) fn enter(&mut self, audit: &Audit, principal: &Principal, statement: &Statement) -> Result<(), Error> {
        let Some(place) = audit.place()? else { return Ok(()) };
        let mut trail = Trail::open(place, &self.query_id, principal, statement);
        if audit.keeps_text() {
            trail.keep_text(&statement.text.readable());
        }
        self.trail = Some(Box::new(trail));
        Ok(())
    }

    /// Notes tables, versions and rules.
    pub(super) fn touched(&mut self, mesh: &Mesh, principal: &Principal, touched: &Touched) {
        self.tables.clear();
        for (table, version) in &touched.versions {
            // Writing to a string does not fail.
            let _ = write!(self.tables, "{}{table}@{version}", if self.tables.is_empty() { "" } else { " " });
        }
        if let Some(trail) = &mut self.trail {
            trail.touched(mesh, principal, touched);
        }
    }

    /// Notes rows that were sent.
    pub(super) fn sent(&mut self, rows: usize, bytes: usize) {
        self.rows += rows as u64;
        self.bytes += bytes as u64;
    }

    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Planning was all that was asked for so far; [`Record::resume`] opens the record again.
    pub(super) fn planned(&mut self) {
        self.before = self.took();
        self.begun = Instant::now();
        self.outcome = Outcome::Planned;
    }

    /// Opens the record again, from now on, for a call from `origin`.
    pub(super) fn resume(&mut self, origin: &Origin) {
        self.begun = Instant::now();
        self.outcome = Outcome::Open;
        if let Some(trail) = &mut self.trail {
            trail.comes_from(origin);
        }
    }

    pub(super) fn finish(&mut self) {
        self.outcome = Outcome::Finished;
    }

    pub(super) fn fail(&mut self, error: &Error) {
        self.outcome = Outcome::of(error);
    }

    /// Sends the audit record with the outcome so far. What is told of the end waits for the answer.
    pub(super) fn write(&mut self) -> Written {
        let ending = self.ending();
        self.trail.take().map(|trail| trail.write(&ending)).unwrap_or_default()
    }

    fn took(&self) -> Duration {
        match self.outcome {
            // The time that a plan waits for its ticket is nobody's.
            Outcome::Planned => self.before,
            Outcome::Open | Outcome::Finished | Outcome::Failed(..) => self.before + self.begun.elapsed(),
        }
    }

    fn ending(&self) -> Ending {
        Ending {
            outcome: self.outcome.as_str(),
            sqlstate: self.outcome.sqlstate(),
            rows: self.rows,
            bytes: self.bytes,
            took: self.took(),
        }
    }
}

impl Drop for Record {
    #[expect(clippy::cognitive_complexity, reason = "what the macros of the log and the metrics expand to counts")]
    fn drop(&mut self) {
        let outcome = self.outcome.as_str();
        let took = self.took();
        if let Some(trail) = self.trail.take() {
            trail.leave(&self.ending());
        }
        let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        metrics::counter!("meshgate_queries_total", "outcome" => outcome).increment(1);
        metrics::histogram!("meshgate_query_seconds").record(took.as_secs_f64());
        metrics::counter!("meshgate_rows_sent_total").increment(self.rows);
        let Self { query_id, subject, policy_version, tables, rows, .. } = self;
        if matches!(self.outcome, Outcome::Planned) {
            tracing::debug!(%query_id, %subject, policy_version, tables, outcome, milliseconds, "query");
        } else {
            tracing::info!(%query_id, %subject, policy_version, tables, outcome, rows, milliseconds, "query");
        }
    }
}
