//! A record of the audit log as one line for people. Columns have fixed widths: a log is longer than memory.

use crate::audit::line::{Kind, Line};
use crate::shell;

/// Names of the columns.
pub(super) const HEADER: &str =
    "time                      user          outcome                rows       ms  tables and query";

/// One record.
pub(super) fn row(line: &Line) -> String {
    let user = line.subject.as_deref().unwrap_or("-");
    let (rows, milliseconds) = match line.kind {
        Kind::Statement => (line.rows.to_string(), line.milliseconds.to_string()),
        Kind::Ticket | Kind::Login => (String::new(), String::new()),
    };
    let row =
        format!("{:<24}  {user:<12}  {:<18} {rows:>8} {milliseconds:>8}  {}", line.time, line.outcome, what(line));
    // A claimed user name may hold anything.
    shell::harmless(row.trim_end()).into_owned()
}

/// What it was about: tables with versions, refused ones with the reason, and the query's id.
fn what(line: &Line) -> String {
    let about = match line.kind {
        Kind::Login => Some(format!("login from {}", line.peer.as_deref().unwrap_or("-"))),
        Kind::Ticket => Some("ticket or prepared statement".to_owned()),
        Kind::Statement => None,
    };
    let tables = line.tables.iter().map(|read| format!("{}@{}", read.table, read.version));
    let refused = line.refused.iter().map(|refused| {
        let rules = if refused.rules.is_empty() { String::new() } else { format!(" {}", refused.rules.join(" ")) };
        format!("{} ({}{rules})", refused.table, refused.why.as_str())
    });
    let parts = about.into_iter().chain(tables).chain(refused).chain(line.query_id.clone());
    parts.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::line::{Read, Refused, Why};

    #[test]
    fn a_record_is_one_line_under_the_names_of_its_columns() {
        let mut line = Line::new(Kind::Statement);
        line.time = "2026-11-22T10:46:12.345Z".into();
        line.subject = Some("ann".into());
        line.outcome = "UndefinedTable".into();
        line.query_id = Some("q1".into());
        line.milliseconds = 12;
        line.tables = vec![Read { table: "sales.orders".into(), product: None, version: "7".into() }];
        let rules = vec!["policies/hr.csv:3".to_owned()];
        line.refused = vec![Refused { table: "hr.staff".into(), product: None, why: Why::Denied, rules }];
        let expected = "2026-11-22T10:46:12.345Z  ann           UndefinedTable            0       12  \
            sales.orders@7 hr.staff (denied policies/hr.csv:3) q1";
        assert_eq!(row(&line), expected);
        assert_eq!(HEADER.find("tables"), expected.find("sales"));
    }

    #[test]
    fn a_claimed_name_cannot_drive_the_terminal() {
        let mut line = Line::new(Kind::Login);
        line.subject = Some("x\u{1b}[2J\n".into());
        line.peer = Some("127.0.0.1:9".into());
        line.outcome = "Unauthenticated".into();
        let row = row(&line);
        assert!(!row.contains(['\u{1b}', '\n']) && row.ends_with("login from 127.0.0.1:9"), "{row:?}");
    }
}
