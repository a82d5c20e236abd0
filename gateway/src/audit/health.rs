//! Whether the audit log can be written, as statements and `/readyz` need to know it.

use std::sync::{Mutex, PoisonError};

use crate::config::OnFailure;
use crate::error::{Error, ErrorKind};

/// What the writer last found out.
#[derive(Debug)]
pub(super) struct Health {
    on_failure: OnFailure,
    broken: Mutex<Option<String>>,
}

impl Health {
    pub(super) fn new(on_failure: OnFailure) -> Self {
        Self { on_failure, broken: Mutex::new(None) }
    }

    pub(super) fn on_failure(&self) -> OnFailure {
        self.on_failure
    }

    /// Notes why the log cannot be written. `true` where that is news.
    pub(super) fn broke(&self, why: &str) -> bool {
        let mut broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
        let news = broken.is_none();
        *broken = Some(why.to_owned());
        news
    }

    /// Notes that the log can be written. `true` where that is news.
    pub(super) fn healed(&self) -> bool {
        self.broken.lock().unwrap_or_else(PoisonError::into_inner).take().is_some()
    }

    /// Why the log cannot be written; `None` where it can.
    pub(super) fn broken(&self) -> Option<String> {
        self.broken.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What a caller is told whose statement cannot be recorded. The cause is for the log and for `/readyz`.
pub(super) fn unrecorded() -> Error {
    Error::new(ErrorKind::AuditUnavailable, "the statement cannot be recorded in the audit log, so it is not answered")
}
