//! Tells people who write rules how the rules come to an answer.

use std::fmt;

use catalog::{Table, TableName};

use crate::action::Action;
use crate::compiled::{Compiled, CompiledGrant};
use crate::decide::{Question, View};
use crate::decision::{Decision, RuleId};
use crate::key_set::spell;
use crate::principal::Principal;
use crate::roles::SubjectId;
use crate::rules::{Effect, Kind};

/// How the rules come to their answer for one principal and table. Holds rules and attribute values: only for
/// people who may read them.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// Bare name of the principal.
    pub subject: String,
    /// The table.
    pub table: TableName,
    /// Bare names of the roles that the principal holds in the table's domain.
    pub roles: Vec<String>,
    /// What is allowed.
    pub actions: Vec<Action>,
    /// `p` rows that allow.
    pub grants: Vec<ExplainedRule>,
    /// `p` rows that deny.
    pub denials: Vec<ExplainedRule>,
    /// `p2` rows.
    pub filters: Vec<ExplainedRule>,
    /// `p3` rows.
    pub masks: Vec<ExplainedRule>,
    /// Names of the columns that are seen, each with the word of its mask.
    pub columns: Vec<(String, Option<String>)>,
    /// Names of the columns that are not seen.
    pub hidden: Vec<String>,
    /// What keeps the principal out although a rule may let it in.
    pub note: Option<String>,
    /// The view over the whole table that shows the same; `None` where nothing is seen.
    pub sql: Option<String>,
}

/// A rule that has to do with the answer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExplainedRule {
    /// Where it stands.
    pub id: RuleId,
    /// The row.
    pub text: String,
}

impl Explanation {
    pub(crate) fn new(compiled: &Compiled, principal: &Principal, table: &Table) -> Self {
        let mut explanation = Self {
            subject: principal.subject.to_string(),
            table: table.name.clone(),
            roles: Vec::new(),
            actions: Vec::new(),
            grants: Vec::new(),
            denials: Vec::new(),
            filters: Vec::new(),
            masks: Vec::new(),
            columns: Vec::new(),
            hidden: table.columns.iter().map(|column| column.name.clone()).collect(),
            note: None,
            sql: None,
        };
        let Some(question) = Question::new(compiled, principal, table) else {
            explanation.note = Some("the table is not in the catalog, or the user has no name".to_owned());
            return explanation;
        };
        explanation.roles = question.roles.iter().cloned().collect();
        explanation.rows(&question);
        let allowed = |action: &Action| question.answer(*action) != Decision::Deny;
        explanation.actions = Action::ALL.into_iter().filter(allowed).collect();
        explanation.note = note(&question, &explanation);
        if question.in_force()
            && let Some(view) = question.select()
        {
            explanation.view(table, &view);
        }
        explanation
    }

    fn rows(&mut self, question: &Question<'_>) {
        let domain = &question.table.name.domain;
        let name = |id: SubjectId| question.compiled.graph.subject(id).map_or("?", |subject| subject.as_str());
        for grant in question.compiled.grants(&question.table.name, &question.reach) {
            let CompiledGrant { place, subject, action, effect, object, .. } = grant;
            let (word, list) = match effect {
                Effect::Allow => ("allow", &mut self.grants),
                Effect::Deny => ("deny", &mut self.denials),
            };
            let text = format!("p, {}, {domain}, {object}, {action}, {word}", name(*subject));
            list.push(ExplainedRule { id: place.id(), text });
        }
        for (subject, rules) in question.reach.iter().filter_map(|id| Some((*id, question.rules()?))) {
            let table = &question.table.name.table;
            for filter in rules.filters.get(&subject).into_iter().flatten() {
                let kind = match filter.kind {
                    Kind::Permissive => "permissive",
                    Kind::Restrictive => "restrictive",
                };
                let text = format!("p2, {}, {domain}, {table}, {kind}, \"{}\"", name(subject), filter.text);
                self.filters.push(ExplainedRule { id: filter.place.id(), text });
            }
            for mask in rules.masks.get(&subject).into_iter().flatten() {
                let column = &question.table.columns[mask.column].name;
                let text = format!("p3, {}, {domain}, {table}.{column}, {}", name(subject), mask.text);
                self.masks.push(ExplainedRule { id: mask.place.id(), text });
            }
        }
        for list in [&mut self.grants, &mut self.denials, &mut self.filters, &mut self.masks] {
            list.sort();
        }
    }

    fn view(&mut self, table: &Table, view: &View) {
        let mut shown = Vec::new();
        for column in &view.columns {
            let name = &table.columns[column.index].name;
            let mask = column.mask.as_ref();
            self.columns.push((name.clone(), mask.map(|mask| mask.name.clone())));
            shown.push(match mask {
                None => quoted(name),
                Some(mask) => format!("{} AS {}", spell(&mask.expression), quoted(name)),
            });
        }
        self.hidden.retain(|name| !self.columns.iter().any(|(shown, _)| shown == name));
        let filter = view.row_filter.as_ref().map(|filter| format!(" WHERE {}", spell(filter))).unwrap_or_default();
        self.sql = Some(format!("SELECT {} FROM {}{filter}", shown.join(", "), table.name));
    }
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
    let refused = granted && explanation.denials.is_empty() && !explanation.actions.contains(&Action::Select);
    refused.then(|| "two different masks claim one column, or every column is restricted".to_owned())
}

fn quoted(name: &str) -> String {
    if name.parse::<catalog::Name>().is_ok() { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "user    {}", self.subject)?;
        writeln!(f, "table   {}", self.table)?;
        writeln!(f, "roles   {}", or_none(self.roles.join(", ")))?;
        writeln!(
            f,
            "may     {}",
            or_none(self.actions.iter().map(|action| action.as_str()).collect::<Vec<_>>().join(", "))
        )?;
        let lists =
            [("grants", &self.grants), ("denials", &self.denials), ("filters", &self.filters), ("masks", &self.masks)];
        for (title, rules) in lists {
            for (index, rule) in rules.iter().enumerate() {
                writeln!(f, "{:<8}{}  [{}]", if index == 0 { title } else { "" }, rule.text, rule.id)?;
            }
        }
        writeln!(f, "hidden  {}", or_none(self.hidden.join(", ")))?;
        if let Some(note) = &self.note {
            writeln!(f, "note    {note}")?;
        }
        write!(f, "sees    {}", self.sql.as_deref().unwrap_or("nothing"))
    }
}

fn or_none(text: String) -> String {
    if text.is_empty() { "-".to_owned() } else { text }
}

#[cfg(test)]
mod tests;
