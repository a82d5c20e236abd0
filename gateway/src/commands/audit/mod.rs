//! `meshgate audit`: reads the audit log of a mesh.

mod filter;
mod table;

use std::io::{self, BufWriter, Write};

use clap::ValueEnum;

use super::arguments::AuditArguments;
use super::{Failure, Outcome, note};
use crate::audit::reader::{Entry, Reader};
use crate::config::Config;
use filter::Filter;
pub(super) use filter::{outcome, time};

/// How records are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// One line for people: time, who, what, how it ended.
    Table,
    /// The records as they are stored.
    Jsonl,
}

/// Prints the records that the arguments ask for, in the order in which they were written.
pub(super) fn run(arguments: &AuditArguments) -> Result<Outcome, Failure> {
    let Some(config) = Config::load(&arguments.mesh)?.audit else {
        return Err("this mesh has no audit log: mesh.toml has no section [audit]".into());
    };
    let reader = Reader::open(&config.folder)
        .map_err(|error| format!("the audit log in {} cannot be read: {error}", config.folder.display()))?;
    let mut out = BufWriter::new(io::stdout().lock());
    match print(reader, &Filter::of(arguments), arguments.format, &mut out).and_then(|()| Ok(out.flush()?)) {
        // Whoever reads the output has seen enough.
        Err(error) if is_closed(&error) => Ok(Outcome::Good),
        printed => printed.map(|()| Outcome::Good),
    }
}

fn is_closed(error: &Failure) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

fn print(reader: Reader, filter: &Filter, format: Format, out: &mut impl Write) -> Result<(), Failure> {
    let mut broken = 0_u64;
    if format == Format::Table {
        writeln!(out, "{}", table::HEADER)?;
    }
    for entry in reader {
        match entry? {
            Entry::Record(line, text) if filter.admits(&line) => match format {
                Format::Table => writeln!(out, "{}", table::row(&line))?,
                Format::Jsonl => writeln!(out, "{text}")?,
            },
            Entry::Record(..) => {}
            Entry::Broken { file, line, why } => {
                broken += 1;
                note(&format!("{}:{line}: {why}", file.display()));
            }
        }
    }
    if broken > 0 {
        note(&format!("{broken} lines of the audit log are no records: they are left out"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may unwrap")]
    use super::*;
    use crate::audit::line::{Kind, Line};

    #[test]
    fn records_are_printed_in_their_order_as_they_are_stored_or_as_a_table() {
        let folder = tempfile::tempdir().unwrap();
        let mut stored = String::new();
        for (subject, outcome) in [("ann", "Finished"), ("eve", "UndefinedTable"), ("ann", "Cancelled")] {
            let mut line = Line::new(Kind::Statement);
            line.subject = Some(subject.into());
            line.outcome = outcome.into();
            stored.push_str(&String::from_utf8(line.encode().unwrap()).unwrap());
        }
        let text = format!("{stored}{{\"cut");
        std::fs::write(folder.path().join("audit-20261122T000000.000Z.jsonl"), text).unwrap();
        let printed = |filter: &Filter, format| {
            let mut out = Vec::new();
            print(Reader::open(folder.path()).unwrap(), filter, format, &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(printed(&Filter::default(), Format::Jsonl), stored);
        let ann = Filter::of_user("ann");
        assert_eq!(printed(&ann, Format::Jsonl).lines().count(), 2);
        let table = printed(&ann, Format::Table);
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!((lines.len(), lines[0]), (3, table::HEADER));
        assert!(lines[1].contains("Finished") && lines[2].contains("Cancelled"), "{table}");
    }
}
