//! Planning: parse, gate, resolve, optimise, verify. The same for every call that needs a plan.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::{Schema, SchemaRef};
use catalog::{Name, Table};
use connectors::KeySharing;
use datafusion::common::ParamValues;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::execution::{SessionState, TaskContext};
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::joins::{CrossJoinExec, HashJoinExec, NestedLoopJoinExec, SortMergeJoinExec};
use datafusion::physical_plan::unnest::UnnestExec;

use policies::Principal;

use super::division::{self, Divided};
use super::{Common, Origin, Pins, Query, Received, Statement, Text, Types, deadline, explain, substrait, wire};
use crate::error::{Error, ErrorKind};
use crate::governed::{Bounds, Reader, Snapshot, Touched};
use crate::{failure, gate, session};

/// The statement has a verified plan.
#[derive(Debug)]
pub struct Planned {
    /// To be run one after the other: one for each row of parameters.
    pub(super) plans: Vec<Arc<dyn ExecutionPlan>>,
    /// How the result is divided among endpoints, where it is.
    pub(super) divided: Option<Divided>,
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
        let planning = Box::pin(plan(Arc::clone(&snapshot), common.statement.clone()));
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

    /// How the result is divided among endpoints: `None` where one endpoint has all of it.
    #[must_use]
    pub fn divided(&self) -> Option<&Divided> {
        self.phase.divided.as_ref()
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
    pub(super) fn touched(&mut self, snapshot: &Snapshot) {
        let touched = snapshot.touched().clone();
        self.record.touched(&snapshot.mesh, &self.principal, &touched);
    }

    /// Ends the record of a statement that was to be planned only.
    pub(super) async fn planned(&mut self) -> Result<(), Error> {
        self.record.planned();
        let written = self.record.write().await;
        written.map_err(|error| self.failed(error))
    }

    /// Plans off the network runtime, at most until the deadline; dropping the wait ends the work. Only so many at a
    /// time: planning may read what policies look into.
    pub(super) async fn on_query_runtime<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) -> Result<T, Error> {
        let _permit = self.gateway.planning.permit(self.deadline.into()).await?;
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

pub(super) fn snapshot(common: &Common, pins: Pins) -> Arc<Snapshot> {
    let bounds = Bounds { pins, as_of_unix_ms: common.statement.as_of_unix_ms, deadline: common.deadline };
    Arc::new(Snapshot::new(&common.gateway, &common.principal, &common.id, bounds))
}

pub(super) async fn plan(snapshot: Arc<Snapshot>, mut statement: Statement) -> Result<Planned, Error> {
    let (state, logical) = logical(&snapshot, &statement.text, statement.domain.as_ref()).await?;
    let once = vec![Vec::new()];
    let rows = std::mem::take(&mut statement.parameters);
    let rows = if rows.is_empty() { once } else { rows };
    let bound = rows.into_iter().map(|values| bind(logical.clone(), values)).collect::<Result<Vec<_>, _>>()?;
    if let Some(division) = &statement.division {
        let state = division::prepare(division, &state);
        let mut plans = all(&snapshot, &state, &bound, statement.row_limit).await?;
        let limits = &snapshot.mesh.config.limits;
        if let Some(divided) = division::divide(division, &mut plans, state.config_options(), limits)? {
            return planned(&snapshot, &state, plans, Some(divided), statement.types);
        }
        // What is not divided is planned as if nobody had asked for that.
    }
    let plans = all(&snapshot, &state, &bound, statement.row_limit).await?;
    planned(&snapshot, &state, plans, None, statement.types)
}

async fn all(
    snapshot: &Snapshot,
    state: &SessionState,
    bound: &[LogicalPlan],
    row_limit: Option<u64>,
) -> Result<Vec<Arc<dyn ExecutionPlan>>, Error> {
    let mut plans = Vec::with_capacity(bound.len());
    for logical in bound {
        plans.push(physical(snapshot, state, logical.clone(), row_limit).await?);
    }
    Ok(plans)
}

fn planned(
    snapshot: &Snapshot,
    state: &SessionState,
    plans: Vec<Arc<dyn ExecutionPlan>>,
    divided: Option<Divided>,
    types: Types,
) -> Result<Planned, Error> {
    plans.iter().try_for_each(verify)?;
    let schema = one_schema(&plans, types)?;
    let Touched { versions, .. } = snapshot.touched().clone();
    let policy_version = snapshot.mesh.version;
    let runtime = snapshot.gateway.query_environment(&snapshot.mesh).map_err(|error| failure::told(&error))?;
    let task = Arc::new(session::task(state, runtime));
    Ok(Planned { plans, divided, task, schema, policy_version, pins: Pins(versions) })
}

/// The plan of a statement whose placeholders are filled in.
async fn physical(
    snapshot: &Snapshot,
    state: &SessionState,
    logical: LogicalPlan,
    row_limit: Option<u64>,
) -> Result<Arc<dyn ExecutionPlan>, Error> {
    let logical = policies::drop_small_groups(logical).map_err(|error| failure::told(&error))?;
    let touched = snapshot.touched().clone();
    let logical = explain::told(logical, state, &touched).await?;
    let logical = match row_limit {
        Some(rows) => limited(logical, rows)?,
        None => logical,
    };
    let plan = governed(snapshot, state, &logical).await.map_err(|error| failure::told(&error))?;
    yielding(plan).map_err(|error| failure::told(&error))
}

/// The engine's plan; in one partition where how rows lie together could otherwise be noticed, and with keys of joins
/// sent to the endpoints of those domains only that may learn them.
async fn governed(
    snapshot: &Snapshot,
    state: &SessionState,
    logical: &LogicalPlan,
) -> datafusion::common::Result<Arc<dyn ExecutionPlan>> {
    let optimized = state.optimize(logical)?;
    let steady = policies::must_be_steady(&optimized)?;
    let sharing = sharing(snapshot, &optimized)?;
    if !steady && sharing.is_none() {
        return state.query_planner().create_physical_plan(&optimized, state).await;
    }
    let mut state = state.clone();
    if steady {
        state.config_mut().options_mut().execution.target_partitions = 1;
    }
    if let Some(sharing) = sharing {
        state.config_mut().set_extension(Arc::new(sharing));
    }
    state.query_planner().create_physical_plan(&optimized, &state).await
}

/// Who may learn the keys that the tables of `plan` are joined by; `None` where nobody may.
fn sharing(snapshot: &Snapshot, plan: &LogicalPlan) -> datafusion::common::Result<Option<KeySharing>> {
    let Some(names) = policies::tables_of(plan)? else { return Ok(None) };
    let tables = names.iter().map(|name| snapshot.mesh.registry.table(name).map(AsRef::as_ref));
    let tables: Option<Vec<&Table>> = tables.collect();
    Ok(tables.and_then(|tables| KeySharing::among(&tables)))
}

/// The last look at a plan.
fn verify(plan: &Arc<dyn ExecutionPlan>) -> Result<(), Error> {
    policies::verify(plan).map_err(|error| {
        tracing::error!(%error, "a plan was refused");
        Error::new(ErrorKind::UnsupportedSql, "the statement has no plan that can be governed")
    })
}

/// The schema of all plans on the wire. Values of other types may make other columns.
fn one_schema(plans: &[Arc<dyn ExecutionPlan>], types: Types) -> Result<SchemaRef, Error> {
    let mut schemas = plans.iter().map(|plan| wire::schema(plan.schema().as_ref(), types));
    let first = schemas.next().unwrap_or_else(|| Arc::new(Schema::empty()));
    if schemas.any(|schema| schema != first) {
        let message = "the rows of parameters have values of different types; cast the placeholders";
        return Err(Error::new(ErrorKind::InvalidStatement, message).with_sqlstate("07006"));
    }
    Ok(first)
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
pub(super) async fn logical(
    snapshot: &Arc<Snapshot>,
    text: &Text,
    domain: Option<&Name>,
) -> Result<(SessionState, LogicalPlan), Error> {
    let state = session::open(snapshot, Reader::Caller, domain);
    let logical = match text {
        Text::Sql(sql) => {
            let parsed = gate::parse(sql)?;
            state.statement_to_plan(parsed).await.map_err(|error| failure::told(&error))?
        }
        Text::Substrait(plan) => substrait::read(plan, &state).await?,
    };
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
