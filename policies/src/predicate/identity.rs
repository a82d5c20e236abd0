//! `attribute('x')`, `current_user()` and `has_role('r')`: known to the parser, replaced before anything runs.

use arrow::datatypes::{DataType, Field};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, DataFusionError, Result, ScalarValue, internal_err};
use datafusion::logical_expr::expr::{InList, Placeholder, ScalarFunction};
use datafusion::logical_expr::{
    Between, BinaryExpr, ColumnarValue, Expr, ExprSchemable, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility, lit,
};
use std::sync::Arc;

use super::{infallible, lossless};
use crate::principal::is_reserved_attribute;
use crate::rules::Refusal;

const ATTRIBUTE: &str = "attribute";
const CURRENT_USER: &str = "current_user";
const HAS_ROLE: &str = "has_role";

/// What a placeholder stands for; its id says so.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meaning<'a> {
    Attribute(&'a str),
    CurrentUser,
    HasRole(&'a str),
}

impl<'a> Meaning<'a> {
    /// The meaning of a placeholder's id. A caller's own `$1` has none.
    pub(super) fn of(id: &'a str) -> Option<Self> {
        if id == "$current_user" {
            return Some(Self::CurrentUser);
        }
        let attribute = id.strip_prefix("$attribute:").map(Self::Attribute);
        attribute.or_else(|| id.strip_prefix("$has_role:").map(Self::HasRole))
    }

    fn placeholder(&self, data_type: DataType) -> Expr {
        let id = match self {
            Self::Attribute(name) => format!("$attribute:{name}"),
            Self::CurrentUser => "$current_user".to_owned(),
            Self::HasRole(name) => format!("$has_role:{name}"),
        };
        let field = Arc::new(Field::new("", data_type, true));
        Expr::Placeholder(Placeholder::new_with_field(id, Some(field)))
    }
}

/// The functions as the parser sees them.
pub(super) fn functions() -> [Arc<ScalarUDF>; 3] {
    [
        Stub::function(ATTRIBUTE, 1, DataType::Utf8),
        Stub::function(CURRENT_USER, 0, DataType::Utf8),
        Stub::function(HAS_ROLE, 1, DataType::Boolean),
    ]
}

/// The expression with calls where the placeholders are: as the rule's author wrote it.
pub(crate) fn as_written(expression: Expr) -> Expr {
    let named =
        |function: Arc<ScalarUDF>, name: &str| Expr::ScalarFunction(ScalarFunction::new_udf(function, vec![lit(name)]));
    let call = |meaning: Meaning<'_>| match meaning {
        Meaning::Attribute(name) => named(Stub::function(ATTRIBUTE, 1, DataType::Utf8), name),
        Meaning::HasRole(role) => named(Stub::function(HAS_ROLE, 1, DataType::Boolean), role),
        Meaning::CurrentUser => {
            let function = Stub::function(CURRENT_USER, 0, DataType::Utf8);
            Expr::ScalarFunction(ScalarFunction::new_udf(function, Vec::new()))
        }
    };
    let original = expression.clone();
    let written = expression.transform_up(|node| {
        let meaning = if let Expr::Placeholder(place) = &node { Meaning::of(&place.id) } else { None };
        Ok(meaning.map(call).map_or_else(|| Transformed::no(node.clone()), Transformed::yes))
    });
    written.map_or(original, |written| written.data)
}

/// Whether a function of this name is one of ours.
pub(super) fn is_identity(name: &str) -> bool {
    [ATTRIBUTE, CURRENT_USER, HAS_ROLE].contains(&name)
}

/// Replaces the calls by typed placeholders. An attribute has the type of what it is compared with.
pub(super) fn to_placeholders(expression: Expr, schema: &DFSchema) -> Result<Expr, Refusal> {
    let mut refusal = None;
    let replaced = expression.transform_down(|node| match replace(node, schema) {
        Ok(transformed) => Ok(transformed),
        Err(refused) => {
            refusal = Some(refused);
            internal_err!("refused")
        }
    });
    match replaced {
        Ok(transformed) => Ok(transformed.data),
        Err(error) => Err(refusal.unwrap_or_else(|| super::unreadable(&error))),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "only these compare, and give an attribute its type")]
fn replace(node: Expr, schema: &DFSchema) -> Result<Transformed<Expr>, Refusal> {
    match node {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if infallible::is_total_operator(op) => {
            let (left_type, right_type) = (known_type(&left, schema), known_type(&right, schema));
            let left = Box::new(typed(*left, right_type.as_ref())?);
            let right = Box::new(typed(*right, left_type.as_ref())?);
            Ok(Transformed::yes(Expr::BinaryExpr(BinaryExpr { left, op, right })))
        }
        Expr::InList(InList { expr, list, negated }) => {
            let own = known_type(&expr, schema);
            let first = list.iter().find_map(|item| known_type(item, schema));
            let expr = Box::new(typed(*expr, first.as_ref())?);
            let list = list.into_iter().map(|item| typed(item, own.as_ref())).collect::<Result<_, _>>()?;
            Ok(Transformed::yes(Expr::InList(InList { expr, list, negated })))
        }
        Expr::Between(Between { expr, negated, low, high }) => {
            let own = known_type(&expr, schema);
            let bound = known_type(&low, schema).or_else(|| known_type(&high, schema));
            let expr = Box::new(typed(*expr, bound.as_ref())?);
            let low = Box::new(typed(*low, own.as_ref())?);
            let high = Box::new(typed(*high, own.as_ref())?);
            Ok(Transformed::yes(Expr::Between(Between { expr, negated, low, high })))
        }
        Expr::ScalarFunction(_) => {
            let before = matches!(&node, Expr::ScalarFunction(call) if is_identity(call.name()));
            let node = typed(node, None)?;
            Ok(if before { Transformed::yes(node) } else { Transformed::no(node) })
        }
        other => Ok(Transformed::no(other)),
    }
}

/// The type of an expression that is not itself a call of `attribute`.
fn known_type(expression: &Expr, schema: &DFSchema) -> Option<DataType> {
    let asks = matches!(expression, Expr::ScalarFunction(call) if call.name() == ATTRIBUTE);
    if asks { None } else { expression.get_type(schema).ok().filter(|data_type| *data_type != DataType::Null) }
}

/// The placeholder for a call of one of ours; everything else as it is.
fn typed(expression: Expr, wanted: Option<&DataType>) -> Result<Expr, Refusal> {
    let Expr::ScalarFunction(ScalarFunction { func, args }) = &expression else {
        return Ok(expression);
    };
    match func.name() {
        CURRENT_USER => Ok(Meaning::CurrentUser.placeholder(DataType::Utf8)),
        HAS_ROLE => Ok(Meaning::HasRole(&word(HAS_ROLE, args)?).placeholder(DataType::Boolean)),
        ATTRIBUTE => {
            let name = word(ATTRIBUTE, args)?;
            if is_reserved_attribute(&name) {
                let remedy = "use current_user() or has_role('…'), which no claim can change";
                return Err(Refusal::new(format!("attribute name '{name}' is reserved"), remedy));
            }
            let data_type = wanted.cloned().unwrap_or(DataType::Utf8);
            if !lossless::is_comparable(&data_type) {
                let message = format!("attribute '{name}' is compared with a value of type {data_type}");
                return Err(Refusal::new(message, "compare it with a text, number, date or boolean"));
            }
            Ok(Meaning::Attribute(&name).placeholder(data_type))
        }
        _ => Ok(expression),
    }
}

fn word(function: &str, args: &[Expr]) -> Result<String, Refusal> {
    match args {
        [Expr::Literal(ScalarValue::Utf8(Some(word)), _)] if !word.is_empty() => Ok(word.clone()),
        _ => Err(Refusal::new(
            format!("{function}() needs one name in quotes"),
            format!("write {function}('name'); the name cannot be computed"),
        )),
    }
}

/// A function that only exists to be parsed.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Stub {
    name: &'static str,
    signature: Signature,
    returns: DataType,
}

impl Stub {
    fn function(name: &'static str, arguments: usize, returns: DataType) -> Arc<ScalarUDF> {
        let signature = match arguments {
            0 => Signature::nullary(Volatility::Volatile),
            _ => Signature::any(arguments, Volatility::Volatile),
        };
        Arc::new(ScalarUDF::new_from_impl(Self { name, signature, returns }))
    }
}

impl ScalarUDFImpl for Stub {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(self.returns.clone())
    }

    fn invoke_with_args(&self, _arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Err(DataFusionError::Internal(format!("{} was not replaced", self.name)))
    }
}
