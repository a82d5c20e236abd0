//! Compares the keys of a document with those that its standard knows, at every depth.

use super::node::{Entry, Node, Value};
use super::report::Report;

/// Largest number of letters that a mistyped key may differ in to be recognised.
const MAX_TYPING_ERRORS: usize = 2;

/// The keys of one kind of mapping, and what their values may hold.
#[derive(Debug)]
pub(super) struct Keys {
    /// What the mapping is called in messages.
    pub(super) what: &'static str,
    /// Keys whose values need no look.
    pub(super) plain: &'static [&'static str],
    /// Keys whose values are mappings, or lists of mappings, with known keys of their own.
    pub(super) nested: &'static [(&'static str, &'static Self)],
}

/// Notes every key of `node`, and of what is below, that `keys` does not know.
///
/// A value of another kind than the standard says is left to whoever reads it.
pub(super) fn check(node: &Node, keys: &Keys, standard: &str, report: &mut Report<'_>) {
    match &node.value {
        Value::Map(entries) => entries.iter().for_each(|entry| check_entry(entry, keys, standard, report)),
        Value::List(items) => items.iter().for_each(|item| check(item, keys, standard, report)),
        Value::Null | Value::Flag(_) | Value::Integer(_) | Value::Number | Value::Text(_) => {}
    }
}

fn check_entry(entry: &Entry, keys: &Keys, standard: &str, report: &mut Report<'_>) {
    if let Some((_, below)) = keys.nested.iter().find(|(key, _)| *key == entry.key) {
        check(&entry.node, below, standard, report);
    } else if !keys.plain.contains(&entry.key.as_str()) {
        let remedy = match closest(&entry.key, keys) {
            Some(key) => format!("write `{key}`, or remove it; keys of your own belong in `customProperties`"),
            None => "remove it; keys of your own belong in `customProperties`".to_owned(),
        };
        report.at(
            entry.line,
            format!("{} has the key {:?}, which {standard} does not know", keys.what, entry.key),
            remedy,
        );
    }
}

/// The known key that was probably meant.
fn closest(typed: &str, keys: &Keys) -> Option<&'static str> {
    // A long key is no typing error, and comparing it would cost its length squared.
    if typed.len() > 64 {
        return None;
    }
    let known = keys.plain.iter().copied().chain(keys.nested.iter().map(|(key, _)| *key));
    known
        .map(|key| (distance(&typed.to_lowercase(), &key.to_lowercase()), key))
        .filter(|(distance, key)| *distance <= MAX_TYPING_ERRORS && *distance < key.len() / 2)
        .min()
        .map(|(_, key)| key)
}

/// Letters to insert, remove or replace to turn `a` into `b`.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
