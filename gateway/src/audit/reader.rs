//! Reads the audit log: all files in their order, one line at a time.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use super::folder::{self, LogFile};
use super::line::Line;

/// Longest line that is read. The gateway's own are shorter.
const MAX_LINE_BYTES: u64 = 4 << 20;

/// One line of the log.
#[derive(Debug)]
pub(crate) enum Entry {
    /// A record, with its text as it stands in the file.
    Record(Box<Line>, String),
    /// Something else: a line that a crash has cut, or that somebody has changed.
    Broken {
        /// The file.
        file: PathBuf,
        /// One-based line.
        line: u64,
        /// What is wrong.
        why: String,
    },
}

/// The lines of a log; holds one file and one line at a time.
#[derive(Debug)]
pub(crate) struct Reader {
    files: std::vec::IntoIter<LogFile>,
    current: Option<Current>,
}

#[derive(Debug)]
struct Current {
    file: PathBuf,
    lines: BufReader<File>,
    line: u64,
}

impl Reader {
    /// The log in `folder`, as far as it is written now.
    ///
    /// # Errors
    /// Where the folder cannot be read.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        Ok(Self { files: folder::files(folder)?.into_iter(), current: None })
    }

    fn entry(&mut self) -> io::Result<Option<Entry>> {
        loop {
            if let Some(current) = &mut self.current {
                if let Some(entry) = current.entry()? {
                    return Ok(Some(entry));
                }
                self.current = None;
            }
            let Some(LogFile { path, .. }) = self.files.next() else { return Ok(None) };
            match File::open(&path) {
                Ok(file) => self.current = Some(Current { file: path, lines: BufReader::new(file), line: 0 }),
                // The gateway has removed it since.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(io::Error::new(error.kind(), format!("{}: {error}", path.display()))),
            }
        }
    }
}

impl Current {
    fn entry(&mut self) -> io::Result<Option<Entry>> {
        let mut bytes = Vec::new();
        if self.lines.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut bytes)? == 0 {
            return Ok(None);
        }
        self.line += 1;
        let is_whole = bytes.pop_if(|last| *last == b'\n').is_some();
        if !is_whole && bytes.len() as u64 == MAX_LINE_BYTES {
            self.skip_line()?;
            return Ok(Some(self.broken(format!("longer than {MAX_LINE_BYTES} bytes"))));
        }
        let parsed = String::from_utf8(bytes).map_err(|_| "not UTF-8".to_owned()).and_then(|text| {
            let line = serde_json::from_str(&text).map_err(|error| error.to_string())?;
            Ok(Entry::Record(Box::new(line), text))
        });
        Ok(Some(parsed.unwrap_or_else(|why| {
            let cut = if is_whole { "" } else { ", and it has no end: cut by a crash, or being written" };
            self.broken(format!("not a record: {why}{cut}"))
        })))
    }

    fn skip_line(&mut self) -> io::Result<()> {
        let mut skipped = Vec::new();
        loop {
            skipped.clear();
            let bytes = self.lines.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut skipped)?;
            if bytes == 0 || skipped.last() == Some(&b'\n') {
                return Ok(());
            }
        }
    }

    fn broken(&self, why: String) -> Entry {
        Entry::Broken { file: self.file.clone(), line: self.line, why }
    }
}

impl Iterator for Reader {
    type Item = io::Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        self.entry().transpose()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may unwrap")]
    use super::*;
    use crate::audit::line::Kind;

    fn record(subject: &str) -> String {
        let mut line = Line::new(Kind::Statement);
        line.subject = Some(subject.into());
        String::from_utf8(line.encode().unwrap()).unwrap()
    }

    #[test]
    fn files_are_read_in_their_order_and_broken_lines_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text).unwrap();
        write("audit-20261123T000000.000Z.jsonl", format!("{}{}", record("c"), "{\"form\":1,\"ti"));
        write("audit-20261122T000000.000Z.jsonl", format!("{}not json\n\n{}", record("a"), record("b")));
        write("audit-20261124T000000.000Z.jsonl", format!("{}\n{}", "x".repeat(10 << 20), record("d").trim_end()));
        write("other.jsonl", record("e"));
        let told: Vec<String> = Reader::open(folder.path())
            .unwrap()
            .map(|entry| match entry.unwrap() {
                Entry::Record(line, text) => {
                    assert!(text.starts_with('{') && text.ends_with('}'), "{text}");
                    line.subject.unwrap()
                }
                Entry::Broken { file, line, why } => {
                    let day = file.file_name().unwrap().to_str().unwrap()[12..14].to_owned();
                    format!("{day}:{line}:{}", if why.contains("no end") { "cut" } else { "broken" })
                }
            })
            .collect();
        assert_eq!(told, ["a", "22:2:broken", "22:3:broken", "b", "c", "23:2:cut", "24:1:broken", "d"]);
    }
}
