//! The state of a shell, and what a statement does.

use std::io::Write;
use std::sync::Arc;
use std::time::Instant;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use arrow_flight::FlightInfo;
use tokio::sync::Notify;

use super::commands::Command;
use super::connection::{Answer, Connection, Question};
use super::error::Error;
use super::options::Format;
use super::output::{CHUNK_ROWS, Expanded, Layout, Printer, Writer};
use super::rows::Rows;
use super::splitter::ItemText;

/// What to do after an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    /// Go on.
    Next,
    /// The user wants to leave.
    Quit,
    /// Something failed, and that has been reported.
    Failed,
}

/// What backslash commands change.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    pub(super) format: Format,
    pub(super) expanded: Expanded,
    pub(super) timing: bool,
}

/// One shell: its connection, its settings, and where it writes.
pub(super) struct Shell {
    pub(super) connection: Connection,
    pub(super) settings: Settings,
    pub(super) writer: Writer,
    pub(super) interrupts: Arc<Notify>,
    errors: Box<dyn Write + Send>,
    /// The result that is being fetched: what there is to cancel.
    running: Option<FlightInfo>,
    /// How deep scripts run scripts.
    pub(super) depth: usize,
}

impl Shell {
    /// A shell that has not connected yet.
    pub(super) fn new(
        connection: Connection,
        writer: Writer,
        errors: Box<dyn Write + Send>,
        interrupts: Arc<Notify>,
    ) -> Self {
        let settings = Settings { format: Format::Table, expanded: Expanded::Off, timing: false };
        Self { connection, settings, writer, interrupts, errors, running: None, depth: 0 }
    }

    /// Connects and logs in.
    pub(super) async fn connect(&mut self) -> Result<(), Error> {
        let interrupts = Arc::clone(&self.interrupts);
        tokio::select! {
            biased;
            () = interrupts.notified() => Err(Error::Interrupted),
            connected = self.connection.connect() => connected.map(|_| ()),
        }
    }

    /// Tells the user what went wrong.
    pub(super) fn report(&mut self, error: &Error, place: Option<&str>) {
        // First what was printed before it. When nobody reads either stream there is nobody to tell.
        _ = self.writer.flush();
        _ = self.errors.write_all(error.report(place).as_bytes());
    }

    /// Runs one statement or command; Ctrl-C ends it.
    pub(super) async fn run(&mut self, item: &ItemText) -> Result<Flow, Error> {
        let interrupts = Arc::clone(&self.interrupts);
        let outcome = tokio::select! {
            biased;
            () = interrupts.notified() => Err(Error::Interrupted),
            outcome = self.dispatch(item) => outcome,
        };
        // The call is dropped by now, which tells the server; saying so helps where something stands in between.
        if let Some(info) = self.running.take() {
            self.connection.cancel(info).await;
        }
        self.writer.flush()?;
        outcome
    }

    async fn dispatch(&mut self, item: &ItemText) -> Result<Flow, Error> {
        match item {
            ItemText::Command(text) => self.command(Command::parse(text)?).await,
            ItemText::Statement(sql) => {
                let started = Instant::now();
                let outcome = self.statement(sql).await;
                if self.settings.timing && !matches!(outcome, Err(Error::PipeClosed)) {
                    self.tell(&format!("Time: {:.1} ms\n", started.elapsed().as_secs_f64() * 1000.0))?;
                }
                outcome.map(|()| Flow::Next)
            }
        }
    }

    async fn statement(&mut self, sql: &str) -> Result<(), Error> {
        if self.settings.format == Format::Arrow && self.writer.is_terminal() {
            return Err(Error::Command("an Arrow stream is not for a screen: use \\o FILE or a pipe".to_owned()));
        }
        let sql = sql.to_owned();
        let question = if changes_something(&sql) { Question::Update(sql) } else { Question::Statement(sql) };
        match self.connection.ask(&question).await? {
            Answer::Done { changed } => self.done(changed),
            Answer::Rows(mut rows) => {
                self.running = Some(rows.info().clone());
                let outcome = self.print(&mut rows).await;
                self.running = None;
                if let Err(error) = &outcome {
                    self.connection.note(error);
                }
                outcome
            }
        }
    }

    async fn print(&mut self, rows: &mut Rows) -> Result<(), Error> {
        let mut batch = rows.next().await?;
        let schema = rows.schema();
        if schema.fields().is_empty() {
            while rows.next().await?.is_some() {}
            return self.done(u64::try_from(rows.info().total_records).ok());
        }
        let mut printer = self.layout().printer(&schema)?;
        while let Some(rows_now) = batch {
            self.print_batch(printer.as_mut(), &rows_now).await?;
            batch = rows.next().await?;
        }
        self.finish(printer.as_mut())
    }

    /// Prints rows that are all there.
    pub(super) async fn print_whole(&mut self, schema: &SchemaRef, batch: &RecordBatch) -> Result<(), Error> {
        let mut printer = self.layout().printer(schema)?;
        self.print_batch(printer.as_mut(), batch).await?;
        self.finish(printer.as_mut())
    }

    async fn print_batch(&mut self, printer: &mut dyn Printer, batch: &RecordBatch) -> Result<(), Error> {
        for start in (0..batch.num_rows()).step_by(CHUNK_ROWS) {
            let mut out = Vec::new();
            printer.batch(&batch.slice(start, CHUNK_ROWS.min(batch.num_rows() - start)), &mut out)?;
            self.writer.write(&out)?;
            // A server that is faster than the screen must not keep Ctrl-C from being heard.
            tokio::task::yield_now().await;
        }
        self.writer.flush()
    }

    fn finish(&mut self, printer: &mut dyn Printer) -> Result<(), Error> {
        let mut out = Vec::new();
        printer.finish(&mut out)?;
        self.writer.write(&out)
    }

    /// Says that a statement without a result was done.
    fn done(&mut self, changed: Option<u64>) -> Result<(), Error> {
        match changed {
            _ if !self.layout().is_for_people() => Ok(()),
            Some(1) => self.writer.write(b"OK, 1 row\n"),
            Some(rows) => self.writer.write(format!("OK, {rows} rows\n").as_bytes()),
            None => self.writer.write(b"OK\n"),
        }
    }

    pub(super) fn layout(&self) -> Layout {
        let width = || crossterm::terminal::size().ok().map(|(columns, _)| usize::from(columns));
        let screen_width = if self.writer.is_terminal() { width() } else { None };
        Layout { format: self.settings.format, expanded: self.settings.expanded, screen_width }
    }

    /// Tells the user something that is not a result: beside the results when those are for a program.
    pub(super) fn tell(&mut self, text: &str) -> Result<(), Error> {
        if self.layout().is_for_people() {
            return self.writer.notice(text);
        }
        self.errors
            .write_all(super::escape::lines(text).as_bytes())
            .map_err(|cause| Error::from_output(cause, "stderr"))
    }
}

/// Whether Flight SQL wants the statement as an update. The server has the last word on what it is.
fn changes_something(sql: &str) -> bool {
    const WORDS: [&str; 8] = ["insert", "update", "delete", "merge", "create", "drop", "alter", "truncate"];
    let mut rest = sql.trim_start();
    loop {
        let after = if rest.starts_with("--") {
            rest.split_once('\n')
        } else if rest.starts_with("/*") {
            rest.split_once("*/")
        } else {
            break;
        };
        rest = after.map_or("", |(_, after)| after.trim_start());
    }
    let word = rest.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    WORDS.iter().any(|known| known.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sql: &str, expected: bool) {
        assert_eq!(changes_something(sql), expected, "{sql}");
    }

    #[test]
    fn a_statement_that_changes_something_is_sent_as_an_update() {
        check("INSERT INTO t VALUES (1)", true);
        check("-- why\n/* how */ update t set a = 1", true);
        check("select 'insert'", false);
        check("inserted", false);
        check("with a as (select 1) select * from a", false);
        check("-- only", false);
        check("", false);
    }
}
