//! Runs statements from text, a file or a pipe, each as soon as it is whole, and stops at the first error.

use std::io::{self, BufRead as _, BufReader, Read};
use std::sync::Arc;

use tokio::sync::mpsc;

use super::error::Error;
use super::execute::{Flow, Shell};
use super::splitter::{Item, Splitter};

/// Longest statement, and longest line.
const LONGEST: usize = 64 * 1024 * 1024;
/// Lines that are read ahead.
const READ_AHEAD: usize = 64;

/// Statements to run.
pub(super) struct Script {
    /// The name that errors are reported with; none for a text of the command line.
    name: Option<String>,
    lines: Lines,
}

enum Lines {
    Text(std::vec::IntoIter<String>),
    Reader(mpsc::Receiver<io::Result<String>>),
}

impl Script {
    /// The statements of a text.
    pub(super) fn of_text(text: &str) -> Self {
        let lines: Vec<_> = text.split_inclusive('\n').map(str::to_owned).collect();
        Self { name: None, lines: Lines::Text(lines.into_iter()) }
    }

    /// The statements that a reader brings, while it brings them.
    pub(super) fn of_reader(name: &str, reader: impl Read + Send + 'static) -> Self {
        let (sender, receiver) = mpsc::channel(READ_AHEAD);
        // A thread of its own, and nobody waits for it: it may sit in a read that never returns, and must not keep
        // the process from ending.
        std::thread::spawn(move || {
            let mut reader = BufReader::new(reader);
            loop {
                let line = read_line(&mut reader).transpose();
                let Some(line) = line else { return };
                let is_error = line.is_err();
                if sender.blocking_send(line).is_err() || is_error {
                    return;
                }
            }
        });
        Self { name: Some(name.to_owned()), lines: Lines::Reader(receiver) }
    }

    async fn next_line(&mut self) -> Option<io::Result<String>> {
        match &mut self.lines {
            Lines::Text(lines) => lines.next().map(Ok),
            Lines::Reader(lines) => lines.recv().await,
        }
    }
}

impl Shell {
    /// Runs a script. An error is reported with its place and answered with `Flow::Failed`.
    pub(super) async fn script(&mut self, mut script: Script) -> Result<Flow, Error> {
        let interrupts = Arc::clone(&self.interrupts);
        let mut splitter = Splitter::new();
        let mut line_number = 0;
        loop {
            let line = tokio::select! {
                biased;
                () = interrupts.notified() => Some(Err(Error::Interrupted)),
                line = script.next_line() => line.map(|line| line.map_err(|cause| script.unreadable(cause))),
            };
            line_number += 1;
            let is_last = line.is_none();
            let items = match line {
                None => Vec::from_iter(splitter.finish()),
                Some(Ok(line)) if line_number == 1 => splitter.push(line.trim_start_matches('\u{feff}')),
                Some(Ok(line)) => splitter.push(&line),
                Some(Err(error)) => {
                    self.report(&error, None);
                    return Ok(Flow::Failed);
                }
            };
            for item in &items {
                let flow = self.script_item(&script, item).await?;
                if flow != Flow::Next {
                    return Ok(flow);
                }
            }
            if splitter.pending_bytes() > LONGEST {
                self.report(&Error::Command("a statement is too long".to_owned()), None);
                return Ok(Flow::Failed);
            }
            if is_last {
                return Ok(Flow::Next);
            }
        }
    }

    async fn script_item(&mut self, script: &Script, item: &Item) -> Result<Flow, Error> {
        match self.run(&item.text).await {
            Err(Error::PipeClosed) => Err(Error::PipeClosed),
            Err(error) => {
                let place = script.name.as_ref().map(|name| format!("{name}:{}", item.line));
                self.report(&error, place.as_deref());
                Ok(Flow::Failed)
            }
            Ok(flow) => Ok(flow),
        }
    }
}

impl Script {
    fn unreadable(&self, cause: io::Error) -> Error {
        Error::File { path: self.name.as_deref().unwrap_or("the command line").into(), cause }
    }
}

/// One line with its line end; none at the end.
fn read_line(reader: &mut BufReader<impl Read>) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    reader.take(LONGEST as u64).read_until(b'\n', &mut line)?;
    if line.len() == LONGEST {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a line is too long"));
    }
    let line = String::from_utf8(line).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "not UTF-8 text"))?;
    Ok(if line.is_empty() { None } else { Some(line) })
}
