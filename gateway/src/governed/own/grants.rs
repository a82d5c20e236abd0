//! What the caller may do with each table and how much of it is seen: never the rules, and nothing of anybody else.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, ListBuilder, RecordBatch, StringBuilder, UInt64Array};
use arrow::datatypes::{Field, Schema};
use catalog::TableName;
use policies::{Action, Decision, Restrictions};

use super::super::Snapshot;
use super::{Batch, each, texts};
use crate::metadata::VisibleTable;

/// A table, something that the caller may do with it, and within what.
type Grant<'a> = (&'a VisibleTable, Action, Arc<Restrictions>);

/// The rows of `system.grants`.
pub(super) fn rows(snapshot: &Snapshot, visible: &[VisibleTable]) -> Batch {
    let grants: Vec<Grant<'_>> = visible
        .iter()
        .flat_map(|table| Action::ALL.map(|action| (table, action)))
        .filter_map(|(table, action)| Some((table, action, allowed(snapshot, table, action)?)))
        .collect();
    let plain = texts(vec![
        ("domain", each(&grants, |(table, ..)| table.table.name.domain.to_string())),
        ("table_name", each(&grants, |(table, ..)| table.table.name.table.to_string())),
        ("action", each(&grants, |(_, action, _)| action.to_string())),
        ("rows", grants.iter().map(|(_, action, restrictions)| extent(*action, restrictions)).collect()),
    ])?;
    let columns = names(&grants, |_, _| true);
    let masked = names(&grants, |restrictions, place| restrictions.columns[place].mask.is_some());
    let mut fields: Vec<Arc<Field>> = plain.schema().fields().iter().map(Arc::clone).collect();
    let mut arrays = plain.columns().to_vec();
    let groups: UInt64Array = grants.iter().map(|(_, action, restrictions)| group(*action, restrictions)).collect();
    for (name, list) in [("columns", columns), ("masked_columns", masked), ("smallest_group", Arc::new(groups) as _)] {
        fields.push(Arc::new(Field::new(name, list.data_type().clone(), true)));
        arrays.push(list);
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
}

/// The word of each column's mask, for the columns that a `select` shows masked.
pub(super) fn masks<'a>(
    snapshot: &Snapshot,
    visible: &'a [VisibleTable],
) -> BTreeMap<(&'a TableName, &'a str), String> {
    let mut masks = BTreeMap::new();
    for table in visible {
        let Some(restrictions) = allowed(snapshot, table, Action::Select) else { continue };
        for access in &restrictions.columns {
            if let Some((mask, column)) = access.mask.as_ref().zip(table.table.columns.get(access.index)) {
                masks.insert((&table.table.name, column.name.as_str()), mask.name.clone());
            }
        }
    }
    masks
}

fn allowed(snapshot: &Snapshot, table: &VisibleTable, action: Action) -> Option<Arc<Restrictions>> {
    match snapshot.mesh.policies.decide(&snapshot.principal, &table.table, action) {
        Decision::Allow(restrictions) => Some(restrictions),
        Decision::Deny => None,
    }
}

/// Whether a `select` shows every row. The other actions show none.
fn extent(action: Action, restrictions: &Restrictions) -> Option<String> {
    match action {
        Action::Select => Some(if restrictions.row_filter.is_none() { "all" } else { "filtered" }.to_owned()),
        Action::Discover | Action::Ingest | Action::Operate => None,
    }
}

/// Fewest rows of a group, where a `select` shows groups only.
fn group(action: Action, restrictions: &Restrictions) -> Option<u64> {
    restrictions.smallest_group.filter(|_| action == Action::Select)
}

/// The names of the columns that an action makes known, where it is about columns.
fn names(grants: &[Grant<'_>], chosen: impl Fn(&Restrictions, usize) -> bool) -> ArrayRef {
    let mut list = ListBuilder::new(StringBuilder::new());
    for (table, action, restrictions) in grants {
        let about_columns = matches!(action, Action::Select | Action::Discover);
        if about_columns {
            for (place, access) in restrictions.columns.iter().enumerate() {
                if chosen(restrictions, place) {
                    list.values().append_option(table.table.columns.get(access.index).map(|column| &column.name));
                }
            }
        }
        list.append(about_columns);
    }
    Arc::new(list.finish())
}
