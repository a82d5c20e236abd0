//! Tokens of an identity provider: who they are of, what they let see, and when they are refused.

mod attacks;
mod keys;

use serde_json::{Value, json};
use tests::audit::await_records;
use tests::issuer::{self, Algorithm, Issuer, SigningKey};
use tests::retail::{RULES, Retail};
use tests::{Client, Failure};
use tonic::Code;

/// The retailer, who trusts an identity provider with one key.
struct Signed {
    retail: Retail,
    issuer: Issuer,
    key: SigningKey,
}

impl Signed {
    async fn serve() -> Self {
        Self::serve_with(|section| section).await
    }

    /// The same with another `mesh.toml`.
    async fn serve_with(change: impl FnOnce(String) -> String) -> Self {
        let key = SigningKey::new("first");
        let issuer = Issuer::start(&[&key]).await;
        let retail = Retail::serve_with(&change(issuer.section())).await;
        Self { retail, issuer, key }
    }

    /// A connection that shows a token with these claims.
    async fn connect(&self, subject: &str, changes: Value) -> Client {
        self.show(&self.key.sign(&issuer::claims(subject, changes))).await
    }

    /// A connection that shows this token.
    async fn show(&self, token: &str) -> Client {
        let anonymous = Client::anonymous(self.retail.gateway.flight()).await;
        anonymous.with_header("authorization", &format!("Bearer {token}"))
    }

    /// What a call with this token fails with.
    async fn refused(&self, token: &str) -> Failure {
        self.show(token).await.fails("SELECT 1").await
    }
}

const ORDERS: &str = "SELECT id FROM sales.orders";

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_is_an_attribute_and_without_it_no_row_is_seen() {
    let signed = Signed::serve().await;
    let analyst = |claims: Value| {
        let mut all = json!({"roles": ["analyst"]});
        all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        signed.connect("kim", all)
    };
    assert_eq!(analyst(json!({"region": "EU"})).await.sorted(ORDERS).await, ["1", "2", "5"]);
    assert_eq!(analyst(json!({"region": "US"})).await.sorted(ORDERS).await, ["3", "4"]);
    let none: [&str; 0] = [];
    assert_eq!(analyst(json!({})).await.sorted(ORDERS).await, none);
    for odd in
        [json!(["EU"]), json!(1), json!(1.5), json!(true), json!({"EU": true}), json!(""), json!("EU' OR 'a'='a")]
    {
        assert_eq!(analyst(json!({ "region": odd })).await.sorted(ORDERS).await, none, "{odd}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_of_a_token_are_held_in_every_domain_and_others_do_nothing() {
    let signed = Signed::serve().await;
    let mut steward = signed.connect("kim", json!({"roles": "other steward"})).await;
    assert_eq!(steward.sorted("SELECT count(*) FROM sales.orders").await, ["6"]);
    assert_eq!(steward.sorted("SELECT count(*) FROM customers.profiles").await, ["6"]);
    for roles in
        [json!(null), json!([]), json!(["nobody"]), json!(["role:steward"]), json!(["Steward"]), json!("user:sam")]
    {
        let mut nobody = signed.connect("kim", json!({ "roles": roles })).await;
        assert_eq!(nobody.sorted("SELECT 1").await, ["1"]);
        assert_eq!(nobody.fails(ORDERS).await.kind, "UndefinedTable", "{roles}");
    }
    assert_eq!(
        signed.refused(&signed.key.sign(&issuer::claims("kim", json!({"roles": 7})))).await.code,
        Code::Unauthenticated
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_and_subject_may_be_in_other_claims() {
    let signed = Signed::serve_with(|section| {
        format!("{section}subject = \"preferred_username\"\nroles = \"realm_access.roles\"\n")
    })
    .await;
    let mut ann = signed.connect("7f3a", json!({"preferred_username": "ann", "region": "APAC"})).await;
    assert_eq!(ann.sorted(ORDERS).await, ["6"]);
    let mut kim = signed
        .connect("7f3a", json!({"preferred_username": "kim", "realm_access": {"roles": ["steward"]}, "roles": ["x"]}))
        .await;
    assert_eq!(kim.sorted("SELECT count(*) FROM sales.orders").await, ["6"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subject_is_the_user_of_the_rules_with_the_attributes_of_its_token() {
    let signed = Signed::serve().await;
    // In users.toml, ann is of the EU; what she has here is what the token says.
    let mut ann = signed.connect("ann", json!({"region": "US"})).await;
    assert_eq!(ann.sorted(ORDERS).await, ["3", "4"]);
    let none: [&str; 0] = [];
    assert_eq!(signed.connect("ann", json!({})).await.sorted(ORDERS).await, none);
    assert_eq!(signed.retail.gateway.connect("ann").await.sorted(ORDERS).await, ["1", "2", "5"], "with her password");
}

#[tokio::test(flavor = "multi_thread")]
async fn has_role_knows_the_roles_of_a_token() {
    let signed = Signed::serve().await;
    signed.retail.mesh.rules(&RULES.replace("region = attribute('region')", "has_role('night_shift')"));
    signed.retail.gateway.reload().await;
    let mut kim = signed.connect("kim", json!({"roles": ["analyst", "night_shift"]})).await;
    assert_eq!(kim.sorted("SELECT count(*) FROM sales.orders").await, ["6"]);
    let mut kim = signed.connect("kim", json!({"roles": ["analyst"]})).await;
    assert_eq!(kim.sorted("SELECT count(*) FROM sales.orders").await, ["0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_algorithm_with_a_public_key_is_good() {
    let keys = Algorithm::ALL.map(|algorithm| SigningKey::of(algorithm.name(), algorithm));
    let issuer = Issuer::start(&keys.iter().collect::<Vec<_>>()).await;
    let retail = Retail::serve_with(&issuer.section()).await;
    for key in &keys {
        let token = key.sign(&issuer::claims("kim", json!({})));
        let mut kim = Client::anonymous(retail.gateway.flight()).await;
        kim = kim.with_header("authorization", &format!("Bearer {token}"));
        assert_eq!(kim.sorted("SELECT 1").await, ["1"], "{key:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_with_a_token_returns_it_and_proves_it() {
    let signed = Signed::serve().await;
    let token = signed.key.sign(&issuer::claims("kim", json!({"roles": ["steward"]})));
    let address = signed.retail.gateway.flight();
    let mut kim = Client::handshake(address, &format!("Bearer {token}")).await.unwrap();
    assert_eq!(kim.flight().token(), Some(&token));
    assert_eq!(kim.sorted("SELECT count(*) FROM sales.orders").await, ["6"]);
    let expired = signed.key.sign(&issuer::claims("kim", json!({"exp": 1})));
    let failure = Client::handshake(address, &format!("Bearer {expired}")).await.unwrap_err();
    assert_eq!(failure.code, Code::Unauthenticated);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_does_not_carry_roles_over_to_another_token_of_its_user() {
    let signed = Signed::serve().await;
    let mut steward = signed.connect("kim", json!({"roles": ["steward"]})).await;
    let info = steward.info(ORDERS).await.unwrap();
    let mut plain = signed.connect("kim", json!({})).await;
    assert_eq!(plain.fetch_all(&info).await.unwrap_err().kind, "UndefinedTable");
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_come_in_and_that_are_refused_are_recorded_and_never_their_text() {
    let signed = Signed::serve_with(|section| format!("{section}\n[audit]\n")).await;
    let (good, bad) = (
        signed.key.sign(&issuer::claims("kim", json!({}))),
        signed.key.sign(&issuer::claims("sam", json!({"exp": 1}))),
    );
    signed.refused(&bad).await;
    let mut kim = Client::handshake(signed.retail.gateway.flight(), &format!("Bearer {good}")).await.unwrap();
    kim.sorted("SELECT 1").await;
    let folder = signed.retail.mesh.path("audit");
    let logins = await_records(&folder, "login", 2).await;
    let outcome = |record: &Value| (record["outcome"].clone(), record["subject"].clone());
    // An expired token says nothing that anybody has proven, its subject least of all.
    assert_eq!(outcome(&logins[0]), (json!("Unauthenticated"), json!(null)));
    assert_eq!(outcome(&logins[1]), (json!("Finished"), json!("kim")));
    let text = tests::audit::text(&folder);
    for token in [good, bad] {
        assert!(token.split('.').all(|part| !text.contains(part)), "{text}");
    }
}
