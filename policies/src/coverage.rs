//! Which columns of a table the `p` rows open to a principal, and through whom.

use std::collections::{BTreeMap, BTreeSet};

use crate::action::Action;
use crate::compiled::CompiledGrant;
use crate::decide::Question;
use crate::masking::Masking;
use crate::roles::SubjectId;
use crate::rules::{Effect, Place};

/// The classification that a grant of the whole table does not open.
const RESTRICTED: &str = "restricted";

/// The open columns of one table for one principal and action.
#[derive(Debug, Default)]
pub(crate) struct Coverage<'a> {
    /// By column: the subjects that open it. A column that nobody opens is absent.
    granting: BTreeMap<usize, BTreeSet<SubjectId>>,
    /// What is denied: `None` is the whole table.
    denied: BTreeSet<Option<usize>>,
    allows: Vec<&'a CompiledGrant>,
}

impl<'a> Coverage<'a> {
    /// The columns that `select` shows. Who may not discover a thing may not select it either.
    pub(crate) fn of_select(question: &Question<'a>, masking: &Masking<'_>) -> Self {
        let allows = |grant: &CompiledGrant| grant.action == Action::Select;
        let denies = |grant: &CompiledGrant| matches!(grant.action, Action::Select | Action::Discover);
        Self::new(question, Some(masking), allows, denies)
    }

    /// The columns that `discover` alone shows. A column that is denied to `select` is not shown either.
    pub(crate) fn of_discover(question: &Question<'a>, masking: &Masking<'_>) -> Self {
        let allows = |grant: &CompiledGrant| grant.action == Action::Discover;
        let denies = |grant: &CompiledGrant| {
            grant.action == Action::Discover || (grant.action == Action::Select && grant.column.is_some())
        };
        Self::new(question, Some(masking), allows, denies)
    }

    /// What the rows say word for word, as Casbin reads them, without regard to classifications.
    pub(crate) fn of_rows(question: &Question<'a>, action: Action) -> Self {
        let allows = |grant: &CompiledGrant| grant.action == action;
        let denies = |grant: &CompiledGrant| {
            grant.action == action || (action == Action::Select && grant.action == Action::Discover)
        };
        Self::new(question, None, allows, denies)
    }

    fn new(
        question: &Question<'a>,
        masking: Option<&Masking<'_>>,
        allows: impl Fn(&CompiledGrant) -> bool,
        denies: impl Fn(&CompiledGrant) -> bool,
    ) -> Self {
        let grants: Vec<&'a CompiledGrant> = question.compiled.grants(&question.table.name, &question.reach).collect();
        let denied = grants.iter().filter(|grant| grant.effect == Effect::Deny && denies(grant));
        let denied: BTreeSet<Option<usize>> = denied.map(|grant| grant.column).collect();
        if denied.contains(&None) {
            return Self { denied, ..Self::default() };
        }
        let allows: Vec<&CompiledGrant> =
            grants.into_iter().filter(|grant| grant.effect == Effect::Allow && allows(grant)).collect();
        let mut granting: BTreeMap<usize, BTreeSet<SubjectId>> = BTreeMap::new();
        for (index, column) in question.table.columns.iter().enumerate() {
            if denied.contains(&Some(index)) {
                continue;
            }
            let restricted = column.classification.as_deref().is_some_and(|word| word.eq_ignore_ascii_case(RESTRICTED));
            let named = !restricted || masking.is_none_or(|masking| masking.names(index));
            let opens = |grant: &&&CompiledGrant| grant.column == Some(index) || (grant.column.is_none() && named);
            let through: BTreeSet<SubjectId> = allows.iter().filter(opens).map(|grant| grant.subject).collect();
            if !through.is_empty() {
                granting.insert(index, through);
            }
        }
        Self { granting, denied, allows }
    }

    /// Whether no column is open.
    pub(crate) fn is_empty(&self) -> bool {
        self.granting.is_empty()
    }

    /// Whether a row denies the column, alone or with the whole table.
    pub(crate) fn denies(&self, column: usize) -> bool {
        self.denied.contains(&None) || self.denied.contains(&Some(column))
    }

    /// Without the columns that are not in `columns`.
    pub(crate) fn limited_to(mut self, columns: &[usize]) -> Self {
        self.granting.retain(|column, _| columns.contains(column));
        self
    }

    pub(crate) fn opens(&self, column: usize) -> bool {
        self.granting.contains_key(&column)
    }

    /// Places of the open columns in the contract, in order.
    pub(crate) fn columns(&self) -> Vec<usize> {
        self.granting.keys().copied().collect()
    }

    /// Every subject that opens a column.
    pub(crate) fn granting(&self) -> BTreeSet<SubjectId> {
        self.granting.values().flatten().copied().collect()
    }

    /// The distinct sets of subjects that open a column. A set that holds another one whole is left out: what
    /// the smaller set lets pass, the larger lets pass too.
    pub(crate) fn groups(&self) -> Vec<&BTreeSet<SubjectId>> {
        let all: BTreeSet<&BTreeSet<SubjectId>> = self.granting.values().collect();
        let minimal =
            |set: &&BTreeSet<SubjectId>| !all.iter().any(|other| other.len() < set.len() && other.is_subset(set));
        all.iter().copied().filter(minimal).collect()
    }

    /// The rows that open what is open.
    pub(crate) fn places(&self) -> impl Iterator<Item = &Place> {
        let open = |grant: &&&CompiledGrant| match grant.column {
            Some(index) => self.granting.contains_key(&index),
            None => self.granting.values().any(|through| through.contains(&grant.subject)),
        };
        self.allows.iter().filter(open).map(|grant| &grant.place)
    }
}
