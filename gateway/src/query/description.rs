//! What a statement takes and gives, known without running it.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef, TimeUnit};
use datafusion::common::Result as EngineResult;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::expr::Placeholder;
use datafusion::logical_expr::{Cast, Expr, LogicalPlan, TryCast};

use super::plan::{logical, plan, snapshot};
use super::{Pins, Query, Received, Statement, Types, wire};
use crate::error::{Error, ErrorKind};
use crate::failure;
use crate::governed::Snapshot;

/// What a statement takes and gives.
#[derive(Debug, Clone)]
pub struct Description {
    /// Columns of the result, in the types of the wire.
    pub schema: SchemaRef,
    /// The placeholders in the order of their numbers.
    pub parameters: Vec<Parameter>,
}

/// One placeholder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// The type that a bound value must fit into; Null where a value of any type will do.
    pub bound: DataType,
    /// The type that clients are told. JDBC makes the column that it sends of it, and refuses what does not fit.
    pub told: DataType,
}

impl Query<Received> {
    /// What the statement takes and gives.
    ///
    /// # Errors
    /// As [`Query::plan`].
    pub async fn describe(self) -> Result<Description, Error> {
        let Self { mut common, .. } = self;
        let snapshot = snapshot(&common, Pins::default());
        let describing = Box::pin(describe(Arc::clone(&snapshot), common.statement.clone()));
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

async fn describe(snapshot: Arc<Snapshot>, statement: Statement) -> Result<Description, Error> {
    let (state, logical) = logical(&snapshot, &statement.text, statement.domain.as_ref()).await?;
    let types = logical.get_parameter_types().map_err(|error| failure::told(&error))?;
    if types.is_empty() {
        let schema = plan(snapshot, statement).await?.schema;
        return Ok(Description { schema, parameters: Vec::new() });
    }
    let places = places(&logical).map_err(|error| failure::told(&error))?;
    let analysed = state.analyzer().execute_and_check(logical, state.config_options(), |_, _| {});
    let analysed = analysed.map_err(|error| failure::told(&error))?;
    let schema = wire::schema(analysed.schema().as_arrow(), statement.types);
    Ok(Description { schema, parameters: parameters(&types, &places)? })
}

/// The placeholders in the order of their numbers (`$10` after `$9`).
fn parameters(
    types: &HashMap<String, Option<DataType>>,
    places: &HashMap<String, DataType>,
) -> Result<Vec<Parameter>, Error> {
    let parameter = |number| {
        let name = format!("${number}");
        let Some(known) = types.get(&name) else {
            let message = "placeholders must be numbered $1, $2, … without gaps";
            return Err(Error::new(ErrorKind::InvalidStatement, message).with_sqlstate("07001"));
        };
        let bound = known.as_ref().map_or(DataType::Null, |known| wire::data_type(known, Types::Plain));
        let told = if bound.is_null() { places.get(&name).unwrap_or(&DataType::Utf8) } else { &bound };
        Ok(Parameter { told: told_type(told), bound })
    };
    (1..=types.len()).map(parameter).collect()
}

/// The type that clients are told. JDBC writes milliseconds into the column, whatever unit it has.
#[expect(clippy::wildcard_enum_match_arm, reason = "all other types are told as they are")]
fn told_type(data_type: &DataType) -> DataType {
    match wire::data_type(data_type, Types::Plain) {
        DataType::Timestamp(_, zone) => DataType::Timestamp(TimeUnit::Millisecond, zone),
        DataType::Time32(_) | DataType::Time64(_) => DataType::Time32(TimeUnit::Millisecond),
        other => other,
    }
}

/// What the places of placeholders tell of their types, where the planner does not: what they are cast to, and that
/// `LIMIT` and `OFFSET` count. A value of another type may still be bound there.
fn places(plan: &LogicalPlan) -> EngineResult<HashMap<String, DataType>> {
    let mut places = HashMap::new();
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::Limit(limit) = node {
            for count in [&limit.skip, &limit.fetch].into_iter().flatten() {
                note(count, &DataType::Int64, &mut places)?;
            }
        }
        node.apply_expressions(|expression| {
            expression.apply(|part| {
                if let Expr::Cast(Cast { expr, field }) | Expr::TryCast(TryCast { expr, field }) = part {
                    note(expr, field.data_type(), &mut places)?;
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    Ok(places)
}

/// Notes the type of `expression` where it is a placeholder, as a cast of the planner's own may be around it.
fn note(expression: &Expr, data_type: &DataType, places: &mut HashMap<String, DataType>) -> EngineResult<()> {
    expression.apply(|part| {
        if let Expr::Placeholder(Placeholder { id, field: None }) = part {
            places.entry(id.clone()).or_insert_with(|| data_type.clone());
        }
        Ok(if matches!(part, Expr::Cast(_)) { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
    })?;
    Ok(())
}
