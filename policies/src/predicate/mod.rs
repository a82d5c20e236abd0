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

pub(crate) use identity::as_written;
use template::Needs;
pub(crate) use template::{Identity, Template, Values};

use crate::rules::Refusal;

/// Turns the text of predicates and expressions into [`Template`]s over a table's contract.
pub(crate) struct Compiler {
    state: SessionState,
}

impl Compiler {
    pub(crate) fn new() -> Self {
        let mut config = SessionConfig::new();
        let parser = &mut config.options_mut().sql_parser;
        parser.map_string_types_to_utf8view = false;
        parser.parse_float_as_decimal = true;
        let mut builder = SessionStateBuilder::new().with_config(config).with_default_features();
        builder.scalar_functions().get_or_insert_default().extend(identity::functions());
        Self { state: builder.build() }
    }

    /// A row filter.
    pub(crate) fn filter(&self, schema: &Arc<DFSchema>, text: &str) -> Result<Template, Refusal> {
        let (expression, needs) = self.checked(schema, text)?;
        match expression.get_type(schema.as_ref()) {
            Ok(DataType::Boolean) => {}
            Ok(DataType::Null) => return Ok(Template::fixed(Expr::Literal(ScalarValue::Boolean(Some(false)), None))),
            Ok(other) => {
                let message = format!("the predicate gives {other}, not true or false");
                return Err(Refusal::new(message, "write a condition, such as \"region = 'EU'\""));
            }
            Err(error) => return Err(unreadable(&error)),
        }
        Ok(Template::new(expression, needs))
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
        let parsed = parse::parse(text)?;
        let raw = self.state.create_logical_expr_from_sql_expr(parsed, schema).map_err(|error| unreadable(&error))?;
        let raw = raw.unalias_nested().data;
        infallible::check_forms(&raw)?;
        let typed = identity::to_placeholders(raw, schema)?;
        let needs = template::needs(&typed);
        let coerced = simplifier(schema).coerce(typed, schema).map_err(|error| unreadable(&error))?;
        let simple = simplified(schema, coerced).map_err(|error| unreadable(&error))?;
        infallible::check(&simple, schema)?;
        Ok((simple, needs))
    }
}

/// Folds constants. The clock is not given, so nothing that depends on it can be folded.
fn simplified(schema: &Arc<DFSchema>, expression: Expr) -> datafusion::common::Result<Expr> {
    simplifier(schema).simplify(expression)
}

fn simplifier(schema: &Arc<DFSchema>) -> ExprSimplifier {
    ExprSimplifier::new(SimplifyContext::builder().with_schema(Arc::clone(schema)).build())
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
