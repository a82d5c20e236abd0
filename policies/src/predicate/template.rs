//! A checked expression with places for the caller's identity.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, DataFusionError, ScalarValue};
use datafusion::logical_expr::Expr;

use super::identity::Meaning;
use super::{infallible, lossless, simplified};
use crate::key_set::InKeys;
use crate::principal::{AttributeValue, Principal};

/// An expression that waits for a principal's values. Infallible before and after.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Template {
    expression: Expr,
    needs: Needs,
}

/// Placeholders of an expression as it was written, with their types. Folding may drop one (`… OR true`), and
/// its value is needed all the same.
pub(crate) type Needs = Vec<(String, DataType)>;

/// What identity functions are answered from.
pub(crate) struct Identity<'a> {
    pub(crate) principal: &'a Principal,
    /// Bare names of all roles that the principal holds in the table's domain.
    pub(crate) roles: &'a BTreeSet<String>,
    pub(crate) values: Values,
}

/// What stands in an expression where a principal's values belong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Values {
    /// The values.
    OfPrincipal,
    /// The places for them: for people who compare rules, never for a table.
    AsWritten,
}

/// Why a template has no answer for a principal.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Missing {
    /// The principal has no such attribute, or an empty one.
    #[error("attribute '{0}' is missing")]
    Attribute(String),
    /// The attribute's value is not of the type that the expression needs.
    #[error("attribute '{name}' is not a value of type {wanted}")]
    Type { name: String, wanted: DataType },
    /// The filled-in expression would not be safe to run.
    #[error("the expression cannot be filled in")]
    Unsafe,
}

impl Template {
    pub(super) fn new(expression: Expr, needs: Needs) -> Self {
        Self { expression, needs }
    }

    /// An expression that is the same for everybody.
    pub(crate) fn fixed(expression: Expr) -> Self {
        Self::new(expression, Needs::new())
    }

    /// The expression, with placeholders.
    pub(crate) fn expression(&self) -> &Expr {
        &self.expression
    }

    /// What it needs to know of a principal.
    pub(crate) fn needs(&self) -> &Needs {
        &self.needs
    }

    /// The expression with the principal's values as typed literals, folded.
    pub(crate) fn fold(&self, identity: &Identity<'_>, schema: &Arc<DFSchema>) -> Result<Expr, Missing> {
        if self.needs.is_empty() || identity.values == Values::AsWritten {
            return Ok(self.expression.clone());
        }
        for (id, data_type) in &self.needs {
            literal(id, data_type, identity)?;
        }
        let filled = self.expression.clone().transform_up(|node| {
            if let (Some(set), Expr::ScalarFunction(call)) = (InKeys::of(&node), &node) {
                let set = set.fold(identity).map_err(|_| DataFusionError::Plan("missing".to_owned()))?;
                return Ok(call
                    .args
                    .first()
                    .cloned()
                    .map_or(Transformed::no(node), |value| Transformed::yes(set.call(value))));
            }
            let Expr::Placeholder(place) = &node else {
                return Ok(Transformed::no(node));
            };
            let value = place.field.as_ref().map(|field| literal(&place.id, field.data_type(), identity));
            match value {
                Some(Ok(value)) => Ok(Transformed::yes(Expr::Literal(value, None))),
                Some(Err(_)) | None => Err(DataFusionError::Plan("missing".to_owned())),
            }
        });
        let folded = simplified(schema, filled.map_err(|_| Missing::Unsafe)?.data).map_err(|_| Missing::Unsafe)?;
        infallible::check(&folded, schema).map_err(|_| Missing::Unsafe)?;
        Ok(folded)
    }
}

/// The placeholders of an expression.
pub(super) fn needs(expression: &Expr) -> Needs {
    let mut needs = Needs::new();
    let visited = expression.apply(|node| {
        if let Expr::Placeholder(place) = node {
            let data_type = place.field.as_ref().map_or(DataType::Null, |field| field.data_type().clone());
            needs.push((place.id.clone(), data_type));
        }
        needs.extend(InKeys::of(node).map(InKeys::needs).unwrap_or_default());
        Ok(TreeNodeRecursion::Continue)
    });
    debug_assert!(visited.is_ok(), "the visitor does not fail");
    needs
}

fn literal(id: &str, data_type: &DataType, identity: &Identity<'_>) -> Result<ScalarValue, Missing> {
    match Meaning::of(id).ok_or(Missing::Unsafe)? {
        Meaning::CurrentUser => Ok(ScalarValue::Utf8(Some(identity.principal.subject.to_string()))),
        Meaning::HasRole(role) => Ok(ScalarValue::Boolean(Some(identity.roles.contains(role)))),
        Meaning::Attribute(name) => {
            let value = identity.principal.attributes.get(name);
            let value = value.ok_or_else(|| Missing::Attribute(name.to_owned()))?;
            if matches!(value, AttributeValue::Text(text) if text.is_empty()) {
                return Err(Missing::Attribute(name.to_owned()));
            }
            typed(value, data_type).ok_or_else(|| Missing::Type { name: name.to_owned(), wanted: data_type.clone() })
        }
    }
}

/// The attribute as a literal of `data_type`; none where it does not mean such a value.
fn typed(value: &AttributeValue, data_type: &DataType) -> Option<ScalarValue> {
    let scalar = match value {
        AttributeValue::Text(text) => ScalarValue::Utf8(Some(text.clone())),
        AttributeValue::Integer(number) if lossless::is_number_or_text(data_type) => ScalarValue::Int64(Some(*number)),
        AttributeValue::Boolean(truth) if *data_type == DataType::Boolean => ScalarValue::Boolean(Some(*truth)),
        AttributeValue::Integer(_) | AttributeValue::Boolean(_) => return None,
    };
    scalar.cast_to(data_type).ok().filter(|literal| !literal.is_null())
}
