//! Planning: parse, gate, resolve, optimise, verify. The same for every call that needs a plan.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::{DataType, Field, SchemaRef};
use catalog::Name;
use datafusion::common::ParamValues;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::execution::{SessionState, TaskContext};
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::joins::{CrossJoinExec, HashJoinExec, NestedLoopJoinExec, SortMergeJoinExec};
use datafusion::physical_plan::unnest::UnnestExec;

use policies::Principal;

use super::{Common, Description, Origin, Pins, Query, Received, Statement, deadline, explain, wire};
use crate::error::{Error, ErrorKind};
use crate::governed::{Bounds, Reader, Snapshot, Touched};
use crate::{failure, gate, session};

/// The statement has a verified plan.
#[derive(Debug)]
pub struct Planned {
    pub(super) plan: Arc<dyn ExecutionPlan>,
    pub(super) task: Arc<TaskContext>,
    pub(super) schema: SchemaRef,
    pub(super) policy_version: u64,
    pub(super) pins: Pins,
}

impl Query<Received> {
    /// Plans the statement on the pinned versions; tables without a pin resolve to their latest.
    ///
    /// # Errors
    /// Whatever is wrong with the statement, the caller's rights or a source.
    pub async fn plan(self, pins: Pins) -> Result<Query<Planned>, Error> {
        let Self { mut common, .. } = self;
        let snapshot = snapshot(&common, pins);
        let planning = plan(Arc::clone(&snapshot), common.statement.clone());
        match common.on_query_runtime(planning).await {
            Ok(planned) => {
                common.touched(&snapshot);
                Ok(Query { common, phase: planned })
            }
            Err(error) => {
                common.touched(&snapshot);
                Err(common.recorded(error).await)
            }
        }
    }

    /// What the statement takes and gives.
    ///
    /// # Errors
    /// As [`Query::plan`].
    pub async fn describe(self) -> Result<Description, Error> {
        let Self { mut common, .. } = self;
        let snapshot = snapshot(&common, Pins::default());
        let describing = describe(Arc::clone(&snapshot), common.statement.clone());
        let described = common.on_query_runtime(describing).await;
        common.touched(&snapshot);
        match described {
            Ok(description) => {
                common.planned().await?;
                Ok(description)
            }
            Err(error) => Err(common.recorded(error).await),
        }
    }
}

impl Query<Planned> {
    /// Columns of the result in the types of the wire: no views, no dictionaries, all nullable.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.phase.schema)
    }

    /// The versions that the tables of the statement have resolved to.
    #[must_use]
    pub fn pins(&self) -> &Pins {
        &self.phase.pins
    }

    /// The version of the policies that the plan obeys.
    #[must_use]
    pub fn policy_version(&self) -> u64 {
        self.phase.policy_version
    }

    /// The plan, set aside for a moment. Dropped like this, planning was all that was asked for.
    #[must_use]
    pub fn rest(mut self) -> Self {
        self.common.record.planned();
        self
    }

    /// The plan, taken up again by `principal` from `origin` with a fresh deadline; `None` where it does not hold any more: the
    /// mesh was loaded anew, or the principal is not the same in every role and attribute.
    #[must_use]
    pub fn resume(mut self, principal: &Principal, timeout: Option<Duration>, origin: &Origin) -> Option<Self> {
        let mesh = self.common.gateway.current();
        if mesh.version != self.phase.policy_version || *self.common.principal != *principal {
            return None;
        }
        self.common.deadline = deadline(&mesh, timeout);
        self.common.record.resume(origin);
        Some(self)
    }

    /// Ends the query without running it: planning was all that was asked for.
    ///
    /// # Errors
    /// [`ErrorKind::AuditUnavailable`] where it cannot be recorded.
    pub async fn finish(mut self) -> Result<(), Error> {
        self.common.planned().await
    }
}

impl Common {
    /// Notes what the statement has touched.
    fn touched(&mut self, snapshot: &Snapshot) {
        let touched = snapshot.touched().clone();
        self.record.touched(&snapshot.mesh, &self.principal, &touched);
    }

    /// Ends the record of a statement that was to be planned only.
    async fn planned(&mut self) -> Result<(), Error> {
        self.record.planned();
        let written = self.record.write().await;
        written.map_err(|error| self.failed(error))
    }

    /// Runs `work` off the network runtime, at most until the deadline; dropping the wait ends the work.
    pub(super) async fn on_query_runtime<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        let task = AbortOnDrop(self.gateway.spawn(work));
        match tokio::time::timeout_at(self.deadline.into(), task).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(join)) => {
                tracing::error!(query_id = %self.id, error = %join, "planning ended abnormally");
                Err(Error::new(ErrorKind::Internal, "internal error"))
            }
            Err(_elapsed) => Err(Self::late()),
        }
    }
}

/// A task that ends when nobody waits for it any more.
#[derive(Debug)]
pub(super) struct AbortOnDrop<T>(pub(super) tokio::task::JoinHandle<T>);

impl<T> Future for AbortOnDrop<T> {
    type Output = Result<T, tokio::task::JoinError>;

    fn poll(mut self: std::pin::Pin<&mut Self>, context: &mut std::task::Context<'_>) -> std::task::Poll<Self::Output> {
        std::pin::Pin::new(&mut self.0).poll(context)
    }
}

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn snapshot(common: &Common, pins: Pins) -> Arc<Snapshot> {
    let bounds = Bounds { pins, deadline: common.deadline };
    Arc::new(Snapshot::new(&common.gateway, &common.principal, &common.id, bounds))
}

async fn plan(snapshot: Arc<Snapshot>, statement: Statement) -> Result<Planned, Error> {
    let (state, logical) = logical(&snapshot, &statement.sql, statement.domain.as_ref()).await?;
    let logical = bind(logical, statement.parameters)?;
    let logical = policies::drop_small_groups(logical).map_err(|error| failure::told(&error))?;
    let touched = snapshot.touched().clone();
    let logical = explain::told(logical, &state, &touched).await?;
    let logical = match statement.row_limit {
        Some(rows) => limited(logical, rows)?,
        None => logical,
    };
    let plan = state.create_physical_plan(&logical).await.map_err(|error| failure::told(&error))?;
    let plan = yielding(plan).map_err(|error| failure::told(&error))?;
    policies::verify(&plan).map_err(|error| {
        tracing::error!(%error, "a plan was refused");
        Error::new(ErrorKind::UnsupportedSql, "the statement has no plan that can be governed")
    })?;
    let schema = wire::schema(plan.schema().as_ref());
    let Touched { versions, .. } = touched;
    let policy_version = snapshot.mesh.version;
    Ok(Planned { plan, task: state.task_ctx(), schema, policy_version, pins: Pins(versions) })
}

/// `plan` with a point after each join and unnesting where the task can be stopped: they may make any number of
/// batches out of one, and the engine's own such points are at the leaves only.
fn yielding(plan: Arc<dyn ExecutionPlan>) -> datafusion::common::Result<Arc<dyn ExecutionPlan>> {
    let wrapped = plan.transform_up(|node| {
        let multiplies = node.is::<CrossJoinExec>()
            || node.is::<NestedLoopJoinExec>()
            || node.is::<HashJoinExec>()
            || node.is::<SortMergeJoinExec>()
            || node.is::<UnnestExec>();
        Ok(if multiplies { Transformed::yes(Arc::new(CooperativeExec::new(node)) as _) } else { Transformed::no(node) })
    })?;
    Ok(wrapped.data)
}

/// The plan of the statement before placeholders are filled in, and the session that made it.
async fn logical(
    snapshot: &Arc<Snapshot>,
    sql: &str,
    domain: Option<&Name>,
) -> Result<(SessionState, LogicalPlan), Error> {
    let parsed = gate::parse(sql)?;
    let runtime = snapshot.gateway.query_environment(&snapshot.mesh).map_err(|error| failure::told(&error))?;
    let state = session::open(snapshot, Reader::Caller, domain, &runtime);
    let logical = state.statement_to_plan(parsed).await.map_err(|error| failure::told(&error))?;
    gate::check_plan(&logical)?;
    Ok((state, logical))
}

fn bind(logical: LogicalPlan, parameters: Vec<datafusion::common::ScalarValue>) -> Result<LogicalPlan, Error> {
    let wanted = logical.get_parameter_names().map_err(|error| failure::told(&error))?.len();
    if wanted != parameters.len() {
        let message = format!("the statement has {wanted} parameters, {} were given", parameters.len());
        return Err(Error::new(ErrorKind::InvalidStatement, message).with_sqlstate("07001"));
    }
    if wanted == 0 {
        return Ok(logical);
    }
    logical.with_param_values(ParamValues::from(parameters)).map_err(|error| failure::told(&error))
}

fn limited(logical: LogicalPlan, rows: u64) -> Result<LogicalPlan, Error> {
    let rows = usize::try_from(rows).unwrap_or(usize::MAX);
    LogicalPlanBuilder::from(logical)
        .limit(0, Some(rows))
        .and_then(LogicalPlanBuilder::build)
        .map_err(|error| failure::told(&error))
}

async fn describe(snapshot: Arc<Snapshot>, statement: Statement) -> Result<Description, Error> {
    let (state, logical) = logical(&snapshot, &statement.sql, statement.domain.as_ref()).await?;
    let types = logical.get_parameter_types().map_err(|error| failure::told(&error))?;
    if types.is_empty() {
        let schema = plan(snapshot, statement).await?.schema;
        return Ok(Description { schema, parameters: Vec::new() });
    }
    let analysed = state.analyzer().execute_and_check(logical, state.config_options(), |_, _| {});
    let analysed = analysed.map_err(|error| failure::told(&error))?;
    let schema = wire::schema(analysed.schema().as_arrow());
    Ok(Description { schema, parameters: parameters(&types)? })
}

/// The placeholders in the order of their numbers (`$10` after `$9`).
fn parameters(types: &HashMap<String, Option<DataType>>) -> Result<Vec<Field>, Error> {
    (1..=types.len())
        .map(|number| {
            let name = format!("${number}");
            let Some(data_type) = types.get(&name) else {
                let message = "placeholders must be numbered $1, $2, … without gaps";
                return Err(Error::new(ErrorKind::InvalidStatement, message).with_sqlstate("07001"));
            };
            let data_type = data_type.as_ref().map_or(DataType::Null, wire::data_type);
            Ok(Field::new(name, data_type, true))
        })
        .collect()
}
