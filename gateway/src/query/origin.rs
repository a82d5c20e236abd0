//! Where a statement comes from; for its audit record.

use std::net::SocketAddr;

use crate::auth::{Caller, ProvenBy, SessionId};

/// Where a statement comes from; for its audit record. Empty for the gateway's own.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// Address of the client.
    pub peer: Option<SocketAddr>,
    /// The session.
    pub session: Option<SessionId>,
    /// What the caller was proven by.
    pub credential: Option<ProvenBy>,
    /// The query id of the ticket that is redeemed.
    pub ticket: Option<String>,
}

impl Origin {
    /// A call of `caller`.
    #[must_use]
    pub fn of(caller: &Caller) -> Self {
        Self {
            peer: caller.peer,
            session: Some(caller.session.clone()),
            credential: Some(caller.credential),
            ticket: None,
        }
    }

    /// The same, redeeming the ticket of this query.
    #[must_use]
    pub fn redeeming(self, query_id: &str) -> Self {
        Self { ticket: Some(query_id.to_owned()), ..self }
    }
}
