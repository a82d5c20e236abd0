//! The log as statements use it: places, answers, and a disk that fails and heals.
#![expect(clippy::unwrap_used, reason = "tests may unwrap")]

use std::path::Path;

use super::*;
use crate::config::Rotation;
use crate::error::ErrorKind;
use reader::{Entry, Reader};

fn config(folder: &Path, on_failure: OnFailure) -> config::Audit {
    let rotation = Rotation { file_bytes: 1 << 20, files: None, days: None };
    config::Audit { folder: folder.to_owned(), statements: Statements::Digest, on_failure, rotation }
}

/// A folder whose newest file has no room.
fn full(folder: &Path) -> std::path::PathBuf {
    let path = folder.join("audit-20990101T000000.000Z.jsonl");
    std::os::unix::fs::symlink("/dev/full", &path).unwrap();
    path
}

fn line(subject: &str) -> Line {
    let mut line = Line::new(Kind::Statement);
    line.subject = Some(subject.to_owned());
    "Finished".clone_into(&mut line.outcome);
    line
}

fn records(folder: &Path) -> Vec<(String, String)> {
    let entries = Reader::open(folder).unwrap().map(|entry| match entry.unwrap() {
        Entry::Record(line, _) => (line.subject.unwrap(), line.outcome),
        Entry::Broken { line, why, .. } => (line.to_string(), why),
    });
    entries.collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(subject, outcome)| ((*subject).to_owned(), (*outcome).to_owned())).collect()
}

async fn until_healthy(audit: &Audit) {
    while audit.broken().is_some() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_record_is_on_disk_when_its_statement_may_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let audit = Audit::open(&config(folder.path(), OnFailure::Stop)).unwrap();
    for subject in ["a", "b"] {
        audit.place().unwrap().unwrap().write(line(subject)).await.unwrap();
        assert_eq!(records(folder.path()).last().unwrap().0, subject);
    }
    audit.place().unwrap().unwrap().leave(line("c"));
    let late = audit.place().unwrap().unwrap();
    late.leave(line("d"));
    audit.close().await;
    let expected = pairs(&[("a", "Finished"), ("b", "Finished"), ("c", "Finished"), ("d", "Finished")]);
    assert_eq!(records(folder.path()), expected);
    assert_eq!(audit.place().unwrap_err().kind, ErrorKind::AuditUnavailable, "nothing is recorded any more");
}

#[tokio::test]
async fn under_stop_a_full_disk_fails_statements_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let full = full(folder.path());
    let audit = Audit::open(&config(folder.path(), OnFailure::Stop)).unwrap();
    let (first, second) = (audit.place().unwrap().unwrap(), audit.place().unwrap().unwrap());
    assert_eq!(first.write(line("a")).await.unwrap_err().kind, ErrorKind::AuditUnavailable);
    second.leave(line("b"));
    let error = Error::new(ErrorKind::Unauthenticated, "no");
    audit.refused_login(Some("c"), None, &error);
    assert_eq!(audit.place().unwrap_err().kind, ErrorKind::AuditUnavailable);
    assert_eq!(audit.broken().unwrap().1, OnFailure::Stop);
    std::fs::remove_file(full).unwrap();
    until_healthy(&audit).await;
    audit.place().unwrap().unwrap().write(line("d")).await.unwrap();
    let expected = pairs(&[("a", "AuditUnavailable"), ("b", "Finished"), ("c", "Unauthenticated"), ("d", "Finished")]);
    assert_eq!(records(folder.path()), expected, "in their order, and as their clients were told");
}

#[tokio::test]
async fn under_continue_a_full_disk_stops_nobody_and_health_tells() {
    let folder = tempfile::tempdir().unwrap();
    let full = full(folder.path());
    let audit = Audit::open(&config(folder.path(), OnFailure::Continue)).unwrap();
    audit.place().unwrap().unwrap().write(line("a")).await.unwrap();
    let (why, on_failure) = audit.broken().unwrap();
    assert!(why.contains("No space left"), "{why}");
    assert_eq!(on_failure, OnFailure::Continue);
    audit.place().unwrap().unwrap().write(line("b")).await.unwrap();
    std::fs::remove_file(full).unwrap();
    until_healthy(&audit).await;
    audit.close().await;
    assert_eq!(records(folder.path()), pairs(&[("a", "Finished"), ("b", "Finished")]));
}

#[tokio::test]
async fn a_log_that_cannot_be_opened_is_told_at_the_start_unless_it_need_not_be_written() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("audit");
    std::fs::write(&folder, "in the way").unwrap();
    assert!(Audit::open(&config(&folder, OnFailure::Stop)).is_err());
    let audit = Audit::open(&config(&folder, OnFailure::Continue)).unwrap();
    assert!(audit.broken().is_some());
    std::fs::remove_file(&folder).unwrap();
    until_healthy(&audit).await;
    audit.place().unwrap().unwrap().write(line("a")).await.unwrap();
    assert_eq!(records(&folder), pairs(&[("a", "Finished")]));
}

#[tokio::test]
async fn records_that_wait_are_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let audit = Audit::open(&config(folder.path(), OnFailure::Stop)).unwrap();
    let places: Vec<Place> = (0..CAPACITY).map(|_| audit.place().unwrap().unwrap()).collect();
    assert_eq!(audit.place().unwrap_err().kind, ErrorKind::AuditUnavailable);
    drop(places);
    audit.place().unwrap().unwrap();
}

#[tokio::test]
async fn without_a_log_nothing_waits() {
    let audit = Audit::off();
    assert!(audit.place().unwrap().is_none() && audit.broken().is_none());
    Written::default().await.unwrap();
    audit.close().await;
}
