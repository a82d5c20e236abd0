//! The commands that the remote serves: statements, prepared statements, tables.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::ipc::writer::IpcWriteOptions;
use arrow_flight::encode::FlightDataEncoderBuilder;
use arrow_flight::error::FlightError;
use arrow_flight::flight_service_server::FlightService;
use arrow_flight::sql::server::{FlightSqlService, PeekableFlightDataStream};
use arrow_flight::sql::{
    ActionClosePreparedStatementRequest, ActionCreatePreparedStatementRequest, ActionCreatePreparedStatementResult,
    CommandGetTables, CommandPreparedStatementQuery, CommandStatementQuery, DoPutPreparedStatementResult,
    ProstMessageExt, SqlInfo, TicketStatementQuery,
};
use arrow_flight::{Action, FlightDescriptor, FlightEndpoint, FlightInfo, IpcMessage, SchemaAsIpc, Ticket};
use datafusion::catalog::TableProvider;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::dataframe::DataFrame;
use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SessionConfig;
use futures::{Stream, TryStreamExt};
use prost::Message;
use tonic::{Request, Response, Status};

use super::stream::{broken, faulty, faulty_schema};
use super::{Call, Fault, Shared};
use crate::engine;

type Answer<T> = Result<Response<T>, Status>;

/// The service: a DataFusion in memory.
#[derive(Clone)]
pub(super) struct Service {
    engine: SessionContext,
    tables: Vec<(String, SchemaRef)>,
    shared: Arc<Shared>,
}

impl Service {
    pub(super) fn new(tables: &[(&str, Arc<dyn TableProvider>)], shared: Arc<Shared>) -> Self {
        let config = SessionConfig::new()
            .with_target_partitions(1)
            .set_bool("datafusion.execution.coalesce_batches", false)
            .set_bool("datafusion.sql_parser.map_string_types_to_utf8view", false);
        let schemas = tables.iter().map(|(name, table)| ((*name).to_owned(), table.schema())).collect();
        Self { engine: engine::engine_with(config, tables), tables: schemas, shared }
    }

    fn fault(&self) -> Fault {
        *self.shared.fault.lock().unwrap()
    }

    /// The plan of a statement, without its filters if the fault says so.
    async fn plan(&self, sql: &str) -> Result<LogicalPlan, Status> {
        let plan = self.engine.state().create_logical_plan(sql).await;
        let plan = plan.map_err(|error| Status::invalid_argument(error.to_string()))?;
        if self.fault() != Fault::IgnoreFilters {
            return Ok(plan);
        }
        let bare = plan.transform_up(|node| {
            let LogicalPlan::Filter(filter) = node else { return Ok(Transformed::no(node)) };
            Ok(Transformed::yes(Arc::unwrap_or_clone(filter.input)))
        });
        Ok(bare.unwrap().data)
    }

    async fn schema(&self, sql: &str) -> Result<SchemaRef, Status> {
        let schema = Arc::new(self.plan(sql).await?.schema().as_arrow().clone());
        Ok(faulty_schema(&schema, self.fault()))
    }

    fn record<T>(&self, sql: &str, prepared: bool, request: &Request<T>) {
        let headers = request.metadata().iter().filter_map(|entry| match entry {
            tonic::metadata::KeyAndValueRef::Ascii(key, value) => {
                Some((key.to_string(), value.to_str().unwrap_or_default().to_owned()))
            }
            tonic::metadata::KeyAndValueRef::Binary(..) => None,
        });
        let call = Call { sql: sql.to_owned(), prepared, headers: headers.collect() };
        self.shared.calls.lock().unwrap().push(call);
    }

    /// One endpoint whose ticket is the statement.
    async fn info(&self, sql: &str, request: Request<FlightDescriptor>) -> Answer<FlightInfo> {
        self.record(sql, false, &request);
        if self.fault() == Fault::Refuse || (self.fault() == Fault::RefuseLists && sql.contains(" IN (")) {
            return Err(broken().into());
        }
        let ticket = TicketStatementQuery { statement_handle: sql.as_bytes().to_vec().into() };
        info(&self.schema(sql).await?, ticket.as_any().encode_to_vec(), request)
    }

    async fn run(&self, sql: &[u8]) -> Answer<<Self as FlightService>::DoGetStream> {
        let sql = std::str::from_utf8(sql).unwrap();
        let frame = DataFrame::new(self.engine.state(), self.plan(sql).await?).execute_stream().await;
        let frame = frame.map_err(|error| Status::internal(error.to_string()))?;
        let fault = self.fault();
        let schema = faulty_schema(&frame.schema(), fault);
        Ok(encode(schema, faulty(frame, fault, &self.shared)))
    }
}

fn info(schema: &SchemaRef, ticket: Vec<u8>, request: Request<FlightDescriptor>) -> Answer<FlightInfo> {
    let endpoint = FlightEndpoint::new().with_ticket(Ticket::new(ticket));
    let info = FlightInfo::new().try_with_schema(schema).unwrap().with_endpoint(endpoint);
    Ok(Response::new(info.with_descriptor(request.into_inner()).with_total_records(-1).with_total_bytes(-1)))
}

fn encode(
    schema: SchemaRef,
    batches: impl Stream<Item = Result<RecordBatch, FlightError>> + Send + 'static,
) -> Response<<Service as FlightService>::DoGetStream> {
    let stream = FlightDataEncoderBuilder::new().with_schema(schema).build(batches);
    Response::new(Box::pin(stream.map_err(Status::from)))
}

#[tonic::async_trait]
impl FlightSqlService for Service {
    type FlightService = Self;

    async fn get_flight_info_statement(
        &self,
        query: CommandStatementQuery,
        request: Request<FlightDescriptor>,
    ) -> Answer<FlightInfo> {
        self.info(&query.query, request).await
    }

    async fn do_get_statement(
        &self,
        ticket: TicketStatementQuery,
        _request: Request<Ticket>,
    ) -> Answer<<Self as FlightService>::DoGetStream> {
        self.run(&ticket.statement_handle).await
    }

    async fn do_action_create_prepared_statement(
        &self,
        query: ActionCreatePreparedStatementRequest,
        request: Request<Action>,
    ) -> Result<ActionCreatePreparedStatementResult, Status> {
        self.record(&query.query, true, &request);
        let schema = self.schema(&query.query).await?;
        let message: IpcMessage = SchemaAsIpc::new(&schema, &IpcWriteOptions::default()).try_into().unwrap();
        Ok(ActionCreatePreparedStatementResult {
            prepared_statement_handle: query.query.into_bytes().into(),
            dataset_schema: message.0,
            parameter_schema: Vec::new().into(),
        })
    }

    async fn do_action_close_prepared_statement(
        &self,
        _query: ActionClosePreparedStatementRequest,
        _request: Request<Action>,
    ) -> Result<(), Status> {
        Ok(())
    }

    async fn get_flight_info_prepared_statement(
        &self,
        query: CommandPreparedStatementQuery,
        request: Request<FlightDescriptor>,
    ) -> Answer<FlightInfo> {
        let sql = String::from_utf8(query.prepared_statement_handle.to_vec()).unwrap();
        self.info(&sql, request).await
    }

    async fn do_put_prepared_statement_query(
        &self,
        query: CommandPreparedStatementQuery,
        _request: Request<PeekableFlightDataStream>,
    ) -> Result<DoPutPreparedStatementResult, Status> {
        Ok(DoPutPreparedStatementResult { prepared_statement_handle: Some(query.prepared_statement_handle) })
    }

    async fn get_flight_info_tables(
        &self,
        query: CommandGetTables,
        request: Request<FlightDescriptor>,
    ) -> Answer<FlightInfo> {
        let ticket = query.as_any().encode_to_vec();
        info(&query.into_builder().schema(), ticket, request)
    }

    async fn do_get_tables(
        &self,
        query: CommandGetTables,
        _request: Request<Ticket>,
    ) -> Answer<<Self as FlightService>::DoGetStream> {
        let mut builder = query.into_builder();
        for (name, schema) in &self.tables {
            builder.append("datafusion", "public", name, "BASE TABLE", schema).unwrap();
        }
        let (schema, batch) = (builder.schema(), builder.build());
        Ok(encode(schema, futures::stream::iter([batch])))
    }

    async fn register_sql_info(&self, _id: i32, _result: &SqlInfo) {}
}
