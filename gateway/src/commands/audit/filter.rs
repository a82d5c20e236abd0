//! Which records of the audit log are asked for.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};

use super::super::arguments::AuditArguments;
use crate::audit::line::Line;
use crate::error::ErrorKind;

/// What a record must be; every part that is given must hold.
#[derive(Debug, Default)]
pub(super) struct Filter {
    user: Option<String>,
    product: Option<String>,
    table: Option<String>,
    since: Option<DateTime<Utc>>,
    until: Option<DateTime<Utc>>,
    outcome: Option<&'static str>,
}

impl Filter {
    pub(super) fn of(arguments: &AuditArguments) -> Self {
        let AuditArguments { mesh: _, user, product, table, since, until, outcome, format: _ } = arguments;
        Self {
            user: user.clone(),
            product: product.clone(),
            table: table.as_ref().map(ToString::to_string),
            since: *since,
            until: *until,
            outcome: *outcome,
        }
    }

    #[cfg(test)]
    pub(super) fn of_user(name: &str) -> Self {
        Self { user: Some(name.to_owned()), ..Self::default() }
    }

    /// Whether the record is asked for.
    pub(super) fn admits(&self, line: &Line) -> bool {
        let Self { user, product, table, since, until, outcome } = self;
        user.as_ref().is_none_or(|user| line.subject.as_ref() == Some(user))
            && product.as_ref().is_none_or(|product| line.names_product(product))
            && table.as_ref().is_none_or(|table| line.names_table(table))
            && outcome.is_none_or(|outcome| line.outcome == outcome)
            && ((since.is_none() && until.is_none()) || self.admits_time(&line.time))
    }

    fn admits_time(&self, time: &str) -> bool {
        let Ok(time) = time.parse::<DateTime<Utc>>() else { return false };
        self.since.is_none_or(|since| time >= since) && self.until.is_none_or(|until| time < until)
    }
}

/// A time as it can be written on the command line.
///
/// # Errors
/// How it can be written.
pub(in super::super) fn time(text: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.to_utc());
    }
    if let Ok(date) = text.parse::<NaiveDate>() {
        return Ok(date.and_time(NaiveTime::MIN).and_utc());
    }
    let ago = humantime::parse_duration(text).ok().and_then(|ago| TimeDelta::from_std(ago).ok());
    let time = ago.and_then(|ago| Utc::now().checked_sub_signed(ago));
    time.ok_or_else(|| "write 2026-11-22T10:00:00Z, 2026-11-22, or how long ago, such as 2h".to_owned())
}

/// The name of an outcome, in any letter case.
///
/// # Errors
/// The names there are.
pub(in super::super) fn outcome(text: &str) -> Result<&'static str, String> {
    let all: Vec<&str> = ["Finished", "Planned"].into_iter().chain(ErrorKind::ALL.map(ErrorKind::as_str)).collect();
    let found = all.iter().find(|name| name.eq_ignore_ascii_case(text)).copied();
    found.ok_or_else(|| format!("choose one of {}", all.join(", ")))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may unwrap")]
    use super::*;
    use crate::audit::line::{Kind, Read, Refused, Why};

    fn line() -> Line {
        let mut line = Line::new(Kind::Statement);
        line.time = "2026-11-22T10:00:00.500Z".into();
        line.subject = Some("ann".into());
        line.outcome = "UndefinedTable".into();
        line.tables = vec![Read { table: "sales.orders".into(), product: Some("orders".into()), version: "7".into() }];
        line.refused =
            vec![Refused { table: "hr.staff".into(), product: None, why: Why::NotGranted, rules: Vec::new() }];
        line
    }

    fn check(filter: &Filter, admitted: bool) {
        assert_eq!(filter.admits(&line()), admitted, "{filter:?}");
    }

    #[test]
    fn every_part_of_a_filter_must_hold() {
        let text = |text: &str| Some(text.to_owned());
        let at = |text: &str| Some(time(text).unwrap());
        check(&Filter::default(), true);
        check(&Filter { user: text("ann"), ..Filter::default() }, true);
        check(&Filter { user: text("an"), ..Filter::default() }, false);
        check(&Filter { table: text("sales.orders"), user: text("ann"), ..Filter::default() }, true);
        check(&Filter { table: text("hr.staff"), ..Filter::default() }, true);
        check(&Filter { table: text("sales.order"), ..Filter::default() }, false);
        check(&Filter { product: text("orders"), ..Filter::default() }, true);
        check(&Filter { product: text("staff"), ..Filter::default() }, false);
        check(&Filter { outcome: Some("UndefinedTable"), ..Filter::default() }, true);
        check(&Filter { outcome: Some("Finished"), user: text("ann"), ..Filter::default() }, false);
        check(&Filter { since: at("2026-11-22"), until: at("2026-11-23"), ..Filter::default() }, true);
        check(&Filter { since: at("2026-11-22T10:00:01Z"), ..Filter::default() }, false);
        check(&Filter { until: at("2026-11-22T12:00:00.500+02:00"), ..Filter::default() }, false);
    }

    #[test]
    fn times_and_outcomes_are_understood_as_people_write_them() {
        assert!(time("2h").unwrap() < Utc::now() - TimeDelta::minutes(119));
        assert!(time("yesterday").unwrap_err().contains("how long ago"));
        assert_eq!(outcome("finished"), Ok("Finished"));
        assert_eq!(outcome("UNDEFINEDTABLE"), Ok("UndefinedTable"));
        assert!(outcome("good").unwrap_err().contains("Finished, Planned, Unauthenticated"));
    }
}
