//! A footer is read once, and by its own table only.
#![expect(clippy::unwrap_used, reason = "tests may unwrap")]

use std::time::Instant;

use datafusion::execution::cache::cache_manager::FileMetadata;
use object_store::ObjectMeta;
use object_store::local::LocalFileSystem;
use tokio::sync::Semaphore;

use super::*;
use crate::delta::provider::{DeltaProvider, Parts};
use crate::delta::snapshot::Snapshots;
use crate::storage::GuardedRegistry;
use crate::testing::counting::Counting;
use crate::testing::delta_table::append;
use crate::testing::{NOW, local, session, value};

/// The requests for data files of three statements, one after the other.
async fn requests(footers: Footers) -> [usize; 3] {
    let folder = tempfile::tempdir().unwrap();
    append(folder.path(), 0, 10).await;
    let counting = Arc::new(Counting::new(LocalFileSystem::new_with_prefix(folder.path()).unwrap()));
    let store = Arc::new(GuardedStore::new(Arc::clone(&counting) as _, 8).unwrap());
    let registry = Arc::new(GuardedRegistry::default());
    registry.add(&store);
    let planning = Arc::new(Semaphore::new(4));
    let (snapshots, table) = (Snapshots::new(u64::MAX, Arc::clone(&planning)), local(folder.path()));
    let mut counts = [0; 3];
    for count in &mut counts {
        let provider = DeltaProvider::new(Parts {
            table: Arc::clone(&table),
            snapshot: snapshots.open(&table, &store, Arc::clone(&registry) as _, NOW).await.unwrap(),
            store: Arc::clone(&store),
            registry: Arc::clone(&registry),
            footers: footers.clone(),
            planning: Arc::clone(&planning),
            deadline: Instant::now() + Duration::from_secs(60),
        });
        let context = session(Arc::clone(&registry) as _, Arc::new(provider.unwrap()));
        counting.requests();
        assert_eq!(value(&context, "SELECT sum(id) FROM t").await.unwrap(), "45");
        *count = counting.requests().iter().filter(|request| request.ends_with(".parquet")).count();
    }
    counts
}

#[tokio::test(flavor = "multi_thread")]
async fn the_footer_of_a_file_is_read_by_the_first_statement_only() {
    let [first, second, third] = requests(Footers::new(1 << 20)).await;
    assert!(second < first && third == second, "{first} {second} {third}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_room_each_statement_reads_it_again() {
    let [first, second, third] = requests(Footers::new(0)).await;
    assert!(first == second && second == third, "{first} {second} {third}");
}

/// A footer of so many bytes.
struct Footer(usize);

impl FileMetadata for Footer {
    fn as_any(&self) -> &dyn std::any::Any {
        self
    }

    fn memory_size(&self) -> usize {
        self.0
    }

    fn extra_info(&self) -> HashMap<String, String> {
        HashMap::new()
    }
}

fn footer(bytes: usize) -> CachedFileMetadataEntry {
    let meta = ObjectMeta {
        location: Path::from("a.parquet"),
        last_modified: chrono::DateTime::UNIX_EPOCH,
        size: 1,
        e_tag: None,
        version: None,
    };
    CachedFileMetadataEntry::new(meta, Arc::new(Footer(bytes)))
}

#[test]
fn no_table_finds_the_footer_of_another_under_the_same_path() {
    let footers = Footers::new(1 << 20);
    let of = |store: &str, table: &str| footers.of(store, table);
    let path = Path::from("a.parquet");
    of("store", "table").put(&path, footer(10));
    assert!(of("store", "table").get(&path).is_some());
    for (store, table) in [("other", "table"), ("store", "made anew"), ("storetable", ""), ("", "storetable")] {
        assert!(of(store, table).get(&path).is_none(), "{store} {table}");
        assert!(!of(store, table).contains_key(&path) && of(store, table).list_entries().is_empty());
    }
    of("other", "table").clear();
    assert!(of("store", "table").get(&path).is_some(), "one table empties its own cache only");
}

#[test]
fn all_tables_together_stay_within_the_budget() {
    let footers = Footers::new(100_000);
    for number in 0..1_000 {
        footers.of(&format!("store {number}"), "table").put(&Path::from("a.parquet"), footer(1_000));
    }
    footers.0.run_pending_tasks();
    assert!(footers.0.weighted_size() <= 100_000 && footers.0.entry_count() > 50, "{}", footers.0.weighted_size());
}
