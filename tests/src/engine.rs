//! A plain DataFusion without any governance: makes data, answers for the remote, and is what results are
//! compared with.
#![expect(clippy::disallowed_methods, reason = "not a session of the gateway: nothing here is governed")]

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use datafusion::catalog::{MemTable, MemorySchemaProvider, SchemaProvider as _, TableProvider};
use datafusion::common::Result;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::context::SessionContext;
use datafusion::prelude::SessionConfig;

use crate::rows::Rows;

/// A DataFusion with these tables.
#[must_use]
pub fn engine(tables: &[(&str, Arc<dyn TableProvider>)]) -> SessionContext {
    engine_with(SessionConfig::new(), tables)
}

/// A DataFusion with this configuration and these tables.
#[must_use]
pub fn engine_with(config: SessionConfig, tables: &[(&str, Arc<dyn TableProvider>)]) -> SessionContext {
    let state = SessionStateBuilder::new_with_default_features().with_config(config).build();
    let context = SessionContext::new_with_state(state);
    for (name, table) in tables {
        context.register_table(*name, Arc::clone(table)).unwrap();
    }
    context
}

/// A table of these batches, which it yields one by one.
#[must_use]
pub fn memory(batches: Vec<RecordBatch>) -> Arc<dyn TableProvider> {
    let schema = batches.first().unwrap().schema();
    Arc::new(MemTable::try_new(schema, vec![batches]).unwrap())
}

/// What the engine answers.
///
/// # Errors
/// What DataFusion says.
pub async fn answer(context: &SessionContext, sql: &str) -> Result<Rows> {
    let frame = context.sql(sql).await?;
    let schema = Arc::new(frame.schema().as_arrow().clone());
    Ok(Rows { schema, batches: frame.collect().await? })
}

/// The same engine without one of its optimisations, for each of them that is not needed: what to ask where an
/// optimisation may be wrong.
#[must_use]
pub fn without_an_optimisation(context: &SessionContext) -> Vec<(String, SessionContext)> {
    let state = context.state();
    let builder = || SessionStateBuilder::new_from_existing(state.clone());
    let mut all = Vec::new();
    for left_out in state.optimizers() {
        let rules = state.optimizers().iter().filter(|rule| rule.name() != left_out.name()).cloned().collect();
        let without = builder().with_optimizer_rules(rules).build();
        all.push((left_out.name().to_owned(), SessionContext::new_with_state(without)));
    }
    for left_out in state.physical_optimizers() {
        let kept = state.physical_optimizers().iter().filter(|rule| rule.name() != left_out.name());
        let without = builder().with_physical_optimizer_rules(kept.cloned().collect()).build();
        all.push((left_out.name().to_owned(), SessionContext::new_with_state(without)));
    }
    all
}

/// One batch with the rows of a statement, which usually is a `VALUES`; every column is nullable.
pub async fn batch(sql: &str) -> RecordBatch {
    let context =
        engine_with(SessionConfig::new().set_bool("datafusion.sql_parser.map_string_types_to_utf8view", false), &[]);
    let rows = answer(&context, sql).await.unwrap();
    let batch = arrow::compute::concat_batches(&rows.schema, &rows.batches).unwrap();
    let fields = rows.schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
    RecordBatch::try_new(Arc::new(Schema::new(fields.collect::<Vec<_>>())), batch.columns().to_vec()).unwrap()
}

/// A DataFusion with these tables in a schema of this name.
#[must_use]
pub fn with_schema(schema: &str, tables: &[(&str, Arc<dyn TableProvider>)]) -> SessionContext {
    let context = engine(&[]);
    add_schema(&context, schema, tables);
    context
}

/// Adds a schema with these tables.
pub fn add_schema(context: &SessionContext, schema: &str, tables: &[(&str, Arc<dyn TableProvider>)]) {
    let provider = MemorySchemaProvider::new();
    for (name, table) in tables {
        provider.register_table((*name).to_owned(), Arc::clone(table)).unwrap();
    }
    context.catalog("datafusion").unwrap().register_schema(schema, Arc::new(provider)).unwrap();
}
