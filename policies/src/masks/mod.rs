//! What a mask does to a value: infallible functions over raw values that give the column's own type.

mod key;
mod text;
mod truncate;

use std::sync::Arc;

use datafusion::common::{Column as ColumnName, ScalarValue};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{Expr, ScalarUDF};

use catalog::Column;

pub use key::HashKey;
use text::{Style, TextMask};
use truncate::{Period, Truncate};

use crate::predicate::{Compiler, Template};
use crate::rules::{Mask, Refusal};

/// The built-in mask functions, made once for all rules.
pub(crate) struct Masks {
    show_last_4: Arc<ScalarUDF>,
    show_first_4: Arc<ScalarUDF>,
    alphanum: Arc<ScalarUDF>,
    hash: Arc<ScalarUDF>,
    year: Arc<ScalarUDF>,
    month: Arc<ScalarUDF>,
}

impl Masks {
    pub(crate) fn new(key: HashKey) -> Self {
        Self {
            show_last_4: TextMask::function(Style::ShowLast4),
            show_first_4: TextMask::function(Style::ShowFirst4),
            alphanum: TextMask::function(Style::Alphanum),
            hash: TextMask::function(Style::Hash(Arc::new(key))),
            year: Truncate::function(Period::Year),
            month: Truncate::function(Period::Month),
        }
    }

    /// The functions, for an engine that runs what they stand in.
    #[cfg(test)]
    pub(crate) fn functions(&self) -> [Arc<ScalarUDF>; 6] {
        [&self.show_last_4, &self.show_first_4, &self.alphanum, &self.hash, &self.year, &self.month].map(Arc::clone)
    }

    /// The expression that `mask` shows instead of `column`; none for `clear`.
    pub(crate) fn template(
        &self,
        mask: &Mask,
        column: &Column,
        compiler: &Compiler,
        schema: &Arc<datafusion::common::DFSchema>,
    ) -> Result<Option<Template>, Refusal> {
        let call = |function: &Arc<ScalarUDF>| {
            let value = Expr::Column(ColumnName::new_unqualified(&column.name));
            Expr::ScalarFunction(ScalarFunction::new_udf(Arc::clone(function), vec![value]))
        };
        let expression = match mask {
            Mask::Clear => return Ok(None),
            Mask::Null => null(column)?,
            Mask::Constant(text) => constant(text, column)?,
            Mask::ShowLast4 => call(&self.show_last_4),
            Mask::ShowFirst4 => call(&self.show_first_4),
            Mask::Alphanum => call(&self.alphanum),
            Mask::Hash => call(&self.hash),
            Mask::TruncateToYear => call(&self.year),
            Mask::TruncateToMonth => call(&self.month),
            Mask::Sql(text) => return compiler.value(schema, text, &column.data_type).map(Some),
        };
        Ok(Some(Template::fixed(expression)))
    }
}

/// NULL of the column's type.
pub(crate) fn null_or_absent(column: &Column) -> Expr {
    null(column).unwrap_or(Expr::Literal(ScalarValue::Null, None))
}

fn null(column: &Column) -> Result<Expr, Refusal> {
    let value = ScalarValue::try_new_null(&column.data_type).map_err(|_| {
        let message = format!("column `{}` of type {} cannot be NULL", column.name, column.data_type);
        Refusal::new(message, "deny the column instead")
    })?;
    Ok(Expr::Literal(value, None))
}

fn constant(text: &str, column: &Column) -> Result<Expr, Refusal> {
    let value =
        ScalarValue::Utf8(Some(text.to_owned())).cast_to(&column.data_type).ok().filter(|value| !value.is_null());
    value.map(|value| Expr::Literal(value, None)).ok_or_else(|| {
        let message = format!("'{text}' is not a value of column `{}` of type {}", column.name, column.data_type);
        Refusal::new(message, "write a value as PostgreSQL would, such as constant:'2000-01-01', or use `null`")
    })
}
