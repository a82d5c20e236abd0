//! The record of one statement while it runs: what is known of it so far.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use catalog::{Name, TableName};
use policies::{Obstacle, Principal, RuleId};
use sha2::{Digest, Sha256};

use super::line::{Kind, Line, Read, Refused, Why};
use super::{Place, Written};
use crate::auth::{Caller, SessionId};
use crate::governed::Touched;
use crate::mesh::Mesh;
use crate::query::{Origin, Statement};

/// Longest text of a statement that is kept, in bytes. The digest is of the whole text.
const MAX_TEXT_BYTES: usize = 64 << 10;

/// Hexadecimal digits of digests that only tell one thing from another.
const SHORT: usize = 16;

/// The record of a statement that has not ended.
#[derive(Debug)]
pub(crate) struct Trail {
    place: Place,
    line: Line,
}

/// How a statement has ended.
#[derive(Debug)]
pub(crate) struct Ending {
    pub(crate) outcome: &'static str,
    pub(crate) sqlstate: Option<&'static str>,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    pub(crate) took: Duration,
}

impl Trail {
    /// The record of a statement that has arrived.
    pub(crate) fn open(place: Place, query_id: &str, principal: &Principal, statement: &Statement) -> Self {
        let mut line = Line::new(Kind::Statement);
        line.query_id = Some(query_id.to_owned());
        line.subject = Some(principal.subject.to_string());
        line.statement = Some(hex(&Sha256::digest(statement.text.bytes())));
        let mut trail = Self { place, line };
        trail.comes_from(&statement.origin);
        trail
    }

    /// Notes the text of the statement.
    pub(crate) fn keep_text(&mut self, sql: &str) {
        let mut end = sql.len().min(MAX_TEXT_BYTES);
        while !sql.is_char_boundary(end) {
            end -= 1;
        }
        self.line.text = sql.get(..end).map(str::to_owned);
    }

    /// Notes where the call comes from that gets the rows.
    pub(crate) fn comes_from(&mut self, origin: &Origin) {
        let Origin { peer, session, credential, ticket } = origin;
        self.line.credential = *credential;
        self.line.peer = peer.map(|peer| peer.to_string());
        self.line.session = session.as_ref().map(digest_of_session);
        self.line.ticket.clone_from(ticket);
    }

    /// Notes what was decided, under which rules.
    pub(crate) fn touched(&mut self, mesh: &Mesh, principal: &Principal, touched: &Touched) {
        let Touched { versions, rules, refused, .. } = touched;
        self.line.policy_version = Some(mesh.version);
        self.line.policy_digest = Some(mesh.policy_digest.chars().take(SHORT).collect());
        let read = |(name, version): (&TableName, &catalog::Version)| Read {
            table: name.to_string(),
            product: product(mesh, name),
            version: version.to_string(),
        };
        self.line.tables = versions.iter().map(read).collect();
        self.line.refused = refused.iter().map(|name| refusal(mesh, principal, name)).collect();
        self.line.rules = rules.iter().map(RuleId::to_string).collect();
        let domains: BTreeSet<&Name> = versions.keys().chain(refused).map(|name| &name.domain).collect();
        let roles = domains.into_iter().flat_map(|domain| mesh.policies.roles(principal, domain));
        self.line.roles = roles.collect::<BTreeSet<_>>().into_iter().collect();
    }

    /// Hands over the record, to wait for.
    pub(crate) fn write(self, ending: &Ending) -> Written {
        self.place.write(ended(self.line, ending))
    }

    /// Hands over the record where nobody waits for an answer any more.
    pub(crate) fn leave(self, ending: &Ending) {
        self.place.leave(ended(self.line, ending));
    }
}

fn ended(line: Line, ending: &Ending) -> Line {
    let Ending { outcome, sqlstate, rows, bytes, took } = ending;
    Line {
        outcome: (*outcome).to_owned(),
        sqlstate: sqlstate.map(str::to_owned),
        rows: *rows,
        bytes: *bytes,
        milliseconds: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        ..line
    }
}

/// A record of something that `caller` did, beside statements.
pub(super) fn of_caller(kind: Kind, caller: &Caller) -> Line {
    let mut line = Line::new(kind);
    line.subject = Some(caller.principal.subject.to_string());
    line.peer = caller.peer.map(|peer| peer.to_string());
    line.session = Some(digest_of_session(&caller.session));
    line.credential = Some(caller.credential);
    line
}

/// Tells sessions apart, and is of no use to somebody who wants into one.
fn digest_of_session(session: &SessionId) -> String {
    let mut digest = hex(&Sha256::digest(session.as_str()));
    digest.truncate(SHORT);
    digest
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn product(mesh: &Mesh, name: &TableName) -> Option<String> {
    mesh.registry.table(name).map(|table| table.product.to_string())
}

fn refusal(mesh: &Mesh, principal: &Principal, name: &TableName) -> Refused {
    let table = mesh.registry.table(name);
    // Looked up for a name that leads nowhere as well: how long the answer takes must not tell the two apart.
    let known = table.or_else(|| mesh.registry.tables().next());
    let obstacle = known.map(|known| mesh.policies.obstacle(principal, known));
    let (why, rules) = match (table, obstacle) {
        (None, _) | (Some(_), None) => (Why::Missing, BTreeSet::new()),
        (Some(_), Some(Obstacle::NotGranted)) => (Why::NotGranted, BTreeSet::new()),
        (Some(_), Some(Obstacle::Denied(rules))) => (Why::Denied, rules),
        (Some(_), Some(Obstacle::Conflict(rules))) => (Why::Conflict, rules),
        (Some(_), Some(Obstacle::Withheld(rules))) => (Why::Withheld, rules),
    };
    let rules = rules.iter().map(RuleId::to_string).collect();
    Refused { table: name.to_string(), product: product(mesh, name), why, rules }
}
