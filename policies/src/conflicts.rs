//! Finds, at load, who would have two different masks on one column.
//!
//! Roles that an identity provider vouches for are not known here; such a conflict shows when deciding, and
//! denies the table.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use catalog::{Name, Problem, Problems, Table};

use crate::compiled::Compiled;
use crate::coverage::Coverage;
use crate::decide::Question;
use crate::masking::Masking;
use crate::principal::Principal;
use crate::rules::{MaskRule, Place, Rules, Subject};

/// The rows about one column.
type Column<'a> = (&'a Arc<Table>, usize, Vec<&'a MaskRule>);

/// Reports every pair of masks that meets in a subject of the rules.
pub(crate) fn check(rules: &Rules, compiled: &Compiled, problems: &mut Problems) {
    let mut columns: HashMap<(&catalog::TableName, usize), Column<'_>> = HashMap::new();
    for rule in &rules.masks {
        let column = columns.entry((&rule.table.name, rule.column));
        column.or_insert_with(|| (&rule.table, rule.column, Vec::new())).2.push(rule);
    }
    let mut members = Members { compiled, reach: HashMap::new() };
    for column in columns.values().filter(|column| column.2.iter().any(|rule| rule.mask != column.2[0].mask)) {
        if !two_of_one_subject(column, problems) {
            members.check(column, problems);
        }
    }
}

/// Reports two rows of one subject, which no role could ever reconcile.
fn two_of_one_subject((table, index, rules): &Column<'_>, problems: &mut Problems) -> bool {
    let mut first: BTreeMap<&Subject, &MaskRule> = BTreeMap::new();
    let mut found = false;
    for rule in rules {
        let earlier = first.entry(&rule.subject).or_insert(rule);
        if earlier.mask != rule.mask {
            found = true;
            let column = &table.columns[*index].name;
            let message = format!(
                "`{}` has the masks `{}` ({}) and `{}` on column `{column}`",
                rule.subject.as_str(),
                earlier.mask,
                earlier.place,
                rule.mask
            );
            problems.push(Problem::at(&rule.place.file, rule.place.line, message, "keep one of the two rows"));
        }
    }
    found
}

/// Who is what, domain by domain.
struct Members<'a> {
    compiled: &'a Compiled,
    reach: HashMap<Name, Vec<BTreeSet<u32>>>,
}

impl Members<'_> {
    fn check(&mut self, (table, index, rules): &Column<'_>, problems: &mut Problems) {
        let compiled = self.compiled;
        let domain = &table.name.domain;
        let subjects = compiled.graph.subjects();
        let reach = self.reach.entry(domain.clone()).or_insert_with(|| {
            let all = subjects.iter().map(|subject| compiled.graph.reach(domain, compiled.graph.id(subject)));
            all.collect()
        });
        let masked: BTreeSet<u32> = rules.iter().filter_map(|rule| compiled.graph.id(&rule.subject)).collect();
        let nobody = Principal::named("");
        let mut reported: BTreeSet<BTreeSet<Place>> = BTreeSet::new();
        for (subject, reach) in subjects.iter().zip(reach.iter()) {
            if reach.intersection(&masked).nth(1).is_none() {
                continue;
            }
            let question = Question::of_subject(compiled, subject, &nobody, table);
            let masking = Masking::new(&question);
            let Err(conflict) = masking.of(*index) else {
                continue;
            };
            if !Coverage::of_select(&question, &masking).opens(*index) || !reported.insert(conflict.places.clone()) {
                continue;
            }
            problems.extend(problem(subject, &table.columns[*index].name, &conflict.places));
        }
    }
}

fn problem(subject: &Subject, column: &str, places: &BTreeSet<Place>) -> Problems {
    let Some(last) = places.last() else {
        return Problems::default();
    };
    let others = places.iter().filter(|place| *place != last).map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let message = format!("`{}` has another mask on column `{column}` through {others}", subject.as_str());
    let remedy = "give nobody both roles, use the same mask in both, or add a `clear` row";
    Problem::at(&last.file, last.line, message, remedy).into()
}

#[cfg(test)]
mod tests;
