//! The other side: DataFusion without a gateway, on the providers of the gateway's own connectors, with the same
//! settings; restrictions are written by hand as views.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use catalog::Registry;
use connectors::{At, CallContext, Connectors, Options};
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::context::SessionContext;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::SessionConfig;
use tests::{Rows, engine};

/// What `part` sees of each table, by hand.
const VIEWS: [(&str, &str); 2] = [
    (
        "lines",
        "SELECT order_id, region, flag, status, shipped, quantity, price, discount, substr(remark, 1, 3) AS remark \
         FROM raw.lines WHERE region IN ('r0', 'r1')",
    ),
    ("orders", "SELECT * FROM raw.orders WHERE region IN ('r0', 'r1')"),
];

/// The plain engine over a mesh folder.
pub(crate) struct Plain {
    registry: Registry,
    connectors: Connectors,
}

impl Plain {
    /// The engine; tables are opened for each statement, as the gateway does.
    pub(crate) fn open(mesh: &Path) -> Self {
        let registry = catalog::load(&"bench".parse().unwrap(), mesh).unwrap();
        Self { registry, connectors: Connectors::new(Options::default()).unwrap() }
    }

    /// The answer to a statement as `user` would get it.
    pub(crate) async fn answer(&self, user: &str, sql: &str) -> Rows {
        let context = self.context(if user == "full" { "shop" } else { "raw" }).await;
        if user != "full" {
            let mut views = Vec::new();
            for (name, body) in VIEWS {
                let plan = context.state().create_logical_plan(body).await.unwrap();
                let view = datafusion::datasource::ViewTable::new(plan, Some(body.to_owned()));
                views.push((name, Arc::new(view) as _));
            }
            engine::add_schema(&context, "shop", &views);
        }
        engine::answer(&context, sql).await.unwrap()
    }

    /// A session whose schema has the tables as the connectors open them.
    async fn context(&self, schema: &str) -> SessionContext {
        let mut tables = Vec::new();
        for table in self.registry.tables() {
            let deadline = Instant::now() + Duration::from_secs(300);
            let call = CallContext { query_id: "bench".into(), deadline, identity: None };
            let at = At::Latest { max_age: Duration::ZERO };
            let opened = self.connectors.open(table, at, &call).await.unwrap();
            tables.push((table.name.table.as_str(), opened.provider));
        }
        let runtime = RuntimeEnvBuilder::new().with_object_store_registry(self.connectors.object_stores());
        let state = SessionStateBuilder::new_with_default_features()
            .with_config(settings())
            .with_runtime_env(runtime.build_arc().unwrap())
            .build();
        let context = SessionContext::new_with_state(state);
        engine::add_schema(&context, schema, &tables);
        context
    }
}

/// The settings of the gateway's own sessions.
pub(crate) fn settings() -> SessionConfig {
    let mut config = SessionConfig::new();
    let options = config.options_mut();
    options.execution.parquet.pushdown_filters = true;
    options.execution.parquet.reorder_filters = true;
    options.optimizer.hash_join_inlist_pushdown_max_distinct_values = 10_000;
    options.optimizer.hash_join_inlist_pushdown_max_size = 1 << 20;
    config
}
