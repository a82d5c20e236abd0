//! The folder of the audit log: the names of its files, who may write, and which files go.
//!
//! `audit-20261122T104612.345Z.jsonl`: the time when the file began, so that the order of names is the order of
//! records. A name is always later than the one before, also where the clock is set back.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Days, NaiveDateTime, TimeDelta, Utc};

use crate::config::Rotation;

/// What stands around the time in a name.
const PREFIX: &str = "audit-";
const SUFFIX: &str = ".jsonl";
const TIME: &str = "%Y%m%dT%H%M%S%.3fZ";

/// The file that the one gateway that writes here holds locked.
const LOCK: &str = ".lock";

/// One file of the log.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LogFile {
    /// When it began.
    pub(crate) began: DateTime<Utc>,
    /// Where it is.
    pub(crate) path: PathBuf,
}

impl LogFile {
    fn of(path: PathBuf) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        let time = name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
        let began = NaiveDateTime::parse_from_str(time, TIME).ok()?.and_utc();
        Some(Self { began, path })
    }

    /// The file that follows `last` and begins `now`, or a millisecond after `last` where the clock was set back.
    pub(super) fn after(folder: &Path, last: Option<&Self>, now: DateTime<Utc>) -> Self {
        let least = last.and_then(|last| last.began.checked_add_signed(TimeDelta::milliseconds(1)));
        let began = least.map_or(now, |least| least.max(now));
        Self { began, path: folder.join(format!("{PREFIX}{}{SUFFIX}", began.format(TIME))) }
    }
}

/// The files of the log, oldest first. Others in the folder are left alone.
///
/// # Errors
/// Where the folder cannot be read.
pub(crate) fn files(folder: &Path) -> io::Result<Vec<LogFile>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        files.extend(LogFile::of(entry?.path()));
    }
    files.sort_unstable();
    Ok(files)
}

/// Makes the folder where it is missing, for its owner alone, and locks it for this process.
///
/// # Errors
/// Where the folder cannot be made or written, or another gateway writes to it.
pub(super) fn enter(folder: &Path) -> io::Result<File> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    let lock = private(OpenOptions::new().write(true).create(true)).open(folder.join(LOCK))?;
    lock.try_lock().map_err(|error| match error {
        fs::TryLockError::WouldBlock => io::Error::other("another gateway writes to this folder"),
        fs::TryLockError::Error(error) => error,
    })?;
    Ok(lock)
}

/// The options for a file that its owner alone may read.
pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Removes the files that need not be kept any more; never the newest.
///
/// A file's records are all older than the beginning of the file after it.
///
/// # Errors
/// Where the folder cannot be read or a file cannot be removed.
pub(super) fn prune(folder: &Path, rotation: &Rotation, now: DateTime<Utc>) -> io::Result<()> {
    let files = files(folder)?;
    let too_many = rotation.files.map_or(0, |kept| files.len().saturating_sub(kept));
    let oldest = rotation.days.and_then(|days| now.checked_sub_days(Days::new(days.into())));
    for (index, pair) in files.windows(2).enumerate() {
        let [file, next] = pair else { continue };
        if index < too_many || oldest.is_some_and(|oldest| next.began < oldest) {
            fs::remove_file(&file.path)?;
            tracing::info!(file = %file.path.display(), "an audit file is removed, as audit.keep_files or keep_days says");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may unwrap")]
    use super::*;

    fn time(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn names(folder: &Path) -> Vec<String> {
        let name = |file: LogFile| file.path.file_name().unwrap().to_str().unwrap().to_owned();
        files(folder).unwrap().into_iter().map(name).collect()
    }

    #[test]
    fn names_follow_each_other_whatever_the_clock_says() {
        let folder = Path::new("/audit");
        let first = LogFile::after(folder, None, time("2026-11-22T10:46:12.345Z"));
        assert_eq!(first.path, Path::new("/audit/audit-20261122T104612.345Z.jsonl"));
        assert_eq!(LogFile::of(first.path.clone()), Some(first.clone()));
        let back = LogFile::after(folder, Some(&first), time("2026-11-22T09:00:00.000Z"));
        assert_eq!(back.path, Path::new("/audit/audit-20261122T104612.346Z.jsonl"));
        for other in ["audit.jsonl", ".lock", "audit-x.jsonl", "audit-20261122T104612.345Z.jsonl.gz"] {
            assert_eq!(LogFile::of(folder.join(other)), None, "{other}");
        }
    }

    #[test]
    fn old_files_go_and_the_newest_stays() {
        let folder = tempfile::tempdir().unwrap();
        let day = |day: u32| format!("audit-202611{day:02}T000000.000Z.jsonl");
        let fill = || (1..=6).for_each(|at| fs::write(folder.path().join(day(at)), "").unwrap());
        let rotation = |files, days| Rotation { file_bytes: 1, files, days };
        let now = time("2026-11-08T12:00:00Z");
        fs::write(folder.path().join("other.txt"), "").unwrap();
        fill();
        prune(folder.path(), &rotation(None, None), now).unwrap();
        assert_eq!(names(folder.path()).len(), 6, "nothing goes unless it is asked for");
        prune(folder.path(), &rotation(Some(2), None), now).unwrap();
        assert_eq!(names(folder.path()), [day(5), day(6)]);
        fill();
        prune(folder.path(), &rotation(None, Some(4)), now).unwrap();
        assert_eq!(names(folder.path()), [day(4), day(5), day(6)], "the records of the fourth end with the fifth");
        prune(folder.path(), &rotation(Some(1), Some(1)), time("2030-01-01T00:00:00Z")).unwrap();
        assert_eq!(names(folder.path()), [day(6)]);
        assert!(folder.path().join("other.txt").exists());
    }

    #[test]
    fn one_gateway_at_a_time_writes_and_the_folder_is_its_owners() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("logs/audit");
        let held = enter(&folder).unwrap();
        assert!(enter(&folder).unwrap_err().to_string().contains("another gateway"));
        drop(held);
        enter(&folder).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
        }
    }
}
