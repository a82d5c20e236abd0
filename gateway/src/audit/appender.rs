//! Appends lines to the newest file of the log: whole lines only, each in a file that is still there.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate, Utc};

use super::folder::{self, LogFile};
use crate::config::Rotation;

/// Writes the files of one folder.
///
/// A line that has been appended is with the operating system: it outlives this process, not the machine.
#[derive(Debug)]
pub(super) struct Appender {
    folder: PathBuf,
    rotation: Rotation,
    current: Option<Current>,
    /// Held while there is a current file.
    lock: Option<File>,
    pruned: NaiveDate,
}

/// The file that is appended to.
#[derive(Debug)]
struct Current {
    file: File,
    path: PathBuf,
    bytes: u64,
    began: NaiveDate,
    /// The file ends within a line: a crash, or a full disk, cut it.
    is_torn: bool,
}

impl Appender {
    /// An appender to the newest file of `folder`, or to a new one.
    ///
    /// # Errors
    /// Where the folder or its newest file cannot be written, or another gateway writes there.
    pub(super) fn open(folder: &Path, rotation: Rotation, now: DateTime<Utc>) -> io::Result<Self> {
        let mut appender = Self::closed(folder, rotation, now);
        appender.reopen(now)?;
        appender.prune(now);
        Ok(appender)
    }

    /// The same, with nothing opened yet.
    pub(super) fn closed(folder: &Path, rotation: Rotation, now: DateTime<Utc>) -> Self {
        Self { folder: folder.to_owned(), rotation, current: None, lock: None, pruned: now.date_naive() }
    }

    /// Appends a line, which ends with a line feed.
    ///
    /// # Errors
    /// Where it cannot be written whole; then nothing of it stays, or what stays cannot be taken for a line.
    pub(super) fn append(&mut self, line: &[u8], now: DateTime<Utc>) -> io::Result<()> {
        if self.current.as_ref().is_some_and(|current| !current.is_there()) {
            // Moved or removed by somebody else: what is written to it now would be lost.
            self.current = None;
        }
        if self.current.as_ref().is_some_and(|current| current.is_full(line.len(), &self.rotation, now)) {
            self.next(now)?;
            self.prune(now);
        }
        let current = match &mut self.current {
            Some(current) => current,
            None => self.reopen(now)?,
        };
        let written = current.write(line);
        if written.is_err() {
            current.take_back();
            // Opening it again looks at how it ends.
            self.current = None;
        }
        written
    }

    /// Looks whether there is a file to append to.
    ///
    /// # Errors
    /// Where it cannot be opened.
    pub(super) fn check(&mut self, now: DateTime<Utc>) -> io::Result<()> {
        if self.current.as_ref().is_some_and(Current::is_there) {
            return Ok(());
        }
        self.reopen(now).map(drop)
    }

    /// Removes old files, once a day; also while nothing is written.
    pub(super) fn tidy(&mut self, now: DateTime<Utc>) {
        if self.rotation.days.is_some() && now.date_naive() != self.pruned {
            self.prune(now);
        }
    }

    /// Takes up the newest file, or begins the first.
    fn reopen(&mut self, now: DateTime<Utc>) -> io::Result<&mut Current> {
        self.lock = None;
        self.lock = Some(folder::enter(&self.folder)?);
        let current = match folder::files(&self.folder)?.last() {
            Some(newest) => Current::open(newest)?,
            None => Current::begin(&LogFile::after(&self.folder, None, now))?,
        };
        if current.is_torn {
            tracing::warn!(file = %current.path.display(), "the audit file ends within a line: it is left as it is");
        }
        Ok(self.current.insert(current))
    }

    /// Begins the next file.
    fn next(&mut self, now: DateTime<Utc>) -> io::Result<()> {
        let files = folder::files(&self.folder)?;
        self.current = Some(Current::begin(&LogFile::after(&self.folder, files.last(), now))?);
        Ok(())
    }

    /// What cannot be removed is no reason to lose records.
    fn prune(&mut self, now: DateTime<Utc>) {
        self.pruned = now.date_naive();
        if let Err(error) = folder::prune(&self.folder, &self.rotation, now) {
            tracing::warn!(%error, "old audit files cannot be removed");
        }
    }
}

impl Current {
    fn begin(file: &LogFile) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let opened = folder::private(options.read(true).append(true).create_new(true)).open(&file.path)?;
        Ok(Self { file: opened, path: file.path.clone(), bytes: 0, began: file.began.date_naive(), is_torn: false })
    }

    fn open(file: &LogFile) -> io::Result<Self> {
        let mut opened = OpenOptions::new().read(true).append(true).open(&file.path)?;
        let bytes = opened.metadata()?.len();
        let mut last = [b'\n'];
        if bytes > 0 {
            opened.seek(SeekFrom::End(-1))?;
            opened.read_exact(&mut last)?;
        }
        let is_torn = last != [b'\n'];
        Ok(Self { file: opened, path: file.path.clone(), bytes, began: file.began.date_naive(), is_torn })
    }

    /// Whether the path still names this file.
    fn is_there(&self) -> bool {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            let identity = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
            let named = fs::metadata(&self.path).map(identity);
            named.is_ok_and(|named| self.file.metadata().map(identity).is_ok_and(|own| own == named))
        }
        #[cfg(not(unix))]
        {
            self.path.exists()
        }
    }

    fn is_full(&self, more: usize, rotation: &Rotation, now: DateTime<Utc>) -> bool {
        let too_large = self.bytes > 0 && self.bytes.saturating_add(more as u64) > rotation.file_bytes;
        // Files that are kept for days must not hold more than a day.
        too_large || (rotation.days.is_some() && now.date_naive() > self.began)
    }

    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        if self.is_torn {
            self.file.write_all(b"\n")?;
            self.is_torn = false;
            self.bytes += 1;
        }
        self.file.write_all(line)?;
        self.bytes += line.len() as u64;
        Ok(())
    }

    /// Cuts off what a failed write has left. Where that fails too, the line stays torn.
    fn take_back(&mut self) {
        if let Err(error) = self.file.set_len(self.bytes) {
            tracing::warn!(%error, "the end of the audit file cannot be cut off");
        }
    }
}

#[cfg(test)]
mod tests;
