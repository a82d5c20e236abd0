//! Splits one line of a rule file into fields, strictly.
//!
//! Casbin's own reader accepts a quote that never closes, doubled quotes and wrong field counts without a
//! word; rows reach Casbin only through this one.

use std::fmt;

/// Longest field in bytes.
const MAX_FIELD_BYTES: usize = 8 * 1024;

/// Why a line cannot be split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A quoted field has no closing quote on its line.
    OpenQuote,
    /// A quote inside a field that does not start with one.
    StrayQuote,
    /// Something other than a comma after a closing quote.
    AfterQuote,
    /// A character that cannot be seen.
    Invisible(char),
    /// A field is longer than the limit.
    TooLong,
}

impl Fault {
    /// What to do about it.
    pub(crate) fn remedy(&self) -> &'static str {
        match self {
            Self::OpenQuote => "close the field with \" on the same line; write a quote inside as \"\"",
            Self::StrayQuote => "put the whole field in quotes, and write a quote inside as \"\"",
            Self::AfterQuote => "put a comma after the closing quote, or write a quote inside as \"\"",
            Self::Invisible(_) => "remove the character, or type the line again",
            Self::TooLong => "make the field shorter than 8 KiB",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OpenQuote => f.write_str("a quoted field does not end"),
            Self::StrayQuote => f.write_str("a quote in the middle of a field"),
            Self::AfterQuote => f.write_str("text after a closing quote"),
            Self::Invisible(character) => write!(f, "the invisible character U+{:04X}", u32::from(*character)),
            Self::TooLong => f.write_str("a field is too long"),
        }
    }
}

/// The fields of a line; none for a blank line or a comment.
pub(crate) fn fields(line: &str) -> Result<Vec<String>, Fault> {
    let line = line.strip_suffix('\r').unwrap_or(line);
    let mut rest = skip_blanks(line);
    let mut fields = Vec::new();
    if rest.is_empty() || rest.starts_with('#') {
        return Ok(fields);
    }
    loop {
        let (field, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_field(quoted)?,
            None => bare_field(rest)?,
        };
        if field.len() > MAX_FIELD_BYTES {
            return Err(Fault::TooLong);
        }
        if let Some(character) = field.chars().find(|character| is_invisible(*character)) {
            return Err(Fault::Invisible(character));
        }
        fields.push(field);
        match after.strip_prefix(',') {
            Some(next) => rest = skip_blanks(next),
            None => return Ok(fields),
        }
    }
}

/// The field after an opening quote, and what follows its closing quote.
fn quoted_field(text: &str) -> Result<(String, &str), Fault> {
    let mut field = String::new();
    let mut rest = text;
    loop {
        let (before, after) = rest.split_once('"').ok_or(Fault::OpenQuote)?;
        field.push_str(before);
        if let Some(next) = after.strip_prefix('"') {
            field.push('"');
            rest = next;
            continue;
        }
        let after = skip_blanks(after);
        return if after.is_empty() || after.starts_with(',') { Ok((field, after)) } else { Err(Fault::AfterQuote) };
    }
}

/// The field up to the next comma, without the blanks around it.
fn bare_field(text: &str) -> Result<(String, &str), Fault> {
    let (field, after) = text.split_at(text.find(',').unwrap_or(text.len()));
    if field.contains('"') {
        return Err(Fault::StrayQuote);
    }
    Ok((field.trim_end_matches([' ', '\t']).to_owned(), after))
}

fn skip_blanks(text: &str) -> &str {
    text.trim_start_matches([' ', '\t'])
}

/// Control characters, and those that change how a line looks without being seen: a reviewer must be able to
/// trust their eyes.
fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests may unwrap")]
mod tests {
    use super::*;

    fn check(line: &str, expected: &[&str]) {
        assert_eq!(fields(line).unwrap(), expected, "{line:?}");
    }

    fn refused(line: &str, expected: &Fault) {
        assert_eq!(fields(line).as_ref(), Err(expected), "{line:?}");
    }

    #[test]
    fn blanks_around_commas_do_not_count() {
        check("p,a,b", &["p", "a", "b"]);
        check("  p ,\ta ,  b  ", &["p", "a", "b"]);
        check("p, a b ,c\r", &["p", "a b", "c"]);
        check("p2, \" x = 'a, b' \" , c", &["p2", " x = 'a, b' ", "c"]);
    }

    #[test]
    fn comments_and_blank_lines_have_no_fields() {
        check("", &[]);
        check("   \t", &[]);
        check("  # p, a, b", &[]);
        check("p, a # b", &["p", "a # b"]);
    }

    #[test]
    fn a_doubled_quote_is_a_quote() {
        check(r#"p2, "say ""hi""", x"#, &["p2", r#"say "hi""#, "x"]);
        check(r#"p2, """", x"#, &["p2", "\"", "x"]);
    }

    #[test]
    fn empty_fields_are_kept_to_be_refused_later() {
        check("p,,b,", &["p", "", "b", ""]);
        check(r#"p,"",b"#, &["p", "", "b"]);
    }

    #[test]
    fn what_casbin_would_guess_is_refused() {
        refused(r#"p, "a, b"#, &Fault::OpenQuote);
        refused(r#"p, "a" b, c"#, &Fault::AfterQuote);
        refused(r#"p, a"b", c"#, &Fault::StrayQuote);
        refused("p, a\u{0}b", &Fault::Invisible('\u{0}'));
        refused("p, \"a\tb\"", &Fault::Invisible('\t'));
        refused("p, role:\u{202E}nimda", &Fault::Invisible('\u{202E}'));
        refused("p, role:admin\u{200B}", &Fault::Invisible('\u{200B}'));
        refused(&format!("p, {}", "x".repeat(MAX_FIELD_BYTES + 1)), &Fault::TooLong);
    }
}
