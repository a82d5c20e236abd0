//! One public key of an issuer (JWK, RFC 7517).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{RsaPublicKeyComponents, UnparsedPublicKey};
use serde_json::{Map, Value};

use super::algorithm::{Algorithm, Curve, Scheme};

/// Sizes of an RSA modulus that is used, in bits.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2_048..=8_192;

/// A key that signatures can be checked with.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PublicKey {
    /// What tokens call it.
    pub(super) id: Option<String>,
    /// The one algorithm that it is for; `None`: every one of its type.
    algorithm: Option<Algorithm>,
    material: Material,
}

#[derive(Debug, PartialEq, Eq)]
enum Material {
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
    Point(Curve, Vec<u8>),
}

impl PublicKey {
    /// The key that a JWK describes. `None` where no signature can be checked with it: a shared secret, a key for
    /// encryption, a curve or algorithm that is not on the list, an RSA key that is too short, a broken one.
    pub(super) fn of_jwk(jwk: &Map<String, Value>) -> Option<Self> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        let bytes = |name: &str| URL_SAFE_NO_PAD.decode(text(name)?).ok();
        let for_signatures = text("use").is_none_or(|usage| usage == "sig");
        let operations = jwk.get("key_ops").and_then(Value::as_array);
        let verifies = operations.is_none_or(|all| all.iter().any(|operation| operation == "verify"));
        if !for_signatures || !verifies {
            return None;
        }
        let algorithm = match jwk.get("alg") {
            None => None,
            Some(alg) => Some(Algorithm::named(alg.as_str()?)?),
        };
        let material = match (text("kty")?, text("crv")) {
            ("RSA", _) => rsa(&bytes("n")?, &bytes("e")?)?,
            ("EC", Some("P-256")) => point(Curve::P256, 32, &bytes("x")?, &bytes("y")?)?,
            ("EC", Some("P-384")) => point(Curve::P384, 48, &bytes("x")?, &bytes("y")?)?,
            ("OKP", Some("Ed25519")) => Material::Point(Curve::Ed25519, bytes("x").filter(|point| point.len() == 32)?),
            _ => return None,
        };
        let key = Self { id: text("kid").map(str::to_owned), algorithm: None, material };
        // A key that says it is for an algorithm of another type is for none.
        let fits = algorithm.is_none_or(|algorithm| key.fits(algorithm));
        fits.then_some(Self { algorithm, ..key })
    }

    /// Whether the key may be used with `algorithm`: the token does not choose what a key is for.
    pub(super) fn fits(&self, algorithm: Algorithm) -> bool {
        let type_fits = match (&self.material, algorithm.scheme()) {
            (Material::Rsa { .. }, Scheme::Rsa(_)) => true,
            (Material::Point(own, _), Scheme::Curve(curve, _)) => *own == curve,
            (Material::Rsa { .. }, Scheme::Curve(..)) | (Material::Point(..), Scheme::Rsa(_)) => false,
        };
        type_fits && self.algorithm.is_none_or(|own| own == algorithm)
    }

    /// Whether `signature` is one of `message` by this key's owner.
    pub(super) fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        if !self.fits(algorithm) {
            return false;
        }
        match (&self.material, algorithm.scheme()) {
            (Material::Rsa { modulus, exponent }, Scheme::Rsa(parameters)) => {
                RsaPublicKeyComponents { n: modulus, e: exponent }.verify(parameters, message, signature).is_ok()
            }
            (Material::Point(_, point), Scheme::Curve(_, verification)) => {
                UnparsedPublicKey::new(verification, point).verify(message, signature).is_ok()
            }
            (Material::Rsa { .. }, Scheme::Curve(..)) | (Material::Point(..), Scheme::Rsa(_)) => false,
        }
    }
}

fn rsa(modulus: &[u8], exponent: &[u8]) -> Option<Material> {
    let (modulus, exponent) = (without_zeros(modulus), without_zeros(exponent));
    let bits = modulus.len() * 8 - usize::try_from(modulus.first()?.leading_zeros()).ok()?;
    let good = RSA_BITS.contains(&bits) && !exponent.is_empty();
    good.then(|| Material::Rsa { modulus: modulus.to_vec(), exponent: exponent.to_vec() })
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

/// An uncompressed point (SEC 1, 2.3.3).
fn point(curve: Curve, length: usize, x: &[u8], y: &[u8]) -> Option<Material> {
    let good = x.len() == length && y.len() == length;
    good.then(|| Material::Point(curve, [&[4], x, y].concat()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may unwrap")]
    use serde_json::json;

    use super::*;

    fn check(jwk: &Value, usable: bool) {
        assert_eq!(PublicKey::of_jwk(jwk.as_object().unwrap()).is_some(), usable, "{jwk}");
    }

    fn number(bytes: usize) -> String {
        URL_SAFE_NO_PAD.encode(vec![0xff; bytes])
    }

    #[test]
    fn a_key_that_checks_no_signature_is_left_out() {
        let (short, long) = (number(32), number(48));
        check(&json!({"kty": "RSA", "n": number(256), "e": "AQAB"}), true);
        check(&json!({"kty": "RSA", "n": number(256), "e": "AQAB", "use": "sig", "alg": "PS512"}), true);
        check(&json!({"kty": "EC", "crv": "P-256", "x": short, "y": short, "key_ops": ["verify"]}), true);
        check(&json!({"kty": "EC", "crv": "P-384", "x": long, "y": long}), true);
        check(&json!({"kty": "OKP", "crv": "Ed25519", "x": short, "alg": "EdDSA"}), true);

        check(&json!({"kty": "oct", "k": short, "alg": "HS256"}), false);
        check(&json!({"kty": "oct", "k": short}), false);
        check(&json!({"kty": "RSA", "n": number(255), "e": "AQAB"}), false);
        check(&json!({"kty": "RSA", "n": number(1_025), "e": "AQAB"}), false);
        check(&json!({"kty": "RSA", "n": "AAAA", "e": "AQAB"}), false);
        check(&json!({"kty": "RSA", "n": number(256), "e": ""}), false);
        check(&json!({"kty": "RSA", "n": number(256), "e": "AQAB", "use": "enc"}), false);
        check(&json!({"kty": "RSA", "n": number(256), "e": "AQAB", "key_ops": ["encrypt"]}), false);
        check(&json!({"kty": "RSA", "n": number(256), "e": "AQAB", "alg": "RSA-OAEP"}), false);
        check(&json!({"kty": "RSA", "n": number(256), "e": "AQAB", "alg": "HS256"}), false);
        check(&json!({"kty": "RSA", "n": number(256), "e": "AQAB", "alg": "ES256"}), false);
        check(&json!({"kty": "RSA", "n": number(256), "e": "AQAB", "alg": 256}), false);
        check(&json!({"kty": "EC", "crv": "P-256", "x": short, "y": long}), false);
        check(&json!({"kty": "EC", "crv": "P-521", "x": short, "y": short}), false);
        check(&json!({"kty": "OKP", "crv": "X25519", "x": short}), false);
        check(&json!({"kty": "OKP", "crv": "Ed25519", "x": long}), false);
        check(&json!({"n": number(256), "e": "AQAB"}), false);
    }

    #[test]
    fn a_key_is_for_algorithms_of_its_type_and_for_its_own_where_it_has_one() {
        let of = |jwk: Value| PublicKey::of_jwk(jwk.as_object().unwrap()).unwrap();
        let rsa = of(json!({"kty": "RSA", "n": number(256), "e": "AQAB"}));
        assert!(rsa.fits(Algorithm::Rs256) && rsa.fits(Algorithm::Ps512));
        assert!(!rsa.fits(Algorithm::Es256) && !rsa.fits(Algorithm::EdDsa));
        let pinned = of(json!({"kty": "RSA", "n": number(256), "e": "AQAB", "alg": "RS256"}));
        assert!(pinned.fits(Algorithm::Rs256) && !pinned.fits(Algorithm::Ps256) && !pinned.fits(Algorithm::Rs512));
        let curve = of(json!({"kty": "EC", "crv": "P-256", "x": number(32), "y": number(32)}));
        assert!(curve.fits(Algorithm::Es256) && !curve.fits(Algorithm::Es384) && !curve.fits(Algorithm::EdDsa));
    }

    #[test]
    fn leading_zeros_of_a_number_do_not_count() {
        let padded = URL_SAFE_NO_PAD.encode([vec![0], vec![0xff; 256]].concat());
        let of = |n: &str| PublicKey::of_jwk(json!({"kty": "RSA", "n": n, "e": "AAEAAQ"}).as_object().unwrap());
        assert_eq!(of(&padded), of(&number(256)));
    }
}
