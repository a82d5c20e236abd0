//! What a proven token says: whether it is for this gateway and this moment, and of whom.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use policies::{AttributeValue, Principal};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::refusal::Refusal;
use crate::auth::users::is_user_name;
use crate::config::Oidc;

/// How far the issuer's clock and ours may be apart, in seconds.
const LEEWAY: f64 = 60.0;

/// The claims of a token.
pub(super) type Claims = Map<String, Value>;

/// Whether the token is for this gateway, at `now` in seconds since 1970, over a connection with this certificate.
///
/// # Errors
/// The first thing that is wrong.
pub(super) fn check(settings: &Oidc, claims: &Claims, certificate: Option<&[u8]>, now: f64) -> Result<(), Refusal> {
    if claims.get("iss").and_then(Value::as_str) != Some(&settings.issuer) {
        return Err(Refusal::Issuer);
    }
    let is_audience = |value: &Value| value.as_str() == Some(&settings.audience);
    let for_us = claims
        .get("aud")
        .is_some_and(|aud| is_audience(aud) || aud.as_array().is_some_and(|all| all.iter().any(is_audience)));
    if !for_us {
        return Err(Refusal::Audience);
    }
    let expires = claims.get("exp").and_then(Value::as_f64).ok_or(Refusal::NoExpiry)?;
    if now >= expires + LEEWAY {
        return Err(Refusal::Expired);
    }
    for begin in ["nbf", "iat"].into_iter().filter_map(|name| claims.get(name)) {
        if begin.as_f64().is_none_or(|begin| now + LEEWAY < begin) {
            return Err(Refusal::NotYet);
        }
    }
    // A bound token is for the holder of a key: whoever only has the token must not get in (RFC 8705, RFC 9449).
    let bound = claims.get("cnf").is_none_or(|cnf| {
        let thumbprint = certificate.map(|der| URL_SAFE_NO_PAD.encode(Sha256::digest(der)));
        thumbprint.is_some() && cnf.get("x5t#S256").and_then(Value::as_str) == thumbprint.as_deref()
    });
    if bound { Ok(()) } else { Err(Refusal::Bound) }
}

/// Whom the claims are of.
///
/// # Errors
/// Where they name nobody, or where roles could be lost: one of them may take rights away.
pub(super) fn principal(settings: &Oidc, claims: &Claims) -> Result<Principal, Refusal> {
    let subject = find(claims, &settings.subject).and_then(Value::as_str).filter(|name| is_user_name(name));
    let subject = subject.ok_or(Refusal::Subject)?;
    // Some providers let their users write any address.
    let verified = claims.get("email_verified").is_none_or(|verified| verified == true || verified == "true");
    if settings.subject == "email" && !verified {
        return Err(Refusal::Unverified);
    }
    let attribute = |name: &String| Some((name.clone(), attribute(find(claims, name)?)?));
    let attributes: BTreeMap<_, _> = settings.attributes.iter().filter_map(attribute).collect();
    Ok(Principal { roles: roles(find(claims, &settings.roles))?, attributes, ..Principal::named(subject) })
}

/// The claim of this name; where there is none, the one that the name's parts lead to: `realm_access.roles`.
fn find<'a>(claims: &'a Claims, name: &str) -> Option<&'a Value> {
    if let Some(exact) = claims.get(name) {
        return Some(exact);
    }
    let (first, rest) = name.split_once('.')?;
    rest.split('.').try_fold(claims.get(first)?, |value, part| value.get(part))
}

/// The value of an attribute. A claim of another type is none, and rules take a missing attribute as "no".
fn attribute(value: &Value) -> Option<AttributeValue> {
    match value {
        Value::String(text) => Some(AttributeValue::Text(text.clone())),
        Value::Bool(truth) => Some(AttributeValue::Boolean(*truth)),
        Value::Number(number) => number.as_i64().map(AttributeValue::Integer),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Roles as a list, or as one text with spaces between them.
fn roles(value: Option<&Value>) -> Result<BTreeSet<String>, Refusal> {
    match value {
        None | Some(Value::Null) => Ok(BTreeSet::new()),
        Some(Value::String(text)) => Ok(text.split_whitespace().map(str::to_owned).collect()),
        Some(Value::Array(items)) => {
            items.iter().map(|item| item.as_str().map(str::to_owned).ok_or(Refusal::Roles)).collect()
        }
        Some(Value::Bool(_) | Value::Number(_) | Value::Object(_)) => Err(Refusal::Roles),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may unwrap")]
    use serde_json::json;

    use super::*;
    use crate::config::Jwks;

    const NOW: f64 = 1_700_000_000.0;

    fn settings() -> Oidc {
        Oidc {
            issuer: "https://login.example".into(),
            audience: "meshgate".into(),
            jwks: Jwks::File("keys.json".into()),
            subject: "sub".into(),
            roles: "roles".into(),
            attributes: vec!["region".into(), "level".into(), "lead".into()],
        }
    }

    /// Good claims with some of them replaced; `null` takes one away.
    fn claims(changes: &Value) -> Claims {
        let good = json!({"iss": "https://login.example", "aud": "meshgate", "exp": NOW + 300.0, "sub": "ann"});
        let mut claims = good.as_object().unwrap().clone();
        for (name, value) in changes.as_object().unwrap() {
            claims.insert(name.clone(), value.clone());
        }
        claims.retain(|_, value| !value.is_null());
        claims
    }

    fn good(changes: &Value) {
        assert_eq!(check(&settings(), &claims(changes), None, NOW), Ok(()), "{changes}");
    }

    fn bad(changes: &Value, refusal: &Refusal) {
        assert_eq!(check(&settings(), &claims(changes), None, NOW).as_ref(), Err(refusal), "{changes}");
    }

    #[test]
    fn a_token_is_for_this_gateway_from_its_issuer() {
        good(&json!({}));
        good(&json!({"aud": ["other", "meshgate"]}));
        for iss in [
            json!(null),
            json!("https://login.example/"),
            json!("HTTPS://login.example"),
            json!(["https://login.example"]),
        ] {
            bad(&json!({ "iss": iss }), &Refusal::Issuer);
        }
        for aud in
            [json!(null), json!("other"), json!("meshgate2"), json!(["other"]), json!([]), json!({"meshgate": 1})]
        {
            bad(&json!({ "aud": aud }), &Refusal::Audience);
        }
    }

    #[test]
    fn a_token_holds_between_its_times_give_or_take_a_minute() {
        good(&json!({"exp": NOW - 59.0, "nbf": NOW + 59.0, "iat": NOW + 59.0}));
        good(&json!({"exp": 1_700_000_001}));
        bad(&json!({"exp": NOW - 60.0}), &Refusal::Expired);
        bad(&json!({"exp": 0}), &Refusal::Expired);
        bad(&json!({"exp": null}), &Refusal::NoExpiry);
        bad(&json!({"exp": "1800000000"}), &Refusal::NoExpiry);
        for name in ["nbf", "iat"] {
            bad(&json!({ name: NOW + 61.0 }), &Refusal::NotYet);
            bad(&json!({ name: "soon" }), &Refusal::NotYet);
        }
    }

    #[test]
    fn a_token_that_is_bound_to_a_certificate_needs_it() {
        let thumbprint = URL_SAFE_NO_PAD.encode(Sha256::digest(b"certificate"));
        let bound = claims(&json!({"cnf": {"x5t#S256": thumbprint}}));
        assert_eq!(check(&settings(), &bound, Some(b"certificate"), NOW), Ok(()));
        for other in [None, Some(&b"another"[..])] {
            assert_eq!(check(&settings(), &bound, other, NOW), Err(Refusal::Bound));
        }
        for cnf in [json!({"jkt": "x"}), json!({}), json!("x")] {
            bad(&json!({ "cnf": cnf }), &Refusal::Bound);
        }
    }

    #[test]
    fn a_subject_is_a_user_name() {
        let subject = |changes: Value| principal(&settings(), &claims(&changes)).map(|known| known.subject.to_string());
        assert_eq!(subject(json!({})), Ok("ann".into()));
        for odd in [
            json!(null),
            json!(""),
            json!(7),
            json!("a b"),
            json!("user:ann"),
            json!("*"),
            json!("ann\n"),
            json!("auth0|1"),
            json!("änn"),
            json!("a".repeat(129)),
            json!(["ann"]),
        ] {
            assert_eq!(subject(json!({ "sub": odd })), Err(Refusal::Subject), "{odd}");
        }
    }

    #[test]
    fn a_mail_address_that_is_not_verified_names_nobody() {
        let settings = Oidc { subject: "email".into(), ..settings() };
        let of = |changes: Value| principal(&settings, &claims(&changes)).map(|known| known.subject.to_string());
        assert_eq!(of(json!({"email": "ann@x.org"})), Ok("ann@x.org".into()));
        assert_eq!(of(json!({"email": "ann@x.org", "email_verified": true})), Ok("ann@x.org".into()));
        for verified in [json!(false), json!("false"), json!(0)] {
            let claims = json!({"email": "ann@x.org", "email_verified": verified});
            assert_eq!(of(claims), Err(Refusal::Unverified));
        }
    }

    #[test]
    fn attributes_have_types_and_a_claim_of_another_type_is_none() {
        let of = |changes: Value| principal(&settings(), &claims(&changes)).unwrap().attributes;
        let found = of(json!({"region": "EU", "level": 3, "lead": true, "other": "x"}));
        assert_eq!(found["region"], AttributeValue::Text("EU".into()));
        assert_eq!(found["level"], AttributeValue::Integer(3));
        assert_eq!(found["lead"], AttributeValue::Boolean(true));
        assert_eq!(found.len(), 3, "only claims that are listed");
        for odd in [json!(["EU"]), json!({"EU": 1}), json!(1.5), json!(u64::MAX), json!(null)] {
            assert!(of(json!({ "region": odd })).is_empty(), "{odd}");
        }
    }

    #[test]
    fn roles_are_a_list_or_words_and_may_lie_deeper() {
        let of = |roles: &str, changes: Value| {
            let settings = Oidc { roles: roles.into(), ..settings() };
            principal(&settings, &claims(&changes)).map(|known| known.roles.into_iter().collect::<Vec<_>>().join(","))
        };
        assert_eq!(of("roles", json!({"roles": ["b", "a", "b"]})), Ok("a,b".into()));
        assert_eq!(of("roles", json!({"roles": " b  a "})), Ok("a,b".into()));
        assert_eq!(of("roles", json!({})), Ok(String::new()));
        assert_eq!(of("realm_access.roles", json!({"realm_access": {"roles": ["a"]}})), Ok("a".into()));
        assert_eq!(of("realm_access.roles", json!({"realm_access": ["roles"]})), Ok(String::new()));
        let both = json!({"a.roles": ["exact"], "a": {"roles": ["path"]}});
        assert_eq!(of("a.roles", both), Ok("exact".into()));
        for odd in [json!(1), json!(true), json!({"a": 1}), json!(["a", 1])] {
            assert_eq!(of("roles", json!({ "roles": odd })), Err(Refusal::Roles), "{odd}");
        }
    }
}
