//! Which rows a principal sees: the filters of everything it is, put together.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::common::{DFSchema, ScalarValue};
use datafusion::logical_expr::utils::{conjunction, disjunction};
use datafusion::logical_expr::{Expr, lit};

use crate::compiled::CompiledFilter;
use crate::coverage::Coverage;
use crate::decide::Question;
use crate::roles::SubjectId;
use crate::rules::{Kind, Place};

/// The filters that a principal holds on one table.
pub(crate) struct Held<'a, 'q> {
    question: &'q Question<'a>,
    filters: Vec<&'a CompiledFilter>,
    schema: Option<&'a Arc<DFSchema>>,
}

/// The rows that the principal sees of the columns in `coverage`; `None`: every row.
///
/// A row is seen when, for each visible column, a subject that opens this column lets the row pass, and every
/// restrictive filter lets it pass. So no value is seen that no single subject opens.
pub(crate) fn combine(question: &Question<'_>, coverage: &Coverage<'_>, places: &mut BTreeSet<Place>) -> Option<Expr> {
    let held = Held::new(question);
    let mut parts = held.granted(coverage, places);
    parts.extend(held.restrictive(places));
    join(parts)
}

impl<'a, 'q> Held<'a, 'q> {
    pub(crate) fn new(question: &'q Question<'a>) -> Self {
        let rules = question.rules();
        let filters = rules.map(|rules| {
            let mut filters: Vec<&CompiledFilter> =
                question.reach.iter().filter_map(|subject| rules.filters.get(subject)).flatten().collect();
            filters.sort_by(|left, right| left.place.cmp(&right.place));
            filters
        });
        Self { question, filters: filters.unwrap_or_default(), schema: rules.and_then(|rules| rules.schema.as_ref()) }
    }

    /// What lets a row pass for each column in `coverage`; all of it must.
    pub(crate) fn granted(&self, coverage: &Coverage<'_>, places: &mut BTreeSet<Place>) -> Vec<Expr> {
        let strays = self.strays(&coverage.granting());
        coverage.groups().into_iter().filter_map(|group| self.permissive(group, &strays, places)).collect()
    }

    /// What lets a row pass for somebody who holds these filters and is granted the table by another.
    pub(crate) fn lent(&self, coverage: &Coverage<'_>, places: &mut BTreeSet<Place>) -> Option<Expr> {
        let strays = self.strays(&coverage.granting());
        if strays.is_empty() { None } else { Some(self.any_of(strays, places)) }
    }

    /// Permissive filters that none of the `granting` subjects has, itself or through its roles.
    fn strays(&self, granting: &BTreeSet<SubjectId>) -> Vec<&'a CompiledFilter> {
        let reach = self.reach(granting.iter().copied());
        self.permissive_of(|filter| !reach.contains(&filter.subject))
    }

    /// What the permissive filters of a group of granting subjects let pass; none: everything.
    ///
    /// A subject without a permissive filter takes the strays, so that a filter given through a role that
    /// grants nothing is not lost; with no strays it lets everything pass.
    fn permissive(
        &self,
        group: &BTreeSet<SubjectId>,
        strays: &[&'a CompiledFilter],
        places: &mut BTreeSet<Place>,
    ) -> Option<Expr> {
        let mut used: Vec<&CompiledFilter> = Vec::new();
        for subject in group {
            let reach = self.reach([*subject]);
            let own = self.permissive_of(|filter| reach.contains(&filter.subject));
            let own = if own.is_empty() { strays.to_vec() } else { own };
            if own.is_empty() {
                return None;
            }
            used.extend(own);
        }
        Some(self.any_of(used, places))
    }

    fn any_of(&self, mut used: Vec<&CompiledFilter>, places: &mut BTreeSet<Place>) -> Expr {
        used.sort_by(|left, right| left.place.cmp(&right.place));
        used.dedup_by(|left, right| left.place == right.place);
        places.extend(used.iter().map(|filter| filter.place.clone()));
        let mut parts: Vec<Expr> = Vec::new();
        for filter in used {
            let part = self.filled(filter);
            if !parts.contains(&part) {
                parts.push(part);
            }
        }
        if parts.iter().any(is_true) {
            return lit(true);
        }
        parts.retain(|part| *part != lit(false));
        disjunction(parts).unwrap_or_else(|| lit(false))
    }

    /// Every restrictive filter.
    pub(crate) fn restrictive(&self, places: &mut BTreeSet<Place>) -> Vec<Expr> {
        let restrictive = self.filters.iter().filter(|filter| filter.kind == Kind::Restrictive);
        restrictive
            .map(|filter| {
                places.insert(filter.place.clone());
                self.filled(filter)
            })
            .collect()
    }

    fn permissive_of(&self, chosen: impl Fn(&CompiledFilter) -> bool) -> Vec<&'a CompiledFilter> {
        self.filters.iter().copied().filter(|filter| filter.kind == Kind::Permissive && chosen(filter)).collect()
    }

    fn reach(&self, start: impl IntoIterator<Item = SubjectId>) -> BTreeSet<SubjectId> {
        self.question.compiled.graph.reach(&self.question.table.name.domain, start)
    }

    /// The filter with the principal's values; FALSE as a whole where a value is missing.
    fn filled(&self, filter: &CompiledFilter) -> Expr {
        let Some(schema) = self.schema else {
            return lit(false);
        };
        match filter.template.fold(&self.question.identity(), schema) {
            Ok(Expr::Literal(ScalarValue::Boolean(None) | ScalarValue::Null, _)) => lit(false),
            Ok(predicate) => predicate,
            Err(reason) => {
                tracing::debug!(rule = %filter.place, %reason, "row filter lets nothing pass");
                lit(false)
            }
        }
    }
}

/// All of `parts`; `None`: every row.
pub(crate) fn join(parts: Vec<Expr>) -> Option<Expr> {
    let mut kept: Vec<Expr> = Vec::new();
    for part in parts {
        if part == lit(false) {
            return Some(part);
        }
        if !is_true(&part) && !kept.contains(&part) {
            kept.push(part);
        }
    }
    conjunction(kept)
}

fn is_true(expression: &Expr) -> bool {
    *expression == lit(true)
}

#[cfg(test)]
mod tests;
