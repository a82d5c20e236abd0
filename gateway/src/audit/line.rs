//! One record of the audit log: a line of JSON. Never values, credentials or session names.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use crate::auth::ProvenBy;

/// Form of the lines, for those who read them later.
const FORM: u32 = 1;

/// What a record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// A statement, from its arrival to its end.
    Statement,
    /// A ticket or a handle of a prepared statement that was refused before its statement was known.
    Ticket,
    /// A login, or a credential that was refused.
    Login,
}

/// One record. Fields that say nothing are left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Line {
    /// Form of the line.
    pub(crate) form: u32,
    /// When it began: RFC 3339, UTC, milliseconds.
    pub(crate) time: String,
    pub(crate) kind: Kind,
    /// The query's id, as the log and errors name it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) query_id: Option<String>,
    /// Id of the query that the redeemed ticket was made by, where it was planned anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ticket: Option<String>,
    /// Who asked. In a refused login: who he claimed to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<String>,
    /// The subject's roles in the domains of the tables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) roles: Vec<String>,
    /// Address and port of the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) peer: Option<String>,
    /// Digest of the session's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) session: Option<String>,
    /// What the subject was proven by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) credential: Option<ProvenBy>,
    /// SHA-256 of the statement's text, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) statement: Option<String>,
    /// The statement's text, where `audit.statements` asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
    /// Tables that were read or planned, with the versions that they resolved to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) tables: Vec<Read>,
    /// Tables that were asked for and not given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) refused: Vec<Refused>,
    /// The rules that made up what was seen, as `file:line`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) rules: Vec<String>,
    /// Counts the loads of the mesh since the gateway's start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) policy_version: Option<u64>,
    /// Digest of all rule files: tells which text `rules` points into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) policy_digest: Option<String>,
    /// Rows that were sent.
    #[serde(default)]
    pub(crate) rows: u64,
    /// Bytes of those rows in Arrow's layout.
    #[serde(default)]
    pub(crate) bytes: u64,
    /// How it ended: `Finished`, `Planned`, `Cancelled`, or the kind of error.
    pub(crate) outcome: String,
    /// SQLSTATE of the error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sqlstate: Option<String>,
    /// How long it took, without the time between the calls of one statement.
    #[serde(default)]
    pub(crate) milliseconds: u64,
    /// Records of the same kind before this one that were left out because there were too many.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) left_out: u64,
}

/// A table that was read or planned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Read {
    pub(crate) table: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) product: Option<String>,
    pub(crate) version: String,
}

/// A table that was asked for and not given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Refused {
    pub(crate) table: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) product: Option<String>,
    pub(crate) why: Why,
    /// The rules that kept it back, as `file:line`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) rules: Vec<String>,
}

/// Why a table was not given. For the record only: the caller is told the same in every case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Why {
    /// There is no such table.
    Missing,
    /// No rule grants it.
    NotGranted,
    /// A rule denies it.
    Denied,
    /// Two different masks claim one column.
    Conflict,
    /// A rule grants it; the contract's status, its classification, or a view's owner keeps it back.
    Withheld,
}

impl Why {
    /// Its name, as the record writes it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::NotGranted => "not_granted",
            Self::Denied => "denied",
            Self::Conflict => "conflict",
            Self::Withheld => "withheld",
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde calls takes a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Line {
    /// A record that begins now and has not ended.
    pub(crate) fn new(kind: Kind) -> Self {
        Self {
            form: FORM,
            time: timestamp(Utc::now()),
            kind,
            query_id: None,
            ticket: None,
            subject: None,
            roles: Vec::new(),
            peer: None,
            session: None,
            credential: None,
            statement: None,
            text: None,
            tables: Vec::new(),
            refused: Vec::new(),
            rules: Vec::new(),
            policy_version: None,
            policy_digest: None,
            rows: 0,
            bytes: 0,
            outcome: String::new(),
            sqlstate: None,
            milliseconds: 0,
            left_out: 0,
        }
    }

    /// The line with its end.
    ///
    /// # Errors
    /// None in practice: every field is text, a number, or a list of these.
    pub(crate) fn encode(&self) -> serde_json::Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Whether the record is about this table, read or refused.
    pub(crate) fn names_table(&self, table: &str) -> bool {
        self.tables.iter().any(|read| read.table == table) || self.refused.iter().any(|refused| refused.table == table)
    }

    /// Whether the record is about a table of this product.
    pub(crate) fn names_product(&self, product: &str) -> bool {
        let is = |of: &Option<String>| of.as_deref() == Some(product);
        self.tables.iter().any(|read| is(&read.product)) || self.refused.iter().any(|refused| is(&refused.product))
    }
}

/// RFC 3339, UTC, with milliseconds.
fn timestamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may unwrap")]
    use super::*;

    #[test]
    fn a_record_is_one_line_without_empty_fields() {
        let mut line = Line::new(Kind::Login);
        line.subject = Some("ann\n\u{1b}[2J".into());
        line.outcome = "Unauthenticated".into();
        let text = String::from_utf8(line.encode().unwrap()).unwrap();
        assert_eq!(text.matches('\n').count(), 1, "{text}");
        assert!(text.starts_with("{\"form\":1,\"time\":\"2") && text.ends_with("}\n"), "{text}");
        assert!(text.contains("Z\",\"kind\":\"login\"") && !text.contains("tables"), "{text}");
        assert!(!text.contains('\u{1b}'), "{text}");
        assert_eq!(serde_json::from_str::<Line>(&text).unwrap(), line);
    }

    #[test]
    fn lines_of_a_later_gateway_can_be_read() {
        let text = r#"{"form":2,"time":"2026-01-01T00:00:00.000Z","kind":"statement","outcome":"Finished","more":[1]}"#;
        let line: Line = serde_json::from_str(text).unwrap();
        assert_eq!((line.kind, line.outcome.as_str(), line.rows), (Kind::Statement, "Finished", 0));
    }
}
