//! How many rows the optimiser is told to expect.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::common::stats::Precision;
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};

use super::fixture::{Columns, HiddenRows, Policy, ROWS, govern, raw, restrictions, session};
use super::sources::parquet_of;
use super::whole::{renamed, whole};

async fn estimate(table: &Arc<dyn TableProvider>, statement: &str) -> Precision<usize> {
    let context = session(64, Arc::clone(table));
    let plan = context.sql(statement).await.unwrap().create_physical_plan().await.unwrap();
    StatisticsContext::new().compute(plan.as_ref(), &StatisticsArgs::new()).unwrap().num_rows
}

#[tokio::test]
async fn who_sees_all_is_told_what_the_source_knows() {
    let (_folder, files) = parquet_of(&renamed()).await;
    let table = whole(files);
    assert_eq!(estimate(&table, "SELECT id FROM p").await, Precision::Exact(ROWS));
    let few = estimate(&table, "SELECT id FROM p WHERE id >= 100 AND id < 120").await;
    assert!(few.get_value().is_some_and(|rows| (10..=30).contains(rows)), "{few:?}");
}

#[tokio::test]
async fn what_the_restricted_are_told_does_not_depend_on_any_value() {
    for hidden in [HiddenRows::Explosive, HiddenRows::Harmless] {
        let (_folder, files) = parquet_of(&raw(hidden)).await;
        let table = govern(files, restrictions(Some(Policy::Equal.filter()), Columns::Masked));
        let all = ROWS.next_power_of_two();
        assert_eq!(estimate(&table, "SELECT id FROM p").await, Precision::Inexact(all));
        for condition in ["id < 20", "id < 2000", "id < -2000", "born > DATE '2070-01-01'"] {
            let few = estimate(&table, &format!("SELECT id FROM p WHERE {condition}")).await;
            assert_eq!(few, Precision::Inexact((all * 20).div_ceil(100)), "{condition}");
        }
    }
}
