//! Mutations of the guard: each takes one safeguard away, to prove that the tests which look for leaks can find one.
//!
//! Only the tests of this crate and a debug build with the feature `unguarded` have the switch; in every other
//! build [`has`] is `false`, and a release build with the feature does not compile.

use std::borrow::Cow;

use catalog::drift::Binding;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::Result;
use datafusion::logical_expr::Expr;

use crate::decision::{ColumnAccess, Restrictions};

#[cfg(all(feature = "unguarded", not(debug_assertions)))]
compile_error!("the feature `unguarded` opens the governed scan: it is for debug builds of the tests only");

/// One safeguard that is taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutation {
    /// Every condition of the caller goes below the row filter and the masks.
    EveryConditionIsLeakproof,
    /// Conditions on masked columns go below the masks.
    MaskedColumnsAreClear,
    /// There is no row filter.
    NoRowFilter,
    /// There is no mask.
    NoMasks,
    /// The row filter looks at masked values.
    MasksBeforeRowFilter,
    /// Columns that the caller may not see are there.
    HiddenColumnsAreShown,
    /// The caller's limit counts rows before the row filter drops some.
    LimitBelowRowFilter,
    /// Filters that arise from joins on masked columns are compared with raw values.
    DynamicFiltersOnMasks,
}

impl Mutation {
    /// Every mutation.
    pub const ALL: [Self; 8] = [
        Self::LimitBelowRowFilter,
        Self::EveryConditionIsLeakproof,
        Self::MaskedColumnsAreClear,
        Self::NoRowFilter,
        Self::NoMasks,
        Self::MasksBeforeRowFilter,
        Self::HiddenColumnsAreShown,
        Self::DynamicFiltersOnMasks,
    ];
}

/// Whether this mutation is in force: never, but in a test build that asked for it.
pub(crate) fn has(mutation: Mutation) -> bool {
    #[cfg(any(test, feature = "unguarded"))]
    let found = switch::current() == Some(mutation);
    #[cfg(not(any(test, feature = "unguarded")))]
    let found = {
        let _never = mutation;
        false
    };
    found
}

/// The columns that are shown: those of `restrictions`.
pub(crate) fn columns<'a>(restrictions: &'a Restrictions, binding: &Binding) -> Cow<'a, [ColumnAccess]> {
    if !has(Mutation::HiddenColumnsAreShown) {
        return Cow::Borrowed(&restrictions.columns);
    }
    let known = |index| restrictions.columns.iter().find(|column| column.index == index).cloned();
    let column = |index| known(index).unwrap_or(ColumnAccess { index, mask: None });
    Cow::Owned((0..binding.columns.len()).map(column).collect())
}

/// The row filter: that of `restrictions`, over raw values.
pub(crate) fn row_filter(restrictions: &Restrictions, binding: &Binding) -> Result<Option<Expr>> {
    let filter = restrictions.row_filter.clone().filter(|_| !has(Mutation::NoRowFilter));
    let Some(filter) = filter.clone().filter(|_| has(Mutation::MasksBeforeRowFilter)) else { return Ok(filter) };
    let masked = filter.transform_up(|part| {
        let Expr::Column(column) = &part else { return Ok(Transformed::no(part)) };
        let named = |access: &&ColumnAccess| {
            binding.columns.get(access.index).is_some_and(|bound| *bound.field.name() == column.name)
        };
        let mask = restrictions.columns.iter().find(named).and_then(|access| access.mask.as_ref());
        Ok(mask.map_or_else(|| Transformed::no(part.clone()), |mask| Transformed::yes(mask.expression.clone())))
    });
    masked.data().map(Some)
}

#[cfg(any(test, feature = "unguarded"))]
mod switch {
    use std::cell::Cell;
    use std::sync::{Mutex, PoisonError};

    use super::Mutation;

    thread_local! {
        static HERE: Cell<Option<Mutation>> = const { Cell::new(None) };
    }
    static EVERYWHERE: Mutex<Option<Mutation>> = Mutex::new(None);

    pub(super) fn current() -> Option<Mutation> {
        HERE.get().or_else(|| *EVERYWHERE.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts a mutation into force in the whole process, or takes it back.
    #[cfg(feature = "unguarded")]
    pub fn everywhere(mutation: Option<Mutation>) {
        *EVERYWHERE.lock().unwrap_or_else(PoisonError::into_inner) = mutation;
    }

    /// A mutation is in force on this thread until this is dropped.
    #[cfg(test)]
    #[derive(Debug)]
    pub(crate) struct Here;

    #[cfg(test)]
    impl Here {
        pub(crate) fn put(mutation: Mutation) -> Self {
            HERE.set(Some(mutation));
            Self
        }
    }

    #[cfg(test)]
    impl Drop for Here {
        fn drop(&mut self) {
            HERE.set(None);
        }
    }
}

#[cfg(test)]
pub(crate) use switch::Here;
#[cfg(feature = "unguarded")]
pub use switch::everywhere;
