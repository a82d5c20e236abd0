//! Second line of defence: every file of a planned scan lies in the table's own store, below its root.

use std::sync::Arc;

use datafusion::common::{DataFusionError, Result};
use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_plan::ExecutionPlan;
use url::Url;

use crate::storage::{GuardedStore, SCHEME};

/// Checks every leaf of `plan`.
///
/// # Errors
/// When a file is outside the store, or a leaf is of a kind that is not known to read no other files.
pub(super) fn check(plan: &Arc<dyn ExecutionPlan>, store: &GuardedStore) -> Result<()> {
    let children = plan.children();
    if children.is_empty() {
        return check_leaf(plan, store);
    }
    children.into_iter().try_for_each(|child| check(child, store))
}

fn check_leaf(plan: &Arc<dyn ExecutionPlan>, store: &GuardedStore) -> Result<()> {
    let Some(source) = plan.downcast_ref::<DataSourceExec>() else {
        // The scan that answers from the log alone, and the one of no files.
        return if matches!(plan.name(), "DeltaScanMetaExec" | "EmptyExec") { Ok(()) } else { Err(outside()) };
    };
    let Some(config) = source.data_source().downcast_ref::<FileScanConfig>() else {
        return Err(outside());
    };
    let address: &Url = config.object_store_url.as_ref();
    if address.scheme() != SCHEME || address.host_str() != Some(store.id()) || address.port().is_some() {
        return Err(outside());
    }
    let inside = config.file_groups.iter().flat_map(|group| group.files()).all(|file| store.allows(file.path()));
    if inside { Ok(()) } else { Err(outside()) }
}

fn outside() -> DataFusionError {
    DataFusionError::Plan("a file of the scan is outside the root of its table".to_owned())
}
