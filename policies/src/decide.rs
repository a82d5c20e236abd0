//! Decides: which columns, which rows, which masks. Pure: the same rules and question give the same answer.

use std::collections::BTreeSet;
use std::sync::Arc;

use catalog::{Status, Table};
use datafusion::logical_expr::{Expr, lit};

use crate::action::Action;
use crate::compiled::{Compiled, CompiledGroup, TableRules};
use crate::coverage::Coverage;
use crate::decision::{ColumnAccess, Decision, Restrictions};
use crate::fingerprint::fingerprint;
use crate::masking::{self, Masking};
use crate::predicate::{Identity, Values};
use crate::principal::Principal;
use crate::roles::SubjectId;
use crate::row_filter;
use crate::rules::{Place, Subject};

/// A principal in the domain of one table, with the rules that could matter.
pub(crate) struct Question<'a> {
    pub(crate) compiled: &'a Compiled,
    pub(crate) table: &'a Table,
    pub(crate) principal: &'a Principal,
    /// The principal and every role it holds in the table's domain.
    pub(crate) reach: BTreeSet<SubjectId>,
    /// Bare names of the roles.
    pub(crate) roles: BTreeSet<String>,
    pub(crate) values: Values,
}

/// A yes before it is made into [`Restrictions`].
#[derive(Debug, Clone, Default)]
pub(crate) struct View {
    pub(crate) columns: Vec<ColumnAccess>,
    pub(crate) row_filter: Option<Expr>,
    pub(crate) smallest_group: Option<u64>,
    pub(crate) places: BTreeSet<Place>,
}

impl<'a> Question<'a> {
    /// `None` where no rule can give a yes: the subject has no name, or the table is not the one that the
    /// rules were checked against.
    pub(crate) fn new(compiled: &'a Compiled, principal: &'a Principal, table: &'a Table) -> Option<Self> {
        let known = compiled.registry.table(&table.name)?;
        if principal.subject.is_empty() || (!std::ptr::eq(Arc::as_ptr(known), table) && **known != *table) {
            return None;
        }
        let (reach, roles) = reach(compiled, principal, &table.name.domain);
        Some(Self { compiled, table, principal, reach, roles, values: Values::OfPrincipal })
    }

    /// What a subject of the rules is told, whoever it may be.
    pub(crate) fn of_subject(
        compiled: &'a Compiled,
        subject: &Subject,
        principal: &'a Principal,
        table: &'a Table,
    ) -> Self {
        let reach = compiled.graph.reach(&table.name.domain, compiled.graph.id(subject));
        Self { compiled, table, principal, reach, roles: BTreeSet::new(), values: Values::OfPrincipal }
    }

    pub(crate) fn rules(&self) -> Option<&'a TableRules> {
        self.compiled.tables.get(&self.table.name)
    }

    pub(crate) fn identity(&self) -> Identity<'_> {
        Identity { principal: self.principal, roles: &self.roles, values: self.values }
    }

    /// Whether the contract's status lets this principal in at all.
    pub(crate) fn in_force(&self) -> bool {
        match self.table.contract.status {
            Status::Active | Status::Deprecated => true,
            Status::Proposed | Status::Draft => {
                self.table.contract.owner.as_deref() == Some(self.principal.subject.as_ref())
            }
            Status::Retired => false,
        }
    }

    /// What a `select` shows.
    pub(crate) fn select(&self) -> Option<View> {
        let masking = Masking::new(self);
        let coverage = Coverage::of_select(self, &masking);
        let columns = coverage.columns();
        let mut view = View { columns: masking::apply(self, &masking, &columns)?, ..View::default() };
        if view.columns.is_empty() {
            return None;
        }
        view.row_filter = row_filter::combine(self, &coverage, &mut view.places);
        view.smallest_group = self.smallest_group(&mut view.places);
        view.places.extend(coverage.places().cloned());
        view.places.extend(masking.places(&columns).cloned());
        Some(view)
    }

    /// The largest of the sizes that groups must have.
    pub(crate) fn smallest_group(&self, places: &mut BTreeSet<Place>) -> Option<u64> {
        let rules = self.rules()?;
        let groups: Vec<&CompiledGroup> =
            self.reach.iter().filter_map(|subject| rules.groups.get(subject)).flatten().collect();
        places.extend(groups.iter().map(|group| group.place.clone()));
        groups.into_iter().map(|group| group.rows).max()
    }

    /// What a `discover` without a `select` shows: the columns, and no row.
    fn discover(&self) -> Option<View> {
        let coverage = Coverage::of_discover(self, &Masking::new(self));
        let columns: Vec<ColumnAccess> =
            coverage.columns().into_iter().map(|index| ColumnAccess { index, mask: None }).collect();
        let places = coverage.places().cloned().collect();
        (!columns.is_empty()).then(|| View { columns, row_filter: Some(lit(false)), places, ..View::default() })
    }

    /// `ingest` and `operate` are about whole tables and show no row by themselves.
    fn whole_table(&self, action: Action) -> Option<View> {
        let coverage = Coverage::of_rows(self, action);
        if coverage.is_empty() {
            return None;
        }
        let mut view = self.select().or_else(|| self.discover()).unwrap_or_else(|| {
            let columns = (0..self.table.columns.len()).map(|index| ColumnAccess { index, mask: None }).collect();
            View { columns, row_filter: Some(lit(false)), ..View::default() }
        });
        view.places.extend(coverage.places().cloned());
        (!view.columns.is_empty()).then_some(view)
    }

    pub(crate) fn answer(&self, action: Action) -> Decision {
        self.view(action).map_or(Decision::Deny, View::allow)
    }

    /// What an action shows; `None` where it is denied.
    pub(crate) fn view(&self, action: Action) -> Option<View> {
        if !self.in_force() {
            return None;
        }
        match action {
            Action::Select => self.select(),
            Action::Discover => self.select().or_else(|| self.discover()),
            Action::Ingest | Action::Operate => self.whole_table(action),
        }
    }
}

impl View {
    pub(crate) fn allow(self) -> Decision {
        let fingerprint = fingerprint(&self.columns, self.row_filter.as_ref(), self.smallest_group);
        Decision::Allow(Arc::new(Restrictions {
            columns: self.columns,
            row_filter: self.row_filter,
            smallest_group: self.smallest_group,
            rules: self.places.iter().map(Place::id).collect(),
            fingerprint,
        }))
    }
}

/// The subjects that a principal is in a domain, and the bare names of its roles.
pub(crate) fn reach(
    compiled: &Compiled,
    principal: &Principal,
    domain: &catalog::Name,
) -> (BTreeSet<SubjectId>, BTreeSet<String>) {
    let graph = &compiled.graph;
    let own = graph.id(&Subject::user(&principal.subject));
    let vouched = principal.roles.iter().filter_map(|role| graph.id(&Subject::role(role)));
    let reach = graph.reach(domain, own.into_iter().chain(vouched));
    let known = reach.iter().filter_map(|id| graph.subject(*id)).filter_map(Subject::role_name).map(str::to_owned);
    let roles = known.chain(principal.roles.iter().cloned()).filter(|role| !role.is_empty()).collect();
    (reach, roles)
}

#[cfg(test)]
mod tests;
