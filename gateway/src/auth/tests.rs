//! Tests of logins as a whole: what a caller may send, and what he may not learn.
#![expect(clippy::unwrap_used, reason = "tests may unwrap")]

use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::*;

fn users(names: &[(&str, &str)]) -> Arc<Users> {
    let text: String =
        names.iter().map(|(name, password)| section(name, &hash(password).unwrap(), &[]).unwrap()).collect();
    Arc::new(Users::parse(Path::new("users.toml"), &text, Passwords::Required).unwrap())
}

fn headers(name: &'static str, value: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(name, value.parse().unwrap());
    headers
}

fn basic(user: &str, password: &str) -> HeaderMap {
    headers("authorization", &format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}"))))
}

fn bearer(token: &str) -> HeaderMap {
    headers("authorization", &format!("Bearer {token}"))
}

fn peer(port: u16) -> Option<SocketAddr> {
    Some(SocketAddr::from(([127, 0, 0, 1], port)))
}

fn identities(users: &Arc<Users>) -> Identities {
    Identities { users: Arc::clone(users), certificate: CertificateName::default(), oidc: None }
}

async fn authenticate(
    authenticator: &Authenticator,
    users: &Arc<Users>,
    headers: &HeaderMap,
    peer: Option<SocketAddr>,
) -> Result<Login, Error> {
    authenticator.authenticate(&identities(users), Shown { headers, peer, certificate: None }).await
}

async fn handshake(authenticator: &Authenticator, users: &Arc<Users>, credential: Credential) -> Result<Login, Error> {
    let shown = Shown { headers: &HeaderMap::new(), peer: peer(1), certificate: None };
    authenticator.handshake(&identities(users), Some(credential), shown).await
}

async fn login(authenticator: &Authenticator, users: &Arc<Users>, user: &str, password: &str) -> Result<Login, Error> {
    handshake(authenticator, users, Credential::basic(user, password).unwrap()).await
}

/// The token of a login that got one.
fn token(login: &Login) -> &str {
    login.token.as_ref().unwrap().as_str()
}

#[tokio::test]
async fn a_login_yields_a_token_that_stands_for_it() {
    let (authenticator, users) = (Authenticator::new().unwrap(), users(&[("ann", "secret")]));
    let first = login(&authenticator, &users, "ann", "secret").await.unwrap();
    let second = login(&authenticator, &users, "ann", "secret").await.unwrap();
    let caller = authenticate(&authenticator, &users, &bearer(token(&first)), peer(2)).await.unwrap().caller;
    assert_eq!(caller.principal.subject.as_ref(), "ann");
    assert_eq!(caller.session, first.caller.session, "the token brings its session along");
    assert_ne!(first.caller.session, second.caller.session, "each login is a session of its own");
    let again = handshake(&authenticator, &users, Credential::Bearer(token(&first).to_owned())).await.unwrap();
    assert_eq!((again.token, again.caller.session), (first.token, first.caller.session));
}

#[tokio::test]
async fn every_bad_credential_gets_the_same_answer() {
    let (authenticator, users) = (Authenticator::new().unwrap(), users(&[("ann", "secret")]));
    let mut answers = Vec::new();
    for headers in [
        HeaderMap::new(),
        basic("ann", "wrong"),
        basic("bob", "secret"),
        basic("", ""),
        bearer("None"),
        bearer("x"),
        bearer("eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4ifQ."),
        headers("authorization", "Basic !"),
    ] {
        answers.push(authenticate(&authenticator, &users, &headers, peer(1)).await.unwrap_err());
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!(answers[0].kind, ErrorKind::Unauthenticated);
}

#[tokio::test]
async fn a_removed_user_is_out_at_once_and_so_is_a_changed_password() {
    let (authenticator, before) = (Authenticator::new().unwrap(), users(&[("ann", "secret")]));
    let login = login(&authenticator, &before, "ann", "secret").await.unwrap();
    let token = token(&login);
    authenticate(&authenticator, &before, &basic("ann", "secret"), peer(1)).await.unwrap();
    for after in [users(&[("bob", "x")]), users(&[("ann", "changed")])] {
        authenticate(&authenticator, &after, &bearer(token), peer(1)).await.unwrap_err();
        authenticate(&authenticator, &after, &basic("ann", "secret"), peer(1)).await.unwrap_err();
    }
    authenticate(&authenticator, &before, &bearer(token), peer(1)).await.unwrap();
}

#[tokio::test]
async fn attributes_are_those_of_the_moment() {
    let (authenticator, before) = (Authenticator::new().unwrap(), users(&[("ann", "secret")]));
    let login = login(&authenticator, &before, "ann", "secret").await.unwrap();
    let token = token(&login);
    let text =
        format!("{}attributes = {{ region = \"EU\" }}\n", section("ann", before.hash_of("ann").unwrap(), &[]).unwrap());
    let after = Arc::new(Users::parse(Path::new("users.toml"), &text, Passwords::Required).unwrap());
    let caller = authenticate(&authenticator, &after, &bearer(token), peer(1)).await.unwrap().caller;
    assert!(caller.principal.attributes.contains_key("region"));
}

#[tokio::test]
async fn too_many_wrong_passwords_have_to_wait_even_with_the_right_one() {
    let (authenticator, users) = (Authenticator::new().unwrap(), users(&[("ann", "secret")]));
    for user in ["ann", "nobody"] {
        for _ in 0..5 {
            authenticate(&authenticator, &users, &basic(user, "wrong"), peer(1)).await.unwrap_err();
        }
        let error = authenticate(&authenticator, &users, &basic(user, "secret"), peer(2)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::LimitExceeded, "{user}");
    }
}

#[tokio::test]
async fn a_cookie_names_the_session() {
    let (authenticator, users) = (Authenticator::new().unwrap(), users(&[("ann", "secret")]));
    let session = SessionId::random().unwrap();
    let mut headers = basic("ann", "secret");
    headers.insert("cookie", format!("{COOKIE}=\"{}\"", session.as_str()).parse().unwrap());
    let caller = authenticate(&authenticator, &users, &headers, peer(1)).await.unwrap().caller;
    assert_eq!(caller.session, session);
    let one = authenticate(&authenticator, &users, &basic("ann", "secret"), peer(1)).await.unwrap().caller;
    let two = authenticate(&authenticator, &users, &basic("ann", "secret"), peer(2)).await.unwrap().caller;
    assert_ne!(one.session, two.session, "two connections with one credential are two sessions");
}

#[tokio::test]
async fn many_guesses_at_a_time_are_not_many_free_guesses() {
    let authenticator = Arc::new(Authenticator::new().unwrap());
    let users = users(&[("ann", "secret")]);
    let attempts = (0..40).map(|attempt| {
        let (authenticator, users) = (Arc::clone(&authenticator), Arc::clone(&users));
        tokio::spawn(async move {
            let headers = basic("ann", &format!("guess{attempt}"));
            authenticate(&authenticator, &users, &headers, peer(1)).await.unwrap_err().kind
        })
    });
    let mut checked = 0;
    for attempt in attempts.collect::<Vec<_>>() {
        checked += usize::from(attempt.await.unwrap() == ErrorKind::Unauthenticated);
    }
    assert!(checked < 10, "{checked} guesses were checked");
}

#[tokio::test]
async fn a_call_with_a_password_gets_a_token_that_keeps_its_session() {
    let (authenticator, users) = (Authenticator::new().unwrap(), users(&[("ann", "secret")]));
    let first = authenticate(&authenticator, &users, &basic("ann", "secret"), peer(1)).await.unwrap();
    let again = authenticate(&authenticator, &users, &basic("ann", "secret"), peer(1)).await.unwrap();
    assert_eq!(first.token, again.token, "one for the whole session");
    let with_token = authenticate(&authenticator, &users, &bearer(token(&first)), peer(1)).await.unwrap();
    assert_eq!(with_token.caller.session, first.caller.session, "what was set up before goes on");
    assert!(with_token.token.is_none(), "a young token needs no successor");
    let other = authenticate(&authenticator, &users, &basic("ann", "secret"), peer(2)).await.unwrap();
    assert_ne!(other.token, first.token, "another connection is another session");
    authenticate(&authenticator, &users, &basic("ann", "wrong"), peer(1)).await.unwrap_err();
}

#[tokio::test]
async fn a_header_that_is_no_good_is_not_made_up_for_by_anything_else() {
    let (authenticator, users) = (Authenticator::new().unwrap(), users(&[("ann", "secret")]));
    for headers in [bearer("None"), headers("authorization", "x"), headers("auth-token-bin", "!")] {
        let shown = Shown { headers: &headers, peer: peer(1), certificate: Some(b"a certificate") };
        authenticator.authenticate(&identities(&users), shown).await.unwrap_err();
    }
}
