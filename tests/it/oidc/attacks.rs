//! Tokens that somebody has made up: all refused, with one answer.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tests::issuer::{self, Algorithm, Issuer, SigningKey, claims, compact, seconds};
use tests::retail::Retail;
use tonic::Code;

use super::Signed;

fn text(changes: Value) -> String {
    claims("sam", changes).to_string()
}

/// Tokens that are not signed by the issuer, or not in a way that counts.
fn forged(key: &SigningKey) -> Vec<(&'static str, String)> {
    let other = SigningKey::new("first");
    let good = key.sign(&claims("sam", json!({})));
    let (message, signature) = good.rsplit_once('.').unwrap();
    let header = message.split('.').next().unwrap();
    let elevated = URL_SAFE_NO_PAD.encode(text(json!({"roles": ["steward"]})));
    let jwk = other.jwk().to_string();
    vec![
        ("alg none", compact(r#"{"alg":"none"}"#, &text(json!({})), |_| Vec::new())),
        ("alg none, named key", compact(r#"{"alg":"none","kid":"first"}"#, &text(json!({})), |_| Vec::new())),
        ("alg None, old signature", format!("{}.{elevated}.{signature}", URL_SAFE_NO_PAD.encode(r#"{"alg":"None"}"#))),
        ("no signature", format!("{message}.")),
        ("another's key under the name of the issuer's", other.sign(&claims("sam", json!({})))),
        ("a key of its own", other.sign_text(&format!(r#"{{"alg":"EdDSA","jwk":{jwk}}}"#), &text(json!({})))),
        ("claims replaced", format!("{header}.{elevated}.{signature}")),
        ("signature changed", format!("{message}.A{}", &signature[1..])),
        ("unknown key", SigningKey::new("second").sign(&claims("sam", json!({})))),
        ("key with an odd name", SigningKey::new("../../first").sign(&claims("sam", json!({})))),
        ("algorithm of another type", key.sign_text(r#"{"alg":"ES256","kid":"first"}"#, &text(json!({})))),
        ("critical extension", key.sign_text(r#"{"alg":"EdDSA","kid":"first","crit":["exp"]}"#, &text(json!({})))),
        (
            "payload not encoded",
            key.sign_text(r#"{"alg":"EdDSA","kid":"first","crit":["b64"],"b64":false}"#, &text(json!({}))),
        ),
        ("a logout token", key.sign_text(r#"{"alg":"EdDSA","kid":"first","typ":"logout+jwt"}"#, &text(json!({})))),
        ("two algorithms", key.sign_text(r#"{"alg":"EdDSA","kid":"first","alg":"none"}"#, &text(json!({})))),
        ("encrypted", "a.b.c.d.e".to_owned()),
        ("five parts", format!("{good}.a.b")),
    ]
}

/// Tokens that the issuer has signed, but not for this gateway, this moment, or a user.
fn misplaced(key: &SigningKey) -> Vec<(&'static str, String)> {
    let sign = |changes: Value| key.sign(&claims("sam", changes));
    let raw = |claims: &str| key.sign_text(r#"{"alg":"EdDSA","kid":"first"}"#, claims);
    let now = seconds();
    let good = text(json!({}));
    let twice = format!(r#"{{"sub":"eve",{}"#, &good[1..]);
    vec![
        ("wrong issuer", sign(json!({"iss": "https://evil.example"}))),
        ("issuer with a slash", sign(json!({"iss": format!("{}/", issuer::ISSUER)}))),
        ("no issuer", sign(json!({"iss": null}))),
        ("another audience", sign(json!({"aud": "other"}))),
        ("other audiences", sign(json!({"aud": ["other", "meshgate2"]}))),
        ("no audience", sign(json!({"aud": null}))),
        ("expired", sign(json!({"exp": now - 120}))),
        ("no expiry", sign(json!({"exp": null}))),
        ("expiry as text", sign(json!({"exp": "9999999999"}))),
        ("not yet", sign(json!({"nbf": now + 600}))),
        ("from the future", sign(json!({"iat": now + 600}))),
        ("bound to a key", sign(json!({"cnf": {"jkt": "abc"}}))),
        ("bound to a certificate", sign(json!({"cnf": {"x5t#S256": "abc"}}))),
        ("no subject", sign(json!({"sub": null}))),
        ("subject with a prefix", sign(json!({"sub": "user:sam"}))),
        ("subject with a space", sign(json!({"sub": "sam "}))),
        ("subject with a line", sign(json!({"sub": "sam\n"}))),
        ("subject with a NUL", sign(json!({"sub": "sam\0"}))),
        ("a pattern as subject", sign(json!({"sub": "*"}))),
        ("subject in other letters", sign(json!({"sub": "ѕam"}))),
        ("a list of subjects", sign(json!({"sub": ["sam"]}))),
        ("a claim that comes twice", raw(&twice)),
        ("claims that are no object", raw("[]")),
        ("claims that are no JSON", raw("sam")),
        ("huge", sign(json!({"padding": "x".repeat(20_000)}))),
        ("deep", raw(&format!("{}1{}", "{\"a\":".repeat(1_000), "}".repeat(1_000)))),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_token_gets_the_same_answer_as_a_wrong_password() {
    let signed = Signed::serve().await;
    let wrong = tests::Client::login(signed.retail.gateway.flight(), "ann", "wrong").await.unwrap_err();
    for (name, token) in forged(&signed.key).into_iter().chain(misplaced(&signed.key)) {
        let failure = signed.refused(&token).await;
        assert_eq!(failure.code, Code::Unauthenticated, "{name}");
        assert_eq!(failure.shape(), wrong.shape(), "{name}");
    }
    let mut sam = signed.connect("sam", json!({})).await;
    assert_eq!(sam.sorted("SELECT count(*) FROM sales.orders").await, ["6"], "the claims themselves are good");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_key_is_not_a_shared_secret() {
    let key = SigningKey::of("first", Algorithm::Rs256);
    let issuer = Issuer::start(&[&key]).await;
    let retail = Retail::serve_with(&issuer.section()).await;
    let jwk = key.jwk();
    let modulus = URL_SAFE_NO_PAD.decode(jwk["n"].as_str().unwrap()).unwrap();
    let secrets = [modulus, jwk.to_string().into_bytes(), jwk["n"].as_str().unwrap().as_bytes().to_vec(), Vec::new()];
    for secret in secrets {
        for header in [r#"{"alg":"HS256","kid":"first"}"#, r#"{"alg":"HS256"}"#, r#"{"alg":"RS256","kid":"first"}"#] {
            let token = compact(header, &text(json!({})), |message| {
                let secret = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &secret);
                ring::hmac::sign(&secret, message).as_ref().to_vec()
            });
            let client = tests::Client::anonymous(retail.gateway.flight()).await;
            let mut client = client.with_header("authorization", &format!("Bearer {token}"));
            assert_eq!(client.fails("SELECT 1").await.code, Code::Unauthenticated, "{header}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_for_one_algorithm_is_not_used_with_another() {
    let (pss, curve) = (SigningKey::of("a", Algorithm::Ps256), SigningKey::of("b", Algorithm::Es256));
    let issuer = Issuer::start(&[&pss, &curve]).await;
    let retail = Retail::serve_with(&issuer.section()).await;
    let pkcs1 = SigningKey::of("a", Algorithm::Rs256);
    for (name, token) in [
        ("the same key with another padding", pkcs1.sign(&claims("sam", json!({})))),
        ("the name of another type's key", curve.sign_text(r#"{"alg":"ES256","kid":"a"}"#, &text(json!({})))),
        ("another type's algorithm", curve.sign_text(r#"{"alg":"PS256","kid":"b"}"#, &text(json!({})))),
    ] {
        let client = tests::Client::anonymous(retail.gateway.flight()).await;
        let mut client = client.with_header("authorization", &format!("Bearer {token}"));
        assert_eq!(client.fails("SELECT 1").await.code, Code::Unauthenticated, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_issuer_no_token_is_good() {
    let retail = Retail::serve().await;
    let token = SigningKey::new("first").sign(&claims("sam", json!({})));
    let client = tests::Client::anonymous(retail.gateway.flight()).await;
    let mut client = client.with_header("authorization", &format!("Bearer {token}"));
    assert_eq!(client.fails("SELECT 1").await.code, Code::Unauthenticated);
}
