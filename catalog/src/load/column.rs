//! Reads the columns of a table.

use std::collections::HashSet;

use super::column_name::{self, Names};
use super::column_type;
use super::fields::{Fields, Text};
use super::primary_key::{self, Part};
use super::report::Report;
use crate::table::Column;

/// Reads the columns of a table. `before_v3_1`: the contract is written in ODCS v3.0.
///
/// A column with a mistake is noted and left out.
pub(super) fn read_all(table: &Fields<'_>, before_v3_1: bool, report: &mut Report<'_>) -> Vec<Column> {
    let items = table.list("properties", report);
    if items.is_empty() {
        report.at(table.line, format!("{} has no columns", table.what), "list them under `properties`");
    }
    let mut names = Names::default();
    let mut physical_names = HashSet::new();
    let mut parts = Vec::new();
    let mut columns = Vec::new();
    for item in items {
        let fields = Fields::of(item, format!("a column of {}", table.what), report);
        let named = fields.and_then(|fields| names.read(fields, &table.what, report));
        let Some((fields, name)) = named else { continue };
        let part = Part::read(&fields, report);
        let Some(column) = read(&fields, name, before_v3_1, report) else { continue };
        if !physical_names.insert(column.physical_name.clone()) {
            report.at(
                fields.line,
                format!("{} reads the same source column as another one", fields.what),
                "give each its own `physicalName`, or keep one of them",
            );
        }
        parts.push(part);
        columns.push(column);
    }
    let places = primary_key::places(&parts, table, report);
    columns.iter_mut().zip(places).for_each(|(column, place)| column.primary_key_position = place);
    columns
}

fn read(fields: &Fields<'_>, name: Text<'_>, before_v3_1: bool, report: &mut Report<'_>) -> Option<Column> {
    let physical_name = fields.text("physicalName", report).unwrap_or(name);
    let usable = column_name::check(physical_name, &format!("`physicalName` of {}", fields.what), report);
    let column = Column {
        name: name.text.to_owned(),
        physical_name: physical_name.text.to_owned(),
        required: fields.flag("required", report),
        unique: fields.flag("unique", report),
        primary_key_position: None,
        classification: fields.words("classification", report),
        description: fields.words("description", report),
        data_type: column_type::read(fields, before_v3_1, report)?,
    };
    usable.map(|()| column)
}
