//! All rules of a mesh, checked and compiled.

use std::collections::BTreeSet;
use std::sync::Arc;

use catalog::{Name, Problems, Registry, Table};

use crate::access::Access;
use crate::action::Action;
use crate::compiled::Compiled;
use crate::confirm::confirm;
use crate::conflicts;
use crate::decide::{Question, View, reach};
use crate::decision::Decision;
use crate::explain::Explanation;
use crate::masks::{HashKey, Masks};
use crate::obstacle::Obstacle;
use crate::predicate::Values;
use crate::principal::Principal;
use crate::roles;
use crate::rules::{self, RuleFile, Subject, model};
use crate::through_view;

/// All rules of a mesh. Immutable: a reload makes a new one and swaps.
#[derive(Debug)]
pub struct Policies {
    compiled: Compiled,
}

impl Policies {
    /// Checks and compiles the rules of a mesh. No files means that nobody may see anything.
    ///
    /// # Errors
    /// Every problem of every file at once, when there is one.
    pub async fn load(
        files: Vec<RuleFile>,
        model: Option<RuleFile>,
        registry: Arc<Registry>,
        hash_key: HashKey,
    ) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        if let Some(problem) = model.as_ref().and_then(model::problem) {
            problems.push(problem);
        }
        let rules = rules::read(&files, &registry, &mut problems);
        roles::check(&rules.memberships, &mut problems);
        let compiled = Compiled::new(&rules, registry, &Masks::new(hash_key), &mut problems);
        conflicts::check(&rules, &compiled, &mut problems);
        let compiled = problems.or(compiled)?;
        confirm(&rules, &compiled).await?;
        Ok(Self { compiled })
    }

    /// Whether `principal` may do `action` with `table`, and within which restrictions. Everything that no
    /// rule allows is denied, and so is everything that cannot be decided.
    #[must_use]
    pub fn decide(&self, principal: &Principal, table: &Table, action: Action) -> Decision {
        Question::new(&self.compiled, principal, table).map_or(Decision::Deny, |question| question.answer(action))
    }

    /// What `caller` sees of `table` inside a view that `owner` has made: granted to the owner, with the row
    /// filters, masks and denials of the caller. What only the owner's grants open is also under the owner's own
    /// filter and masks.
    #[must_use]
    pub fn decide_through_view(&self, owner: &Principal, caller: &Principal, table: &Table) -> Decision {
        let owner = Question::new(&self.compiled, owner, table);
        let caller = Question::new(&self.compiled, caller, table);
        let seen = owner.zip(caller).and_then(|(owner, caller)| through_view::look(&owner, &caller));
        seen.map_or(Decision::Deny, View::allow)
    }

    /// How the rules come to their answer for `principal` and `table`. For people who may read the rules.
    #[must_use]
    pub fn explain(&self, principal: &Principal, table: &Table) -> Explanation {
        Explanation::new(&self.compiled, principal, table)
    }

    /// What keeps `principal` from reading `table`, of which it was refused. For people who may read the rules.
    #[must_use]
    pub fn obstacle(&self, principal: &Principal, table: &Table) -> Obstacle {
        Obstacle::of(Question::new(&self.compiled, principal, table).as_ref())
    }

    /// What `principal` may do with a table and sees of it, in SQL. For people who may read the rules.
    #[must_use]
    pub fn access(&self, principal: &Principal, table: &Table) -> Access {
        Access::of(Question::new(&self.compiled, principal, table).as_ref())
    }

    /// The same for a principal whose name and attributes are not known, such as any holder of a role: the identity
    /// functions stand in the predicates as they are written.
    #[must_use]
    pub fn access_as_written(&self, principal: &Principal, table: &Table) -> Access {
        let question = Question::new(&self.compiled, principal, table);
        Access::of(question.map(|question| Question { values: Values::AsWritten, ..question }).as_ref())
    }

    /// The tables that a `p` row of `principal` is about, sorted. [`decide`](Self::decide) denies every other one.
    #[must_use]
    pub fn tables_of(&self, principal: &Principal) -> Vec<&Arc<Table>> {
        self.compiled.tables_of(|domain| reach(&self.compiled, principal, domain).0)
    }

    /// Bare names of the users that a rule names, sorted.
    #[must_use]
    pub fn named_users(&self) -> BTreeSet<&str> {
        self.compiled.graph.subjects().iter().filter_map(Subject::user_name).collect()
    }

    /// Bare names of the roles that a rule names, sorted.
    #[must_use]
    pub fn named_roles(&self) -> BTreeSet<&str> {
        self.compiled.graph.subjects().iter().filter_map(Subject::role_name).collect()
    }

    /// Bare names of the roles that `principal` holds in `domain`, sorted: those of `g` rows and those that the
    /// identity provider vouches for.
    #[must_use]
    pub fn roles(&self, principal: &Principal, domain: &Name) -> Vec<String> {
        reach(&self.compiled, principal, domain).1.into_iter().collect()
    }
}
