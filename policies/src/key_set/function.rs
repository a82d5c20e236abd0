//! The call that stands for a key set in a rule's expression until the keys are known.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::datatypes::DataType;
use catalog::TableName;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, DataFusionError, Result, ScalarValue, internal_err};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility, cast, lit,
};

use super::KeySet;
use crate::predicate::{Identity, Missing, Template, is_lossless};
use crate::rules::Refusal;

/// No caller can spell it by accident, and the sessions of callers do not know it.
pub(super) const NAME: &str = "in keys";

/// Whether a value is one of the keys that a table holds.
#[derive(Debug, Clone)]
pub(crate) struct InKeys {
    pub(super) name: String,
    pub(super) table: TableName,
    pub(super) column: String,
    pub(super) data_type: DataType,
    pub(super) condition: Option<Template>,
    /// The columns of `table`, which `condition` is over.
    pub(super) schema: Arc<DFSchema>,
    pub(super) signature: Signature,
}

impl InKeys {
    pub(crate) fn new(
        table: TableName,
        column: String,
        data_type: DataType,
        condition: Option<Template>,
        schema: Arc<DFSchema>,
    ) -> Self {
        let signature = Signature::any(1, Volatility::Volatile);
        Self { name: NAME.to_owned(), table, column, data_type, condition, schema, signature }
    }

    /// The call that `expression` is.
    pub(crate) fn of(expression: &Expr) -> Option<&Self> {
        let Expr::ScalarFunction(call) = expression else { return None };
        call.func.inner().downcast_ref::<Self>()
    }

    /// The same for one principal.
    pub(crate) fn fold(&self, identity: &Identity<'_>) -> std::result::Result<Self, Missing> {
        let condition = self.condition.as_ref().map(|condition| condition.fold(identity, &self.schema)).transpose()?;
        Ok(Self { condition: condition.map(Template::fixed), ..self.clone() })
    }

    pub(crate) fn needs(&self) -> Vec<(String, DataType)> {
        self.condition.as_ref().map(|condition| condition.needs().to_vec()).unwrap_or_default()
    }

    /// The keys that are meant. A condition that is NULL is true for no row.
    pub(super) fn key_set(&self) -> KeySet {
        let condition = self.condition.as_ref().map(|condition| {
            let condition = condition.expression().clone();
            if condition == Expr::Literal(ScalarValue::Boolean(None), None) { lit(false) } else { condition }
        });
        KeySet { table: self.table.clone(), column: self.column.clone(), data_type: self.data_type.clone(), condition }
    }

    pub(crate) fn call(self, value: Expr) -> Expr {
        Expr::ScalarFunction(ScalarFunction::new_udf(Arc::new(ScalarUDF::new_from_impl(self)), vec![value]))
    }
}

/// Whether a function is the call or the parser's place for it.
pub(crate) fn is_in_keys(call: &ScalarFunction) -> bool {
    call.func.inner().is::<InKeys>() || call.func.inner().is::<Place>()
}

/// Replaces the parser's places by the calls, of the types that are compared.
pub(crate) fn resolve(expression: Expr, sets: &[InKeys], schema: &DFSchema) -> std::result::Result<Expr, Refusal> {
    let mut refusal = None;
    let resolved = expression.transform_up(|node| {
        let Expr::ScalarFunction(call) = &node else { return Ok(Transformed::no(node)) };
        if !call.func.inner().is::<Place>() {
            return Ok(Transformed::no(node));
        }
        let called = call_of(call, sets, schema);
        called.map(Transformed::yes).map_err(|refused| {
            refusal = Some(refused);
            DataFusionError::Internal("refused".to_owned())
        })
    });
    resolved.map(|resolved| resolved.data).map_err(|_| refusal.unwrap_or_else(unknown))
}

fn call_of(place: &ScalarFunction, sets: &[InKeys], schema: &DFSchema) -> std::result::Result<Expr, Refusal> {
    let [value, Expr::Literal(ScalarValue::Int64(Some(number)), _)] = place.args.as_slice() else {
        return Err(unknown());
    };
    let set = usize::try_from(*number).ok().and_then(|number| sets.get(number)).ok_or_else(unknown)?;
    let own = value.get_type(schema).map_err(|_| unknown())?;
    if is_lossless(&set.data_type, &own) {
        return Ok(InKeys { data_type: own, ..set.clone() }.call(value.clone()));
    }
    if is_lossless(&own, &set.data_type) {
        return Ok(set.clone().call(cast(value.clone(), set.data_type.clone())));
    }
    let message = format!("a value of type {own} is looked up among keys of type {}", set.data_type);
    Err(Refusal::new(message, "look up values of the type that the other table's column has"))
}

fn unknown() -> Refusal {
    Refusal::new("the sub-query cannot be read", "write column IN (SELECT column FROM domain.table WHERE …)")
}

/// The function as the parser sees it: a value, and the number of a sub-query.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Place {
    signature: Signature,
}

/// The parser's place for the call.
pub(crate) fn place() -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::new_from_impl(Place { signature: Signature::any(2, Volatility::Volatile) }))
}

impl ScalarUDFImpl for Place {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, _arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        internal_err!("the place of a sub-query was not filled")
    }
}

impl ScalarUDFImpl for InKeys {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, _arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        internal_err!("the keys were not looked up")
    }
}

/// Two calls are the same when they mean the same keys; the schema follows from the table.
impl PartialEq for InKeys {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
            && self.table == other.table
            && self.column == other.column
            && self.data_type == other.data_type
            && self.condition == other.condition
    }
}

impl Eq for InKeys {}

impl Hash for InKeys {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.name, &self.table, &self.column, &self.data_type, &self.condition).hash(state);
    }
}
