//! Session options: where names are looked up, and the bounds that a client sets itself.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use catalog::Name;
use moka::future::Cache;
use proto::flight::session_option_value::OptionValue;
use proto::flight::set_session_options_result::{Error as Refusal, ErrorValue};
use proto::flight::{GetSessionOptionsResult, SessionOptionValue, SetSessionOptionsRequest, SetSessionOptionsResult};

use crate::auth::{Caller, SessionId};

/// Most sessions with options at a time; the least used make room.
const CAPACITY: u64 = 100_000;

/// Options that nobody asks for this long are forgotten.
const IDLE: Duration = Duration::from_secs(24 * 60 * 60);

/// The longest timeout that makes sense.
const MAX_TIMEOUT_SECONDS: f64 = 7.0 * 24.0 * 3_600.0;

/// Most options that one request may set.
const MAX_OPTIONS: usize = 64;

/// Schemas that are there for everybody.
const OWN_SCHEMAS: [&str; 2] = ["information_schema", "system"];

/// Whose session: its name means nothing together with another subject.
pub(super) type Owner = (Arc<str>, SessionId);

/// What a session has set.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Options {
    /// The domain of names without one.
    pub(super) domain: Option<Name>,
    /// Longest run of a query.
    pub(super) timeout: Option<Duration>,
    /// Most rows of a result.
    pub(super) rows: Option<u64>,
}

/// The options of all sessions.
#[derive(Debug)]
pub(super) struct Sessions {
    options: Cache<Owner, Arc<Options>>,
}

/// The owner of what `caller` sets up.
pub(super) fn owner(caller: &Caller) -> Owner {
    (Arc::clone(&caller.principal.subject), caller.session.clone())
}

impl Sessions {
    pub(super) fn new() -> Self {
        Self { options: Cache::builder().max_capacity(CAPACITY).time_to_idle(IDLE).build() }
    }

    /// The options of the caller's session.
    pub(super) async fn options(&self, caller: &Caller) -> Arc<Options> {
        self.options.get(&owner(caller)).await.unwrap_or_default()
    }

    /// Sets options; those that cannot be set are in the answer, the others are set.
    pub(super) async fn set(
        &self,
        caller: &Caller,
        request: SetSessionOptionsRequest,
        mesh: &Name,
        is_domain: impl Fn(&Name) -> bool,
    ) -> SetSessionOptionsResult {
        let mut options = self.options(caller).await.as_ref().clone();
        let mut errors = BTreeMap::new();
        for (count, (name, value)) in request.session_options.into_iter().enumerate() {
            let outcome = if count < MAX_OPTIONS {
                options.set(&name, value.option_value.as_ref(), mesh, &is_domain)
            } else {
                Err(ErrorValue::Error)
            };
            if let Err(reason) = outcome {
                errors.insert(name, Refusal { value: reason.into() });
            }
        }
        self.options.insert(owner(caller), Arc::new(options)).await;
        SetSessionOptionsResult { errors }
    }

    /// All options of the caller's session. `catalog` and `schema` are always there: ADBC asks for them.
    pub(super) async fn get(&self, caller: &Caller, mesh: &Name) -> GetSessionOptionsResult {
        let options = self.options(caller).await;
        let text = |text: &str| SessionOptionValue { option_value: Some(OptionValue::StringValue(text.to_owned())) };
        let mut session_options = BTreeMap::from([
            ("catalog".to_owned(), text(mesh.as_str())),
            ("schema".to_owned(), text(options.domain.as_ref().map_or("", Name::as_str))),
        ]);
        if let Some(timeout) = options.timeout {
            session_options.insert("query_timeout".to_owned(), text(&humantime::format_duration(timeout).to_string()));
        }
        if let Some(rows) = options.rows.and_then(|rows| i64::try_from(rows).ok()) {
            let value = SessionOptionValue { option_value: Some(OptionValue::Int64Value(rows)) };
            session_options.insert("rows".to_owned(), value);
        }
        GetSessionOptionsResult { session_options }
    }

    /// Forgets the options of the caller's session.
    pub(super) async fn close(&self, caller: &Caller) {
        self.options.invalidate(&owner(caller)).await;
    }
}

impl Options {
    /// Sets one option; without a value, or with an empty text, it is unset.
    fn set(
        &mut self,
        name: &str,
        value: Option<&OptionValue>,
        mesh: &Name,
        is_domain: impl Fn(&Name) -> bool,
    ) -> Result<(), ErrorValue> {
        let value = value.filter(|value| !matches!(value, OptionValue::StringValue(text) if text.is_empty()));
        match name {
            "catalog" => match value {
                Some(value) if text(value)? != mesh.as_str() => return Err(ErrorValue::InvalidValue),
                Some(_) | None => {}
            },
            "schema" => {
                self.domain = match value {
                    // A domain that the caller may not see is no domain for him.
                    Some(value) => {
                        let domain: Name = text(value)?.parse().map_err(|_| ErrorValue::InvalidValue)?;
                        let known = OWN_SCHEMAS.contains(&domain.as_str()) || is_domain(&domain);
                        Some(known.then_some(domain).ok_or(ErrorValue::InvalidValue)?)
                    }
                    None => None,
                }
            }
            "query_timeout" => self.timeout = value.map(timeout).transpose()?,
            "rows" => self.rows = value.map(rows).transpose()?.filter(|rows| *rows > 0),
            _ => return Err(ErrorValue::InvalidName),
        }
        Ok(())
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

fn rows(value: &OptionValue) -> Result<u64, ErrorValue> {
    let rows = match value {
        OptionValue::StringValue(text) => text.parse().ok(),
        OptionValue::Int64Value(rows) => u64::try_from(*rows).ok(),
        OptionValue::DoubleValue(_) | OptionValue::BoolValue(_) | OptionValue::StringListValue(_) => None,
    };
    rows.ok_or(ErrorValue::InvalidValue)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may unwrap")]
    use policies::Principal;

    use super::*;

    fn caller(subject: &str, session: &SessionId) -> Caller {
        Caller { principal: Arc::new(Principal::named(subject)), session: session.clone(), peer: None }
    }

    fn string(text: &str) -> OptionValue {
        OptionValue::StringValue(text.to_owned())
    }

    async fn set(
        sessions: &Sessions,
        caller: &Caller,
        options: &[(&str, Option<OptionValue>)],
    ) -> BTreeMap<String, ErrorValue> {
        let session_options = options
            .iter()
            .map(|(name, value)| ((*name).to_owned(), SessionOptionValue { option_value: value.clone() }))
            .collect();
        let request = SetSessionOptionsRequest { session_options };
        let mesh = "retail".parse().unwrap();
        let result = sessions.set(caller, request, &mesh, |domain| domain.as_str() == "sales").await;
        result.errors.into_iter().map(|(name, error)| (name, error.value())).collect()
    }

    async fn check(name: &str, value: Option<OptionValue>, expected: Result<Options, ErrorValue>) {
        let (sessions, session) = (Sessions::new(), SessionId::random().unwrap());
        let caller = caller("ann", &session);
        let errors = set(&sessions, &caller, &[(name, value.clone())]).await;
        let options = sessions.options(&caller).await.as_ref().clone();
        let found = errors.get(name).map_or(Ok(options), |error| Err(*error));
        assert_eq!(found, expected, "{name} = {value:?}");
    }

    #[tokio::test]
    async fn options_take_the_forms_that_clients_send() {
        let domain = || Ok(Options { domain: Some("sales".parse().unwrap()), ..Options::default() });
        let timeout = |seconds| Ok(Options { timeout: Some(Duration::from_secs(seconds)), ..Options::default() });
        let rows = |rows| Ok(Options { rows, ..Options::default() });
        check("schema", Some(string("sales")), domain()).await;
        check("schema", Some(string("")), Ok(Options::default())).await;
        check("catalog", Some(string("retail")), Ok(Options::default())).await;
        check("query_timeout", Some(string("2m")), timeout(120)).await;
        check("query_timeout", Some(string("30")), timeout(30)).await;
        check("query_timeout", Some(OptionValue::Int64Value(30)), timeout(30)).await;
        check("query_timeout", Some(OptionValue::DoubleValue(30.0)), timeout(30)).await;
        check("rows", Some(OptionValue::Int64Value(10)), rows(Some(10))).await;
        check("rows", Some(string("10")), rows(Some(10))).await;
        check("rows", Some(string("0")), rows(None)).await;
        check("rows", None, rows(None)).await;
    }

    #[tokio::test]
    async fn what_cannot_be_set_is_told_by_name() {
        let invalid = || Err(ErrorValue::InvalidValue);
        check("catalog", Some(string("other")), invalid()).await;
        check("schema", Some(string("hidden")), invalid()).await;
        check("schema", Some(string("no such; schema")), invalid()).await;
        check("schema", Some(OptionValue::BoolValue(true)), invalid()).await;
        check("rows", Some(OptionValue::Int64Value(-1)), invalid()).await;
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e300] {
            check("query_timeout", Some(OptionValue::DoubleValue(bad)), invalid()).await;
        }
        check("query_timeout", Some(string("inf")), invalid()).await;
        check("search_path", Some(string("sales")), Err(ErrorValue::InvalidName)).await;
    }

    #[tokio::test]
    async fn one_session_does_not_see_the_options_of_another() {
        let (sessions, one, two) = (Sessions::new(), SessionId::random().unwrap(), SessionId::random().unwrap());
        set(&sessions, &caller("ann", &one), &[("schema", Some(string("sales")))]).await;
        for other in [caller("ann", &two), caller("bob", &one)] {
            assert_eq!(*sessions.options(&other).await, Options::default());
        }
        let mesh = "retail".parse().unwrap();
        let all = sessions.get(&caller("ann", &one), &mesh).await.session_options;
        assert_eq!(all["schema"].option_value, Some(string("sales")));
        assert_eq!(all["catalog"].option_value, Some(string("retail")));
        for _ in 0..2 {
            sessions.close(&caller("ann", &one)).await;
            assert_eq!(*sessions.options(&caller("ann", &one)).await, Options::default());
        }
    }

    #[tokio::test]
    async fn a_good_option_is_set_beside_a_bad_one() {
        let (sessions, session) = (Sessions::new(), SessionId::random().unwrap());
        let ann = caller("ann", &session);
        let errors = set(&sessions, &ann, &[("schema", Some(string("sales"))), ("x", None)]).await;
        assert_eq!(errors, BTreeMap::from([("x".to_owned(), ErrorValue::InvalidName)]));
        assert!(sessions.options(&ann).await.domain.is_some());
    }
}
