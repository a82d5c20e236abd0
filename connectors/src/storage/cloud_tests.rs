//! Tables at Azure and Google: which credential is sent when, what is asked for, and what is told when it fails.
#![expect(clippy::unwrap_used, reason = "tests may unwrap")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use catalog::source::{CredentialRef, DeltaSource, Location};
use catalog::{Source, Table};
use futures::TryStreamExt;
use object_store::ObjectStore;
use tempfile::TempDir;

use super::Stores;
use crate::context::CallContext;
use crate::testing::delta_table::append;
use crate::testing::store_server::{CLIENT_SECRET, Seen, StoreServer, TOKEN};
use crate::testing::{self, NOW, call, session, value};
use crate::{Connectors, Error, Options};

/// `hunter2` as an account key.
const KEY: &str = "aHVudGVyMg==";

/// A lake with two tables, four rows in the one that is asked for; and a file for a secret.
struct Lake {
    folder: TempDir,
}

impl Lake {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        append(&folder.path().join("shop/orders"), 0, 3).await;
        append(&folder.path().join("shop/orders"), 3, 1).await;
        append(&folder.path().join("shop/orders-old"), 0, 9).await;
        Self { folder }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn secret_file(&self) -> PathBuf {
        self.path().join("secret")
    }

    /// Puts a secret where the tables expect theirs.
    fn secret(&self, text: &str) -> CredentialRef {
        std::fs::write(self.secret_file(), text).unwrap();
        CredentialRef::File(self.secret_file())
    }
}

fn azure_for(account: Option<&str>, address: &str, credential: Option<CredentialRef>) -> Arc<Table> {
    let location = Location::Azure {
        account: account.map(str::to_owned),
        container: "bucket".to_owned(),
        path: "shop/orders".to_owned(),
        endpoint: Some(format!("{address}/acc")),
    };
    testing::table(Source::Delta(DeltaSource { location, credential }))
}

fn azure(address: &str, credential: Option<CredentialRef>) -> Arc<Table> {
    azure_for(Some("acc"), address, credential)
}

fn gcs(address: &str, credential: Option<CredentialRef>) -> Arc<Table> {
    let location = Location::Gcs { url: "gs://bucket/shop/orders".to_owned(), endpoint: Some(address.to_owned()) };
    testing::table(Source::Delta(DeltaSource { location, credential }))
}

fn connectors() -> Connectors {
    Connectors::new(Options::default()).unwrap()
}

/// The number of rows of a table, opened anew.
async fn count_within(connectors: &Connectors, table: &Arc<Table>, call: &CallContext) -> Result<String, Error> {
    let opened = connectors.open(table, NOW, call).await?;
    let context = session(connectors.object_stores(), opened.provider);
    let count = value(&context, "SELECT count(DISTINCT id) FROM t").await;
    count.map_err(|error| Error::from_scan(table, error))
}

async fn count(connectors: &Connectors, table: &Arc<Table>) -> Result<String, Error> {
    count_within(connectors, table, &call()).await
}

fn address(server: &StoreServer) -> String {
    format!("http://{}", server.address)
}

/// The JSON key of a service account.
fn service_account(name: &str, key: &str) -> String {
    serde_json::json!({
        "type": "service_account",
        "client_email": format!("{name}@project.example"),
        "private_key_id": "1",
        "private_key": key,
        "gcs_base_url": "http://127.0.0.1:9",
        "disable_oauth": true,
    })
    .to_string()
}

/// Whether a request is as it should be.
type Expected<'a> = &'a dyn Fn(&Seen) -> bool;

const RSA_KEY: &str = include_str!("../testing/tls/service_account.pem");

fn client_secret(login: &str, secret: &str) -> String {
    format!(r#"{{"tenant_id":"t-1","client_id":"c-1","client_secret":"{secret}","authority_host":"{login}/login"}}"#)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_at_azure_is_read_with_the_credential_that_is_there_at_the_time() {
    let lake = Lake::new().await;
    let server = StoreServer::start(lake.path()).await;
    let connectors = connectors();
    let signed = |seen: &Seen, text: &str| seen.authorization.starts_with(text);
    let sas = |seen: &Seen| seen.query("sig").as_deref() == Some("hun+ter=") && seen.authorization.is_empty();
    let shared = |seen: &Seen| signed(seen, "SharedKey acc:");
    let token = |seen: &Seen| signed(seen, &format!("Bearer {TOKEN}"));
    let forms: [(String, Expected<'_>); 7] = [
        (format!("acc:{KEY}"), &shared),
        ("?sv=2023-11-03&sp=rl&sig=hun%2Bter%3D".to_owned(), &sas),
        ("sv=2023-11-03&sig=hun+ter%3D".to_owned(), &sas),
        (client_secret(&address(&server), CLIENT_SECRET), &token),
        (format!(r#"{{"account_key":"{KEY}"}}"#), &shared),
        (r#"{"account_name":"acc","sas_token":"sv=1&sig=hun%2Bter%3D"}"#.to_owned(), &sas),
        (client_secret(&address(&server), CLIENT_SECRET), &token),
    ];
    for (text, expected) in forms {
        let table = azure(&address(&server), Some(lake.secret(&text)));
        let before = server.seen().len();
        for _ in 0..2 {
            assert_eq!(count(&connectors, &table).await.unwrap(), "4", "{text}");
        }
        let seen = server.seen().split_off(before);
        let (store, logins): (Vec<_>, Vec<_>) = seen.iter().partition(|seen| seen.key().is_some());
        assert!(store.len() > 1 && store.into_iter().all(expected), "{text}: {seen:?}");
        assert_eq!(logins.len(), usize::from(text.contains("tenant_id")), "{text}: {seen:?}");
        assert!(logins.iter().all(|seen| seen.url.path() == "/login/t-1/oauth2/v2.0/token"), "{logins:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_at_google_is_read_with_the_credential_that_is_there_at_the_time() {
    let lake = Lake::new().await;
    let server = StoreServer::start(lake.path()).await;
    let connectors = connectors();
    for name in ["first", "second"] {
        let table = gcs(&address(&server), Some(lake.secret(&service_account(name, RSA_KEY))));
        let before = server.seen().len();
        assert_eq!(count(&connectors, &table).await.unwrap(), "4");
        for seen in server.seen().split_off(before) {
            let claims = seen.authorization.strip_prefix("Bearer ").unwrap().split('.').nth(1).unwrap().to_owned();
            let claims = base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(claims).unwrap();
            let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
            assert_eq!(claims["iss"], format!("{name}@project.example"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_outside_of_the_table_is_asked_for() {
    let lake = Lake::new().await;
    let server = StoreServer::start(lake.path()).await;
    for table in [azure(&address(&server), None), gcs(&address(&server), None)] {
        assert_eq!(count(&connectors(), &table).await.unwrap(), "4");
    }
    let keys: Vec<String> = server.seen().iter().filter_map(Seen::key).collect();
    assert_eq!(keys.len(), server.seen().len());
    assert!(keys.iter().all(|key| key.starts_with("shop/orders/")), "{keys:?}");
    assert!(keys.iter().any(|key| key.ends_with(".parquet")), "{keys:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_knows_no_offsets_is_listed_from_the_offset_on() {
    let lake = Lake::new().await;
    let server = StoreServer::start(lake.path()).await;
    let table = azure(&address(&server), None);
    let Source::Delta(source) = &table.source else { unreachable!() };
    let store = Stores::new(&Options::default()).open(&table, source).await.unwrap();
    let log = object_store::path::Path::from_iter([store.id(), "_delta_log"]);
    for (offset, expected) in [("0", 2), ("00000000000000000000.json", 1), ("00000000000000000001.json", 0)] {
        let after = store.list_with_offset(Some(&log), &log.clone().join(offset));
        let found: Vec<_> = after.try_collect().await.unwrap();
        assert_eq!(found.len(), expected, "{offset}: {found:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_may_come_from_the_credential_and_must_be_that_of_the_table() {
    let lake = Lake::new().await;
    let server = StoreServer::start(lake.path()).await;
    let connectors = connectors();
    let nameless = azure_for(None, &address(&server), Some(lake.secret(&format!("acc:{KEY}"))));
    assert_eq!(count(&connectors, &nameless).await.unwrap(), "4");
    assert!(server.authorizations().iter().all(|seen| seen.starts_with("SharedKey acc:")));
    for (text, account) in [("sig=x&sv=1".to_owned(), None), (format!("other:{KEY}"), Some("acc"))] {
        let table = azure_for(account, &address(&server), Some(lake.secret(&text)));
        let error = count(&self::connectors(), &table).await.unwrap_err();
        assert!(matches!(error, Error::Credential { .. }), "{error:?}");
    }
}

/// Checks that an error comes soon, and that neither it nor its causes tell a secret; its text no address either.
fn check_error(error: &Error, begun: Instant, server: &str) {
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
    let shown = format!("{error} {error:?}");
    for secret in ["hunter2", KEY, "hun+ter", "hun%2Bter", "PRIVATE"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(!error.to_string().contains(server.trim_start_matches("http://")), "{error}");
    assert!(!error.to_string().contains("bucket"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_that_is_not_accepted_is_an_error_without_it() {
    let lake = Lake::new().await;
    let server = StoreServer::start_for(lake.path(), "the right one").await;
    let address = address(&server);
    for text in [
        format!("acc:{KEY}"),
        "sv=2023-11-03&sig=hun%2Bter%3D".to_owned(),
        client_secret(&address, CLIENT_SECRET),
        client_secret(&address, "hunter2"),
    ] {
        let (table, begun) = (azure(&address, Some(lake.secret(&text))), Instant::now());
        let error = count(&connectors(), &table).await.unwrap_err();
        assert!(matches!(error, Error::Failed { .. }), "{error:?}");
        check_error(&error, begun, &address);
    }
    for table in [gcs(&address, Some(lake.secret(&service_account("ann", RSA_KEY)))), gcs(&address, None)] {
        let begun = Instant::now();
        let error = count(&connectors(), &table).await.unwrap_err();
        assert!(matches!(error, Error::Failed { .. }), "{error:?}");
        check_error(&error, begun, &address);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_or_missing_credential_is_an_error_before_anybody_is_asked() {
    let lake = Lake::new().await;
    let server = StoreServer::start(lake.path()).await;
    let address = address(&server);
    let login = |host: &str| client_secret(host, "hunter2");
    for text in [
        "hunter2".to_owned(),
        "acc:hunter2".to_owned(),
        format!("a c:{KEY}"),
        "sv=hunter2".to_owned(),
        r#"{"hunter2"#.to_owned(),
        "{}".to_owned(),
        r#"{"account_key":"hunter2"}"#.to_owned(),
        format!(r#"{{"account_key":"{KEY}","sas_token":"sig=hunter2"}}"#),
        r#"{"client_id":"c","client_secret":"hunter2"}"#.to_owned(),
        r#"{"client_id":"c","tenant_id":"../t","client_secret":"hunter2"}"#.to_owned(),
        login("http://login.example"),
        login("hunter2"),
    ] {
        let begun = Instant::now();
        let error = count(&connectors(), &azure(&address, Some(lake.secret(&text)))).await.unwrap_err();
        assert!(matches!(error, Error::Credential { .. }), "{text}: {error:?}");
        check_error(&error, begun, &address);
    }
    for text in [
        "hunter2".to_owned(),
        r#"{"type":"service_account","private_key":"hunter2"}"#.to_owned(),
        service_account("ann", "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n"),
        service_account("ann", RSA_KEY).replace("service_account", "authorized_user"),
        service_account("ann", RSA_KEY).replace("client_email", "mail"),
    ] {
        let begun = Instant::now();
        let error = count(&connectors(), &gcs(&address, Some(lake.secret(&text)))).await.unwrap_err();
        assert!(matches!(error, Error::Credential { .. }), "{text}: {error:?}");
        check_error(&error, begun, &address);
    }
    std::fs::remove_file(lake.secret_file()).unwrap();
    let missing = CredentialRef::File(lake.secret_file());
    for table in [azure(&address, Some(missing.clone())), gcs(&address, Some(missing))] {
        assert!(matches!(count(&connectors(), &table).await, Err(Error::Credential { .. })));
    }
    assert!(server.seen().is_empty(), "{:?}", server.seen());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_store_or_login_is_unavailable_soon() {
    let lake = Lake::new().await;
    let server = StoreServer::start(lake.path()).await;
    let (dead, secure) = ("http://127.0.0.1:9", "https://127.0.0.1:9");
    let login = lake.secret(&client_secret(dead, "hunter2"));
    for table in [
        azure(dead, None),
        azure(secure, None),
        azure(&address(&server), Some(login)),
        gcs(dead, None),
        gcs(secure, None),
    ] {
        let begun = Instant::now();
        let error = count(&connectors(), &table).await.unwrap_err();
        assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
        check_error(&error, begun, dead);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_never_answers_holds_nobody_beyond_the_deadline() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", silent.local_addr().unwrap());
    for table in [azure(&address, None), gcs(&address, None)] {
        let begun = Instant::now();
        let call = CallContext { deadline: begun + Duration::from_millis(300), ..call() };
        let error = count_within(&connectors(), &table, &call).await.unwrap_err();
        assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
        check_error(&error, begun, &address);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_credential_nobody_signs() {
    let lake = Lake::new().await;
    let server = StoreServer::start(lake.path()).await;
    for table in [azure(&address(&server), None), gcs(&address(&server), None)] {
        assert_eq!(count(&connectors(), &table).await.unwrap(), "4");
    }
    let seen = server.seen();
    assert!(seen.iter().all(|seen| seen.authorization.is_empty() && seen.query("sig").is_none()), "{seen:?}");
}

/// Needs a home folder with credentials of Google; see the test below.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "is run by another test, in a process with an environment of its own"]
async fn with_permission_the_credentials_of_the_machine_sign() {
    let lake = Lake::new().await;
    let server = StoreServer::start(lake.path()).await;
    let connectors = Connectors::new(Options { allow_instance_credentials: true, ..Options::default() }).unwrap();
    assert_eq!(count(&connectors, &gcs(&address(&server), None)).await.unwrap(), "4");
    assert!(server.authorizations().iter().all(|seen| seen.starts_with("Bearer ey")), "{:?}", server.seen());
}

#[test]
fn credentials_of_the_environment_are_used_with_permission_only() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(".config/gcloud");
    std::fs::create_dir_all(&folder).unwrap();
    let key = service_account("machine", RSA_KEY).replace("disable_oauth", "x").replace("gcs_base_url", "y");
    std::fs::write(folder.join("application_default_credentials.json"), &key).unwrap();
    for name in ["without_a_credential_nobody_signs", "with_permission_the_credentials_of_the_machine_sign"] {
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--include-ignored", &format!("storage::cloud_tests::{name}")])
            .env("HOME", home.path())
            .env("GOOGLE_SERVICE_ACCOUNT_KEY", &key)
            .env("GOOGLE_APPLICATION_CREDENTIALS", folder.join("application_default_credentials.json"))
            .env("AZURE_STORAGE_ACCOUNT_NAME", "other")
            .env("AZURE_STORAGE_ACCOUNT_KEY", KEY)
            .env("AZURE_STORAGE_SAS_TOKEN", "sv=1&sig=hunter2")
            .output()
            .unwrap();
        let shown = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && shown.contains("1 passed"), "{name}: {shown}");
    }
}
