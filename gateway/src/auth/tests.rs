//! Tests of logins as a whole: what a caller may send, and what he may not learn.
#![expect(clippy::unwrap_used, reason = "tests may unwrap")]

use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::*;

fn users(names: &[(&str, &str)]) -> Arc<Users> {
    let text: String =
        names.iter().map(|(name, password)| section(name, &hash(password).unwrap(), &[]).unwrap()).collect();
    Arc::new(Users::parse(Path::new("users.toml"), &text).unwrap())
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

async fn login(authenticator: &Authenticator, users: &Arc<Users>, user: &str, password: &str) -> Result<Login, Error> {
    let credential = Credential::basic(user, password).unwrap();
    authenticator.handshake(users, credential, &HeaderMap::new(), peer(1)).await
}

#[tokio::test]
async fn a_login_yields_a_token_that_stands_for_it() {
    let (authenticator, users) = (Authenticator::new().unwrap(), users(&[("ann", "secret")]));
    let first = login(&authenticator, &users, "ann", "secret").await.unwrap();
    let second = login(&authenticator, &users, "ann", "secret").await.unwrap();
    let caller = authenticator.authenticate(&users, &bearer(&first.token), peer(2)).await.unwrap();
    assert_eq!(caller.principal.subject.as_ref(), "ann");
    assert_eq!(caller.session, first.caller.session, "the token brings its session along");
    assert_ne!(first.caller.session, second.caller.session, "each login is a session of its own");
    let again = authenticator
        .handshake(&users, Credential::Bearer(first.token.clone()), &HeaderMap::new(), peer(3))
        .await
        .unwrap();
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
        headers("authorization", "Basic !"),
    ] {
        answers.push(authenticator.authenticate(&users, &headers, peer(1)).await.unwrap_err());
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!(answers[0].kind, ErrorKind::Unauthenticated);
}

#[tokio::test]
async fn a_removed_user_is_out_at_once_and_so_is_a_changed_password() {
    let (authenticator, before) = (Authenticator::new().unwrap(), users(&[("ann", "secret")]));
    let token = login(&authenticator, &before, "ann", "secret").await.unwrap().token;
    authenticator.authenticate(&before, &basic("ann", "secret"), peer(1)).await.unwrap();
    for after in [users(&[("bob", "x")]), users(&[("ann", "changed")])] {
        authenticator.authenticate(&after, &bearer(&token), peer(1)).await.unwrap_err();
        authenticator.authenticate(&after, &basic("ann", "secret"), peer(1)).await.unwrap_err();
    }
    authenticator.authenticate(&before, &bearer(&token), peer(1)).await.unwrap();
}

#[tokio::test]
async fn attributes_are_those_of_the_moment() {
    let (authenticator, before) = (Authenticator::new().unwrap(), users(&[("ann", "secret")]));
    let token = login(&authenticator, &before, "ann", "secret").await.unwrap().token;
    let text =
        format!("{}attributes = {{ region = \"EU\" }}\n", section("ann", before.hash_of("ann").unwrap(), &[]).unwrap());
    let after = Arc::new(Users::parse(Path::new("users.toml"), &text).unwrap());
    let caller = authenticator.authenticate(&after, &bearer(&token), peer(1)).await.unwrap();
    assert!(caller.principal.attributes.contains_key("region"));
}

#[tokio::test]
async fn too_many_wrong_passwords_have_to_wait_even_with_the_right_one() {
    let (authenticator, users) = (Authenticator::new().unwrap(), users(&[("ann", "secret")]));
    for user in ["ann", "nobody"] {
        for _ in 0..5 {
            authenticator.authenticate(&users, &basic(user, "wrong"), peer(1)).await.unwrap_err();
        }
        let error = authenticator.authenticate(&users, &basic(user, "secret"), peer(2)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::LimitExceeded, "{user}");
    }
}

#[tokio::test]
async fn a_cookie_names_the_session() {
    let (authenticator, users) = (Authenticator::new().unwrap(), users(&[("ann", "secret")]));
    let session = SessionId::random().unwrap();
    let mut headers = basic("ann", "secret");
    headers.insert("cookie", format!("{COOKIE}=\"{}\"", session.as_str()).parse().unwrap());
    let caller = authenticator.authenticate(&users, &headers, peer(1)).await.unwrap();
    assert_eq!(caller.session, session);
    let one = authenticator.authenticate(&users, &basic("ann", "secret"), peer(1)).await.unwrap();
    let two = authenticator.authenticate(&users, &basic("ann", "secret"), peer(2)).await.unwrap();
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
            authenticator.authenticate(&users, &headers, peer(1)).await.unwrap_err().kind
        })
    });
    let mut checked = 0;
    for attempt in attempts.collect::<Vec<_>>() {
        checked += usize::from(attempt.await.unwrap() == ErrorKind::Unauthenticated);
    }
    assert!(checked < 10, "{checked} guesses were checked");
}
