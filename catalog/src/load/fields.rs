//! Reads the fields of one mapping, and notes every field that is missing or of the wrong kind.

use super::node::{Entry, Node, Value};
use super::report::Report;

/// The fields of one mapping.
#[derive(Debug, Clone)]
pub(super) struct Fields<'a> {
    /// What the mapping is, in words, such as `column "id"`.
    pub(super) what: String,
    /// Line where it begins.
    pub(super) line: u64,
    entries: &'a [Entry],
}

/// A text and its line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text<'a> {
    /// The text, not empty.
    pub(super) text: &'a str,
    /// Its line.
    pub(super) line: u64,
}

impl<'a> Fields<'a> {
    /// The fields of `node`, or nothing once it is noted that it is no mapping.
    pub(super) fn of(node: &'a Node, what: impl Into<String>, report: &mut Report<'_>) -> Option<Self> {
        let what = what.into();
        let Value::Map(entries) = &node.value else {
            report.at(
                node.line,
                format!("{what} must be a mapping, not {}", node.value.kind()),
                "write it as `key: value` lines",
            );
            return None;
        };
        Some(Self { what, line: node.line, entries })
    }

    /// The same fields under another name.
    pub(super) fn named(self, what: impl Into<String>) -> Self {
        Self { what: what.into(), ..self }
    }

    /// The value of a key; nothing where it is absent or null.
    pub(super) fn get(&self, key: &str) -> Option<&'a Node> {
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        (!matches!(entry.node.value, Value::Null)).then_some(&entry.node)
    }

    /// The text of a key, where it has one.
    pub(super) fn text(&self, key: &str, report: &mut Report<'_>) -> Option<Text<'a>> {
        text(self.get(key)?, &format!("`{key}` of {}", self.what), report)
    }

    /// The text of a key that must be there.
    pub(super) fn required(&self, key: &str, remedy: &str, report: &mut Report<'_>) -> Option<Text<'a>> {
        if self.get(key).is_none() {
            report.at(self.line, format!("{} has no `{key}`", self.what), remedy);
            return None;
        }
        self.text(key, report)
    }

    /// Owned text of a key that nothing hangs on.
    pub(super) fn words(&self, key: &str, report: &mut Report<'_>) -> Option<String> {
        self.text(key, report).map(|text| text.text.trim().to_owned())
    }

    /// The flag of a key; `false` where it is absent.
    pub(super) fn flag(&self, key: &str, report: &mut Report<'_>) -> bool {
        self.get(key).and_then(|node| flag(node, &format!("`{key}` of {}", self.what), report)).unwrap_or(false)
    }

    /// The whole number of a key, where it has one.
    pub(super) fn integer(&self, key: &str, report: &mut Report<'_>) -> Option<(i64, u64)> {
        let node = self.get(key)?;
        if let Value::Integer(number) = node.value {
            return Some((number, node.line));
        }
        report.at(
            node.line,
            format!("`{key}` of {} must be a whole number, not {}", self.what, node.value.kind()),
            format!("write `{key}: 1`"),
        );
        None
    }

    /// The items of a key; none where it is absent.
    pub(super) fn list(&self, key: &str, report: &mut Report<'_>) -> &'a [Node] {
        let Some(node) = self.get(key) else { return &[] };
        let Value::List(items) = &node.value else {
            report.at(
                node.line,
                format!("`{key}` of {} must be a list, not {}", self.what, node.value.kind()),
                "write one item a line, each after `- `",
            );
            return &[];
        };
        items
    }

    /// The texts of a list of texts.
    pub(super) fn texts(&self, key: &str, report: &mut Report<'_>) -> Vec<String> {
        let what = format!("an item of `{key}` of {}", self.what);
        let items = self.list(key, report);
        items.iter().filter_map(|item| text(item, &what, report)).map(|item| item.text.to_owned()).collect()
    }
}

/// The text of a node, or nothing once it is noted that it is none.
pub(super) fn text<'a>(node: &'a Node, what: &str, report: &mut Report<'_>) -> Option<Text<'a>> {
    let Value::Text(text) = &node.value else {
        report.at(
            node.line,
            format!("{what} must be text, not {}", node.value.kind()),
            "write text; put it in quotes where YAML takes it for something else",
        );
        return None;
    };
    if text.trim().is_empty() {
        report.at(node.line, format!("{what} is empty"), "write it, or remove the key");
        return None;
    }
    Some(Text { text, line: node.line })
}

/// The flag of a node, or nothing once it is noted that it is none.
pub(super) fn flag(node: &Node, what: &str, report: &mut Report<'_>) -> Option<bool> {
    if let Value::Flag(flag) = node.value {
        return Some(flag);
    }
    report.at(
        node.line,
        format!("{what} must be true or false, not {}", node.value.kind()),
        "write `true` or `false` without quotes",
    );
    None
}
