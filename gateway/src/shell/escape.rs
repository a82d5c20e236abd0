//! Makes text from a server harmless for a terminal: a value must not move the cursor, change colours or hide itself.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The text with every control character written out, line ends and tabs too.
pub(crate) fn line(text: &str) -> Cow<'_, str> {
    escape(text, is_harmful)
}

/// The text with every control character but line feed and tab written out.
pub(super) fn lines(text: &str) -> Cow<'_, str> {
    escape(text, |c| is_harmful(c) && c != '\n' && c != '\t')
}

fn escape(text: &str, harmful: fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(harmful) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            c if !harmful(c) => escaped.push(c),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            // Writing into a `String` cannot fail.
            c if c.is_ascii() => _ = write!(escaped, "\\x{:02x}", u32::from(c)),
            c => _ = write!(escaped, "\\u{{{:x}}}", u32::from(c)),
        }
    }
    Cow::Owned(escaped)
}

/// Control characters (C0, DEL, C1), other line ends, and those that turn the direction of what follows.
fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, one_line: &str, many_lines: &str) {
        assert_eq!(line(text), one_line);
        assert_eq!(lines(text), many_lines);
    }

    #[test]
    fn no_escape_sequence_reaches_the_terminal() {
        check("plain ü 漢 👩‍👩‍👧", "plain ü 漢 👩‍👩‍👧", "plain ü 漢 👩‍👩‍👧");
        check("\x1b[2J\x1b]0;title\x07", "\\x1b[2J\\x1b]0;title\\x07", "\\x1b[2J\\x1b]0;title\\x07");
        check("\u{9b}31m\x7f\0", "\\u{9b}31m\\x7f\\x00", "\\u{9b}31m\\x7f\\x00");
        check("a\rb", "a\\rb", "a\\rb");
    }

    #[test]
    fn text_cannot_be_turned_around() {
        check("user\u{202e}nimda\u{2066}", "user\\u{202e}nimda\\u{2066}", "user\\u{202e}nimda\\u{2066}");
        check("one\u{2028}two", "one\\u{2028}two", "one\\u{2028}two");
    }

    #[test]
    fn line_ends_stay_where_several_lines_are_welcome() {
        check("a\n\tb", "a\\n\\tb", "a\n\tb");
    }
}
