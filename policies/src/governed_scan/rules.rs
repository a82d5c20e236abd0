//! A table's restrictions in terms of its source: made once per governed table, used by each of its scans.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use catalog::drift::Binding;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::utils::split_conjunction_owned;
use datafusion::logical_expr::{Expr, ExprSchemable, cast};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::scalar::ScalarValue;

use crate::decision::{ColumnAccess, Restrictions};
use crate::leakproof::base_type;
use crate::unguarded::{self, Mutation};

/// Most values of a list that a source is handed; pruning by more takes longer than it saves.
const MAX_NATIVE_LIST: usize = 1000;

/// What of a source is shown, and how.
pub(crate) struct Rules {
    /// Which rows.
    pub(crate) rows: Rows,
    /// Which columns, in the order of the governed table.
    pub(crate) columns: Vec<ShownColumn>,
    /// Whether nothing is hidden, renamed or converted.
    pub(crate) whole: bool,
    /// Whether something is hidden.
    pub(crate) restricted: bool,
    translation: Translation,
}

/// Which rows are shown.
pub(crate) enum Rows {
    /// Every row.
    All,
    /// Not one.
    None,
    /// Those that all of these conditions are true for.
    Where(Vec<Condition>),
}

/// A condition in terms of the source's columns.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Condition {
    pub(crate) expression: Expr,
    /// Whether it is over the source's columns as they are, without a conversion, and short.
    pub(crate) native: bool,
}

/// One column of the governed table.
pub(crate) struct ShownColumn {
    /// Name, type and nullability that the caller sees.
    pub(crate) field: FieldRef,
    /// Its value in terms of the source's columns, of the field's type.
    pub(crate) value: Expr,
    /// Whether a mask makes the value.
    pub(crate) masked: bool,
}

impl Rules {
    /// Fails when a filter or mask does not fit the columns of `binding`, which `translation` was made of.
    pub(crate) fn new(translation: Translation, binding: &Binding, restrictions: &Restrictions) -> Result<Self> {
        let raw = RawColumns::new(binding)?;
        let rows = raw.rows(unguarded::row_filter(restrictions, binding)?.as_ref(), &translation)?;
        let columns: Vec<ShownColumn> = unguarded::columns(restrictions, binding)
            .iter()
            .map(|access| raw.shown(binding, access, &translation))
            .collect::<Result<_>>()?;
        let restricted = !restrictions.is_unrestricted(binding.columns.len());
        let whole = !restricted
            && columns.iter().all(|shown| shown.value == Expr::Column(Column::new_unqualified(shown.field.name())));
        Ok(Self { rows, columns, whole, restricted, translation })
    }

    /// The caller's condition in terms of the source.
    pub(crate) fn translate(&self, condition: &Expr) -> Result<Condition> {
        self.translation.translate(condition.clone())
    }

    /// What the caller sees of the table.
    pub(crate) fn schema(&self) -> SchemaRef {
        Arc::new(Schema::new(self.columns.iter().map(|shown| Arc::clone(&shown.field)).collect::<Vec<_>>()))
    }

    /// The columns that the caller sees as they are.
    pub(crate) fn clear(&self) -> Schema {
        let clear =
            self.columns.iter().filter(|shown| !shown.masked || unguarded::has(Mutation::MaskedColumnsAreClear));
        Schema::new(clear.map(|shown| Arc::clone(&shown.field)).collect::<Vec<_>>())
    }
}

/// Contract column → source column.
pub(crate) struct Translation {
    columns: HashMap<String, SourceColumn>,
}

struct SourceColumn {
    column: Column,
    /// The type to convert to, where the source has another.
    cast: Option<DataType>,
}

impl Translation {
    /// Fails when the binding does not fit the source's `schema`.
    pub(crate) fn new(schema: &Schema, binding: &Binding) -> Result<Self> {
        let mut columns = HashMap::with_capacity(binding.columns.len());
        for bound in &binding.columns {
            let Some(source) = schema.fields().get(bound.source_index) else {
                return Err(plan(format!(
                    "the source has no column {} for {}",
                    bound.source_index,
                    bound.field.name()
                )));
            };
            // Expressions find their columns by name.
            if schema.fields().iter().filter(|other| other.name() == source.name()).count() != 1 {
                return Err(plan(format!("the source has several columns {:?}", source.name())));
            }
            if !bound.cast && source.data_type() != bound.field.data_type() {
                return Err(plan(format!("column {:?} has another type than its binding", source.name())));
            }
            let cast = bound.cast.then(|| bound.field.data_type().clone());
            let column = SourceColumn { column: Column::new_unqualified(source.name()), cast };
            columns.insert(bound.field.name().clone(), column);
        }
        Ok(Self { columns })
    }

    fn translate(&self, expression: Expr) -> Result<Condition> {
        let mut native = true;
        let expression = expression.transform_up(|part| {
            native = native && !matches!(&part, Expr::InList(list) if list.list.len() > MAX_NATIVE_LIST);
            let Expr::Column(column) = &part else { return Ok(Transformed::no(part)) };
            let Some(source) = self.columns.get(&column.name) else {
                return Err(plan(format!("there is no column {:?}", column.name)));
            };
            let column = Expr::Column(source.column.clone());
            Ok(Transformed::yes(match &source.cast {
                None => column,
                Some(data_type) => {
                    native = false;
                    cast(column, data_type.clone())
                }
            }))
        });
        Ok(Condition { expression: expression.data()?, native })
    }
}

/// The contract's columns with their raw values, all of them: what filters and masks are written in.
struct RawColumns {
    schema: Arc<DFSchema>,
    simplifier: ExprSimplifier,
}

impl RawColumns {
    fn new(binding: &Binding) -> Result<Self> {
        // All nullable: a source that breaks its promise must not make `tenant IS NOT NULL` fold to true.
        let fields =
            binding.columns.iter().map(|bound| Field::new(bound.field.name(), bound.field.data_type().clone(), true));
        let schema = Arc::new(DFSchema::try_from(Schema::new(fields.collect::<Vec<_>>()))?);
        let context = SimplifyContext::builder().with_schema(Arc::clone(&schema)).build();
        Ok(Self { schema, simplifier: ExprSimplifier::new(context) })
    }

    fn rows(&self, filter: Option<&Expr>, translation: &Translation) -> Result<Rows> {
        let Some(filter) = filter else { return Ok(Rows::All) };
        let filter = self.prepare(filter)?;
        if !matches!(filter.get_type(self.schema.as_ref())?, DataType::Boolean | DataType::Null) {
            return Err(plan("the row filter is not a condition"));
        }
        let mut conditions: Vec<Condition> = Vec::new();
        for conjunct in split_conjunction_owned(filter) {
            let Expr::Literal(constant, _) = &conjunct else {
                let condition = translation.translate(conjunct)?;
                if !conditions.contains(&condition) {
                    conditions.push(condition);
                }
                continue;
            };
            if *constant != ScalarValue::Boolean(Some(true)) {
                return Ok(Rows::None);
            }
        }
        Ok(if conditions.is_empty() { Rows::All } else { Rows::Where(conditions) })
    }

    fn shown(&self, binding: &Binding, access: &ColumnAccess, translation: &Translation) -> Result<ShownColumn> {
        let Some(bound) = binding.columns.get(access.index) else {
            return Err(plan(format!("the contract has no column {}", access.index)));
        };
        let Some(mask) = access.mask.as_ref().filter(|_| !unguarded::has(Mutation::NoMasks)) else {
            let value = Expr::Column(Column::new_unqualified(bound.field.name()));
            let field = Field::new(bound.field.name(), bound.field.data_type().clone(), bound.field.is_nullable());
            let value = translation.translate(value)?.expression;
            return Ok(ShownColumn { field: Arc::new(field), value, masked: false });
        };
        // A dictionary's keys might be too few for the values that a mask makes.
        let data_type = if let DataType::Dictionary(_, value) = bound.field.data_type() {
            value.as_ref()
        } else {
            bound.field.data_type()
        };
        let value = self.masked(&mask.expression, data_type)?;
        let field = Field::new(bound.field.name(), data_type.clone(), true);
        Ok(ShownColumn { field: Arc::new(field), value: translation.translate(value)?.expression, masked: true })
    }

    /// The mask as an expression of type `wanted`; refused when converting to that type could fail.
    fn masked(&self, mask: &Expr, wanted: &DataType) -> Result<Expr> {
        let mask = self.prepare(mask)?;
        let made = mask.get_type(self.schema.as_ref())?;
        if made == *wanted {
            return Ok(mask);
        }
        if let Expr::Literal(constant, _) = &mask {
            return Ok(Expr::Literal(constant.cast_to(wanted)?, None));
        }
        if base_type(&made) == base_type(wanted) || widens(&made, wanted) {
            return Ok(cast(mask, wanted.clone()));
        }
        Err(plan(format!("a mask makes {made} of a column of type {wanted}")))
    }

    /// Types made equal and constants folded, so that a source can prune by the result.
    fn prepare(&self, expression: &Expr) -> Result<Expr> {
        check_form(expression)?;
        let expression = self.simplifier.coerce(expression.clone(), &self.schema)?;
        self.simplifier.simplify(expression)
    }
}

/// Refuses what a rule may not hold: other plans, other rows, parameters, chance.
fn check_form(expression: &Expr) -> Result<()> {
    let mut refused = expression.is_volatile();
    expression.apply(|part| {
        refused = refused
            || matches!(
                part,
                Expr::ScalarSubquery(_)
                    | Expr::Exists(_)
                    | Expr::InSubquery(_)
                    | Expr::SetComparison(_)
                    | Expr::OuterReferenceColumn(..)
                    | Expr::AggregateFunction(_)
                    | Expr::WindowFunction(_)
                    | Expr::GroupingSet(_)
                    | Expr::Placeholder(_)
                    | Expr::ScalarVariable(..)
                    | Expr::Unnest(_)
            );
        Ok(if refused { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    if refused { Err(plan("a rule holds a sub-query, an aggregate, a parameter or chance")) } else { Ok(()) }
}

/// Whether every value of `from` is one of `to`.
fn widens(from: &DataType, to: &DataType) -> bool {
    use DataType::{Float32, Float64, Int8, Int16, Int32, Int64};
    *from == DataType::Null
        || matches!(
            (from, to),
            (Int8, Int16 | Int32 | Int64) | (Int16, Int32 | Int64) | (Int32, Int64) | (Float32, Float64)
        )
}

/// Names of the columns that `expressions` use.
pub(super) fn column_names<'a>(expressions: impl IntoIterator<Item = &'a Expr>) -> BTreeSet<String> {
    let columns = expressions.into_iter().flat_map(Expr::column_refs);
    columns.map(|column| column.name.clone()).collect()
}

fn plan(what: impl Into<String>) -> DataFusionError {
    DataFusionError::Plan(what.into())
}
