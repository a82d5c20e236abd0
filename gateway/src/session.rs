//! Read-only sessions of the engine: the only place that makes one.

use std::collections::HashMap;
use std::sync::Arc;

use catalog::Name;
use datafusion::execution::FunctionRegistry;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::execution::{SessionState, TaskContext};
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SessionConfig;

use crate::error::Error;
use crate::governed::{MeshCatalogs, Reader, Snapshot};
use crate::{failure, filter_pushdown, gate};

/// The SQL schema of names that do not say their domain, where the session has none. No domain: see [`Name`].
pub(crate) const NO_DOMAIN: &str = "~";

/// Functions that would tell of files, or that only a file could answer.
const REFUSED_FUNCTIONS: [&str; 1] = ["input_file_name"];

/// The state that every session starts from: functions, rules and settings, no tables. Statements are planned in
/// `runtime`; each runs in one of its own.
pub(crate) fn base(runtime: Arc<RuntimeEnv>) -> SessionState {
    let mut config = SessionConfig::new()
        .with_information_schema(false)
        .with_create_default_catalog_and_schema(false)
        .with_default_catalog_and_schema("~", NO_DOMAIN);
    let options = config.options_mut();
    options.execution.parquet.pushdown_filters = true;
    options.execution.parquet.reorder_filters = true;
    options.sql_parser.collect_spans = true;
    // Join keys become filters of the other side up to these sizes; the default of 150 values prunes little.
    options.optimizer.hash_join_inlist_pushdown_max_distinct_values = 10_000;
    options.optimizer.hash_join_inlist_pushdown_max_size = 1 << 20;
    let mut state = SessionStateBuilder::new()
        .with_config(config)
        .with_runtime_env(runtime)
        .with_default_features()
        .with_physical_optimizer_rules(filter_pushdown::rules())
        .build();
    for name in REFUSED_FUNCTIONS {
        // An unknown name is no error: the engine may not have the function.
        let _removed = state.deregister_udf(name);
    }
    state
}

/// A session to plan one query on what `reader` may see of `snapshot`.
pub(crate) fn open(snapshot: &Arc<Snapshot>, reader: Reader, domain: Option<&Name>) -> SessionState {
    let mut state = snapshot.gateway.base_state().clone();
    let names = &mut state.config_mut().options_mut().catalog;
    names.default_catalog = snapshot.mesh.config.name.as_str().to_owned();
    names.default_schema = domain.map_or(NO_DOMAIN, Name::as_str).to_owned();
    state.register_catalog_list(Arc::new(MeshCatalogs::new(Arc::clone(snapshot), reader)));
    state
}

/// What a plan of `state` runs in. Functions are in the plan already; nothing looks one up by its name any more.
pub(crate) fn task(state: &SessionState, runtime: Arc<RuntimeEnv>) -> TaskContext {
    let none = (HashMap::new(), HashMap::new(), HashMap::new(), HashMap::new());
    let id = state.session_id().to_owned();
    TaskContext::new(None, id, state.config().clone(), none.0, none.1, none.2, none.3, runtime)
}

/// The plan of a view's body, read on behalf of `reader`.
pub(crate) async fn plan_view(
    snapshot: &Arc<Snapshot>,
    domain: &Name,
    query: &str,
    reader: Reader,
) -> Result<LogicalPlan, Error> {
    let statement = gate::parse_query(query)?;
    let state = open(snapshot, reader, Some(domain));
    let plan = state.statement_to_plan(statement).await.map_err(|error| failure::told(&error))?;
    gate::check_plan(&plan)?;
    policies::drop_small_groups(plan).map_err(|error| failure::told(&error))
}
