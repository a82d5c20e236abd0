//! Who holds which role in which domain.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use catalog::{Name, Problem, Problems};

use crate::rules::{Membership, Place, Subject};

/// Longest chain of `g` rows. Casbin silently forgets what lies beyond ten.
const MAX_CHAIN: usize = 9;

/// Number of a subject in one [`RoleGraph`].
pub(crate) type SubjectId = u32;

/// One `g` row, seen from its member.
#[derive(Debug)]
pub(crate) struct Holding {
    pub(crate) role: SubjectId,
    pub(crate) place: Place,
}

/// The roles that each member holds directly.
type Holdings = HashMap<SubjectId, Vec<Holding>>;

/// The `g` rows as numbers: who holds which role directly, in one domain or in all.
#[derive(Debug, Default)]
pub(crate) struct RoleGraph {
    ids: HashMap<Subject, SubjectId>,
    subjects: Vec<Subject>,
    everywhere: Holdings,
    within: HashMap<Name, Holdings>,
}

impl RoleGraph {
    pub(crate) fn new(memberships: &[Membership]) -> Self {
        let mut graph = Self::default();
        for membership in memberships {
            let (member, role) = (graph.number(&membership.member), graph.number(&membership.role));
            let holdings = match &membership.domain {
                None => &mut graph.everywhere,
                Some(domain) => graph.within.entry(domain.clone()).or_default(),
            };
            holdings.entry(member).or_default().push(Holding { role, place: membership.place.clone() });
        }
        graph
    }

    /// The number of a subject, new if need be.
    pub(crate) fn number(&mut self, subject: &Subject) -> SubjectId {
        if let Some(id) = self.ids.get(subject) {
            return *id;
        }
        let id = SubjectId::try_from(self.subjects.len()).unwrap_or(SubjectId::MAX);
        self.ids.insert(subject.clone(), id);
        self.subjects.push(subject.clone());
        id
    }

    pub(crate) fn id(&self, subject: &Subject) -> Option<SubjectId> {
        self.ids.get(subject).copied()
    }

    pub(crate) fn subject(&self, id: SubjectId) -> Option<&Subject> {
        self.subjects.get(id as usize)
    }

    /// Every subject of the rules.
    pub(crate) fn subjects(&self) -> &[Subject] {
        &self.subjects
    }

    /// `start` and every role that one of them holds in `domain`, directly or through other roles. Roles of
    /// domain `*` count in every domain, and chains may mix both.
    pub(crate) fn reach(&self, domain: &Name, start: impl IntoIterator<Item = SubjectId>) -> BTreeSet<SubjectId> {
        let within = self.within.get(domain);
        let mut reached: BTreeSet<SubjectId> = start.into_iter().collect();
        let mut waiting: Vec<SubjectId> = reached.iter().copied().collect();
        while let Some(subject) = waiting.pop() {
            let local = within.and_then(|holdings| holdings.get(&subject));
            for holding in self.everywhere.get(&subject).into_iter().chain(local).flatten() {
                if reached.insert(holding.role) {
                    waiting.push(holding.role);
                }
            }
        }
        reached
    }

    /// The roles that a subject holds in `domain` by a row of its own.
    pub(crate) fn held_by(&self, domain: &Name, subject: SubjectId) -> impl Iterator<Item = &Holding> {
        let local = self.within.get(domain).and_then(|holdings| holdings.get(&subject));
        self.everywhere.get(&subject).into_iter().chain(local).flatten()
    }

    /// Who holds each role in `domain` by a row of their own.
    pub(crate) fn members(&self, domain: &Name) -> HashMap<SubjectId, Vec<SubjectId>> {
        let mut members: HashMap<SubjectId, Vec<SubjectId>> = HashMap::new();
        for (member, holdings) in self.everywhere.iter().chain(self.within.get(domain).into_iter().flatten()) {
            for holding in holdings {
                members.entry(holding.role).or_default().push(*member);
            }
        }
        members
    }
}

/// Reports rings of roles, and chains that are too long.
pub(crate) fn check(memberships: &[Membership], problems: &mut Problems) {
    let mut everywhere: Vec<&Membership> = Vec::new();
    let mut within: BTreeMap<&Name, Vec<&Membership>> = BTreeMap::new();
    for row in memberships {
        match &row.domain {
            None => everywhere.push(row),
            Some(domain) => within.entry(domain).or_default().push(row),
        }
    }
    let local = within.into_values().map(|rows| everywhere.iter().copied().chain(rows).collect());
    let mut reported = BTreeSet::new();
    for rows in local.chain([everywhere.clone()]).collect::<Vec<Vec<&Membership>>>() {
        for (place, message, remedy) in faults(&rows) {
            if reported.insert(place.clone()) {
                problems.push(Problem::at(&place.file, place.line, message, remedy));
            }
        }
    }
}

/// Walks the roles from the members up, layer by layer; what is left over is in or behind a ring.
fn faults(rows: &[&Membership]) -> Vec<(Place, String, &'static str)> {
    let mut members_of: HashMap<&Subject, usize> = HashMap::new();
    let mut rows_of: HashMap<&Subject, Vec<&Membership>> = HashMap::new();
    for row in rows {
        members_of.entry(&row.member).or_default();
        *members_of.entry(&row.role).or_default() += 1;
        rows_of.entry(&row.member).or_default().push(row);
    }
    let mut ready: VecDeque<(&Subject, usize)> = VecDeque::new();
    let mut longest: HashMap<&Subject, usize> = HashMap::new();
    ready.extend(members_of.iter().filter(|(_, members)| **members == 0).map(|(subject, _)| (*subject, 0)));
    let mut found = Vec::new();
    while let Some((subject, length)) = ready.pop_front() {
        for row in rows_of.remove(subject).unwrap_or_default() {
            let chain = longest.entry(&row.role).or_default();
            *chain = (*chain).max(length + 1);
            if length == MAX_CHAIN {
                let message =
                    format!("the chain of roles up to `{}` has more than {MAX_CHAIN} links", row.role.as_str());
                found.push((row.place.clone(), message, "give the role directly to fewer levels"));
            }
            if let Some(members) = members_of.get_mut(&row.role) {
                *members -= 1;
                if *members == 0 {
                    ready.push_back((&row.role, *chain));
                }
            }
        }
    }
    // Rows that lead away from a ring are left over too: only those that lead back to their own member count.
    let left: HashMap<&Subject, Vec<&Subject>> =
        rows_of.iter().map(|(member, rows)| (*member, rows.iter().map(|row| &row.role).collect())).collect();
    for (member, rows) in &rows_of {
        for row in rows.iter().filter(|row| leads_to(&left, &row.role, member)) {
            let message = format!("`{}` and `{}` hold each other", member.as_str(), row.role.as_str());
            found.push((row.place.clone(), message, "remove one row of the ring"));
        }
    }
    found
}

fn leads_to(roles_of: &HashMap<&Subject, Vec<&Subject>>, from: &Subject, to: &Subject) -> bool {
    let mut seen = BTreeSet::from([from]);
    let mut waiting = vec![from];
    while let Some(subject) = waiting.pop() {
        if subject == to {
            return true;
        }
        waiting.extend(roles_of.get(subject).into_iter().flatten().filter(|role| seen.insert(**role)));
    }
    false
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests may unwrap")]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::*;

    fn rows(text: &[(&str, &str, &str)]) -> Vec<Membership> {
        let file: Arc<Path> = Path::new("g.csv").into();
        text.iter()
            .enumerate()
            .map(|(index, (member, role, domain))| Membership {
                place: Place { file: Arc::clone(&file), line: index as u64 + 1 },
                member: Subject((*member).into()),
                role: Subject((*role).into()),
                domain: (*domain != "*").then(|| domain.parse().unwrap()),
            })
            .collect()
    }

    fn check_lines(text: &[(&str, &str, &str)], expected: &[u64]) {
        let mut problems = Problems::default();
        check(&rows(text), &mut problems);
        let mut lines: Vec<u64> = problems.iter().filter_map(|problem| problem.line).collect();
        lines.sort_unstable();
        assert_eq!(lines, expected, "{problems}");
    }

    #[test]
    fn a_ring_of_roles_is_a_problem() {
        check_lines(&[("user:a", "role:x", "s"), ("role:x", "role:y", "s"), ("role:y", "role:z", "s")], &[]);
        check_lines(&[("role:x", "role:y", "s"), ("role:y", "role:x", "s"), ("role:x", "role:out", "s")], &[1, 2]);
        check_lines(&[("role:x", "role:y", "s"), ("role:y", "role:x", "t")], &[]);
        check_lines(&[("role:x", "role:y", "*"), ("role:y", "role:x", "t")], &[1, 2]);
    }

    #[test]
    fn a_chain_of_ten_is_a_problem() {
        let names: Vec<String> = (0..12).map(|index| format!("role:r{index}")).collect();
        let chain = |links: usize| -> Vec<(&str, &str, &str)> {
            (0..links).map(|index| (names[index].as_str(), names[index + 1].as_str(), ["s", "*"][index % 2])).collect()
        };
        check_lines(&chain(9), &[]);
        check_lines(&chain(10), &[10]);
    }

    #[test]
    fn a_role_of_every_domain_joins_chains_of_one() {
        let graph =
            RoleGraph::new(&rows(&[("user:a", "role:x", "s"), ("role:x", "role:y", "*"), ("role:y", "role:z", "s")]));
        let names = |domain: &str| -> Vec<&str> {
            let start = graph.id(&Subject::user("a"));
            graph
                .reach(&domain.parse().unwrap(), start)
                .into_iter()
                .map(|id| graph.subject(id).unwrap().as_str())
                .collect()
        };
        assert_eq!(names("s"), ["user:a", "role:x", "role:y", "role:z"]);
        assert_eq!(names("t"), ["user:a"]);
    }
}
