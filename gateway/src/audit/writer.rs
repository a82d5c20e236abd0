//! The thread that writes the audit log. It alone touches the disk; statements hand it their records and wait.
//!
//! Records that cannot be written wait here in their order, and are tried again each second: what is counted as lost
//! is what does not fit, or is still here when the process ends.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::appender::Appender;
use super::health::Health;
use super::line::Line;
use crate::config::OnFailure;
use crate::error::ErrorKind;

/// Most records on their way to the disk, those of running statements included.
pub(super) const CAPACITY: usize = 4_096;

/// Time between two attempts to write what could not be written.
const AGAIN: Duration = Duration::from_secs(1);

/// A record on its way, and who waits for it.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) line: Line,
    /// Told whether the statement may go on.
    pub(super) tell: Option<oneshot::Sender<bool>>,
}

/// What the thread owns.
#[derive(Debug)]
pub(super) struct Writer {
    appender: Appender,
    health: Arc<Health>,
    waiting: VecDeque<Line>,
}

impl Writer {
    pub(super) fn new(appender: Appender, health: Arc<Health>) -> Self {
        Self { appender, health, waiting: VecDeque::new() }
    }

    /// Writes until nobody can send any more, or until `stop` and what was sent before.
    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<Message>, stop: CancellationToken) {
        let mut again = interval(AGAIN);
        again.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut stopping = false;
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled(), if !stopping => {
                    stopping = true;
                    queue.close();
                }
                message = queue.recv() => match message {
                    Some(message) => self.take(message),
                    None => break,
                },
                _now = again.tick() => self.retry(),
            }
        }
        self.retry();
        self.lose(self.waiting.len());
    }

    /// Writes a record and tells whoever waits for it.
    fn take(&mut self, message: Message) {
        let Message { mut line, tell } = message;
        // Those before it come first.
        let written = self.waiting.is_empty() && self.write(&line);
        let go_on = written || self.health.on_failure() == OnFailure::Continue;
        if !written {
            if tell.is_some() && !go_on && line.sqlstate.is_none() {
                // Its client is told so: the record must not say otherwise.
                ErrorKind::AuditUnavailable.as_str().clone_into(&mut line.outcome);
                line.sqlstate = Some(ErrorKind::AuditUnavailable.sqlstate().to_owned());
            }
            self.keep(line);
        }
        if let Some(tell) = tell {
            // A client that has left does not wait.
            let _ = tell.send(go_on);
        }
    }

    fn keep(&mut self, line: Line) {
        if self.waiting.len() < CAPACITY {
            self.waiting.push_back(line);
        } else {
            self.lose(1);
        }
    }

    fn lose(&self, records: usize) {
        if records > 0 {
            metrics::counter!("meshgate_audit_lost_total").increment(records as u64);
            tracing::error!(records, "audit records are lost");
        }
    }

    /// Tries again to write what waits.
    fn retry(&mut self) {
        self.appender.tidy(Utc::now());
        while let Some(line) = self.waiting.pop_front() {
            if !self.write(&line) {
                self.waiting.push_front(line);
                return;
            }
        }
        if self.health.broken().is_some() && self.appender.check(Utc::now()).is_ok() {
            self.health.healed();
        }
    }

    #[expect(clippy::cognitive_complexity, reason = "what the macros of the log and the metrics expand to counts")]
    fn write(&mut self, line: &Line) -> bool {
        let begun = Instant::now();
        let encoded = line.encode().map_err(std::io::Error::from);
        let written = encoded.and_then(|encoded| self.appender.append(&encoded, Utc::now()));
        metrics::histogram!("meshgate_audit_write_seconds").record(begun.elapsed().as_secs_f64());
        match written {
            Ok(()) => {
                metrics::counter!("meshgate_audit_records_total").increment(1);
                if self.health.healed() {
                    tracing::info!(waiting = self.waiting.len(), "the audit log can be written again");
                }
                true
            }
            Err(error) => {
                metrics::counter!("meshgate_audit_failures_total").increment(1);
                if self.health.broke(&error.to_string()) {
                    tracing::error!(%error, "the audit log cannot be written");
                }
                false
            }
        }
    }
}
