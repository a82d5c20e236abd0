//! What the tests of several connectors share: tables of a catalog, calls, sessions.
#![expect(clippy::unwrap_used, reason = "tests may unwrap")]

pub(crate) mod counting;
pub(crate) mod delta_table;
pub(crate) mod flight_server;
pub(crate) mod proxy;
pub(crate) mod store_server;

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use catalog::source::{DeltaSource, Dialect, FlightSource, ForwardIdentity, Location, Pushdown};
use catalog::{Contract, Source, Status, Table};
use datafusion::catalog::TableProvider;
use datafusion::common::Result;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::object_store::ObjectStoreRegistry;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::SessionContext;

use crate::context::CallContext;
use crate::{At, Identity};

/// A table of the catalog called `shop.orders`.
pub(crate) fn table(source: Source) -> Arc<Table> {
    let contract = Contract {
        id: "orders".to_owned(),
        name: "orders".to_owned(),
        version: "1.0.0".to_owned(),
        status: Status::Active,
        domain: "shop".parse().unwrap(),
        description: None,
        owner: None,
        tags: Vec::new(),
        file: "catalog/shop/orders.odcs.yaml".into(),
    };
    Arc::new(Table {
        name: "shop.orders".parse().unwrap(),
        physical_name: "orders".to_owned(),
        description: None,
        columns: Vec::new(),
        source,
        foreign_keys: Vec::new(),
        share_join_keys: false,
        contract: Arc::new(contract),
        product: "orders".into(),
    })
}

/// A Delta table in a local folder.
pub(crate) fn local(folder: &std::path::Path) -> Arc<Table> {
    table(Source::Delta(DeltaSource { location: Location::Local(folder.to_owned()), credential: None }))
}

/// A Flight SQL endpoint with nothing but an address.
pub(crate) fn flight(address: &str) -> FlightSource {
    FlightSource {
        location: address.to_owned(),
        catalog: None,
        schema: None,
        credential: None,
        tls_ca: None,
        tls_client_cert: None,
        forward_identity: ForwardIdentity::None,
        accepted_locations: Vec::new(),
        pushdown: Pushdown::Scan,
        dialect: Dialect::DataFusion,
    }
}

/// A call of `ann` with half a minute of time.
pub(crate) fn call() -> CallContext {
    CallContext {
        query_id: "query-1".into(),
        deadline: Instant::now() + Duration::from_secs(30),
        identity: Some(Identity {
            subject: "ann".to_owned(),
            attributes: vec![("region".to_owned(), "EU & US".to_owned())],
        }),
    }
}

/// The newest version, asked for again each time.
pub(crate) const NOW: At = At::Latest { max_age: Duration::ZERO };

/// A session that finds `provider` as `t`, with the given stores.
#[expect(clippy::disallowed_methods, reason = "a test has no governed catalog")]
pub(crate) fn session(stores: Arc<dyn ObjectStoreRegistry>, provider: Arc<dyn TableProvider>) -> SessionContext {
    let runtime = RuntimeEnvBuilder::new().with_object_store_registry(stores).build_arc().unwrap();
    let state = SessionStateBuilder::new().with_default_features().with_runtime_env(runtime).build();
    let context = SessionContext::new_with_state(state);
    context.register_table("t", provider).unwrap();
    context
}

/// The rows of a statement over `t`.
#[expect(clippy::disallowed_methods, reason = "a test has no statement gate")]
pub(crate) async fn rows(context: &SessionContext, sql: &str) -> Result<Vec<RecordBatch>> {
    context.sql(sql).await?.collect().await
}

/// The only value of a statement over `t`, as text.
pub(crate) async fn value(context: &SessionContext, sql: &str) -> Result<String> {
    let batches = rows(context, sql).await?;
    let batch = arrow::compute::concat_batches(&batches[0].schema(), &batches)?;
    Ok(arrow::util::display::array_value_to_string(batch.column(0), 0)?)
}
