//! Checks the names of columns.

use std::collections::HashSet;

use super::fields::{Fields, Text};
use super::report::Report;

/// Longest column name in bytes.
const MAX_BYTES: usize = 255;

/// Column names of one table seen so far, letter case ignored.
#[derive(Debug, Default)]
pub(super) struct Names(HashSet<String>);

impl Names {
    /// The name of the column `fields`, and its fields under that name. Nothing once it is noted that there is
    /// no usable name, or that a sibling has it already.
    pub(super) fn read<'a>(
        &mut self,
        fields: Fields<'a>,
        parent: &str,
        report: &mut Report<'_>,
    ) -> Option<(Fields<'a>, Text<'a>)> {
        let name = fields.required("name", "write `name: …`, the column's name in SQL", report)?;
        check(name, &format!("the name of {}", fields.what), report)?;
        if !self.0.insert(name.text.to_lowercase()) {
            report.at(
                name.line,
                format!("{parent} has two columns {:?}", name.text),
                "rename one; names that differ in nothing but letter case count as the same",
            );
            return None;
        }
        Some((fields.named(format!("column {:?} of {parent}", name.text)), name))
    }
}

/// Notes a name that no client could show or write.
pub(super) fn check(name: Text<'_>, what: &str, report: &mut Report<'_>) -> Option<()> {
    if name.text.len() > MAX_BYTES {
        report.at(name.line, format!("{what} is longer than {MAX_BYTES} bytes"), "choose a shorter one");
        return None;
    }
    if name.text.chars().any(char::is_control) {
        report.at(name.line, format!("{what} holds a control character"), "remove the character");
        return None;
    }
    Some(())
}
