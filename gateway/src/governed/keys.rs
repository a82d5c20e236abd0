//! Looks up the keys that the rules of a table take from other tables.

use std::sync::Arc;

use catalog::{Source, Table};
use datafusion::common::ScalarValue;
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::LogicalPlanBuilder;
use datafusion::physical_plan::collect;
use policies::{KeySet, Restrictions};

use super::Snapshot;
use crate::error::{Error, ErrorKind};
use crate::{failure, session};

/// Most keys of one set.
const MAX_KEYS: usize = 100_000;

/// `restrictions` with all keys in their places. The keys are read as the system: what the caller may see of the
/// other tables does not matter, and of their being there it learns nothing.
pub(super) async fn look_up(
    snapshot: &Arc<Snapshot>,
    table: &Table,
    restrictions: Arc<Restrictions>,
) -> Result<Arc<Restrictions>, Error> {
    let sets = restrictions.key_sets();
    if sets.is_empty() {
        return Ok(restrictions);
    }
    let mut keys = Vec::with_capacity(sets.len());
    for set in sets {
        let found = keys_of(snapshot, &set).await.map_err(|error| told(table, &set, &error))?;
        keys.push((set, found));
    }
    let filled = restrictions.with_keys(&keys);
    filled.map(Arc::new).map_err(|error| {
        tracing::error!(table = %table.name, %error, "a key cannot be compared");
        Error::new(ErrorKind::Internal, "internal error")
    })
}

async fn keys_of(snapshot: &Arc<Snapshot>, set: &KeySet) -> Result<Vec<ScalarValue>, Error> {
    let missing = || Error::new(ErrorKind::Internal, format!("there is no key set in \"{}\"", set.table));
    let table = snapshot.mesh.registry.table(&set.table).ok_or_else(missing)?;
    // A view would be read with somebody's rights; the rules cannot name one.
    if matches!(table.source, Source::MeshSql(_)) {
        return Err(missing());
    }
    let restrictions = set.restrictions(table).ok_or_else(missing)?;
    let opened = snapshot.open_now(table).await?;
    let binding = catalog::drift::bind(table, &opened.provider.schema());
    let binding = binding.map_err(|violated| failure::told_violation(&violated))?;
    let governed = policies::governed_table(opened.provider, Arc::clone(table), &binding, restrictions, opened.version)
        .map_err(|error| Error::new(ErrorKind::Internal, error.to_string()))?;
    let values = distinct(snapshot, governed).await.map_err(|error| failure::told(&error))?;
    if values.len() > MAX_KEYS {
        return Err(Error::new(ErrorKind::LimitExceeded, format!("more than {MAX_KEYS} keys in \"{}\"", set.table)));
    }
    Ok(values)
}

/// The different values of a table of one column; one more than allowed where there are too many.
async fn distinct(
    snapshot: &Arc<Snapshot>,
    table: Arc<dyn datafusion::catalog::TableProvider>,
) -> datafusion::common::Result<Vec<ScalarValue>> {
    let runtime = snapshot.gateway.query_environment(&snapshot.mesh)?;
    let state = snapshot.gateway.base_state();
    let task = Arc::new(session::task(state, runtime));
    let plan = LogicalPlanBuilder::scan("keys", provider_as_source(table), None)?
        .distinct()?
        .limit(0, Some(MAX_KEYS + 1))?
        .build()?;
    let plan = state.create_physical_plan(&plan).await?;
    policies::verify(&plan).map_err(|error| datafusion::common::DataFusionError::External(Box::new(error)))?;
    let mut values = Vec::new();
    for batch in collect(plan, task).await? {
        for row in 0..batch.num_rows() {
            values.push(ScalarValue::try_from_array(batch.column(0), row)?);
        }
    }
    Ok(values)
}

/// The caller learns that the table cannot be read now, and nothing of the tables that its rules look into.
fn told(table: &Table, set: &KeySet, error: &Error) -> Error {
    tracing::error!(table = %table.name, keys = %set.table, %error, "the keys of a rule cannot be looked up");
    let message = format!("the access rules of table \"{}\" cannot be evaluated; ask its owner", table.name);
    match error.kind {
        ErrorKind::Timeout | ErrorKind::Cancelled => Error::new(error.kind, error.message.clone()),
        ErrorKind::SourceUnavailable | ErrorKind::SourceFailed | ErrorKind::LimitExceeded => {
            Error::new(error.kind, message)
        }
        ErrorKind::Unauthenticated
        | ErrorKind::InvalidStatement
        | ErrorKind::UndefinedTable
        | ErrorKind::UndefinedColumn
        | ErrorKind::UnsupportedSql
        | ErrorKind::UnsupportedCommand
        | ErrorKind::AccessDenied
        | ErrorKind::InvalidTicket
        | ErrorKind::SnapshotGone
        | ErrorKind::ContractViolated
        | ErrorKind::DataError
        | ErrorKind::AuditUnavailable
        | ErrorKind::Internal => Error::new(ErrorKind::SourceFailed, message),
    }
}
