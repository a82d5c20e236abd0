//! An identity provider: signs tokens, and serves its public keys on loopback.

mod key;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use axum::Router;
use axum::routing::get;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use key::{Algorithm, SigningKey, compact};

/// What the tokens call their issuer.
pub const ISSUER: &str = "https://login.example";

/// Whom the tokens are for.
pub const AUDIENCE: &str = "meshgate";

/// A running identity provider.
#[derive(Debug)]
pub struct Issuer {
    address: SocketAddr,
    published: Arc<Mutex<String>>,
    asked: Arc<AtomicUsize>,
    server: JoinHandle<()>,
}

impl Issuer {
    /// Serves these keys.
    pub async fn start(keys: &[&SigningKey]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let published = Arc::new(Mutex::new(jwks(keys)));
        let asked = Arc::new(AtomicUsize::new(0));
        let (answer, count) = (Arc::clone(&published), Arc::clone(&asked));
        let handler = get(move || {
            count.fetch_add(1, Ordering::SeqCst);
            let answer = answer.lock().unwrap().clone();
            async move { answer }
        });
        let router = Router::new().route("/keys", handler);
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, published, asked, server }
    }

    /// Serves these keys instead.
    pub fn publish(&self, keys: &[&SigningKey]) {
        self.answer(&jwks(keys));
    }

    /// Answers this text instead.
    pub fn answer(&self, text: &str) {
        text.clone_into(&mut self.published.lock().unwrap());
    }

    /// How often it was asked for its keys.
    #[must_use]
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// Where its keys are.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/keys", self.address)
    }

    /// The sections of a `mesh.toml` that trusts it.
    #[must_use]
    pub fn section(&self) -> String {
        section(&self.url())
    }

    /// Answers no more.
    pub async fn stop(self) {
        self.server.abort();
        let _ = self.server.await;
    }
}

/// The sections of a `mesh.toml` that trusts whom these keys are of.
#[must_use]
pub fn section(jwks: &str) -> String {
    format!(
        "[cache]\nsnapshot_max_age = \"0s\"\n\n[auth.oidc]\nissuer = {ISSUER:?}\naudience = {AUDIENCE:?}\njwks = {jwks:?}\n\
         attributes = [\"region\"]\n"
    )
}

/// A JWK Set of the public halves of these keys.
#[must_use]
pub fn jwks(keys: &[&SigningKey]) -> String {
    json!({ "keys": keys.iter().map(|key| key.jwk()).collect::<Vec<_>>() }).to_string()
}

/// Good claims of `subject` with some of them replaced; `null` takes one away.
#[must_use]
pub fn claims(subject: &str, changes: Value) -> Value {
    let now = seconds();
    let mut claims = json!({"iss": ISSUER, "aud": AUDIENCE, "sub": subject, "iat": now, "exp": now + 600});
    let Value::Object(changes) = changes else { panic!("claims are an object") };
    let members = claims.as_object_mut().unwrap();
    members.extend(changes);
    members.retain(|_, value| !value.is_null());
    claims
}

/// Seconds since 1970.
#[must_use]
pub fn seconds() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}
