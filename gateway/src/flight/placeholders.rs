//! Turns the `?` of JDBC, ODBC and DB-API into `$1`, `$2`, …, which the engine can tell apart.

use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use crate::error::{Error, ErrorKind};

/// Most parameters of a statement, as in PostgreSQL.
const MAX_PARAMETERS: usize = 65_535;

/// `sql` with every `?` outside of literals, names and comments replaced; all else stays as it is.
///
/// # Errors
/// [`ErrorKind::InvalidStatement`] where both kinds of placeholder are used, or too many.
pub(super) fn number(sql: &str) -> Result<String, Error> {
    if !sql.contains('?') {
        return Ok(sql.to_owned());
    }
    let Ok(tokens) = Tokenizer::new(&GenericDialect {}, sql).tokenize_with_location() else {
        // The parser finds the same fault and tells where it is.
        return Ok(sql.to_owned());
    };
    let (mut numbered, mut count, mut dollars) = (String::with_capacity(sql.len() + 16), 0, false);
    let mut rest = Rest { text: sql, line: 1, column: 1 };
    for token in tokens {
        let start = token.span.start;
        numbered.push_str(rest.up_to(start.line, start.column));
        // No literal, name or comment begins with `?`; `?-` and `?||` are one token of the dialect.
        let question = rest.text.starts_with('?') && (rest.line, rest.column) == (start.line, start.column);
        if question {
            if matches!(&token.token, Token::Placeholder(text) if text.len() > 1) {
                return Err(invalid("numbered placeholders such as ?1 are not supported; use ? or $1"));
            }
            count += 1;
            numbered.push_str(&format!("${count}"));
            rest.skip_one();
        }
        dollars |= matches!(&token.token, Token::Placeholder(text) if text.starts_with('$'));
    }
    numbered.push_str(rest.text);
    if count > 0 && dollars {
        return Err(invalid("the statement has both ? and $1 as placeholders; use one of them"));
    }
    if count > MAX_PARAMETERS {
        return Err(Error::new(ErrorKind::LimitExceeded, format!("more than {MAX_PARAMETERS} parameters")));
    }
    Ok(numbered)
}

fn invalid(message: &str) -> Error {
    Error::new(ErrorKind::InvalidStatement, message)
}

/// What is left of the text, and where it begins, counted as the tokenizer counts.
struct Rest<'a> {
    text: &'a str,
    line: u64,
    column: u64,
}

impl<'a> Rest<'a> {
    /// Moves on to a place and returns what was passed. A place that lies behind leaves all as it is.
    fn up_to(&mut self, line: u64, column: u64) -> &'a str {
        let mut bytes = 0;
        for character in self.text.chars() {
            if (self.line, self.column) >= (line, column) {
                break;
            }
            bytes += character.len_utf8();
            self.pass(character);
        }
        let (passed, rest) = self.text.split_at(bytes);
        self.text = rest;
        passed
    }

    fn skip_one(&mut self) {
        let mut characters = self.text.chars();
        if let Some(character) = characters.next() {
            self.pass(character);
            self.text = characters.as_str();
        }
    }

    fn pass(&mut self, character: char) {
        if character == '\n' {
            (self.line, self.column) = (self.line + 1, 1);
        } else {
            self.column += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sql: &str, expected: &str) {
        assert_eq!(number(sql).as_deref(), Ok(expected), "{sql}");
    }

    #[test]
    fn each_question_mark_gets_its_number() {
        check("SELECT ?", "SELECT $1");
        check("SELECT ?, ?\nFROM t WHERE a=? AND b IN (?,?)", "SELECT $1, $2\nFROM t WHERE a=$3 AND b IN ($4,$5)");
        let (many, numbered): (Vec<_>, Vec<_>) = (1..=12).map(|n| ("?".to_owned(), format!("${n}"))).unzip();
        check(&many.join(","), &numbered.join(","));
    }

    #[test]
    fn question_marks_in_literals_names_and_comments_stay() {
        for sql in [
            "SELECT '?'",
            "SELECT 'it''s ?'",
            "SELECT \"a?\" FROM t",
            "SELECT 1 -- what?\n",
            "SELECT 1 /* ? /* ? */ ? */",
            "SELECT $$ ? $$",
            "SELECT $a$ ? $a$",
            "SELECT E'\\'?'",
        ] {
            check(sql, sql);
        }
        check("SELECT 'ä€?', ? -- ?\n, ?", "SELECT 'ä€?', $1 -- ?\n, $2");
        check("SELECT \"ü?\" /* ?\n? */ = ?\r\nAND ?", "SELECT \"ü?\" /* ?\n? */ = $1\r\nAND $2");
    }

    #[test]
    fn an_operator_behind_a_placeholder_does_not_hide_it() {
        check("SELECT a=?-1", "SELECT a=$1-1");
        check("SELECT ?||'x'", "SELECT $1||'x'");
        check("SELECT ?::int", "SELECT $1::int");
        check("SELECT a + ?+?", "SELECT a + $1+$2");
    }

    #[test]
    fn statements_without_question_marks_are_not_touched() {
        check("SELECT $1, $2", "SELECT $1, $2");
        check("SELECT 'unterminated", "SELECT 'unterminated");
        check("SELECT 'unterminated ?", "SELECT 'unterminated ?");
        check("", "");
    }

    #[test]
    fn two_kinds_of_placeholder_do_not_mix() {
        for sql in ["SELECT ?, $1", "SELECT $1, ?", "SELECT ?1"] {
            assert_eq!(number(sql).map_err(|error| error.kind), Err(ErrorKind::InvalidStatement), "{sql}");
        }
        let many = "?,".repeat(MAX_PARAMETERS + 1);
        assert_eq!(number(&many).map_err(|error| error.kind), Err(ErrorKind::LimitExceeded));
    }
}
