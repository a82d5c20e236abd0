//! Which mask each column has for a principal.

use std::collections::{BTreeMap, BTreeSet};

use crate::compiled::CompiledMask;
use crate::decide::Question;
use crate::decision::{ColumnAccess, ColumnMask};
use crate::rules::Place;

/// The `p3` rows of a principal about one table.
#[derive(Debug)]
pub(crate) struct Masking<'a> {
    rows: BTreeMap<usize, Vec<&'a CompiledMask>>,
}

/// Two different masks claim one column.
#[derive(Debug)]
pub(crate) struct Conflict {
    pub(crate) places: BTreeSet<Place>,
}

impl<'a> Masking<'a> {
    pub(crate) fn new(question: &Question<'a>) -> Self {
        let mut rows: BTreeMap<usize, Vec<&CompiledMask>> = BTreeMap::new();
        if let Some(rules) = question.rules() {
            for mask in question.reach.iter().filter_map(|subject| rules.masks.get(subject)).flatten() {
                rows.entry(mask.column).or_default().push(mask);
            }
        }
        Self { rows }
    }

    /// Whether a row names this column.
    pub(crate) fn names(&self, column: usize) -> bool {
        self.rows.contains_key(&column)
    }

    /// The rows that name one of these columns.
    pub(crate) fn places(&self, columns: &[usize]) -> impl Iterator<Item = &'a Place> {
        columns.iter().filter_map(|column| self.rows.get(column)).flatten().map(|mask| &mask.place)
    }

    /// The one mask of a column; none where there is no row, or where one says `clear`.
    pub(crate) fn of(&self, column: usize) -> Result<Option<&'a CompiledMask>, Conflict> {
        let rows = self.rows.get(&column).map(Vec::as_slice).unwrap_or_default();
        if rows.iter().any(|mask| mask.template.is_none()) {
            return Ok(None);
        }
        let Some(first) = rows.first() else {
            return Ok(None);
        };
        if rows.iter().all(|mask| mask.text == first.text) {
            return Ok(Some(first));
        }
        Err(Conflict { places: rows.iter().map(|mask| mask.place.clone()).collect() })
    }
}

/// The open columns with their masks; none at all where two masks claim a column: neither is surely right, and
/// the value must not be shown.
pub(crate) fn apply(question: &Question<'_>, masking: &Masking<'_>, columns: &[usize]) -> Option<Vec<ColumnAccess>> {
    let access = |index: &usize| match masking.of(*index) {
        Ok(mask) => Some(ColumnAccess { index: *index, mask: mask.map(|mask| filled(question, mask)) }),
        Err(conflict) => {
            report(question, *index, &conflict);
            None
        }
    };
    columns.iter().map(access).collect()
}

/// The mask with the principal's values. Where an attribute is missing, the column is NULL.
pub(crate) fn filled(question: &Question<'_>, mask: &CompiledMask) -> ColumnMask {
    let schema = question.rules().and_then(|rules| rules.schema.as_ref());
    let folded = mask.template.as_ref().zip(schema).and_then(|(template, schema)| {
        let folded = template.fold(&question.identity(), schema);
        folded.inspect_err(|reason| tracing::debug!(rule = %mask.place, %reason, "mask shows NULL")).ok()
    });
    let column = &question.table.columns[mask.column];
    let expression = folded.unwrap_or_else(|| crate::masks::null_or_absent(column));
    ColumnMask { name: mask.word.to_owned(), expression }
}

pub(crate) fn report(question: &Question<'_>, column: usize, conflict: &Conflict) {
    let rules = conflict.places.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let table = &question.table.name;
    let column = &question.table.columns[column].name;
    tracing::warn!(%table, %column, %rules, subject = %question.principal.subject, "policy conflict: access denied");
}

#[cfg(test)]
mod tests;
