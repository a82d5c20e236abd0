//! Reads backslash commands.

use std::path::PathBuf;

use clap::ValueEnum as _;

use super::error::Error;
use super::options::Format;
use super::output::Expanded;

/// What a backslash command asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Command {
    /// `\l`
    Catalogs,
    /// `\dn`
    Domains,
    /// `\dt [PATTERN]`, `\d`
    Tables { pattern: Option<String> },
    /// `\d TABLE`
    Describe { table: String },
    /// `\timing [on|off]`
    Timing { on: Option<bool> },
    /// `\x [on|off|auto]`
    Expanded { setting: Option<Expanded> },
    /// `\format [NAME]`
    Format { format: Option<Format> },
    /// `\c [DOMAIN]`
    Connect { domain: Option<String> },
    /// `\conninfo`
    ConnectionDetails,
    /// `\i FILE`
    Include { file: PathBuf },
    /// `\o [FILE]`
    Output { file: Option<PathBuf> },
    /// `\?`
    Help,
    /// `\q`
    Quit,
}

/// What `\?` prints.
pub(super) const HELP: &str = r"A statement ends with a semicolon. Backslash commands:
  \l                   the catalogs
  \dn                  the domains
  \dt [PATTERN]        the tables; PATTERN is TABLE or DOMAIN.TABLE, with * and ?
  \d TABLE             the columns of a table
  \c DOMAIN            look for unqualified tables in this domain
  \x [on|off|auto]     one line for each value
  \format [NAME]       table, expanded, csv, tsv, json, jsonl, markdown, arrow
  \timing [on|off]     show how long a statement took
  \i FILE              run a file of statements
  \o [FILE]            write results to a file; without FILE back to the screen
  \conninfo            the connection
  \? or \h             this text
  \q or Ctrl-D         leave
Ctrl-C cancels a statement that runs.
";

impl Command {
    /// Reads a command without its backslash.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let (name, rest) = text.split_at(text.find(char::is_whitespace).unwrap_or(text.len()));
        let mut arguments = Arguments { command: name, words: words(rest)?.into_iter() };
        // `\d+` and `\dt+` are what fingers write.
        let command = match name.strip_suffix('+').unwrap_or(name) {
            "l" => Self::Catalogs,
            "dn" => Self::Domains,
            "dt" | "dv" => Self::Tables { pattern: arguments.next() },
            "d" => match arguments.next() {
                Some(table) => Self::Describe { table },
                None => Self::Tables { pattern: None },
            },
            "timing" => Self::Timing { on: arguments.one_of(&[("on", true), ("off", false)])? },
            "x" => Self::Expanded {
                setting: arguments.one_of(&[("on", Expanded::On), ("off", Expanded::Off), ("auto", Expanded::Auto)])?,
            },
            "format" => Self::Format { format: arguments.format()? },
            "c" | "connect" => Self::Connect { domain: arguments.next() },
            "conninfo" => Self::ConnectionDetails,
            "i" | "include" => Self::Include { file: arguments.required("FILE")?.into() },
            "o" | "out" => Self::Output { file: arguments.next().map(PathBuf::from) },
            "?" | "h" | "help" => Self::Help,
            "q" | "quit" => Self::Quit,
            _ => return Err(Error::Command(format!("\\{name} is not a command; \\? lists them"))),
        };
        match arguments.next() {
            Some(extra) => Err(Error::Command(format!("\\{name}: {extra:?} is one argument too many"))),
            None => Ok(command),
        }
    }
}

struct Arguments<'a> {
    command: &'a str,
    words: std::vec::IntoIter<String>,
}

impl Arguments<'_> {
    fn next(&mut self) -> Option<String> {
        self.words.next()
    }

    fn required(&mut self, what: &str) -> Result<String, Error> {
        self.next().ok_or_else(|| Error::Command(format!("\\{} needs {what}", self.command)))
    }

    fn one_of<T: Copy>(&mut self, choices: &[(&str, T)]) -> Result<Option<T>, Error> {
        let Some(word) = self.next() else { return Ok(None) };
        let found = choices.iter().find(|(name, _)| name.eq_ignore_ascii_case(&word)).map(|(_, choice)| *choice);
        found.map(Some).ok_or_else(|| {
            let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
            Error::Command(format!("\\{} takes {}, not {word:?}", self.command, names.join(", ")))
        })
    }

    fn format(&mut self) -> Result<Option<Format>, Error> {
        let Some(word) = self.next() else { return Ok(None) };
        Format::from_str(&word, true)
            .map(Some)
            .map_err(|_| Error::Command(format!("\\{}: there is no format {word:?}; \\? lists them", self.command)))
    }
}

/// Words apart by space; quotes of either kind keep space together.
fn words(text: &str) -> Result<Vec<String>, Error> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    for c in text.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            None if matches!(c, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            None if c.is_whitespace() => words.extend(word.take()),
            Some(_) | None => word.get_or_insert_default().push(c),
        }
    }
    if quote.is_some() {
        return Err(Error::Command("a quote is not closed".to_owned()));
    }
    words.extend(word);
    // psql's users end commands with a semicolon out of habit.
    if let Some(last) = words.last_mut()
        && let Some(without) = last.strip_suffix(';')
    {
        *last = without.to_owned();
        if last.is_empty() {
            words.pop();
        }
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Command) {
        assert_eq!(Command::parse(text).ok(), Some(expected), "\\{text}");
    }

    fn check_refused(text: &str, message: &str) {
        assert_eq!(Command::parse(text).err().map(|error| error.to_string()).as_deref(), Some(message));
    }

    #[test]
    fn commands_are_psqls() {
        check("l", Command::Catalogs);
        check("dn", Command::Domains);
        check("d", Command::Tables { pattern: None });
        check("dt+ sales.*;", Command::Tables { pattern: Some("sales.*".to_owned()) });
        check("d sales.orders", Command::Describe { table: "sales.orders".to_owned() });
        check("timing", Command::Timing { on: None });
        check("timing off", Command::Timing { on: Some(false) });
        check("x AUTO", Command::Expanded { setting: Some(Expanded::Auto) });
        check("format jsonl", Command::Format { format: Some(Format::Jsonl) });
        check("c sales", Command::Connect { domain: Some("sales".to_owned()) });
        check("conninfo", Command::ConnectionDetails);
        check("i 'my file.sql'", Command::Include { file: "my file.sql".into() });
        check("o", Command::Output { file: None });
        check("?", Command::Help);
        check("q", Command::Quit);
    }

    #[test]
    fn a_wrong_command_is_told_what_is_wrong() {
        check_refused("foo", "\\foo is not a command; \\? lists them");
        check_refused("", "\\ is not a command; \\? lists them");
        check_refused("x maybe", "\\x takes on, off, auto, not \"maybe\"");
        check_refused("i", "\\i needs FILE");
        check_refused("i 'open", "a quote is not closed");
        check_refused("l now", "\\l: \"now\" is one argument too many");
        check_refused("format xml", "\\format: there is no format \"xml\"; \\? lists them");
    }
}
