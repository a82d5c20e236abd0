//! How many requests a snapshot costs.
#![expect(clippy::unwrap_used, reason = "tests may unwrap")]

use object_store::local::LocalFileSystem;

use super::*;
use crate::storage::GuardedRegistry;
use crate::testing::counting::Counting;
use crate::testing::delta_table::append;
use crate::testing::{NOW, local};

struct Fixture {
    folder: tempfile::TempDir,
    table: Arc<Table>,
    counting: Arc<Counting<LocalFileSystem>>,
    store: Arc<GuardedStore>,
    registry: Arc<GuardedRegistry>,
    snapshots: Snapshots,
}

async fn fixture() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    append(folder.path(), 0, 10).await;
    let counting = Arc::new(Counting::new(LocalFileSystem::new_with_prefix(folder.path()).unwrap()));
    let store = Arc::new(GuardedStore::new(Arc::clone(&counting) as _, 8).unwrap());
    let registry = Arc::new(GuardedRegistry::default());
    registry.add(&store);
    let snapshots = Snapshots::new(u64::MAX, Arc::new(Semaphore::new(4)));
    Fixture { table: local(folder.path()), folder, counting, store, registry, snapshots }
}

impl Fixture {
    async fn open(&self, at: At) -> u64 {
        let registry = Arc::clone(&self.registry);
        self.snapshots.open(&self.table, &self.store, registry, at).await.unwrap().version()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unchanged_table_costs_one_head_and_a_young_snapshot_nothing() {
    let fixture = fixture().await;
    assert_eq!(fixture.open(NOW).await, 0);
    assert!(!fixture.counting.requests().is_empty());
    assert_eq!(fixture.open(NOW).await, 0);
    assert_eq!(fixture.counting.requests(), ["HEAD _delta_log/00000000000000000001.json"]);
    assert_eq!(fixture.open(At::Latest { max_age: Duration::from_secs(60) }).await, 0);
    assert_eq!(fixture.open(At::Version(Version::Delta(0))).await, 0);
    assert!(fixture.counting.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_version_is_read_on_top_of_the_known_one() {
    let fixture = fixture().await;
    assert_eq!(fixture.open(NOW).await, 0);
    append(fixture.folder.path(), 10, 1).await;
    append(fixture.folder.path(), 11, 1).await;
    fixture.counting.requests();
    assert_eq!(fixture.open(NOW).await, 2);
    let requests = fixture.counting.requests();
    assert!(!requests.iter().any(|request| request == "GET _delta_log/00000000000000000000.json"), "{requests:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_callers_at_once_load_a_table_once() {
    let fixture = Arc::new(fixture().await);
    let calls = (0..16).map(|_| {
        let fixture = Arc::clone(&fixture);
        tokio::spawn(async move { fixture.open(At::Latest { max_age: Duration::from_secs(60) }).await })
    });
    assert!(futures::future::join_all(calls).await.into_iter().all(|version| version.unwrap() == 0));
    let requests = fixture.counting.requests();
    let loads = requests.iter().filter(|request| request.starts_with("GET") && request.ends_with("0.json")).count();
    assert!(loads <= 2, "{requests:?}");
}
