//! The keys of an identity provider: how often they are asked for, and what happens when they change.

use futures::future::join_all;
use serde_json::json;
use tests::deadline::{STEP, eventually};
use tests::issuer::{self, SigningKey, claims};
use tests::retail::Retail;
use tests::{Client, Mesh};
use tonic::Code;

use super::Signed;

/// Most questions at a time to an issuer, however many unknown keys are named.
const BURST: usize = 5;

async fn accepted(retail: &Retail, token: &str) -> bool {
    let client = Client::anonymous(retail.gateway.flight()).await;
    let mut client = client.with_header("authorization", &format!("Bearer {token}"));
    client.query("SELECT 1").await.map_err(|failure| assert_eq!(failure.code, Code::Unauthenticated)).is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_is_good_without_a_restart() {
    let signed = Signed::serve().await;
    assert_eq!(signed.issuer.asked(), 0, "nobody is asked before a token comes");
    assert!(accepted(&signed.retail, &signed.key.sign(&claims("kim", json!({})))).await);
    let next = SigningKey::new("second");
    let token = next.sign(&claims("kim", json!({})));
    assert!(!accepted(&signed.retail, &token).await);
    signed.issuer.publish(&[&signed.key, &next]);
    assert!(accepted(&signed.retail, &token).await);
    assert!(accepted(&signed.retail, &signed.key.sign(&claims("kim", json!({})))).await);
    assert_eq!(signed.issuer.asked(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_unknown_keys_asks_the_issuer_a_few_times_only() {
    let signed = Signed::serve().await;
    assert!(accepted(&signed.retail, &signed.key.sign(&claims("kim", json!({})))).await);
    for flood in 0..10 {
        let attempts = (0..30).map(|number| {
            let token = SigningKey::new(&format!("{flood}-{number}")).sign(&claims("sam", json!({})));
            let retail = &signed.retail;
            async move { assert!(!accepted(retail, &token).await) }
        });
        join_all(attempts).await;
        assert!(accepted(&signed.retail, &signed.key.sign(&claims("kim", json!({})))).await, "others are not held up");
    }
    // One more may have been allowed for every half minute that this took.
    assert!((2..=BURST + 6).contains(&signed.issuer.asked()), "asked {} times", signed.issuer.asked());
}

#[tokio::test(flavor = "multi_thread")]
async fn many_first_tokens_at_a_time_are_one_question() {
    let signed = Signed::serve().await;
    let token = signed.key.sign(&claims("kim", json!({})));
    let answers = join_all((0..40).map(|_| accepted(&signed.retail, &token))).await;
    assert!(answers.into_iter().all(|good| good));
    assert_eq!(signed.issuer.asked(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_that_answers_nonsense_or_nothing_takes_no_key_away() {
    let signed = Signed::serve().await;
    let token = signed.key.sign(&claims("kim", json!({})));
    let unknown = SigningKey::new("second").sign(&claims("kim", json!({})));
    assert!(accepted(&signed.retail, &token).await);
    for nonsense in ["", "{}", "<html>", "{\"keys\": []}", "{\"keys\": [{\"kty\": \"oct\", \"k\": \"c2VjcmV0\"}]}"] {
        signed.issuer.answer(nonsense);
        assert!(!accepted(&signed.retail, &unknown).await);
        assert!(accepted(&signed.retail, &token).await, "{nonsense}");
    }
    let Signed { retail, issuer, key: _ } = signed;
    issuer.stop().await;
    assert!(!accepted(&retail, &unknown).await);
    assert!(accepted(&retail, &token).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_that_is_down_keeps_only_its_own_users_out() {
    let signed = Signed::serve().await;
    let token = signed.key.sign(&claims("kim", json!({})));
    let Signed { retail, issuer, key: _ } = signed;
    issuer.stop().await;
    assert!(!accepted(&retail, &token).await);
    assert_eq!(retail.gateway.connect("ann").await.sorted("SELECT 1").await, ["1"]);
}

/// The retailer, who has these keys in a file below a folder.
async fn with_file(keys: &[&SigningKey]) -> Retail {
    let crm = tests::Remote::start(vec![("profiles", vec![tests::engine::batch(tests::retail::PROFILES).await])]);
    let mesh = Retail::write(&crm).await;
    mesh.write("keys/issuer.json", &issuer::jwks(keys));
    mesh.configure("retail", &issuer::section("keys/issuer.json"));
    let gateway = mesh.serve().await;
    Retail { mesh, gateway, crm }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_may_lie_in_a_file_and_a_change_of_it_is_followed() {
    let (first, second) = (SigningKey::new("first"), SigningKey::new("second"));
    let retail = with_file(&[&first]).await;
    let (old, new) = (first.sign(&claims("kim", json!({}))), second.sign(&claims("kim", json!({}))));
    assert!(accepted(&retail, &old).await);
    assert!(!accepted(&retail, &new).await);
    retail.mesh.write("keys/issuer.json", &issuer::jwks(&[&second]));
    eventually(STEP, "the new key", || async { accepted(&retail, &new).await.then_some(()) }).await;
    assert!(!accepted(&retail, &old).await, "a key that is gone is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_section_is_followed() {
    let signed = Signed::serve().await;
    let token = signed.key.sign(&claims("kim", json!({})));
    assert!(accepted(&signed.retail, &token).await);
    signed.retail.mesh.configure("retail", &signed.issuer.section().replace("\"meshgate\"", "\"another\""));
    eventually(STEP, "another audience", || async { (!accepted(&signed.retail, &token).await).then_some(()) }).await;
    signed.retail.mesh.configure("retail", &signed.issuer.section());
    eventually(STEP, "the first audience", || async { accepted(&signed.retail, &token).await.then_some(()) }).await;
    signed.retail.mesh.configure("retail", "[cache]\nsnapshot_max_age = \"0s\"\n");
    eventually(STEP, "no issuer", || async { (!accepted(&signed.retail, &token).await).then_some(()) }).await;
}

/// What `meshgate check` says of a mesh with this file of keys.
async fn check(file: Option<&str>, expected: &str) {
    let mesh = Mesh::new("retail");
    mesh.configure("retail", &issuer::section("keys.json"));
    if let Some(text) = file {
        mesh.write("keys.json", text);
    }
    let told = gateway::Gateway::start(mesh.folder()).await.unwrap_err().to_string();
    assert!(told.contains(expected), "{expected}: {told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_holds_no_keys_does_not_load() {
    check(None, "keys.json: cannot be read").await;
    check(Some("keys"), "keys.json: (auth.oidc.jwks) is not a JWK Set").await;
    check(Some("{\"keys\": [{\"kty\": \"oct\", \"k\": \"c2VjcmV0\"}]}"), "keys.json: (auth.oidc.jwks) holds no key")
        .await;
    check(Some("{\"keys\": [{\"kty\": \"RSA\", \"d\": \"AA\"}]}"), "keys.json: (auth.oidc.jwks) holds a private key")
        .await;
}
