//! Tables that are SQL over other tables of the mesh.
//!
//! A view's body reads with the grants of the view's owner and under the row and column rules of the caller.
//! To whoever reads the view it is a source like any other: it lies below a governed scan of its own, so that
//! no predicate of the caller can reach behind the body's own conditions.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use catalog::source::MeshSqlSource;
use catalog::{Table, TableName};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, TableProviderFilterPushDown, TableType, col};
use datafusion::physical_plan::ExecutionPlan;

use policies::Principal;

use super::{Reader, Snapshot};
use crate::error::{Error, ErrorKind};
use crate::{failure, session};

/// Most views inside one another.
const MAX_DEPTH: usize = 16;

/// Plans the body of a view for the snapshot's caller.
pub(super) async fn open(
    snapshot: &Arc<Snapshot>,
    table: &Table,
    source: &MeshSqlSource,
    reader: &Reader,
) -> std::result::Result<Arc<dyn TableProvider>, Error> {
    let path = enter(&table.name, reader)?;
    let Some(owner) = &table.contract.owner else {
        return Err(Error::new(ErrorKind::ContractViolated, format!("view \"{}\" has no owner", table.name)));
    };
    // An owner need not be able to log in; then he has the roles of the rules and no attributes.
    let known = snapshot.mesh.users.principal(owner);
    let owner = known.unwrap_or_else(|| Arc::new(Principal::named(owner)));
    let reader = Reader::View { owner, path };
    // Boxed: a view's body may hold views.
    let planned = Box::pin(session::plan_view(snapshot, &table.name.domain, &source.query, reader)).await;
    let plan = planned.map_err(|error| told(&table.name, table, &error))?;
    let plan = LogicalPlanBuilder::from(plan).alias(table.name.table.as_str()).and_then(LogicalPlanBuilder::build);
    let plan = plan.map_err(|error| told(&table.name, table, &failure::told(&error)))?;
    let schema = Arc::new(plan.schema().as_arrow().clone());
    Ok(Arc::new(View { plan, schema }))
}

/// The path of views with `name` at its end.
fn enter(name: &TableName, reader: &Reader) -> std::result::Result<Vec<TableName>, Error> {
    let mut path = match reader {
        Reader::Caller => Vec::new(),
        Reader::View { path, .. } => path.clone(),
    };
    if path.contains(name) || path.len() >= MAX_DEPTH {
        let message = format!("view \"{}\" contains itself, or too many views", path.first().unwrap_or(name));
        return Err(Error::new(ErrorKind::ContractViolated, message));
    }
    path.push(name.clone());
    Ok(path)
}

/// What is wrong inside a body is its owner's business: the caller learns that the view is broken, and whom to
/// ask; not which tables and columns it is made of.
fn told(name: &TableName, table: &Table, error: &Error) -> Error {
    match error.kind {
        ErrorKind::InvalidStatement
        | ErrorKind::UndefinedTable
        | ErrorKind::UndefinedColumn
        | ErrorKind::UnsupportedSql
        | ErrorKind::AccessDenied
        | ErrorKind::DataError => {
            tracing::warn!(view = %name, error = %error, "the body of a view cannot be planned");
            let owner = table.contract.owner.as_deref().unwrap_or("its owner");
            let message = format!("view \"{name}\" cannot be read with your rights or is broken; ask {owner}");
            Error::new(ErrorKind::ContractViolated, message)
        }
        ErrorKind::Unauthenticated
        | ErrorKind::UnsupportedCommand
        | ErrorKind::InvalidTicket
        | ErrorKind::SnapshotGone
        | ErrorKind::ContractViolated
        | ErrorKind::LimitExceeded
        | ErrorKind::Timeout
        | ErrorKind::Cancelled
        | ErrorKind::SourceUnavailable
        | ErrorKind::SourceFailed
        | ErrorKind::AuditUnavailable
        | ErrorKind::Internal => failure::told_of_view(name, error),
    }
}

/// A planned body as a source.
#[derive(Debug)]
struct View {
    plan: LogicalPlan,
    schema: SchemaRef,
}

#[async_trait]
impl TableProvider for View {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    /// The body, for the policies alone: to a statement a view is a governed table, which has no plan.
    fn get_logical_plan(&self) -> Option<Cow<'_, LogicalPlan>> {
        Some(Cow::Borrowed(&self.plan))
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        // Only what cannot fail may run before the body's own conditions.
        let answers = filters.iter().map(|filter| {
            if policies::leakproof::is_leakproof(filter, &self.schema) {
                TableProviderFilterPushDown::Inexact
            } else {
                TableProviderFilterPushDown::Unsupported
            }
        });
        Ok(answers.collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mut builder = LogicalPlanBuilder::from(self.plan.clone());
        if let Some(filter) = filters.iter().cloned().reduce(Expr::and) {
            builder = builder.filter(filter)?;
        }
        if let Some(projection) = projection {
            let columns = projection.iter().map(|index| {
                let field = self.schema.fields().get(*index);
                field.map(|field| col(datafusion::common::Column::from_name(field.name())))
            });
            let columns: Option<Vec<Expr>> = columns.collect();
            let columns = columns.ok_or_else(|| DataFusionError::Internal("projection out of range".into()))?;
            builder = builder.project(columns)?;
        }
        if limit.is_some() {
            builder = builder.limit(0, limit)?;
        }
        let plan = state.create_physical_plan(&builder.build()?).await?;
        policies::verify(&plan).map_err(|error| DataFusionError::External(Box::new(error)))?;
        Ok(plan)
    }
}
