//! What a session, or one call, may set: where names are looked up, what is read, and how it is answered.

use std::collections::BTreeMap;
use std::num::NonZeroU16;
use std::time::Duration;

use catalog::Name;
use chrono::{DateTime, SecondsFormat};
use http::HeaderMap;
use proto::flight::session_option_value::OptionValue;
use proto::flight::set_session_options_result::{Error as Refusal, ErrorValue};
use proto::flight::{GetSessionOptionsResult, SessionOptionValue, SetSessionOptionsRequest, SetSessionOptionsResult};

use crate::error::{Error, ErrorKind};
use crate::query::Types;

/// The longest timeout that makes sense.
const MAX_TIMEOUT_SECONDS: f64 = 7.0 * 24.0 * 3_600.0;

/// Most endpoints of one result.
const MAX_ENDPOINTS: u16 = 64;

/// Most options that one request may set.
const MAX_OPTIONS: usize = 64;

/// Schemas that are there for everybody.
const OWN_SCHEMAS: [&str; 2] = ["information_schema", "system"];

/// What the names of options begin with as headers of a call: `meshgate-as-of` is `as_of` for this call alone.
const HEADER: &str = "meshgate-";

/// The options that a header may set. `catalog` is not among them: there is one only.
const NAMES: [&str; 6] = ["schema", "query_timeout", "rows", "as_of", "endpoints", "types"];

/// What options are checked against.
pub(super) struct Scope<'a> {
    /// The name of the mesh.
    pub(super) mesh: &'a Name,
    /// Whether there is such a domain for the caller.
    pub(super) is_domain: &'a (dyn Fn(&Name) -> bool + Sync),
}

/// What is set.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Options {
    /// `schema`: the domain of names without one.
    pub(super) domain: Option<Name>,
    /// `query_timeout`: longest run of a query.
    pub(super) timeout: Option<Duration>,
    /// `rows`: most rows of a result.
    pub(super) rows: Option<u64>,
    /// `as_of`: the time whose versions are read, in milliseconds since 1970.
    pub(super) as_of_unix_ms: Option<i64>,
    /// `endpoints`: most endpoints of a result.
    pub(super) endpoints: Option<NonZeroU16>,
    /// `types`: the Arrow types of results.
    pub(super) types: Types,
}

impl Options {
    /// Sets what a request asks for. What cannot be set is in the answer; all else is set.
    pub(super) fn set_all(&mut self, request: SetSessionOptionsRequest, scope: &Scope<'_>) -> SetSessionOptionsResult {
        let mut errors = BTreeMap::new();
        for (count, (name, value)) in request.session_options.into_iter().enumerate() {
            let outcome = if count < MAX_OPTIONS {
                self.set(&name, value.option_value.as_ref(), scope)
            } else {
                Err(ErrorValue::Error)
            };
            if let Err(reason) = outcome {
                errors.insert(name, Refusal { value: reason.into() });
            }
        }
        SetSessionOptionsResult { errors }
    }

    /// Sets one option; without a value, or with an empty text, it is unset.
    fn set(&mut self, name: &str, value: Option<&OptionValue>, scope: &Scope<'_>) -> Result<(), ErrorValue> {
        let value = value.filter(|value| !matches!(value, OptionValue::StringValue(text) if text.is_empty()));
        match name {
            "catalog" => match value {
                Some(value) if text(value)? != scope.mesh.as_str() => return Err(ErrorValue::InvalidValue),
                Some(_) | None => {}
            },
            "schema" => self.domain = value.map(|value| domain(value, scope)).transpose()?,
            "query_timeout" => self.timeout = value.map(timeout).transpose()?,
            "rows" => self.rows = value.map(whole).transpose()?.filter(|rows| *rows > 0),
            "as_of" => self.as_of_unix_ms = value.map(as_of).transpose()?,
            "endpoints" => self.endpoints = value.map(endpoints).transpose()?,
            "types" => self.types = value.map(types).transpose()?.unwrap_or_default(),
            _ => return Err(ErrorValue::InvalidName),
        }
        Ok(())
    }

    /// These options with what the headers of a call set for it alone.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidStatement`] for a value that an option cannot have.
    pub(super) fn with_headers(&self, headers: &HeaderMap, scope: &Scope<'_>) -> Result<Option<Self>, Error> {
        let mut own = None;
        for name in NAMES {
            let header = format!("{HEADER}{}", name.replace('_', "-"));
            let Some(value) = headers.get(&header) else { continue };
            let value = value.to_str().map_err(|_| ErrorValue::InvalidValue);
            let options = own.get_or_insert_with(|| self.clone());
            value.and_then(|text| options.set(name, Some(&OptionValue::StringValue(text.to_owned())), scope)).map_err(
                |_| Error::new(ErrorKind::InvalidStatement, format!("the header {header} has no good value")),
            )?;
        }
        Ok(own)
    }

    /// All options that are set. `catalog` and `schema` are always there: ADBC asks for them.
    pub(super) fn told(&self, scope: &Scope<'_>) -> GetSessionOptionsResult {
        let text = |text: String| Some(OptionValue::StringValue(text));
        let number = |number: i64| Some(OptionValue::Int64Value(number));
        let as_of = self.as_of_unix_ms.and_then(DateTime::from_timestamp_millis);
        let all = [
            ("catalog", text(scope.mesh.to_string())),
            ("schema", text(self.domain.as_ref().map_or_else(String::new, Name::to_string))),
            ("query_timeout", self.timeout.and_then(|timeout| text(humantime::format_duration(timeout).to_string()))),
            ("rows", self.rows.and_then(|rows| number(i64::try_from(rows).ok()?))),
            ("as_of", as_of.and_then(|time| text(time.to_rfc3339_opts(SecondsFormat::AutoSi, true)))),
            ("endpoints", self.endpoints.and_then(|endpoints| number(endpoints.get().into()))),
            ("types", (self.types != Types::Plain).then(|| OptionValue::StringValue(self.types.as_str().to_owned()))),
        ];
        let set = all.into_iter().filter(|(_, value)| value.is_some());
        let set = set.map(|(name, option_value)| (name.to_owned(), SessionOptionValue { option_value }));
        GetSessionOptionsResult { session_options: set.collect() }
    }
}

fn text(value: &OptionValue) -> Result<&str, ErrorValue> {
    match value {
        OptionValue::StringValue(text) => Ok(text),
        OptionValue::BoolValue(_)
        | OptionValue::Int64Value(_)
        | OptionValue::DoubleValue(_)
        | OptionValue::StringListValue(_) => Err(ErrorValue::InvalidValue),
    }
}

/// A domain that the caller may not see is no domain for him.
fn domain(value: &OptionValue, scope: &Scope<'_>) -> Result<Name, ErrorValue> {
    let domain: Name = text(value)?.parse().map_err(|_| ErrorValue::InvalidValue)?;
    let known = OWN_SCHEMAS.contains(&domain.as_str()) || (scope.is_domain)(&domain);
    known.then_some(domain).ok_or(ErrorValue::InvalidValue)
}

/// `30s`, `5m`, or a number of seconds.
fn timeout(value: &OptionValue) -> Result<Duration, ErrorValue> {
    let seconds = match value {
        OptionValue::StringValue(text) => match text.parse() {
            Ok(seconds) => seconds,
            Err(_) => humantime::parse_duration(text).map_err(|_| ErrorValue::InvalidValue)?.as_secs_f64(),
        },
        OptionValue::Int64Value(seconds) => f64::from(i32::try_from(*seconds).map_err(|_| ErrorValue::InvalidValue)?),
        OptionValue::DoubleValue(seconds) => *seconds,
        OptionValue::BoolValue(_) | OptionValue::StringListValue(_) => return Err(ErrorValue::InvalidValue),
    };
    if seconds > 0.0 && seconds <= MAX_TIMEOUT_SECONDS {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err(ErrorValue::InvalidValue)
    }
}

/// A whole number from 0.
fn whole(value: &OptionValue) -> Result<u64, ErrorValue> {
    let number = match value {
        OptionValue::StringValue(text) => text.parse().ok(),
        OptionValue::Int64Value(number) => u64::try_from(*number).ok(),
        OptionValue::DoubleValue(_) | OptionValue::BoolValue(_) | OptionValue::StringListValue(_) => None,
    };
    number.ok_or(ErrorValue::InvalidValue)
}

/// A time of the past with its offset from UTC (RFC 3339).
fn as_of(value: &OptionValue) -> Result<i64, ErrorValue> {
    let time = DateTime::parse_from_rfc3339(text(value)?).map_err(|_| ErrorValue::InvalidValue)?;
    let past = time <= chrono::Utc::now();
    past.then(|| time.timestamp_millis()).ok_or(ErrorValue::InvalidValue)
}

fn endpoints(value: &OptionValue) -> Result<NonZeroU16, ErrorValue> {
    let number = u16::try_from(whole(value)?).ok().filter(|number| *number <= MAX_ENDPOINTS);
    number.and_then(NonZeroU16::new).ok_or(ErrorValue::InvalidValue)
}

fn types(value: &OptionValue) -> Result<Types, ErrorValue> {
    Types::named(text(value)?).ok_or(ErrorValue::InvalidValue)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may unwrap")]
    use super::*;

    fn string(text: &str) -> OptionValue {
        OptionValue::StringValue(text.to_owned())
    }

    #[expect(clippy::needless_pass_by_value, reason = "reads better where it is called")]
    fn check(name: &str, value: Option<OptionValue>, expected: Result<Options, ErrorValue>) {
        let mesh = "retail".parse().unwrap();
        let scope = Scope { mesh: &mesh, is_domain: &|domain| domain.as_str() == "sales" };
        let mut options = Options::default();
        let outcome = options.set(name, value.as_ref(), &scope).map(|()| options);
        assert_eq!(outcome, expected, "{name} = {value:?}");
    }

    #[test]
    fn options_take_the_forms_that_clients_send() {
        let domain = || Ok(Options { domain: Some("sales".parse().unwrap()), ..Options::default() });
        let timeout = |seconds| Ok(Options { timeout: Some(Duration::from_secs(seconds)), ..Options::default() });
        let rows = |rows| Ok(Options { rows, ..Options::default() });
        let as_of = |ms| Ok(Options { as_of_unix_ms: Some(ms), ..Options::default() });
        let endpoints = |number| Ok(Options { endpoints: NonZeroU16::new(number), ..Options::default() });
        check("schema", Some(string("sales")), domain());
        check("schema", Some(string("")), Ok(Options::default()));
        check("catalog", Some(string("retail")), Ok(Options::default()));
        check("query_timeout", Some(string("2m")), timeout(120));
        check("query_timeout", Some(string("30")), timeout(30));
        check("query_timeout", Some(OptionValue::Int64Value(30)), timeout(30));
        check("query_timeout", Some(OptionValue::DoubleValue(30.0)), timeout(30));
        check("rows", Some(OptionValue::Int64Value(10)), rows(Some(10)));
        check("rows", Some(string("10")), rows(Some(10)));
        check("rows", Some(string("0")), rows(None));
        check("rows", None, rows(None));
        check("as_of", Some(string("2024-02-29T00:00:00Z")), as_of(1_709_164_800_000));
        check("as_of", Some(string("2024-02-29 01:00:00+01:00")), as_of(1_709_164_800_000));
        check("endpoints", Some(string("8")), endpoints(8));
        check("endpoints", Some(OptionValue::Int64Value(64)), endpoints(64));
        check("types", Some(string("native")), Ok(Options { types: Types::Native, ..Options::default() }));
        check("types", Some(string("plain")), Ok(Options::default()));
    }

    #[test]
    fn what_cannot_be_set_is_refused() {
        let invalid = || Err(ErrorValue::InvalidValue);
        check("catalog", Some(string("other")), invalid());
        check("schema", Some(string("hidden")), invalid());
        check("schema", Some(string("no such; schema")), invalid());
        check("schema", Some(OptionValue::BoolValue(true)), invalid());
        check("rows", Some(OptionValue::Int64Value(-1)), invalid());
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e300] {
            check("query_timeout", Some(OptionValue::DoubleValue(bad)), invalid());
        }
        check("query_timeout", Some(string("inf")), invalid());
        for bad in ["yesterday", "2024-02-30T00:00:00Z", "2024-02-29T00:00:00", "9999-01-01T00:00:00Z", "1709164800"] {
            check("as_of", Some(string(bad)), invalid());
        }
        check("endpoints", Some(string("0")), invalid());
        check("endpoints", Some(string("65")), invalid());
        check("types", Some(string("all")), invalid());
        check("search_path", Some(string("sales")), Err(ErrorValue::InvalidName));
    }

    #[test]
    fn a_good_option_is_set_beside_a_bad_one() {
        let mesh = "retail".parse().unwrap();
        let scope = Scope { mesh: &mesh, is_domain: &|_| true };
        let value = |value| SessionOptionValue { option_value: value };
        let session_options = [("schema".to_owned(), value(Some(string("sales")))), ("x".to_owned(), value(None))];
        let mut options = Options::default();
        let result = options.set_all(SetSessionOptionsRequest { session_options: session_options.into() }, &scope);
        let errors: Vec<_> = result.errors.iter().map(|(name, error)| (name.as_str(), error.value())).collect();
        assert_eq!(errors, [("x", ErrorValue::InvalidName)]);
        assert!(options.domain.is_some());
    }

    #[test]
    fn a_header_sets_an_option_for_its_call_alone() {
        let mesh = "retail".parse().unwrap();
        let scope = Scope { mesh: &mesh, is_domain: &|domain| domain.as_str() == "sales" };
        let session = Options { rows: Some(5), timeout: Some(Duration::from_secs(9)), ..Options::default() };
        let with = |name: &'static str, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            session.with_headers(&headers, &scope)
        };
        assert_eq!(with("meshgate-rows", "7").unwrap(), Some(Options { rows: Some(7), ..session.clone() }));
        assert_eq!(with("meshgate-query-timeout", "").unwrap(), Some(Options { timeout: None, ..session.clone() }));
        assert_eq!(with("meshgate-anything", "7").unwrap(), None);
        for (name, value) in [("meshgate-rows", "many"), ("meshgate-schema", "hidden"), ("meshgate-as-of", "ä")] {
            let error = with(name, value).unwrap_err();
            assert!(error.kind == ErrorKind::InvalidStatement && error.message.contains(name), "{}", error.message);
        }
    }

    #[test]
    fn what_is_set_is_told_in_the_form_that_it_is_set_in() {
        let mesh = "retail".parse().unwrap();
        let scope = Scope { mesh: &mesh, is_domain: &|_| true };
        let mut options = Options::default();
        let set = [
            ("schema", "sales"),
            ("as_of", "2024-02-29T01:02:03.004Z"),
            ("query_timeout", "1m 5s"),
            ("types", "native"),
        ];
        for (name, value) in set {
            options.set(name, Some(&string(value)), &scope).unwrap();
        }
        let told = options.told(&scope).session_options;
        for (name, value) in set {
            assert_eq!(told[name].option_value, Some(string(value)), "{name}");
        }
        assert_eq!((told["catalog"].option_value.clone(), told.len()), (Some(string("retail")), 5));
    }
}
