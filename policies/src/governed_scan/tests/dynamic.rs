//! Filters that joins and sorts make while they run: only keys that are clear columns reach the source.

use std::sync::Arc;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::physical_plan::{ExecutionPlan, collect};
use datafusion::prelude::SessionContext;

use super::fixture::{Columns, HiddenRows, Policy, govern, outcome, restrictions, secured, session};
use super::sources::parquet;
use crate::GovernedScan;

async fn plan(context: &SessionContext, statement: &str) -> Arc<dyn ExecutionPlan> {
    context.sql(statement).await.unwrap().create_physical_plan().await.unwrap()
}

/// How many dynamic filters the governed scans of a plan use.
fn used(plan: &Arc<dyn ExecutionPlan>) -> usize {
    let mut used = 0;
    plan.apply(|node| {
        if let Some(scan) = node.downcast_ref::<GovernedScan>() {
            used += scan.dynamic_filters.len();
            let mut told = 0;
            scan.apply_expressions(&mut |_| {
                told += 1;
                Ok(TreeNodeRecursion::Continue)
            })?;
            assert_eq!(told, scan.dynamic_filters.len(), "a filter that nobody is told of is never filled");
        }
        Ok(TreeNodeRecursion::Continue)
    })
    .unwrap();
    used
}

/// Rows that the sources below the governed scans of a plan gave out when it ran.
fn rows_read(plan: &Arc<dyn ExecutionPlan>) -> usize {
    let mut rows = 0;
    plan.apply(|node| {
        if let Some(scan) = node.downcast_ref::<GovernedScan>() {
            scan.hidden.source().apply(|source| {
                if source.children().is_empty() {
                    rows += source.metrics().and_then(|metrics| metrics.output_rows()).unwrap_or_default();
                }
                Ok(TreeNodeRecursion::Continue)
            })?;
        }
        Ok(TreeNodeRecursion::Continue)
    })
    .unwrap();
    rows
}

async fn check(columns: Columns, statement: &str, expected: usize) {
    let (_folder, table) = parquet(HiddenRows::Explosive).await;
    let context = session(8192, govern(table, restrictions(Some(Policy::Equal.filter()), columns)));
    assert_eq!(used(&plan(&context, statement).await), expected, "{statement}");
    let copy = session(8192, secured(HiddenRows::Explosive, columns));
    assert_eq!(outcome(&context, statement).await, outcome(&copy, statement).await, "{statement}");
}

#[tokio::test]
async fn a_clear_join_key_reaches_the_source() {
    check(Columns::Clear, "SELECT p.id FROM (VALUES (2), (4)) v(k) JOIN p ON p.id = v.k", 1).await;
    check(Columns::Masked, "SELECT p.id, p.ssn FROM (VALUES (2), (4)) v(k) JOIN p ON p.id = v.k", 1).await;
    check(Columns::Clear, "SELECT p.id FROM (VALUES ('10010')) v(k) JOIN p ON p.ssn = v.k", 1).await;
}

#[tokio::test]
async fn a_clear_sort_key_reaches_the_source() {
    check(Columns::Masked, "SELECT id, ssn FROM p ORDER BY id DESC LIMIT 4", 1).await;
}

#[tokio::test]
async fn a_masked_key_does_not_reach_the_source() {
    check(Columns::Masked, "SELECT p.id FROM (VALUES ('***10')) v(k) JOIN p ON p.ssn = v.k", 0).await;
    check(Columns::Masked, "SELECT p.id FROM (VALUES (2, '***10')) v(k, s) JOIN p ON p.id = v.k AND p.ssn = v.s", 0)
        .await;
    check(Columns::Masked, "SELECT id FROM p ORDER BY ssn DESC, id LIMIT 4", 0).await;
}

#[tokio::test]
async fn a_computed_key_does_not_reach_the_source() {
    for statement in [
        "SELECT p.id FROM (VALUES (1)) v(k) JOIN p ON 1/(p.id - 5) = v.k",
        "SELECT p.id FROM (VALUES (10010)) v(k) JOIN p ON cast(p.ssn AS int) = v.k",
        "SELECT q.id FROM (VALUES (10010)) v(k) JOIN (SELECT id, cast(ssn AS int) AS s FROM p) q ON q.s = v.k",
        "SELECT id FROM p ORDER BY cast(ssn AS int), id LIMIT 4",
        // The source's type is another one.
        "SELECT p.id FROM (VALUES (120)) v(k) JOIN p ON p.salary = v.k",
    ] {
        check(Columns::Clear, statement, 0).await;
    }
}

#[tokio::test]
async fn no_filter_goes_below_a_limit() {
    let statement = "SELECT count(*) <= 2 FROM (VALUES (2), (4)) v(k) JOIN (SELECT * FROM p LIMIT 50) q ON q.id = v.k";
    check(Columns::Clear, statement, 0).await;
}

#[tokio::test]
async fn a_join_key_prunes_what_the_source_reads() {
    let (_folder, table) = parquet(HiddenRows::Explosive).await;
    let context = session(8192, govern(table, restrictions(Some(Policy::Equal.filter()), Columns::Masked)));
    for (statement, most) in [
        ("SELECT p.id, p.ssn FROM (VALUES (2), (4)) v(k) JOIN p ON p.id = v.k", 16),
        ("SELECT p.id, p.ssn FROM p", 240),
    ] {
        let plan = plan(&context, statement).await;
        collect(Arc::clone(&plan), context.task_ctx()).await.unwrap();
        let read = rows_read(&plan);
        assert!(read > 0 && read <= most, "{read} rows were read for {statement}");
    }
}
