//! Where results go: the screen, a pipe, or the file of `\o`.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::shell::error::Error;
use crate::shell::escape;

/// Writes bytes to where results go at the moment.
pub(in crate::shell) struct Writer {
    stdout: Box<dyn Write + Send>,
    /// Whether `stdout` is a terminal, which obeys what it reads.
    is_terminal: bool,
    file: Option<(PathBuf, BufWriter<File>)>,
}

impl Writer {
    /// Writes to `stdout` until told otherwise.
    pub(in crate::shell) fn new(stdout: Box<dyn Write + Send>, is_terminal: bool) -> Self {
        Self { stdout, is_terminal, file: None }
    }

    /// Whether a person looks at it.
    pub(in crate::shell) fn is_terminal(&self) -> bool {
        self.is_terminal && self.file.is_none()
    }

    /// Writes results. On a terminal control characters are written out.
    pub(in crate::shell) fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if let Some((path, file)) = &mut self.file {
            return file.write_all(bytes).map_err(|cause| Error::File { path: path.clone(), cause });
        }
        let written = if self.is_terminal {
            let text = String::from_utf8_lossy(bytes);
            self.stdout.write_all(escape::lines(&text).as_bytes())
        } else {
            self.stdout.write_all(bytes)
        };
        written.map_err(|cause| Error::from_output(cause, "stdout"))
    }

    /// Tells the user something about the shell itself; never goes to the file.
    pub(in crate::shell) fn notice(&mut self, text: &str) -> Result<(), Error> {
        let written = self.stdout.write_all(escape::lines(text).as_bytes());
        written.and_then(|()| self.stdout.flush()).map_err(|cause| Error::from_output(cause, "stdout"))
    }

    /// Hands on what is buffered.
    pub(in crate::shell) fn flush(&mut self) -> Result<(), Error> {
        if let Some((path, file)) = &mut self.file {
            file.flush().map_err(|cause| Error::File { path: path.clone(), cause })?;
        }
        self.stdout.flush().map_err(|cause| Error::from_output(cause, "stdout"))
    }

    /// Sends results to a new file, or back to stdout.
    pub(in crate::shell) fn redirect(&mut self, path: Option<&Path>) -> Result<(), Error> {
        self.flush()?;
        self.file = match path {
            None => None,
            Some(path) => {
                let file = File::create(path).map_err(|cause| Error::File { path: path.to_owned(), cause })?;
                Some((path.to_owned(), BufWriter::new(file)))
            }
        };
        Ok(())
    }
}
