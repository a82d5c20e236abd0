//! Whether the partitions of a plan can be handed out one by one, to be read by plans that are made later.

use std::sync::Arc;

use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_plan::ExecutionPlan;
use sha2::{Digest, Sha256};

use crate::governed_scan::GovernedScan;

/// Nodes that make each row of a partition from one row of the same partition below, in the same order, by
/// expressions alone; and the union, which sets partitions side by side.
const ROW_BY_ROW: [&str; 6] =
    ["CoalesceBatchesExec", "CooperativeExec", "DeltaScanExec", "FilterExec", "ProjectionExec", "UnionExec"];

/// The partitions of a plan, each of which holds the same rows whenever the same plan runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partitioning {
    /// How many there are.
    pub count: usize,
    /// SHA-256 of what each of them reads. Of plans with equal digests, made from the same statement, the partitions
    /// of equal number hold the same rows.
    pub digest: [u8; 32],
}

/// The partitions of `plan`; `None` where they may change from run to run, or where the caller sees only a part of
/// a table: which rows lie together in a file depends on those that he must not see.
#[must_use]
pub fn partitioning(plan: &Arc<dyn ExecutionPlan>) -> Option<Partitioning> {
    let mut digest = Sha256::new();
    note(plan, &mut digest)?;
    let count = plan.properties().output_partitioning().partition_count();
    Some(Partitioning { count, digest: digest.finalize().into() })
}

/// Notes what `plan` reads, from the top down.
fn note(plan: &Arc<dyn ExecutionPlan>, digest: &mut Sha256) -> Option<()> {
    if let Some(scan) = plan.downcast_ref::<GovernedScan>() {
        return note(scan.seen_whole()?, digest);
    }
    if let Some(source) = plan.downcast_ref::<DataSourceExec>() {
        return note_files(source.data_source().downcast_ref::<FileScanConfig>()?, digest);
    }
    if !ROW_BY_ROW.contains(&plan.name()) {
        return None;
    }
    let children = plan.children();
    digest.update(format!("{} {}\n", plan.name(), children.len()));
    children.into_iter().try_for_each(|child| note(child, digest))
}

fn note_files(config: &FileScanConfig, digest: &mut Sha256) -> Option<()> {
    digest.update(format!("{}\n", config.object_store_url));
    for group in &config.file_groups {
        for file in group.files() {
            let range = file.range.as_ref().map(|range| (range.start, range.end));
            digest.update(format!("{} {} {range:?}\n", file.object_meta.location, file.object_meta.size));
        }
        digest.update("-\n");
    }
    // A scan that stops early stops where it happens to be.
    config.limit.is_none().then_some(())
}
