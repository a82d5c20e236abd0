//! Tells people who write rules how the rules come to an answer.

mod chain;
mod text;

use std::collections::BTreeSet;

use catalog::{Table, TableName};

use crate::access::Access;
use crate::action::Action;
use crate::compiled::{Compiled, CompiledGrant, CompiledMask};
use crate::decide::Question;
use crate::decision::RuleId;
use crate::principal::Principal;
use crate::roles::SubjectId;
use crate::rules::{Effect, Kind, Place};
pub use chain::HeldRole;

/// How the rules come to their answer for one principal and table. Holds rules and attribute values: only for
/// people who may read them.
///
/// The rules stand in the order in which they work: grants less denials open columns, filters choose rows by raw
/// values, masks come last.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// Bare name of the principal.
    pub subject: String,
    /// The table.
    pub table: TableName,
    /// The roles that the principal holds in the table's domain.
    pub roles: Vec<HeldRole>,
    /// `p` rows that allow.
    pub grants: Vec<ExplainedRule>,
    /// `p` rows that deny.
    pub denials: Vec<ExplainedRule>,
    /// `p2` rows.
    pub filters: Vec<ExplainedRule>,
    /// `p3` rows.
    pub masks: Vec<ExplainedRule>,
    /// `p4` rows.
    pub groups: Vec<ExplainedRule>,
    /// What comes out of them.
    pub access: Access,
    /// Names of the columns that do not exist for the principal.
    pub hidden: Vec<String>,
    /// What keeps the principal out although a rule may let it in.
    pub note: Option<String>,
    /// The view over the whole table that shows the same; `None` where nothing is seen.
    pub sql: Option<String>,
}

/// A rule that the principal is subject to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExplainedRule {
    /// Where it stands.
    pub id: RuleId,
    /// The row.
    pub text: String,
    /// Whether what is seen depends on it.
    pub counts: bool,
}

impl Explanation {
    pub(crate) fn new(compiled: &Compiled, principal: &Principal, table: &Table) -> Self {
        let question = Question::new(compiled, principal, table);
        let access = Access::of(question.as_ref());
        let hidden = table.columns.iter().map(|column| &column.name);
        let hidden = hidden.filter(|name| !access.columns.iter().any(|seen| seen.name == **name));
        let mut explanation = Self {
            subject: principal.subject.to_string(),
            table: table.name.clone(),
            roles: Vec::new(),
            grants: Vec::new(),
            denials: Vec::new(),
            filters: Vec::new(),
            masks: Vec::new(),
            groups: Vec::new(),
            hidden: hidden.cloned().collect(),
            note: None,
            sql: access.sql(&table.name),
            access,
        };
        let Some(question) = question else {
            explanation.note = Some("the table is not in the catalog, or the user has no name".to_owned());
            return explanation;
        };
        explanation.roles = chain::held(&question);
        explanation.rows(&question);
        explanation.note = note(&question, &explanation);
        explanation
    }

    fn rows(&mut self, question: &Question<'_>) {
        let domain = &question.table.name.domain;
        let name = |id: SubjectId| question.compiled.graph.subject(id).map_or("?", |subject| subject.as_str());
        // Where nothing is seen, no rule can be told from the others.
        let used = question.view(Action::Select).map(|view| view.places);
        let counts = |place: &Place| used.as_ref().is_none_or(|used| used.contains(place));
        for grant in question.compiled.grants(&question.table.name, &question.reach) {
            let CompiledGrant { place, subject, action, effect, object, .. } = grant;
            let (word, list) = match effect {
                Effect::Allow => ("allow", &mut self.grants),
                Effect::Deny => ("deny", &mut self.denials),
            };
            let text = format!("p, {}, {domain}, {object}, {action}, {word}", name(*subject));
            let counts = *effect == Effect::Deny || *action != Action::Select || counts(place);
            list.push(ExplainedRule { id: place.id(), text, counts });
        }
        let cleared = cleared(question);
        for (subject, rules) in question.reach.iter().filter_map(|id| Some((*id, question.rules()?))) {
            let table = &question.table.name.table;
            for filter in rules.filters.get(&subject).into_iter().flatten() {
                let kind = match filter.kind {
                    Kind::Permissive => "permissive",
                    Kind::Restrictive => "restrictive",
                };
                let text = format!("p2, {}, {domain}, {table}, {kind}, \"{}\"", name(subject), filter.text);
                self.filters.push(ExplainedRule { id: filter.place.id(), text, counts: counts(&filter.place) });
            }
            for group in rules.groups.get(&subject).into_iter().flatten() {
                let text = format!("p4, {}, {domain}, {table}, {}", name(subject), group.rows);
                self.groups.push(ExplainedRule { id: group.place.id(), text, counts: counts(&group.place) });
            }
            for mask in rules.masks.get(&subject).into_iter().flatten() {
                let column = &question.table.columns[mask.column].name;
                let text = format!("p3, {}, {domain}, {table}.{column}, {}", name(subject), mask.text);
                let lifted = mask.template.is_some() && cleared.contains(&mask.column);
                self.masks.push(ExplainedRule { id: mask.place.id(), text, counts: !lifted && counts(&mask.place) });
            }
        }
        for list in [&mut self.grants, &mut self.denials, &mut self.filters, &mut self.masks, &mut self.groups] {
            list.sort();
        }
    }
}

/// The columns whose masks a `clear` row lifts.
fn cleared(question: &Question<'_>) -> BTreeSet<usize> {
    let masks = question.rules().map(|rules| &rules.masks);
    let held = question.reach.iter().filter_map(|subject| masks?.get(subject)).flatten();
    held.filter(|mask: &&CompiledMask| mask.template.is_none()).map(|mask| mask.column).collect()
}

/// Why nothing is seen where a rule grants something.
fn note(question: &Question<'_>, explanation: &Explanation) -> Option<String> {
    if !question.in_force() {
        return Some(format!(
            "the contract is {}: its owner alone may use it while it is a draft, and nobody when it is retired",
            format!("{:?}", question.table.contract.status).to_lowercase()
        ));
    }
    let granted = explanation.grants.iter().any(|rule| rule.text.contains(", select, allow"));
    let refused = granted && explanation.denials.is_empty() && !explanation.access.actions.contains(&Action::Select);
    refused.then(|| "two different masks claim one column, or every column is restricted".to_owned())
}

#[cfg(test)]
mod tests;
