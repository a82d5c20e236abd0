//! Predicates of `p2` rows and expressions of `sql:` masks: parsed, typed and checked once at load, filled in
//! with a principal's values when deciding.

mod identity;
mod infallible;
mod lossless;
mod parse;
mod template;

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{Expr, ExprSchemable};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::prelude::SessionConfig;

use catalog::Registry;
use catalog::source::Source;
use datafusion::sql::sqlparser::ast::ExprWithAlias;

pub(crate) use identity::as_written;
pub(crate) use infallible::is_total;
pub(crate) use lossless::{digits, is_integer, is_lossless};
use template::Needs;
pub(crate) use template::{Identity, Missing, Template, Values};

use crate::key_set::{self, InKeys, Lookup};
use crate::rules::Refusal;

/// Turns the text of predicates and expressions into [`Template`]s over a table's contract.
pub(crate) struct Compiler {
    state: SessionState,
    registry: Arc<Registry>,
}

impl Compiler {
    /// Sub-queries may look into the tables of `registry`.
    pub(crate) fn new(registry: Arc<Registry>) -> Self {
        let mut config = SessionConfig::new();
        let parser = &mut config.options_mut().sql_parser;
        parser.map_string_types_to_utf8view = false;
        parser.parse_float_as_decimal = true;
        let mut builder = SessionStateBuilder::new().with_config(config).with_default_features();
        builder.scalar_functions().get_or_insert_default().extend(identity::functions());
        builder.scalar_functions().get_or_insert_default().push(key_set::place());
        Self { state: builder.build(), registry }
    }

    /// A row filter.
    pub(crate) fn filter(&self, schema: &Arc<DFSchema>, text: &str) -> Result<Template, Refusal> {
        let (expression, needs) = self.checked(schema, text)?;
        boolean(schema, expression, needs)
    }

    /// An expression of a mask for a column of type `column`.
    pub(crate) fn value(&self, schema: &Arc<DFSchema>, text: &str, column: &DataType) -> Result<Template, Refusal> {
        let (expression, needs) = self.checked(schema, text)?;
        let own = expression.get_type(schema.as_ref()).map_err(|error| unreadable(&error))?;
        if own == *column {
            return Ok(Template::new(expression, needs));
        }
        let cast = expression.cast_to(column, schema.as_ref()).map_err(|error| unreadable(&error))?;
        let cast = simplified(schema, cast).map_err(|error| unreadable(&error))?;
        if infallible::check(&cast, schema).is_err() {
            let message = format!("the mask gives {own}, but the column is {column}");
            return Err(Refusal::new(
                message,
                format!("write an expression that gives {column}; try_cast(… AS …) may help"),
            ));
        }
        Ok(Template::new(cast, needs))
    }

    fn checked(&self, schema: &Arc<DFSchema>, text: &str) -> Result<(Expr, Needs), Refusal> {
        let mut parsed = parse::parse(text)?;
        let lookups = key_set::take(&mut parsed.expr)?;
        let sets = lookups.into_iter().map(|lookup| self.key_set(lookup)).collect::<Result<Vec<InKeys>, _>>()?;
        self.checked_tree(schema, parsed, &sets)
    }

    /// What a sub-query looks up, checked against the other table's contract.
    fn key_set(&self, lookup: Lookup) -> Result<InKeys, Refusal> {
        let Lookup { table: name, column, condition } = lookup;
        let Some(table) = self.registry.table(&name) else {
            let message = format!("the table \"{name}\" of the sub-query is not in the catalog");
            return Err(Refusal::new(message, "name a table of a contract, as domain.table"));
        };
        if matches!(table.source, Source::MeshSql(_)) {
            let message = format!("the sub-query reads the view \"{name}\"");
            return Err(Refusal::new(message, "look the keys up in a table, not in a view"));
        }
        let Some(key) = table.columns.iter().find(|known| known.name == column) else {
            let message = format!("the table \"{name}\" of the sub-query has no column `{column}`");
            return Err(Refusal::new(message, "use a column of its contract"));
        };
        if !lossless::is_comparable(&key.data_type) {
            let message = format!("keys of type {} cannot be looked up", key.data_type);
            return Err(Refusal::new(message, "use a column of texts, numbers or dates"));
        }
        let schema = DFSchema::try_from(table.schema()).map_err(|error| unreadable(&error))?;
        let schema = Arc::new(schema);
        let condition = condition.map(|expr| {
            let (expression, needs) = self.checked_tree(&schema, ExprWithAlias { expr, alias: None }, &[])?;
            boolean(&schema, expression, needs)
        });
        Ok(InKeys::new(name, column, key.data_type.clone(), condition.transpose()?, schema))
    }

    fn checked_tree(
        &self,
        schema: &Arc<DFSchema>,
        parsed: ExprWithAlias,
        sets: &[InKeys],
    ) -> Result<(Expr, Needs), Refusal> {
        let raw = self.state.create_logical_expr_from_sql_expr(parsed, schema).map_err(|error| unreadable(&error))?;
        let raw = raw.unalias_nested().data;
        infallible::check_forms(&raw)?;
        let typed = identity::to_placeholders(raw, schema)?;
        let typed = key_set::resolve(typed, sets, schema)?;
        let needs = template::needs(&typed);
        let coerced = simplifier(schema).coerce(typed, schema).map_err(|error| unreadable(&error))?;
        let simple = simplified(schema, coerced).map_err(|error| unreadable(&error))?;
        infallible::check(&simple, schema)?;
        Ok((simple, needs))
    }
}

/// A condition; one that is always NULL is true for no row.
fn boolean(schema: &DFSchema, expression: Expr, needs: Needs) -> Result<Template, Refusal> {
    match expression.get_type(schema) {
        Ok(DataType::Boolean) => Ok(Template::new(expression, needs)),
        Ok(DataType::Null) => Ok(Template::fixed(Expr::Literal(ScalarValue::Boolean(Some(false)), None))),
        Ok(other) => {
            let message = format!("the predicate gives {other}, not true or false");
            Err(Refusal::new(message, "write a condition, such as \"region = 'EU'\""))
        }
        Err(error) => Err(unreadable(&error)),
    }
}

/// Folds constants. The clock is not given, so nothing that depends on it can be folded.
fn simplified(schema: &Arc<DFSchema>, expression: Expr) -> datafusion::common::Result<Expr> {
    simplifier(schema).simplify(expression)
}

fn simplifier(schema: &Arc<DFSchema>) -> ExprSimplifier {
    ExprSimplifier::new(SimplifyContext::builder().with_schema(Arc::clone(schema)).build())
}

/// Whether a typed and folded expression has a value for every row, and the same value every time.
pub(crate) fn is_infallible(expression: &Expr, schema: &DFSchema) -> bool {
    infallible::check(expression, schema).is_ok()
}

fn unreadable(error: &datafusion::common::DataFusionError) -> Refusal {
    let text = error.find_root().strip_backtrace();
    let first = text.lines().next().unwrap_or_default();
    Refusal::new(
        format!("the expression cannot be read: {first}"),
        "use the contract's columns, unqualified, and functions of the language (policies/README.md)",
    )
}

#[cfg(test)]
mod tests;
