//! Plans one scan of a governed table: what the source is asked for, and the hidden tree above it.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use catalog::{TableName, Version};
use datafusion::catalog::{ScanArgs, Session, TableProvider};
use datafusion::common::DFSchema;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_expr::projection::ProjectionExpr;
use datafusion::physical_expr::{conjunction, create_physical_expr};
use datafusion::physical_optimizer::filter_pushdown::FilterPushdown;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::{ExecutionPlan, PhysicalExpr};

use super::carrier::{Carried, carry};
use super::hidden::{Hidden, assemble};
use super::rules::{Condition, Rows, Rules, ShownColumn, column_names};
use super::{GovernedScan, Openness};

/// One scan of one governed table.
pub(crate) struct ScanRequest<'a> {
    /// The table.
    pub(crate) table: &'a TableName,
    /// The version of it that the source stands for.
    pub(crate) version: Version,
    /// Where the raw rows come from.
    pub(crate) inner: &'a Arc<dyn TableProvider>,
    /// What is shown of them.
    pub(crate) rules: &'a Rules,
    /// Places of the wanted columns among those shown; all where there is none.
    pub(crate) projection: Option<&'a [usize]>,
    /// The caller's conditions, each leakproof, over the columns shown.
    pub(crate) conditions: &'a [Expr],
    /// How many rows will do.
    pub(crate) limit: Option<usize>,
}

/// Where a condition comes from; decides how often it is applied.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// The row filter: applied here, whatever the source promises.
    RowFilter,
    /// The caller: applied here unless the source promises to.
    Caller,
}

/// The leaf for this request.
pub(crate) async fn scan(session: &dyn Session, request: ScanRequest<'_>) -> Result<GovernedScan> {
    let shown = shown_columns(&request)?;
    let conditions = conditions(&request)?;
    let (source, conditions) = source(session, &request, &shown, conditions).await?;
    let lower = Lowering::new(session, &source)?;
    let conditions: Vec<(Origin, Arc<dyn PhysicalExpr>)> = conditions
        .iter()
        .map(|(origin, each)| Ok((*origin, lower.expression(&each.expression)?)))
        .collect::<Result<_>>()?;
    let output = shown.iter().map(|column| {
        Ok(ProjectionExpr { expr: lower.expression(&column.value)?, alias: column.field.name().clone() })
    });
    let output: Vec<ProjectionExpr> = output.collect::<Result<_>>()?;
    // The source takes care of the limit itself where nothing else can drop a row.
    let limit = request.limit.filter(|_| !forwards_limit(&request));
    let openness = if request.rules.whole {
        Openness::Whole { told: Told::new(&source, &conditions, &output) }
    } else if request.rules.restricted && session.config().target_partitions() == 1 {
        Openness::Steady
    } else {
        Openness::Rows { estimate: estimate(session, &request, &source) }
    };
    let Filtered { source, predicate } = push_down(session, source, conditions)?;
    let hidden = Hidden::new(source, predicate, output, limit)?;
    GovernedScan::new(&request, &shown, hidden, openness)
}

fn shown_columns<'a>(request: &ScanRequest<'a>) -> Result<Vec<&'a ShownColumn>> {
    let all = &request.rules.columns;
    let Some(projection) = request.projection else { return Ok(all.iter().collect()) };
    let column = |index: &usize| all.get(*index).ok_or_else(|| internal("there is no such column"));
    projection.iter().map(column).collect()
}

/// The row filter's conditions, then those of the caller that are not among them.
fn conditions(request: &ScanRequest<'_>) -> Result<Vec<(Origin, Condition)>> {
    let mut all: Vec<(Origin, Condition)> = match &request.rules.rows {
        Rows::All | Rows::None => Vec::new(),
        Rows::Where(filter) => filter.iter().map(|condition| (Origin::RowFilter, condition.clone())).collect(),
    };
    for condition in request.conditions {
        let condition = request.rules.translate(condition)?;
        if !all.iter().any(|(_, known)| *known == condition) {
            all.push((Origin::Caller, condition));
        }
    }
    Ok(all)
}

fn forwards_limit(request: &ScanRequest<'_>) -> bool {
    request.conditions.is_empty() && matches!(request.rules.rows, Rows::All)
}

/// The source's own scan, and the conditions that it does not promise to apply exactly.
async fn source(
    session: &dyn Session,
    request: &ScanRequest<'_>,
    shown: &[&ShownColumn],
    mut conditions: Vec<(Origin, Condition)>,
) -> Result<(Arc<dyn ExecutionPlan>, Vec<(Origin, Condition)>)> {
    let schema = request.inner.schema();
    let used = shown.iter().map(|column| &column.value).chain(conditions.iter().map(|(_, each)| &each.expression));
    let projection: Vec<usize> =
        column_names(used).iter().map(|name| Ok(schema.index_of(name)?)).collect::<Result<_>>()?;
    let mut projection = projection;
    projection.sort_unstable();
    let projected: SchemaRef = Arc::new(schema.project(&projection)?);
    if matches!(request.rules.rows, Rows::None) {
        return Ok((Arc::new(EmptyExec::new(projected)), Vec::new()));
    }
    let native: Vec<&Expr> =
        conditions.iter().filter(|(_, each)| each.native).map(|(_, each)| &each.expression).collect();
    let support = request.inner.supports_filters_pushdown(&native)?;
    if support.len() != native.len() {
        return Err(internal("the source did not answer for every condition"));
    }
    let answers: Vec<(Expr, TableProviderFilterPushDown)> = native.into_iter().cloned().zip(support).collect();
    let wanted = answers.iter().filter(|(_, support)| *support != TableProviderFilterPushDown::Unsupported);
    let filters: Vec<Expr> = wanted.map(|(expression, _)| expression.clone()).collect();
    let arguments = ScanArgs::default()
        .with_projection(Some(&projection))
        .with_filters(Some(&filters))
        .with_limit(request.limit.filter(|_| forwards_limit(request)));
    let source = request.inner.scan_with_args(session, arguments).await?.into_inner();
    check_schema(&source, &projected)?;
    let exact = |each: &Condition| {
        answers
            .iter()
            .any(|(known, support)| *known == each.expression && *support == TableProviderFilterPushDown::Exact)
    };
    conditions.retain(|(origin, each)| *origin == Origin::RowFilter || !exact(each));
    Ok((source, conditions))
}

/// A source that answers with other columns than asked for is not trusted with their places.
fn check_schema(source: &Arc<dyn ExecutionPlan>, wanted: &SchemaRef) -> Result<()> {
    let given = source.schema();
    let fits = given.fields().len() == wanted.fields().len()
        && given
            .fields()
            .iter()
            .zip(wanted.fields())
            .all(|(given, wanted)| given.name() == wanted.name() && given.data_type() == wanted.data_type());
    if fits { Ok(()) } else { Err(internal("the source's scan has other columns than asked for")) }
}

/// Makes expressions over a source's columns runnable.
struct Lowering<'a> {
    session: &'a dyn Session,
    schema: DFSchema,
}

impl<'a> Lowering<'a> {
    fn new(session: &'a dyn Session, source: &Arc<dyn ExecutionPlan>) -> Result<Self> {
        Ok(Self { session, schema: DFSchema::try_from(source.schema().as_ref().clone())? })
    }

    fn expression(&self, expression: &Expr) -> Result<Arc<dyn PhysicalExpr>> {
        let context = PhysicalPlanningContext::default();
        create_physical_expr(expression, &self.schema, self.session.execution_props(), &context)
    }
}

/// A source, and the condition that is left to be applied above it.
struct Filtered {
    source: Arc<dyn ExecutionPlan>,
    predicate: Option<Arc<dyn PhysicalExpr>>,
}

/// Hands the conditions to the source; what remains to be applied above it, the row filter first.
fn push_down(
    session: &dyn Session,
    source: Arc<dyn ExecutionPlan>,
    conditions: Vec<(Origin, Arc<dyn PhysicalExpr>)>,
) -> Result<Filtered> {
    if conditions.is_empty() {
        return Ok(Filtered { source, predicate: None });
    }
    let handed = conditions.iter().map(|(_, condition)| Arc::clone(condition)).collect();
    let Carried { source, applied } = carry(source, handed, &FilterPushdown::new(), session.config_options())?;
    let remaining = conditions.into_iter().zip(applied);
    let remaining: Vec<Arc<dyn PhysicalExpr>> = remaining
        .filter(|((origin, _), applied)| *origin == Origin::RowFilter || !applied)
        .map(|((_, condition), _)| condition)
        .collect();
    let predicate = (!remaining.is_empty()).then(|| conjunction(remaining));
    Ok(Filtered { source, predicate })
}

/// The scan as it would be without push-down, which is how a source's statistics can be brought together with the
/// conditions. Made when somebody asks: most plans never do.
#[derive(Clone)]
pub(super) struct Told {
    source: Arc<dyn ExecutionPlan>,
    predicate: Arc<dyn PhysicalExpr>,
    output: Vec<ProjectionExpr>,
}

impl Told {
    /// `None` where there are no conditions.
    fn new(
        source: &Arc<dyn ExecutionPlan>,
        conditions: &[(Origin, Arc<dyn PhysicalExpr>)],
        output: &[ProjectionExpr],
    ) -> Option<Self> {
        let predicate = || conjunction(conditions.iter().map(|(_, condition)| Arc::clone(condition)));
        let of = |predicate| Self { source: Arc::clone(source), predicate, output: output.to_vec() };
        (!conditions.is_empty()).then(|| of(predicate()))
    }

    /// The tree; never run.
    pub(super) fn tree(&self) -> Result<Arc<dyn ExecutionPlan>> {
        assemble(&self.source, Some(&self.predicate), &self.output, None)
    }
}

/// About how many rows a scan of a restricted table yields, from what is no secret: the size of the table and the
/// number of the caller's own conditions. How many rows fulfil one may depend on hidden ones, so the guess for each
/// is the one that a filter makes where it knows nothing of the columns.
fn estimate(session: &dyn Session, request: &ScanRequest<'_>, source: &Arc<dyn ExecutionPlan>) -> Option<usize> {
    let percent = usize::from(session.config_options().optimizer.default_filter_selectivity);
    let filtered = |rows: usize, _: &Expr| rows.saturating_mul(percent).div_ceil(100);
    Some(request.conditions.iter().fold(unfiltered_rows(request.inner, source)?, filtered))
}

/// Rows of the table before any filter as far as the source knows, rounded up to a power of two: enough for the
/// order of joins, and no secret.
fn unfiltered_rows(inner: &Arc<dyn TableProvider>, source: &Arc<dyn ExecutionPlan>) -> Option<usize> {
    let of_table = inner.statistics().and_then(|statistics| statistics.num_rows.get_value().copied());
    let of_scan = || {
        let statistics = StatisticsContext::new().compute(source.as_ref(), &StatisticsArgs::new()).ok()?;
        statistics.num_rows.get_value().copied()
    };
    of_table.or_else(of_scan)?.checked_next_power_of_two()
}

fn internal(what: &str) -> DataFusionError {
    DataFusionError::Internal(what.to_owned())
}
