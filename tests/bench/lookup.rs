//! A lookup by key in a Delta table: through the gateway as a driver does it, and in this process.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow_flight::encode::FlightDataEncoderBuilder;
use arrow_flight::sql::{CommandPreparedStatementQuery, ProstMessageExt};
use arrow_flight::{FlightData, FlightDescriptor};
use catalog::Registry;
use connectors::{At, CallContext, Connectors, Options};
use datafusion::common::ScalarValue;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::context::SessionContext;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use futures::{StreamExt, TryStreamExt};
use prost::Message;
use prost::bytes::Bytes;
use tests::mesh::PASSWORD;
use tests::{Client, Contract, Mesh, Rows, delta, engine};

use crate::child::Child;
use crate::plain::settings;

/// Orders in the table, in order of their keys.
const ORDERS: i64 = 100_000;

/// Files of the table.
const FILES: i64 = 8;

/// The statement; one row.
const LOOKUP: &str = "SELECT order_id, region, status, total, note FROM sales.orders WHERE order_id = ";

const COLUMNS: [(&str, &str); 5] =
    [("order_id", "bigint"), ("region", "text"), ("status", "text"), ("total", "double precision"), ("note", "text")];

/// A mesh with the orders, in its own settings: a table's snapshot is five seconds old at most.
pub(crate) async fn mesh() -> Mesh {
    let mesh = Mesh::new("bench");
    mesh.configure("bench", "[limits]\nqueue = 1024\n");
    for file in 0..FILES {
        let (first, last) = (file * ORDERS / FILES, (file + 1) * ORDERS / FILES);
        let rows = format!(
            "SELECT value AS order_id, concat('r', value % 4) AS region, concat('status ', value % 5) AS status, \
             CAST(value % 1000 AS DOUBLE) AS total, concat('note ', value * 2654435761 % 100000) AS note \
             FROM range({first}, {last})"
        );
        delta::append(&mesh.path("data/orders"), &[], &rows).await;
    }
    mesh.contract(&Contract::delta("sales.orders", "data/orders").columns(&COLUMNS));
    mesh.rules("p, user:full, sales, *, select, allow\n");
    mesh.users(&[("full", &[])]);
    mesh
}

/// The key of a lookup: all over the table.
pub(crate) fn key(number: u64) -> i64 {
    i64::try_from(number * 7_919).unwrap() % ORDERS
}

/// How long each call of a lookup takes.
#[derive(Clone, Copy)]
pub(crate) struct Laps {
    /// `DoPut` of the value.
    pub(crate) bind: Duration,
    /// `GetFlightInfo`.
    pub(crate) plan: Duration,
    /// `DoGet` to its end.
    pub(crate) fetch: Duration,
}

impl Laps {
    pub(crate) fn total(&self) -> Duration {
        self.bind + self.plan + self.fetch
    }
}

/// One connection with its prepared statement.
pub(crate) struct Connection {
    client: Client,
    handle: Bytes,
}

impl Connection {
    pub(crate) async fn open(gateway: &Child) -> Self {
        let mut client = Client::login(gateway.address, "full", PASSWORD).await.unwrap();
        let handle = client.prepare(&format!("{LOOKUP}?")).await.unwrap();
        Self { client, handle }
    }

    /// Binds a new key, plans and fetches: three calls, as ADBC makes them.
    pub(crate) async fn lookup(&mut self, key: i64) -> Laps {
        let command = CommandPreparedStatementQuery { prepared_statement_handle: self.handle.clone() };
        let start = Instant::now();
        self.bind(&command, key).await;
        let bind = start.elapsed();
        let info = self.client.command(&command).await.unwrap();
        let plan = start.elapsed() - bind;
        check(&self.client.fetch_all(&info).await.unwrap(), key);
        Laps { bind, plan, fetch: start.elapsed() - bind - plan }
    }

    async fn bind(&mut self, command: &CommandPreparedStatementQuery, key: i64) {
        let keys: ArrayRef = Arc::new(Int64Array::from(vec![key]));
        let batch = RecordBatch::try_from_iter([("1", keys)]).unwrap();
        let descriptor = FlightDescriptor::new_cmd(command.as_any().encode_to_vec());
        let encoder = FlightDataEncoderBuilder::new().with_flight_descriptor(Some(descriptor));
        let messages: Vec<FlightData> = encoder.build(futures::stream::iter([Ok(batch)])).try_collect().await.unwrap();
        let request = self.client.request(futures::stream::iter(messages));
        let mut answers = self.client.flight().inner_mut().do_put(request).await.unwrap().into_inner();
        while answers.next().await.transpose().unwrap().is_some() {}
    }

    /// A call that only proves who calls: what any call costs.
    pub(crate) async fn call(&mut self) -> Duration {
        let request = self.client.request(arrow_flight::Empty {});
        let start = Instant::now();
        let mut answers = self.client.flight().inner_mut().list_actions(request).await.unwrap().into_inner();
        while answers.next().await.transpose().unwrap().is_some() {}
        start.elapsed()
    }
}

/// The same table in a session of this process, made once.
#[derive(Clone)]
pub(crate) struct InProcess(SessionContext);

impl InProcess {
    pub(crate) async fn open(mesh: &Mesh) -> Self {
        let registry: Registry = catalog::load(&"bench".parse().unwrap(), mesh.folder()).unwrap();
        let connectors = Connectors::new(Options::default()).unwrap();
        let deadline = Instant::now() + Duration::from_secs(3_600);
        let call = CallContext { query_id: "bench".into(), deadline, identity: None };
        let table = registry.tables().next().unwrap();
        let opened = connectors.open(table, At::Latest { max_age: Duration::ZERO }, &call).await.unwrap();
        let runtime = RuntimeEnvBuilder::new().with_object_store_registry(connectors.object_stores());
        let state = SessionStateBuilder::new_with_default_features()
            .with_config(settings())
            .with_runtime_env(runtime.build_arc().unwrap())
            .build();
        let context = SessionContext::new_with_state(state);
        engine::add_schema(&context, "sales", &[("orders", opened.provider)]);
        Self(context)
    }

    /// Parses, plans and runs.
    pub(crate) async fn lookup(&self, key: i64) -> Duration {
        let start = Instant::now();
        let plan = self.0.state().create_logical_plan(&format!("{LOOKUP}$1")).await.unwrap();
        let plan = plan.with_param_values(vec![ScalarValue::from(key)]).unwrap();
        let frame = datafusion::dataframe::DataFrame::new(self.0.state(), plan);
        let schema = Arc::new(frame.schema().as_arrow().clone());
        check(&Rows { schema, batches: frame.collect().await.unwrap() }, key);
        start.elapsed()
    }
}

/// One row, of this key.
fn check(rows: &Rows, key: i64) {
    assert_eq!(rows.cells().iter().map(|row| row[0].clone()).collect::<Vec<_>>(), [key.to_string()]);
}
