//! The guard itself: what it lets through, and that it says nothing about what is behind it.
#![expect(clippy::unwrap_used, reason = "tests may unwrap")]

use std::sync::Arc;

use catalog::Source;
use catalog::source::{CredentialRef, DeltaSource, Location};
use futures::TryStreamExt;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use super::local::LocalFolder;
use super::*;
use crate::testing;

async fn guarded() -> GuardedStore {
    let inner = InMemory::new();
    for name in ["b", "a", "_delta_log/1", "_delta_log/0"] {
        inner.put(&Path::from(name), name.into()).await.unwrap();
    }
    GuardedStore::new(Arc::new(inner), 2).unwrap()
}

#[tokio::test]
async fn only_paths_below_the_root_are_read() {
    let store = guarded().await;
    let id = store.id().to_owned();
    assert!(store.get(&Path::from(format!("{id}/a"))).await.is_ok());
    let raw = |text: String| Path::parse(text).unwrap();
    for path in [
        Path::from("a"),
        Path::from("other/a"),
        raw(format!("x/{id}/a")),
        raw(format!("{id}/%2e%2e/a")),
        raw(format!("{id}/x%2Fa")),
        Path::from(format!("{id}/../a")),
        Path::default(),
    ] {
        assert!(store.get(&path).await.is_err(), "{path:?}");
        assert!(store.get_ranges(&path, &[0..1, 0..1]).await.is_err(), "{path:?}");
        assert!(store.list(Some(&path)).try_collect::<Vec<_>>().await.is_err(), "{path:?}");
    }
    assert!(store.list(None).try_collect::<Vec<_>>().await.is_err());
}

#[tokio::test]
async fn listings_are_sorted_and_named_as_they_are_read() {
    let store = guarded().await;
    let log = Path::from_iter([store.id(), "_delta_log"]);
    let found: Vec<_> = store.list(Some(&log)).try_collect().await.unwrap();
    let names: Vec<String> = found.iter().map(|meta| meta.location.to_string()).collect();
    assert_eq!(names, [format!("{log}/0"), format!("{log}/1")]);
    let after: Vec<_> = store.list_with_offset(Some(&log), &log.clone().join("0")).try_collect().await.unwrap();
    assert_eq!(after.len(), 1);
    assert_eq!(store.get(&found[0].location).await.unwrap().meta.location, found[0].location);
}

#[tokio::test]
async fn nothing_can_be_written() {
    let store = guarded().await;
    let path = Path::from_iter([store.id(), "a"]);
    assert!(store.put(&path, "x".into()).await.is_err());
    assert!(store.delete(&path).await.is_err());
    assert!(store.copy(&path, &Path::from_iter([store.id(), "c"])).await.is_err());
    assert!(store.rename(&path, &Path::from_iter([store.id(), "c"])).await.is_err());
    assert!(store.put_multipart(&path).await.is_err());
}

#[tokio::test]
async fn a_link_does_not_lead_out_of_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let (inside, outside) = (folder.path().join("in"), folder.path().join("out"));
    for path in [&inside, &outside] {
        std::fs::create_dir(path).unwrap();
        std::fs::write(path.join("file"), "x").unwrap();
    }
    std::os::unix::fs::symlink(&outside, inside.join("folder")).unwrap();
    std::os::unix::fs::symlink(outside.join("file"), inside.join("link")).unwrap();
    std::os::unix::fs::symlink(inside.join("file"), inside.join("own")).unwrap();
    let store = LocalFolder::open(&inside).unwrap();
    for (path, good) in [("file", true), ("own", true), ("link", false), ("folder/file", false)] {
        assert_eq!(store.get(&Path::from(path)).await.is_ok(), good, "{path}");
        assert_eq!(store.get_ranges(&Path::from(path), &[0..1, 0..1]).await.is_ok(), good, "{path}");
    }
    let found: Vec<_> = store.list(None).map_ok(|meta| meta.location.to_string()).try_collect().await.unwrap();
    assert!(found.iter().all(|name| name == "file" || name == "own"), "{found:?}");
    assert!(store.list(Some(&Path::from("folder"))).try_collect::<Vec<_>>().await.map_or(true, |all| all.is_empty()));
}

#[tokio::test]
async fn different_definitions_never_share_a_store_and_no_secret_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "AKIA4711:hunter2").unwrap();
    let stores = Stores::new(&Options::default());
    let bucket = |prefix: &str, credential: Option<CredentialRef>| DeltaSource {
        location: Location::S3 {
            url: format!("s3://bucket/{prefix}"),
            endpoint: Some("http://127.0.0.1:9".to_owned()),
            region: None,
        },
        credential,
    };
    let mut ids = Vec::new();
    for source in [
        bucket("a", None),
        bucket("b", None),
        bucket("a", Some(CredentialRef::File(secret.clone()))),
        bucket("a", Some(CredentialRef::Environment("OTHER".to_owned()))),
    ] {
        let table = testing::table(Source::Delta(source.clone()));
        let store = stores.open(&table, &source).await.unwrap();
        assert_eq!(stores.open(&table, &source).await.unwrap().id(), store.id());
        ids.push(store.id().to_owned());
        let shown = format!("{store:?} {store} {stores:?} {:?}", stores.registry());
        assert!(!shown.contains("hunter2") && !shown.contains("AKIA4711") && !shown.contains("127.0.0.1"), "{shown}");
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 4);
}

#[tokio::test]
async fn a_credential_that_cannot_be_used_is_an_error_before_the_store_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    let stores = Stores::new(&Options::default());
    for (text, good) in [
        ("key:secret", true),
        (r#"{"access_key_id":"k","secret_access_key":"hunter2","session_token":"t"}"#, true),
        ("hunter2", false),
        (r#"{"access_key_id":"hunter2"}"#, false),
        (r#"{"hunter2"#, false),
        ("", false),
    ] {
        std::fs::write(&secret, text).unwrap();
        let source = DeltaSource {
            location: Location::S3 { url: "s3://bucket/x".to_owned(), endpoint: None, region: None },
            credential: Some(CredentialRef::File(secret.clone())),
        };
        let table = testing::table(Source::Delta(source.clone()));
        let result = stores.check_credential(&table, &source).await;
        assert_eq!(result.is_ok(), good, "{text}");
        assert!(!format!("{result:?}").contains("hunter2"), "{result:?}");
    }
}
