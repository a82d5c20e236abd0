//! Files on a real disk: rotation, restarts, torn lines, and disks that refuse.
#![expect(clippy::unwrap_used, reason = "tests may unwrap")]

use super::*;

const LARGE: Rotation = Rotation { file_bytes: 1 << 20, files: None, days: None };

fn now() -> DateTime<Utc> {
    "2026-11-22T10:00:00Z".parse().unwrap()
}

fn contents(folder: &Path) -> Vec<String> {
    folder::files(folder).unwrap().iter().map(|file| fs::read_to_string(&file.path).unwrap()).collect()
}

#[test]
fn a_restart_goes_on_in_the_newest_file() {
    let folder = tempfile::tempdir().unwrap();
    for line in ["1\n", "2\n", "3\n"] {
        let mut appender = Appender::open(folder.path(), LARGE, now()).unwrap();
        appender.append(line.as_bytes(), now()).unwrap();
    }
    assert_eq!(contents(folder.path()), ["1\n2\n3\n"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let file = folder::files(folder.path()).unwrap().remove(0);
        assert_eq!(fs::metadata(file.path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn a_full_file_is_followed_by_the_next_and_no_line_is_split() {
    let folder = tempfile::tempdir().unwrap();
    let rotation = Rotation { file_bytes: 10, files: None, days: None };
    let mut appender = Appender::open(folder.path(), rotation, now()).unwrap();
    for line in ["1234\n", "5678\n", "a\n", "a line that is longer than a file\n", "b\n"] {
        appender.append(line.as_bytes(), now()).unwrap();
    }
    let expected = ["1234\n5678\n", "a\n", "a line that is longer than a file\n", "b\n"];
    assert_eq!(contents(folder.path()), expected, "although the clock stood still");
    let mut appender = {
        drop(appender);
        Appender::open(folder.path(), Rotation { files: Some(2), ..rotation }, now()).unwrap()
    };
    assert_eq!(contents(folder.path()), ["a line that is longer than a file\n", "b\n"]);
    appender.append(b"123456789\n", now()).unwrap();
    assert_eq!(contents(folder.path()), ["b\n", "123456789\n"]);
}

#[test]
fn files_that_are_kept_for_days_end_with_the_day() {
    let folder = tempfile::tempdir().unwrap();
    let rotation = Rotation { days: Some(2), ..LARGE };
    let mut appender = Appender::open(folder.path(), rotation, now()).unwrap();
    for day in 0..5_u64 {
        let later = now().checked_add_days(chrono::Days::new(day)).unwrap();
        appender.append(format!("{day}\n").as_bytes(), later).unwrap();
        appender.append(format!("{day} again\n").as_bytes(), later).unwrap();
    }
    let expected = ["1\n1 again\n", "2\n2 again\n", "3\n3 again\n", "4\n4 again\n"];
    assert_eq!(contents(folder.path()), expected, "the last record of the first is two days old now");
    appender.tidy(now().checked_add_days(chrono::Days::new(30)).unwrap());
    assert_eq!(contents(folder.path()), ["4\n4 again\n"]);
}

#[test]
fn a_line_that_a_crash_has_cut_does_not_spoil_the_next() {
    let folder = tempfile::tempdir().unwrap();
    Appender::open(folder.path(), LARGE, now()).unwrap().append(b"{\"whole\":1}\n", now()).unwrap();
    let path = folder::files(folder.path()).unwrap().remove(0).path;
    OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"cut").unwrap();
    let mut appender = Appender::open(folder.path(), LARGE, now()).unwrap();
    appender.append(b"{\"next\":1}\n", now()).unwrap();
    appender.append(b"{\"last\":1}\n", now()).unwrap();
    assert_eq!(contents(folder.path()), ["{\"whole\":1}\n{\"cut\n{\"next\":1}\n{\"last\":1}\n"]);
}

#[cfg(unix)]
#[test]
fn a_full_disk_is_an_error_and_writing_goes_on_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let full = LogFile::after(folder.path(), None, now()).path;
    std::os::unix::fs::symlink("/dev/full", &full).unwrap();
    let mut appender = Appender::open(folder.path(), LARGE, now()).unwrap();
    for _ in 0..2 {
        assert_eq!(appender.append(b"1\n", now()).unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
    fs::remove_file(full).unwrap();
    appender.append(b"1\n", now()).unwrap();
    assert_eq!(contents(folder.path()), ["1\n"]);
}

#[test]
fn a_folder_that_goes_away_is_noticed_before_anything_is_lost() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("audit");
    let mut appender = Appender::open(&folder, LARGE, now()).unwrap();
    appender.append(b"1\n", now()).unwrap();
    fs::rename(&folder, parent.path().join("away")).unwrap();
    fs::write(&folder, "in the way").unwrap();
    assert!(appender.append(b"2\n", now()).is_err());
    fs::remove_file(&folder).unwrap();
    appender.append(b"2\n", now()).unwrap();
    assert_eq!(contents(&folder), ["2\n"]);
    assert_eq!(contents(&parent.path().join("away")), ["1\n"]);
}

#[test]
fn a_file_in_place_of_the_folder_is_told_at_the_start() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("audit");
    fs::write(&folder, "in the way").unwrap();
    assert!(Appender::open(&folder, LARGE, now()).is_err());
}
