//! Cuts text into statements and backslash commands, line by line, the way psql does.

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    /// The line that it starts on, from 1.
    pub(super) line: usize,
    pub(super) text: ItemText,
}

/// What it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ItemText {
    /// A statement, without its semicolon.
    Statement(String),
    /// A backslash command with its arguments, without the backslash.
    Command(String),
}

/// Where the scan is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Plain,
    SingleQuoted { backslash_escapes: bool },
    DoubleQuoted,
    BlockComment { depth: usize },
    DollarQuoted { tag: String },
}

/// Keeps what is not a whole statement yet.
#[derive(Debug)]
pub(super) struct Splitter {
    state: State,
    pending: String,
    /// Whether `pending` holds more than space and comments.
    has_content: bool,
    /// The line on which the pending content starts.
    start: usize,
    /// Lines seen.
    line: usize,
}

impl Splitter {
    pub(super) fn new() -> Self {
        Self { state: State::Plain, pending: String::new(), has_content: false, start: 1, line: 0 }
    }

    /// Everything in a whole text: what is left at its end is a statement too.
    pub(super) fn split(text: &str) -> Vec<Item> {
        let mut splitter = Self::new();
        let mut items: Vec<_> = text.split_inclusive('\n').flat_map(|line| splitter.push(line)).collect();
        items.extend(splitter.finish());
        items
    }

    /// Whether the text, as typed so far, ends in the middle of a statement.
    pub(super) fn is_incomplete(text: &str) -> bool {
        let mut splitter = Self::new();
        for line in text.split_inclusive('\n') {
            splitter.push(line);
        }
        splitter.has_content || splitter.state != State::Plain
    }

    /// The bytes that wait for the end of their statement.
    pub(super) fn pending_bytes(&self) -> usize {
        self.pending.len()
    }

    /// Takes one line, with its line end, and gives what it completes.
    pub(super) fn push(&mut self, line: &str) -> Vec<Item> {
        self.line += 1;
        let mut items = Vec::new();
        let mut rest = line;
        while !rest.is_empty() {
            let taken = self.step(rest, &mut items);
            rest = rest.get(taken..).unwrap_or_default();
        }
        items
    }

    /// What is left when the input ends.
    pub(super) fn finish(&mut self) -> Option<Item> {
        self.state = State::Plain;
        self.take_statement()
    }

    /// Looks at the start of `rest`; returns the bytes that it dealt with, at least one character.
    fn step(&mut self, rest: &str, items: &mut Vec<Item>) -> usize {
        let Some(c) = rest.chars().next() else { return rest.len() };
        let taken = match &mut self.state {
            State::Plain => return self.plain(c, rest, items),
            State::SingleQuoted { backslash_escapes: true } if c == '\\' => {
                c.len_utf8() + rest.chars().nth(1).map_or(0, char::len_utf8)
            }
            State::SingleQuoted { .. } | State::DoubleQuoted => {
                // A doubled quote ends one literal and starts the next: the same as staying inside.
                let quote = if self.state == State::DoubleQuoted { '"' } else { '\'' };
                if c == quote {
                    self.state = State::Plain;
                }
                c.len_utf8()
            }
            State::BlockComment { depth } if rest.starts_with("*/") => {
                *depth -= 1;
                if *depth == 0 {
                    self.state = State::Plain;
                }
                2
            }
            State::BlockComment { depth } if rest.starts_with("/*") => {
                *depth += 1;
                2
            }
            State::BlockComment { .. } => c.len_utf8(),
            State::DollarQuoted { tag } if rest.starts_with(tag.as_str()) => {
                let taken = tag.len();
                self.state = State::Plain;
                taken
            }
            State::DollarQuoted { .. } => c.len_utf8(),
        };
        self.keep(rest, taken);
        taken
    }

    fn plain(&mut self, c: char, rest: &str, items: &mut Vec<Item>) -> usize {
        if c == '\\' && !self.has_content {
            self.pending.clear();
            let text = rest.get(1..).unwrap_or_default().trim().to_owned();
            items.push(Item { line: self.line, text: ItemText::Command(text) });
            return rest.len();
        }
        if c == ';' {
            items.extend(self.take_statement());
            return 1;
        }
        if rest.starts_with("--") {
            self.keep(rest, rest.len());
            return rest.len();
        }
        if rest.starts_with("/*") {
            self.state = State::BlockComment { depth: 1 };
            self.keep(rest, 2);
            return 2;
        }
        if c.is_whitespace() {
            // Space before a statement is nobody's.
            if !self.pending.is_empty() {
                self.keep(rest, c.len_utf8());
            }
            return c.len_utf8();
        }
        if !self.has_content {
            self.has_content = true;
            self.start = self.line;
        }
        let mut taken = c.len_utf8();
        match c {
            '\'' => self.state = State::SingleQuoted { backslash_escapes: self.follows_escape_prefix() },
            '"' => self.state = State::DoubleQuoted,
            '$' if !self.follows_word() => {
                if let Some(tag) = dollar_tag(rest) {
                    taken = tag.len();
                    self.state = State::DollarQuoted { tag: tag.to_owned() };
                }
            }
            _ => {}
        }
        self.keep(rest, taken);
        taken
    }

    fn keep(&mut self, rest: &str, bytes: usize) {
        self.pending.push_str(rest.get(..bytes).unwrap_or(rest));
    }

    /// Whether a quote here belongs to `E'…'`, in which a backslash escapes the next character.
    fn follows_escape_prefix(&self) -> bool {
        let mut before = self.pending.chars().rev();
        matches!(before.next(), Some('e' | 'E')) && !before.next().is_some_and(is_word)
    }

    fn follows_word(&self) -> bool {
        self.pending.chars().next_back().is_some_and(is_word)
    }

    fn take_statement(&mut self) -> Option<Item> {
        let text = std::mem::take(&mut self.pending).trim().to_owned();
        std::mem::take(&mut self.has_content).then_some(Item { line: self.start, text: ItemText::Statement(text) })
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '$')
}

/// The opening `$tag$`, when there is one; `$1` is a parameter.
fn dollar_tag(text: &str) -> Option<&str> {
    let end = text.get(1..)?.find('$')? + 1;
    let name = text.get(1..end)?;
    let is_name = name.chars().all(|c| c.is_alphanumeric() || c == '_') && !name.starts_with(|c: char| c.is_numeric());
    if is_name { text.get(..=end) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let items: Vec<_> = Splitter::split(text)
            .into_iter()
            .map(|item| match item.text {
                ItemText::Statement(sql) => sql,
                ItemText::Command(command) => format!("\\{command}"),
            })
            .collect();
        assert_eq!(items, expected, "{text}");
    }

    #[test]
    fn a_semicolon_ends_a_statement() {
        check("select 1; select 2", &["select 1", "select 2"]);
        check("  select\n 1 ;\n\n;;\n", &["select\n 1"]);
        check("", &[]);
        check(" ;\n", &[]);
    }

    #[test]
    fn a_quoted_semicolon_does_not() {
        check("select ';'';' as \"a;\"\"b\"; select 2", &["select ';'';' as \"a;\"\"b\"", "select 2"]);
        check(r"select E'\';'; select 2", &[r"select E'\';'", "select 2"]);
        check(r"select '\'; select 2", &[r"select '\'", "select 2"]);
        check(r"select some'\'; select 2", &[r"select some'\'", "select 2"]);
        check("select 'a\n;\n'; select 2", &["select 'a\n;\n'", "select 2"]);
    }

    #[test]
    fn a_semicolon_between_dollars_does_not() {
        check("select $$;'$$; select 2", &["select $$;'$$", "select 2"]);
        check("select $t$ ; $$ ; $t$; select 2", &["select $t$ ; $$ ; $t$", "select 2"]);
        check("select $1; select $2", &["select $1", "select $2"]);
        check("select a$b; select c$d", &["select a$b", "select c$d"]);
    }

    #[test]
    fn a_semicolon_in_a_comment_does_not() {
        check("select 1 -- ; '\n+ 1; select 2", &["select 1 -- ; '\n+ 1", "select 2"]);
        check("select /* ; /* ' */ ; */ 1; select 2", &["select /* ; /* ' */ ; */ 1", "select 2"]);
        check("-- only a comment\n/* and ; another */", &[]);
        check("-- about it\nselect 1;", &["-- about it\nselect 1"]);
    }

    #[test]
    fn a_backslash_command_takes_its_line() {
        check("\\dt sales.*; x\nselect 1;\n  \\x on\n", &["\\dt sales.*; x", "select 1", "\\x on"]);
        check("-- comment\n\\q", &["\\q"]);
        check("select 1; \\d orders", &["select 1", "\\d orders"]);
        check("select '\n\\q\n';", &["select '\n\\q\n'"]);
    }

    #[test]
    fn an_item_knows_its_line() {
        let lines: Vec<_> =
            Splitter::split("\n-- c\nselect\n1;\n\\x\n select 2").iter().map(|item| item.line).collect();
        assert_eq!(lines, [3, 5, 6]);
    }

    fn check_incomplete(text: &str, expected: bool) {
        assert_eq!(Splitter::is_incomplete(text), expected, "{text}");
    }

    #[test]
    fn typing_goes_on_until_the_semicolon() {
        check_incomplete("", false);
        check_incomplete("\\dt", false);
        check_incomplete("select 1", true);
        check_incomplete("select 1;", false);
        check_incomplete("select ';", true);
        check_incomplete("select 1; -- done", false);
        check_incomplete("select 1; select", true);
        check_incomplete("/* open", true);
        check_incomplete("-- closed", false);
        check_incomplete("select $$ ;", true);
    }
}
