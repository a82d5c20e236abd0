//! The audit log: one record for each statement and login, on disk before the end of a result is told.
//!
//! A record has its place in the writer's queue from the beginning, so that no end of a statement has to wait for
//! room or can be dropped: a statement for whose record there is no place does not begin.

mod appender;
pub(crate) mod folder;
mod health;
pub(crate) mod line;
mod logins;
pub(crate) mod reader;
mod trail;
mod writer;

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use chrono::Utc;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Sleep, sleep};
use tokio_util::sync::CancellationToken;

use crate::auth::Caller;
use crate::config::{self, OnFailure, Statements};
use crate::error::Error;
use appender::Appender;
use health::{Health, unrecorded};
use line::{Kind, Line};
pub(crate) use trail::{Ending, Trail, hex};
use writer::{CAPACITY, Message, Writer};

/// How long a statement waits for its record to be written.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a gateway that stops waits for the last records.
const DRAIN: Duration = Duration::from_secs(5);

/// The audit log of a gateway, or none.
#[derive(Debug)]
pub(crate) struct Audit(Option<Log>);

#[derive(Debug)]
struct Log {
    statements: Statements,
    health: Arc<Health>,
    queue: mpsc::Sender<Message>,
    logins: logins::Bound,
    stop: CancellationToken,
    ended: CancellationToken,
}

/// A record's place in the queue.
#[derive(Debug)]
pub(crate) struct Place {
    permit: mpsc::OwnedPermit<Message>,
    health: Arc<Health>,
}

/// The record is on its way; resolves when the statement may go on.
#[derive(Debug, Default)]
pub(crate) struct Written(Option<Waiting>);

#[derive(Debug)]
struct Waiting {
    told: oneshot::Receiver<bool>,
    patience: Pin<Box<Sleep>>,
    health: Arc<Health>,
}

impl Audit {
    /// No log: nothing is recorded.
    pub(crate) fn off() -> Self {
        Self(None)
    }

    /// Opens the log and starts its thread.
    ///
    /// # Errors
    /// Where the log cannot be written, unless it need not be.
    pub(crate) fn open(config: &config::Audit) -> std::io::Result<Self> {
        let health = Arc::new(Health::new(config.on_failure));
        let appender = match (Appender::open(&config.folder, config.rotation, Utc::now()), config.on_failure) {
            (Ok(appender), _) => appender,
            (Err(error), OnFailure::Stop) => return Err(error),
            (Err(error), OnFailure::Continue) => {
                tracing::error!(%error, "the audit log cannot be written");
                health.broke(&error.to_string());
                Appender::closed(&config.folder, config.rotation, Utc::now())
            }
        };
        let (queue, messages) = mpsc::channel(CAPACITY);
        let (stop, ended) = (CancellationToken::new(), CancellationToken::new());
        let writing = Writer::new(appender, Arc::clone(&health)).run(messages, stop.clone());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let guard = ended.clone().drop_guard();
        // It ends by itself when the last place in its queue is gone; `close` waits for it.
        std::thread::Builder::new().name("meshgate-audit".to_owned()).spawn(move || {
            let _guard = guard;
            runtime.block_on(writing);
        })?;
        let logins = logins::Bound::new(Instant::now());
        Ok(Self(Some(Log { statements: config.statements, health, queue, logins, stop, ended })))
    }

    /// A place for the record of a statement; `None` where nothing is recorded.
    ///
    /// # Errors
    /// [`crate::ErrorKind::AuditUnavailable`] where the statement must not begin without a record.
    pub(crate) fn place(&self) -> Result<Option<Place>, Error> {
        let Some(log) = &self.0 else { return Ok(None) };
        let must = log.health.on_failure() == OnFailure::Stop;
        if must && log.health.broken().is_some() {
            return Err(unrecorded());
        }
        match log.queue.clone().try_reserve_owned() {
            Ok(permit) => Ok(Some(Place { permit, health: Arc::clone(&log.health) })),
            Err(_full_or_closed) if must => Err(unrecorded()),
            Err(_full_or_closed) => {
                metrics::counter!("meshgate_audit_lost_total").increment(1);
                Ok(None)
            }
        }
    }

    /// Whether records hold the text of a statement.
    pub(crate) fn keeps_text(&self) -> bool {
        self.0.as_ref().is_some_and(|log| log.statements == Statements::Text)
    }

    /// Records a refused credential. Nobody waits: nothing is given.
    pub(crate) fn refused_login(&self, claimed: Option<&str>, peer: Option<SocketAddr>, error: &Error) {
        let Some(log) = &self.0 else { return };
        let Some(left_out) = log.logins.admit(Instant::now()) else { return };
        let mut line = Line::new(Kind::Login);
        line.subject = claimed.map(str::to_owned);
        line.peer = peer.map(|peer| peer.to_string());
        line.left_out = left_out;
        self.refused(line, error);
    }

    /// Records a login.
    ///
    /// # Errors
    /// [`crate::ErrorKind::AuditUnavailable`] where it must not succeed without a record.
    pub(crate) async fn login(&self, caller: &Caller) -> Result<(), Error> {
        let Some(place) = self.place()? else { return Ok(()) };
        let mut line = trail::of_caller(Kind::Login, caller);
        "Finished".clone_into(&mut line.outcome);
        place.write(line).await
    }

    /// Records that a ticket or a handle was refused whose statement is not known. Nobody waits: nothing is given.
    pub(crate) fn refused_ticket(&self, caller: &Caller, error: &Error) {
        if self.0.is_some() {
            self.refused(trail::of_caller(Kind::Ticket, caller), error);
        }
    }

    fn refused(&self, mut line: Line, error: &Error) {
        error.kind.as_str().clone_into(&mut line.outcome);
        line.sqlstate = Some(error.sqlstate().to_owned());
        if let Some(log) = &self.0 {
            // Also while the log is broken: the writer keeps it until it can be written.
            match log.queue.clone().try_reserve_owned() {
                Ok(permit) => drop(permit.send(Message { line, tell: None })),
                Err(_full_or_closed) => metrics::counter!("meshgate_audit_lost_total").increment(1),
            }
        }
    }

    /// Why the log cannot be written, and whether statements are refused until it can; `None` in health.
    pub(crate) fn broken(&self) -> Option<(String, OnFailure)> {
        let log = self.0.as_ref()?;
        let why = match log.health.broken() {
            Some(why) => why,
            None if log.ended.is_cancelled() => "its writer has ended".to_owned(),
            None => return None,
        };
        Some((format!("the audit log cannot be written: {why}"), log.health.on_failure()))
    }

    /// Writes what is on its way and ends the thread. Statements that still run are refused from now on.
    pub(crate) async fn close(&self) {
        let Some(log) = &self.0 else { return };
        log.stop.cancel();
        if tokio::time::timeout(DRAIN, log.ended.cancelled()).await.is_err() {
            tracing::error!("the last audit records were not written in time");
        }
    }
}

impl Place {
    /// Hands over the finished record, to wait for.
    pub(crate) fn write(self, line: Line) -> Written {
        let (tell, told) = oneshot::channel();
        drop(self.permit.send(Message { line, tell: Some(tell) }));
        Written(Some(Waiting { told, patience: Box::pin(sleep(PATIENCE)), health: self.health }))
    }

    /// Hands over the finished record where nobody waits for an answer any more.
    pub(crate) fn leave(self, line: Line) {
        drop(self.permit.send(Message { line, tell: None }));
    }
}

impl Future for Written {
    type Output = Result<(), Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(waiting) = &mut self.get_mut().0 else { return Poll::Ready(Ok(())) };
        let go_on = match Pin::new(&mut waiting.told).poll(context) {
            Poll::Ready(told) => told.unwrap_or(false),
            Poll::Pending => {
                ready!(waiting.patience.as_mut().poll(context));
                if waiting.health.broke("the disk does not answer") {
                    tracing::error!("the audit log does not answer");
                }
                false
            }
        };
        let go_on = go_on || waiting.health.on_failure() == OnFailure::Continue;
        Poll::Ready(if go_on { Ok(()) } else { Err(unrecorded()) })
    }
}

#[cfg(test)]
mod tests;
