//! Which filters that arise while a plan runs may reach the source of a governed table.

use std::sync::Arc;

use datafusion::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::physical_expr::expressions::{Column, DynamicFilterPhysicalExpr};
use datafusion::physical_optimizer::filter_pushdown::FilterPushdown;
use datafusion::physical_plan::PhysicalExpr;

use super::carrier::carry;
use super::hidden::{Hidden, uses_expression};
use crate::unguarded::{self, Mutation};

/// A hidden tree that uses dynamic filters.
pub(super) struct Accepted {
    pub(super) hidden: Hidden,
    /// The filters that it uses, over the output columns.
    pub(super) filters: Vec<Arc<dyn PhysicalExpr>>,
}

/// The hidden tree with those of `filters` that it makes use of, and these.
///
/// `None` where it makes use of none. The filters are over the output columns, of which `clear` tells whether the
/// caller sees them as they are.
pub(super) fn accept(
    hidden: &Hidden,
    clear: &[bool],
    filters: impl Iterator<Item = Arc<dyn PhysicalExpr>>,
    config: &ConfigOptions,
) -> Result<Option<Accepted>> {
    // Below a limit a filter would change which rows the limit keeps.
    if hidden.limit().is_some() {
        return Ok(None);
    }
    let mut accepted = Vec::new();
    let mut of_source = Vec::new();
    for filter in filters {
        if let Some(translated) = translate(hidden, clear, &filter)? {
            accepted.push(filter);
            of_source.push(translated);
        }
    }
    if accepted.is_empty() {
        return Ok(None);
    }
    let carried = carry(Arc::clone(hidden.source()), of_source, &FilterPushdown::new_post_optimization(), config)?;
    let mut used = Vec::new();
    for filter in accepted {
        if let Some(id) = filter.expression_id()
            && uses_expression(&carried.source, id)?
        {
            used.push(filter);
        }
    }
    if used.is_empty() {
        return Ok(None);
    }
    Ok(Some(Accepted { hidden: hidden.with_dynamic_source(carried.source)?, filters: used }))
}

/// The filter over the source's columns, if it is a dynamic one whose every key is a clear column as it stands.
///
/// A computed key, such as `1 / (x - 5)`, would be evaluated on hidden rows and could fail there; a masked one
/// would compare raw values with masked ones.
fn translate(hidden: &Hidden, clear: &[bool], filter: &Arc<dyn PhysicalExpr>) -> Result<Option<Arc<dyn PhysicalExpr>>> {
    let Some(dynamic) = filter.downcast_ref::<DynamicFilterPhysicalExpr>() else { return Ok(None) };
    let keys = dynamic.children();
    let mut columns: Vec<Arc<dyn PhysicalExpr>> = Vec::with_capacity(keys.len());
    for key in keys {
        let Some(key) = key.downcast_ref::<Column>() else { return Ok(None) };
        if clear.get(key.index()) != Some(&true) && !unguarded::has(Mutation::DynamicFiltersOnMasks) {
            return Ok(None);
        }
        let Some(column) = hidden.source_column(key.index()) else { return Ok(None) };
        columns.push(Arc::new(column));
    }
    if columns.is_empty() {
        return Ok(None);
    }
    Arc::clone(filter).with_new_children(columns).map(Some)
}
