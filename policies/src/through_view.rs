//! Decides what a caller sees of a table that a view reads on its owner's behalf.

use std::collections::BTreeSet;

use crate::coverage::Coverage;
use crate::decide::{Question, View};
use crate::decision::{ColumnAccess, ColumnMask};
use crate::masking::{self, Masking};
use crate::row_filter::{self, Held};

/// The owner's columns, under the caller's rules.
pub(crate) fn look(owner: &Question<'_>, caller: &Question<'_>) -> Option<View> {
    if !owner.in_force() {
        return None;
    }
    let granted = owner.select()?;
    let masking = Masking::new(caller);
    let rules = Coverage::of_select(caller, &masking);
    let mut columns = granted.columns;
    columns.retain(|column| !rules.denies(column.index));
    // Grants to a caller whom the contract's status keeps out count for nothing; the owner's still do.
    let own = if caller.in_force() { rules } else { Coverage::default() };
    for column in &mut columns {
        column.mask = mask(caller, &masking, column, own.opens(column.index))?;
    }
    if columns.is_empty() {
        return None;
    }
    let seen: Vec<usize> = columns.iter().map(|column| column.index).collect();
    let lent = seen.iter().any(|column| !own.opens(*column));
    let own = own.limited_to(&seen);
    let mut places = granted.places;
    places.extend(own.places().chain(masking.places(&seen)).cloned());
    let row_filter = {
        let held = Held::new(caller);
        let mut parts = held.granted(&own, &mut places);
        if lent {
            parts.extend(held.lent(&own, &mut places));
            parts.extend(granted.row_filter);
        }
        parts.extend(held.restrictive(&mut places));
        row_filter::join(parts)
    };
    let own_groups = caller.smallest_group(&mut places);
    let smallest_group = own_groups.max(granted.smallest_group.filter(|_| lent));
    Some(View { columns, row_filter, smallest_group, places })
}

/// The mask of one column; `None` for two that differ.
fn mask(caller: &Question<'_>, masking: &Masking<'_>, granted: &ColumnAccess, own: bool) -> Option<Option<ColumnMask>> {
    let callers = match masking.of(granted.index) {
        Ok(mask) => mask.map(|mask| masking::filled(caller, mask)),
        Err(conflict) => {
            masking::report(caller, granted.index, &conflict);
            return None;
        }
    };
    if own {
        return Some(callers);
    }
    match (&granted.mask, callers) {
        (None, callers) => Some(callers),
        (Some(owners), None) => Some(Some(owners.clone())),
        (Some(owners), Some(callers)) if *owners == callers => Some(Some(callers)),
        (Some(_), Some(_)) => {
            masking::report(caller, granted.index, &masking::Conflict { places: places(masking, granted.index) });
            None
        }
    }
}

fn places(masking: &Masking<'_>, column: usize) -> BTreeSet<crate::rules::Place> {
    masking.places(&[column]).cloned().collect()
}

#[cfg(test)]
mod tests;
