//! The audit log of a mesh, as it lies on the disk.

use std::path::Path;

use serde_json::Value;

use crate::deadline::{STEP, eventually};

/// Whole text of all files, oldest first.
#[must_use]
pub fn text(folder: &Path) -> String {
    let Ok(entries) = std::fs::read_dir(folder) else { return String::new() };
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "jsonl") && !file.is_symlink());
    files.sort();
    files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect()
}

/// Every record of this kind, oldest first.
///
/// # Panics
/// At a line that is no record.
#[must_use]
pub fn records(folder: &Path, kind: &str) -> Vec<Value> {
    let text = text(folder);
    let all = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    all.filter(|record| record["kind"] == kind).collect()
}

/// Waits until there are as many records of this kind; more are an error.
pub async fn await_records(folder: &Path, kind: &str, count: usize) -> Vec<Value> {
    eventually(STEP, kind, || async {
        let records = records(folder, kind);
        assert!(records.len() <= count, "more than {count}: {records:#?}");
        (records.len() == count).then_some(records)
    })
    .await
}
