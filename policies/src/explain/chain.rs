//! By which `g` rows a principal holds its roles.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};

use crate::decide::Question;
use crate::decision::RuleId;
use crate::roles::SubjectId;
use crate::rules::{Place, Subject};

/// A role with the shortest way to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldRole {
    /// Bare name.
    pub name: String,
    /// The subjects from the principal to the role. Only the role: the identity provider vouches for it.
    pub path: Vec<String>,
    /// The `g` rows between them.
    pub rows: Vec<RuleId>,
}

/// The roles of the question's principal, sorted by name.
pub(super) fn held(question: &Question<'_>) -> Vec<HeldRole> {
    let came_from = ways(question);
    let graph = &question.compiled.graph;
    let way = |name: &String| {
        let mut role = HeldRole { name: name.clone(), path: vec![format!("role:{name}")], rows: Vec::new() };
        let mut current = graph.id(&Subject::role(name));
        while let Some((member, place)) = current.and_then(|id| came_from.get(&id)).copied().flatten() {
            role.path.extend(graph.subject(member).map(|subject| subject.as_str().to_owned()));
            role.rows.push(place.id());
            current = Some(member);
        }
        role.path.reverse();
        role.rows.reverse();
        role
    };
    question.roles.iter().map(way).collect()
}

/// Each subject that is reached, with the member and the row that it was first reached through.
fn ways<'a>(question: &Question<'a>) -> BTreeMap<SubjectId, Option<(SubjectId, &'a Place)>> {
    let graph = &question.compiled.graph;
    let vouched = question.principal.roles.iter().filter_map(|role| graph.id(&Subject::role(role)));
    let own = graph.id(&Subject::user(&question.principal.subject));
    let mut waiting: VecDeque<SubjectId> = own.into_iter().chain(vouched).collect();
    let mut came_from: BTreeMap<SubjectId, Option<(SubjectId, &Place)>> =
        waiting.iter().map(|start| (*start, None)).collect();
    while let Some(member) = waiting.pop_front() {
        for holding in graph.held_by(&question.table.name.domain, member) {
            if let Entry::Vacant(first) = came_from.entry(holding.role) {
                first.insert(Some((member, &holding.place)));
                waiting.push_back(holding.role);
            }
        }
    }
    came_from
}
