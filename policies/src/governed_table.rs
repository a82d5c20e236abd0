//! The table that a statement of one principal sees: it shows only what the principal may see.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use catalog::drift::Binding;
use catalog::{Table, TableName, Version};
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{Expr, LogicalPlan, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;

use crate::decision::Restrictions;
use crate::error::Error;
use crate::governed_scan::rules::{Rules, Translation};
use crate::governed_scan::{ScanRequest, scan};
use crate::leakproof::is_leakproof;
use crate::scan_error::ScanError;

/// What `restrictions` leave of `inner`, under the names and types of the contract.
///
/// `binding` says which of `inner`'s columns is which column of `table`. The result has the visible columns only;
/// masked ones are nullable. It is read-only, and has no statistics, constraints, defaults or definition to ask
/// for. Where there is no restriction, and the source has the contract's names and types, its scans are as able as
/// those of `inner`.
///
/// # Errors
/// [`Error::BindingMisfit`] and [`Error::RuleMisfit`]: nothing of the table may be read then.
#[expect(clippy::needless_pass_by_value, reason = "takes the caller's share, as it does of the table")]
pub fn governed_table(
    inner: Arc<dyn TableProvider>,
    table: Arc<Table>,
    binding: &Binding,
    restrictions: Arc<Restrictions>,
    version: Version,
) -> Result<Arc<dyn TableProvider>, Error> {
    let translation = Translation::new(&inner.schema(), binding)
        .map_err(|cause| Error::BindingMisfit { table: table.name.clone(), cause })?;
    let rules = Rules::new(translation, binding, &restrictions)
        .map_err(|cause| Error::RuleMisfit { table: table.name.clone(), cause })?;
    let group = restrictions.smallest_group.map_or(Groups::RowByRow, Groups::AtLeast);
    let (schema, clear, rules) = (rules.schema(), rules.clear(), Arc::new(rules));
    Ok(Arc::new(GovernedTable { schema, clear, inner, table, rules, version, groups: group }))
}

/// How a table may be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Groups {
    /// Row by row.
    RowByRow,
    /// In groups of at least so many rows; not scanned before a statement is known to do that.
    AtLeast(u64),
}

/// See [`governed_table`].
#[derive(Clone)]
pub(crate) struct GovernedTable {
    inner: Arc<dyn TableProvider>,
    table: Arc<Table>,
    rules: Arc<Rules>,
    version: Version,
    schema: SchemaRef,
    /// The columns that the caller sees as they are.
    clear: Schema,
    groups: Groups,
}

impl GovernedTable {
    pub(crate) fn name(&self) -> &TableName {
        &self.table.name
    }

    /// Fewest rows of a group that may be shown; `None` where rows may be.
    pub(crate) fn smallest_group(&self) -> Option<u64> {
        match self.groups {
            Groups::RowByRow => None,
            Groups::AtLeast(rows) => Some(rows),
        }
    }

    /// Whether something of the table is hidden from the caller.
    pub(crate) fn hides(&self) -> bool {
        self.rules.restricted
    }

    /// What a view is made of; `None` for a table of a source.
    pub(crate) fn body(&self) -> Option<LogicalPlan> {
        self.inner.get_logical_plan().map(Cow::into_owned)
    }

    /// The same for a part of a statement that shows large groups only.
    pub(crate) fn grouped(&self) -> Arc<dyn TableProvider> {
        Arc::new(Self { groups: Groups::RowByRow, ..self.clone() })
    }
}

/// Nothing of the source or the rules: DataFusion prints tables into the texts of some errors.
impl fmt::Debug for GovernedTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GovernedTable").field("table", &self.table.name).finish_non_exhaustive()
    }
}

/// Everything that is not overridden here refuses (changes) or knows nothing (statistics, definition, plan,
/// defaults, constraints) by default.
#[async_trait]
impl TableProvider for GovernedTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    /// Only leakproof conditions go below. Those of a caller who sees everything are not applied twice.
    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let support = |filter: &&Expr| {
            if !is_leakproof(filter, &self.clear) {
                TableProviderFilterPushDown::Unsupported
            } else if self.rules.whole {
                TableProviderFilterPushDown::Exact
            } else {
                TableProviderFilterPushDown::Inexact
            }
        };
        Ok(filters.iter().map(support).collect())
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if self.groups != Groups::RowByRow {
            let name = &self.table.name;
            return Err(DataFusionError::Internal(format!("table \"{name}\" is scanned for less than groups")));
        }
        // Refused, not ignored: whoever put it here may count on its being applied.
        if filters.iter().any(|filter| !is_leakproof(filter, &self.clear)) {
            let name = &self.table.name;
            let refusal = format!("a condition that could reveal hidden rows was handed to table \"{name}\"");
            return Err(DataFusionError::Internal(refusal));
        }
        let request = ScanRequest {
            table: &self.table.name,
            version: self.version,
            inner: &self.inner,
            rules: self.rules.as_ref(),
            projection: projection.map(Vec::as_slice),
            conditions: filters,
            limit,
        };
        let scan = scan(session, request).await;
        Ok(Arc::new(scan.map_err(|cause| ScanError::new(self.table.name.clone(), cause))?))
    }
}
