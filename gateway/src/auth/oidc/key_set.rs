//! The public keys of an issuer (JWK Set, RFC 7517).

use serde_json::Value;

use super::algorithm::Algorithm;
use super::json;
use super::key::PublicKey;

/// Largest set that is read, in bytes.
pub(super) const MAX_BYTES: usize = 256 << 10;

/// Most keys in a set.
const MAX_KEYS: usize = 100;

/// Members of a JWK that are secret (RFC 7518, section 6).
const SECRET: [&str; 2] = ["d", "k"];

/// Why a set of keys is of no use.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum KeySetFault {
    #[error("is not a JWK Set: a JSON object with `keys`")]
    Form,
    #[error("is larger than {MAX_BYTES} bytes, or holds more than {MAX_KEYS} keys")]
    Size,
    #[error("holds no key that checks signatures of RS, PS, ES256, ES384 or EdDSA")]
    NoKey,
    #[error("holds a private key, so that whoever has read it can sign tokens")]
    Private,
}

/// The keys of an issuer that signatures can be checked with: one at least.
#[derive(Debug)]
pub(super) struct KeySet(Vec<PublicKey>);

impl KeySet {
    /// The keys in a JWK Set; those that check no signature are left out.
    ///
    /// # Errors
    /// Where it is not a set, or is of no use.
    pub(super) fn parse(text: &[u8]) -> Result<Self, KeySetFault> {
        if text.len() > MAX_BYTES {
            return Err(KeySetFault::Size);
        }
        let set = json::object(text).ok_or(KeySetFault::Form)?;
        let jwks = set.get("keys").and_then(Value::as_array).ok_or(KeySetFault::Form)?;
        if jwks.len() > MAX_KEYS {
            return Err(KeySetFault::Size);
        }
        let mut keys = Vec::new();
        for jwk in jwks {
            let jwk = jwk.as_object().ok_or(KeySetFault::Form)?;
            // A shared secret is left out as any key that checks no signature; half of a pair is out in the open.
            let is_shared = jwk.get("kty").is_some_and(|kty| kty == "oct");
            if !is_shared && SECRET.iter().any(|member| jwk.contains_key(*member)) {
                return Err(KeySetFault::Private);
            }
            keys.extend(PublicKey::of_jwk(jwk));
        }
        if keys.is_empty() { Err(KeySetFault::NoKey) } else { Ok(Self(keys)) }
    }

    /// How many keys there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is a key of this name.
    pub(super) fn knows(&self, id: &str) -> bool {
        self.0.iter().any(|key| key.id.as_deref() == Some(id))
    }

    /// The one key for a token that names `id` and `algorithm`; `None` where none fits, or more than one.
    pub(super) fn key(&self, id: Option<&str>, algorithm: Algorithm) -> Option<&PublicKey> {
        let named = |key: &&PublicKey| id.is_none_or(|id| key.id.as_deref() == Some(id));
        let mut fitting = self.0.iter().filter(named).filter(|key| key.fits(algorithm));
        let first = fitting.next()?;
        fitting.next().is_none().then_some(first)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may unwrap")]
    use serde_json::json;

    use super::*;

    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    fn check(set: &Value, expected: &KeySetFault) {
        assert_eq!(&KeySet::parse(set.to_string().as_bytes()).unwrap_err(), expected, "{set}");
    }

    fn ed(id: &str) -> Value {
        json!({"kty": "OKP", "crv": "Ed25519", "x": X, "kid": id})
    }

    #[test]
    fn a_set_without_a_key_that_checks_signatures_is_of_no_use() {
        check(&json!({"keys": []}), &KeySetFault::NoKey);
        check(&json!({"keys": [{"kty": "oct", "k": "c2VjcmV0", "alg": "HS256"}]}), &KeySetFault::NoKey);
        check(&json!({"keys": vec![ed("a"); 101]}), &KeySetFault::Size);
        check(&json!({"keys": [ed("a"), 1]}), &KeySetFault::Form);
        check(&json!({"key": []}), &KeySetFault::Form);
        check(&json!([]), &KeySetFault::Form);
        check(&json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": X, "d": X}]}), &KeySetFault::Private);
        assert_eq!(KeySet::parse(&vec![b' '; MAX_BYTES + 1]).unwrap_err(), KeySetFault::Size);
    }

    #[test]
    fn a_token_gets_the_key_that_it_names_or_the_only_one_that_fits() {
        let parse = |keys: Vec<Value>| KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap();
        let one = parse(vec![ed("a"), json!({"kty": "oct", "k": X, "kid": "shared"})]);
        assert!(one.key(Some("a"), Algorithm::EdDsa).is_some());
        assert!(one.key(None, Algorithm::EdDsa).is_some());
        assert!(one.key(Some("a"), Algorithm::Es256).is_none(), "of another type");
        assert!(one.key(Some("b"), Algorithm::EdDsa).is_none() && !one.knows("b"));
        assert!(!one.knows("shared"), "a shared secret is not a key");
        let two = parse(vec![ed("a"), ed("b")]);
        assert_eq!(two.key(Some("b"), Algorithm::EdDsa).unwrap().id.as_deref(), Some("b"));
        assert!(two.key(None, Algorithm::EdDsa).is_none(), "which one?");
        assert!(parse(vec![ed("a"), ed("a")]).key(Some("a"), Algorithm::EdDsa).is_none(), "which one?");
    }
}
