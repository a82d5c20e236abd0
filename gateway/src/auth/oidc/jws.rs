//! A signed token in its compact form (RFC 7515): what its header says, and the parts that are signed.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::algorithm::Algorithm;
use super::json;
use super::refusal::Refusal;

/// What `typ` may say. Others, such as `logout+jwt`, are signed by the same keys and are not for signing in.
const TYPES: [&str; 4] = ["jwt", "application/jwt", "at+jwt", "application/at+jwt"];

/// A token, not yet proven.
#[derive(Debug)]
pub(super) struct Jws<'a> {
    pub(super) algorithm: Algorithm,
    pub(super) key_id: Option<String>,
    /// What is signed.
    pub(super) message: &'a [u8],
    pub(super) signature: Vec<u8>,
    /// The claims, once the signature is proven.
    pub(super) payload: Vec<u8>,
}

/// Whether `token` has the form of a signed token. Those of this gateway have no dots.
pub(in super::super) fn has_form(token: &str) -> bool {
    token.split('.').count() == 3
}

impl<'a> Jws<'a> {
    /// The parts of a token.
    ///
    /// # Errors
    /// Where it is none, or its header asks for what is not done here. Keys that a header brings along or points to
    /// (`jwk`, `jku`, `x5c`, `x5u`) are not looked at.
    pub(super) fn parse(token: &'a str) -> Result<Self, Refusal> {
        let (message, signature) = token.rsplit_once('.').ok_or(Refusal::Form)?;
        let (header, payload) = message.split_once('.').ok_or(Refusal::Form)?;
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| Refusal::Form);
        let (signature, payload) = (decode(signature)?, decode(payload)?);
        let header = json::object(&decode(header)?).ok_or(Refusal::Form)?;
        if header.contains_key("crit") {
            return Err(Refusal::Critical);
        }
        let algorithm = header.get("alg").and_then(Value::as_str).and_then(Algorithm::named);
        let algorithm = algorithm.ok_or(Refusal::Algorithm)?;
        let good_type = |typ: &Value| typ.as_str().is_some_and(|typ| TYPES.contains(&&*typ.to_ascii_lowercase()));
        if !header.get("typ").is_none_or(good_type) {
            return Err(Refusal::Type);
        }
        let key_id = match header.get("kid") {
            None => None,
            Some(id) => Some(id.as_str().ok_or(Refusal::Form)?.to_owned()),
        };
        Ok(Self { algorithm, key_id, message: message.as_bytes(), signature, payload })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(header: &str) -> Result<Algorithm, Refusal> {
        let token = format!("{}.e30.AA", URL_SAFE_NO_PAD.encode(header));
        Jws::parse(&token).map(|jws| jws.algorithm)
    }

    fn check(header: &str, expected: &Refusal) {
        assert_eq!(parse(header).as_ref(), Err(expected), "{header}");
    }

    #[test]
    fn a_header_names_its_algorithm_and_asks_for_nothing_else() {
        assert_eq!(parse(r#"{"alg":"ES256"}"#), Ok(Algorithm::Es256));
        assert_eq!(
            parse(r#"{"alg":"EdDSA","typ":"at+JWT","kid":"a","jku":"https://evil.example/"}"#),
            Ok(Algorithm::EdDsa)
        );
        check(r#"{"alg":"none"}"#, &Refusal::Algorithm);
        check(r#"{"alg":"HS256"}"#, &Refusal::Algorithm);
        check(r#"{"alg":["ES256"]}"#, &Refusal::Algorithm);
        check(r#"{"typ":"JWT"}"#, &Refusal::Algorithm);
        check(r#"{"alg":"ES256","crit":["exp"],"exp":1}"#, &Refusal::Critical);
        check(r#"{"alg":"ES256","crit":[]}"#, &Refusal::Critical);
        check(r#"{"alg":"ES256","typ":"logout+jwt"}"#, &Refusal::Type);
        check(r#"{"alg":"ES256","typ":1}"#, &Refusal::Type);
        check(r#"{"alg":"ES256","kid":1}"#, &Refusal::Form);
        check(r#"{"alg":"ES256","alg":"none"}"#, &Refusal::Form);
        check(r#"["ES256"]"#, &Refusal::Form);
    }

    #[test]
    fn a_token_has_three_parts_in_base64_without_padding() {
        for token in ["", "a", "a.b", "..", "e30.e30", "e30.e30.AA==", "e30.e3 0.AA", "e30..AA.", "é.é.é"] {
            assert!(Jws::parse(token).is_err(), "{token}");
        }
        assert!(has_form("a.b.c") && !has_form("a.b") && !has_form("a.b.c.d.e") && !has_form("None"));
    }
}
