//! Delta tables as a whole: versions, freshness, and that nothing but the table's own files is ever read.
#![expect(clippy::unwrap_used, reason = "tests may unwrap")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use catalog::source::{CredentialRef, DeltaSource, Location};
use catalog::{Source, Table, Version};

use crate::testing::delta_table::{add, append, commit, data_file, head, write_log};
use crate::testing::store_server::StoreServer;
use crate::testing::{self, NOW, call, local, rows, session, value};
use crate::{At, Connectors, Error, Options};

fn connectors() -> Connectors {
    Connectors::new(Options::default()).unwrap()
}

/// The number of rows that a version has; an error of opening or reading as text.
async fn count(connectors: &Connectors, table: &Arc<Table>, at: At) -> Result<(String, Version), Error> {
    let opened = connectors.open(table, at, &call()).await?;
    let context = session(connectors.object_stores(), opened.provider);
    let count = value(&context, "SELECT count(DISTINCT id) FROM t").await;
    count.map(|count| (count, opened.version)).map_err(|error| Error::from_scan(table, error))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_is_seen_when_the_age_allows_it_and_a_pinned_version_stays() {
    let folder = tempfile::tempdir().unwrap();
    append(folder.path(), 0, 10).await;
    let (connectors, table) = (connectors(), local(folder.path()));
    let hour = At::Latest { max_age: Duration::from_secs(3600) };
    assert_eq!(count(&connectors, &table, hour).await.unwrap(), ("10".to_owned(), Version::Delta(0)));

    append(folder.path(), 10, 5).await;
    assert_eq!(count(&connectors, &table, hour).await.unwrap(), ("10".to_owned(), Version::Delta(0)));
    assert_eq!(count(&connectors, &table, NOW).await.unwrap(), ("15".to_owned(), Version::Delta(1)));
    let pinned = At::Version(Version::Delta(0));
    assert_eq!(count(&connectors, &table, pinned).await.unwrap(), ("10".to_owned(), Version::Delta(0)));
    let fresh = self::connectors();
    assert_eq!(count(&fresh, &table, pinned).await.unwrap(), ("10".to_owned(), Version::Delta(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_is_not_there_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    append(folder.path(), 0, 1).await;
    for version in [Version::Delta(7), Version::Unversioned] {
        let error = count(&connectors(), &local(folder.path()), At::Version(version)).await.unwrap_err();
        assert!(matches!(error, Error::SnapshotGone { .. }), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_folder_is_unavailable_and_a_folder_without_a_log_failed() {
    let folder = tempfile::tempdir().unwrap();
    let error = count(&connectors(), &local(&folder.path().join("nowhere")), NOW).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    let error = count(&connectors(), &local(folder.path()), NOW).await.unwrap_err();
    assert!(matches!(error, Error::Failed { .. }), "{error:?}");
    assert!(!error.to_string().contains(folder.path().to_str().unwrap()), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_row_stays_deleted_and_the_statistics_are_estimates() {
    let folder = tempfile::tempdir().unwrap();
    append(folder.path(), 0, 10).await.delete().with_predicate("id = 3").await.unwrap();
    let connectors = connectors();
    let opened = connectors.open(&local(folder.path()), NOW, &call()).await.unwrap();
    let rows = opened.provider.statistics().unwrap().num_rows;
    assert_eq!(rows, datafusion::common::stats::Precision::Inexact(9));
    let context = session(connectors.object_stores(), opened.provider);
    assert_eq!(value(&context, "SELECT count(*) FROM t WHERE id IN (2, 3)").await.unwrap(), "1");
    assert_eq!(value(&context, "SELECT count(*) FROM t").await.unwrap(), "9");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feature_that_the_library_lacks_is_named() {
    let folder = tempfile::tempdir().unwrap();
    write_log(folder.path(), &commit(0), &head(&["typeWidening"]));
    let error = count(&connectors(), &local(folder.path()), NOW).await.unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }), "{error:?}");
    assert!(error.to_string().contains("typeWidening"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_can_be_written() {
    let folder = tempfile::tempdir().unwrap();
    append(folder.path(), 0, 1).await;
    let connectors = connectors();
    let opened = connectors.open(&local(folder.path()), NOW, &call()).await.unwrap();
    let context = session(connectors.object_stores(), opened.provider);
    for sql in ["INSERT INTO t VALUES (5, 'x')", "DELETE FROM t", "UPDATE t SET id = 1"] {
        assert!(rows(&context, sql).await.is_err(), "{sql}");
    }
    assert_eq!(std::fs::read_dir(folder.path().join("_delta_log")).unwrap().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_with_other_stores_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    append(folder.path(), 0, 1).await;
    let opened = connectors().open(&local(folder.path()), NOW, &call()).await.unwrap();
    let context = session(connectors().object_stores(), opened.provider);
    assert!(rows(&context, "SELECT * FROM t").await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_that_has_passed_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    append(folder.path(), 0, 1).await;
    let late = crate::CallContext { deadline: Instant::now(), ..call() };
    assert!(matches!(connectors().open(&local(folder.path()), NOW, &late).await, Err(Error::Unavailable { .. })));
}

/// A log whose one file is `path` is read by nobody, though the file is there and `other` is opened as well.
async fn check_hostile(root: &Path, path: &str, more: &str, features: &[&str]) {
    let size = std::fs::metadata(root.join("other").join(data_file(&root.join("other")))).unwrap().len();
    let connectors = connectors();
    assert_eq!(count(&connectors, &local(&root.join("other")), NOW).await.unwrap().0, "3");
    let hostile = root.join("hostile");
    write_log(&hostile, &commit(0), &(head(features) + &add(path, size, more)));
    let result = count(&connectors, &local(&hostile), NOW).await;
    assert!(result.is_err(), "{path:?} was read: {result:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_log_reaches_nothing_outside_its_table() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    append(&root.join("other"), 100, 3).await;
    let name = data_file(&root.join("other"));
    std::fs::create_dir_all(root.join("hostile")).unwrap();
    std::os::unix::fs::symlink(root.join("other"), root.join("hostile/linked")).unwrap();
    std::os::unix::fs::symlink(root.join("other").join(&name), root.join("hostile/link.parquet")).unwrap();
    let there = root.join("other").join(&name);
    for path in [
        format!("../other/{name}"),
        format!("%2e%2e/other/{name}"),
        format!("..%2fother%2f{name}"),
        format!("x/../../other/{name}"),
        format!("./../other/{name}"),
        there.display().to_string(),
        format!("file://{}", there.display()),
        format!("FILE://localhost{}", there.display()),
        format!("s3://bucket/{name}"),
        format!("http://127.0.0.1:9/{name}?X-Amz-Signature=1"),
        format!("mesh://other/{name}"),
        format!("mesh:///{name}"),
        format!("//other/{name}"),
        format!("linked/{name}"),
        "link.parquet".to_owned(),
        "data:,x".to_owned(),
        "mailto:x".to_owned(),
        String::new(),
    ] {
        check_hostile(&root, &path, "", &[]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_deletion_vector_or_sidecar_is_fetched_from_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    append(&root.join("other"), 100, 3).await;
    let canary = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    canary.set_nonblocking(true).unwrap();
    let address = canary.local_addr().unwrap();
    for (number, scheme) in ["http", "https"].into_iter().enumerate() {
        let url = format!("{scheme}://{address}/x?X-Amz-Signature=1&sp=1");
        let vector = format!(
            r#","deletionVector":{{"storageType":"p","pathOrInlineDv":"{url}","offset":1,"sizeInBytes":36,"cardinality":1}}"#
        );
        check_hostile(&root, "x.parquet", &vector, &["deletionVectors"]).await;

        let table = root.join(format!("sidecar-{number}"));
        let sidecar = format!(r#"{{"sidecar":{{"path":"{url}","sizeInBytes":100,"modificationTime":0}}}}"#);
        let metadata = r#"{"checkpointMetadata":{"version":1}}"#;
        let text = format!("{metadata}\n{}{sidecar}\n", head(&["v2Checkpoint"]));
        write_log(&table, "00000000000000000001.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json", &text);
        write_log(&table, &commit(1), &head(&["v2Checkpoint"]));
        let result = count(&connectors(), &local(&table), NOW).await;
        assert!(result.is_err(), "{result:?}");
    }
    let met = canary.accept().map(|_| ()).map_err(|error| error.kind());
    assert_eq!(met, Err(std::io::ErrorKind::WouldBlock), "somebody called");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tables_in_one_folder_do_not_share_a_store() {
    let folder = tempfile::tempdir().unwrap();
    let connectors = connectors();
    let mut plans = Vec::new();
    for (name, rows) in [("a", 2), ("b", 3)] {
        append(&folder.path().join(name), 0, rows).await;
        let table = local(&folder.path().join(name));
        assert_eq!(count(&connectors, &table, NOW).await.unwrap().0, rows.to_string());
        let opened = connectors.open(&table, NOW, &call()).await.unwrap();
        let context = session(connectors.object_stores(), Arc::clone(&opened.provider));
        let plan = opened.provider.scan(&context.state(), None, &[], None).await.unwrap();
        plans.push(format!("{:?}", datafusion::physical_plan::displayable(plan.as_ref()).indent(true).to_string()));
    }
    assert!(!plans.iter().any(|plan| plan.contains(folder.path().to_str().unwrap())), "{plans:?}");
    assert_ne!(plans[0], plans[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_in_a_bucket_is_read_with_the_credential_that_is_there_at_the_time() {
    let folder = tempfile::tempdir().unwrap();
    append(&folder.path().join("shop/orders"), 0, 4).await;
    append(&folder.path().join("shop/other"), 0, 9).await;
    let server = StoreServer::start(folder.path()).await;
    let secret = folder.path().join("secret");
    let bucket = |credential| {
        let location = Location::S3 {
            url: "s3://bucket/shop/orders".to_owned(),
            endpoint: Some(format!("http://{}", server.address)),
            region: None,
        };
        testing::table(Source::Delta(DeltaSource { location, credential }))
    };
    let connectors = connectors();
    assert_eq!(count(&connectors, &bucket(None), NOW).await.unwrap().0, "4");
    assert!(server.authorizations().iter().all(String::is_empty), "anonymous requests are not signed");
    for key in ["first", "second"] {
        std::fs::write(&secret, format!("{key}:hunter2")).unwrap();
        let signed = bucket(Some(CredentialRef::File(secret.clone())));
        assert_eq!(count(&connectors, &signed, NOW).await.unwrap().0, "4");
        let last = server.authorizations().pop().unwrap();
        assert!(last.contains(&format!("Credential={key}/")), "{last}");
    }
    append(&folder.path().join("shop/orders"), 4, 1).await;
    assert_eq!(count(&connectors, &bucket(None), NOW).await.unwrap(), ("5".to_owned(), Version::Delta(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_bucket_is_unavailable_soon() {
    let location =
        Location::S3 { url: "s3://bucket/x".to_owned(), endpoint: Some("http://127.0.0.1:9".to_owned()), region: None };
    let table = testing::table(Source::Delta(DeltaSource { location, credential: None }));
    let begun = Instant::now();
    let error = count(&connectors(), &table, NOW).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
    assert!(begun.elapsed() < Duration::from_secs(6));
    let secure = Location::S3 {
        url: "s3://bucket/x".to_owned(),
        endpoint: Some("https://127.0.0.1:9".to_owned()),
        region: None,
    };
    let table = testing::table(Source::Delta(DeltaSource { location: secure, credential: None }));
    assert!(matches!(count(&connectors(), &table, NOW).await, Err(Error::Unavailable { .. })));
}
