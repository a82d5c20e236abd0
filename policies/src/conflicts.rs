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
use crate::roles::SubjectId;
use crate::rules::{MaskRule, Place, Rules, Subject};

/// The rows about one column.
type Column<'a> = (&'a Arc<Table>, usize, Vec<&'a MaskRule>);

/// Reports every pair of masks that meets in a subject of the rules.
pub(crate) fn check(rules: &Rules, compiled: &Compiled, problems: &mut Problems) {
    // Sorted, so that one domain is looked at after the other.
    let mut columns: BTreeMap<(&catalog::TableName, usize), Column<'_>> = BTreeMap::new();
    for rule in &rules.masks {
        let column = columns.entry((&rule.table.name, rule.column));
        column.or_insert_with(|| (&rule.table, rule.column, Vec::new())).2.push(rule);
    }
    let mut holders = Holders { compiled, domain: None, known: HashMap::new() };
    for column in columns.values().filter(|column| column.2.iter().any(|rule| rule.mask != column.2[0].mask)) {
        if !two_of_one_subject(column, problems) {
            holders.check(column, problems);
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

/// Who holds which role, domain by domain.
struct Holders<'a> {
    compiled: &'a Compiled,
    /// The domain that is looked at, with the direct members of its roles.
    domain: Option<(&'a Name, HashMap<SubjectId, Vec<SubjectId>>)>,
    /// Everybody who is or holds a role, directly or through others.
    known: HashMap<SubjectId, BTreeSet<SubjectId>>,
}

impl<'a> Holders<'a> {
    fn check(&mut self, (table, index, rules): &Column<'a>, problems: &mut Problems) {
        let compiled = self.compiled;
        let masked: BTreeSet<SubjectId> = rules.iter().filter_map(|rule| compiled.graph.id(&rule.subject)).collect();
        let nobody = Principal::named("");
        let mut reported: BTreeSet<BTreeSet<Place>> = BTreeSet::new();
        for id in self.of_several(&table.name.domain, &masked) {
            let Some(subject) = compiled.graph.subject(id) else { continue };
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

    /// Who is or holds at least two of these subjects, in the order of their ids. Walks from the few subjects down to
    /// their holders: a mesh has many users, and most of them have nothing to do with a mask.
    fn of_several(&mut self, domain: &'a Name, subjects: &BTreeSet<SubjectId>) -> Vec<SubjectId> {
        let mut times: BTreeMap<SubjectId, usize> = BTreeMap::new();
        for subject in subjects {
            for holder in self.of(domain, *subject) {
                *times.entry(*holder).or_default() += 1;
            }
        }
        times.into_iter().filter(|(_, times)| *times > 1).map(|(holder, _)| holder).collect()
    }

    fn of(&mut self, domain: &'a Name, role: SubjectId) -> &BTreeSet<SubjectId> {
        if self.domain.as_ref().is_none_or(|(current, _)| *current != domain) {
            self.domain = Some((domain, self.compiled.graph.members(domain)));
            self.known.clear();
        }
        let members = self.domain.as_ref().map(|(_, members)| members);
        self.known.entry(role).or_insert_with(|| {
            let mut holders = BTreeSet::from([role]);
            let mut waiting = vec![role];
            while let Some(held) = waiting.pop() {
                let direct = members.and_then(|members| members.get(&held));
                waiting.extend(direct.into_iter().flatten().filter(|member| holders.insert(**member)));
            }
            holders
        })
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
