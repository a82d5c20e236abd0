//! Dividing a result among endpoints that can be fetched in parallel, each planned anew when it is fetched.

use std::num::NonZeroU16;
use std::sync::Arc;

use datafusion::common::Result as EngineResult;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::config::ConfigOptions;
use datafusion::execution::SessionState;
use datafusion::physical_plan::ExecutionPlan;
use policies::Partitioning;

use crate::config::Limits;
use crate::error::{Error, ErrorKind};
use crate::failure;

/// How the caller wants a result divided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Division {
    /// Among at most this many endpoints.
    AtMost(NonZeroU16),
    /// One part of what was divided before.
    Part(Part),
}

impl Division {
    fn at_most(&self) -> NonZeroU16 {
        match self {
            Self::AtMost(at_most) => *at_most,
            Self::Part(part) => part.at_most,
        }
    }
}

/// One part of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// How many endpoints the result was planned for.
    pub at_most: NonZeroU16,
    /// Which endpoint this is, counted from 0.
    pub number: u16,
    /// How many endpoints there are.
    pub of: NonZeroU16,
    /// What the partitions of the plan read. The parts of another plan might overlap with this one.
    pub digest: Vec<u8>,
}

/// A result that is divided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Divided {
    /// All of it: the parts, one for each endpoint.
    Whole(Vec<Part>),
    /// One part of it.
    Part(Part),
}

impl Divided {
    /// The partitions of a plan of `count` that this stands for.
    pub(super) fn partitions(&self, count: usize) -> impl Iterator<Item = usize> + use<> {
        let (number, of) = match self {
            Self::Whole(_) => (0, 1),
            Self::Part(part) => (usize::from(part.number), usize::from(part.of.get())),
        };
        (0..count).filter(move |partition| partition % of == number)
    }
}

/// The session, made to plan for as many partitions as there may be endpoints, and none that depend on the order in
/// which batches happen to arrive.
pub(super) fn prepare(division: &Division, state: &SessionState) -> SessionState {
    let mut state = state.clone();
    let options = state.config_mut().options_mut();
    options.execution.target_partitions = usize::from(division.at_most().get());
    options.optimizer.enable_round_robin_repartition = false;
    options.optimizer.repartition_file_min_size = 0;
    // A partition that is read alone would take over the files of all the others.
    options.execution.enable_file_stream_work_stealing = false;
    state
}

/// A plan that is prepared to be divided, and how; without a division where it cannot be, or need not.
///
/// # Errors
/// [`ErrorKind::SnapshotGone`] for a part of a result that would be divided in another way by now.
pub(super) fn divide(
    division: &Division,
    plans: &mut [Arc<dyn ExecutionPlan>],
    options: &ConfigOptions,
    limits: &Limits,
) -> Result<Option<Divided>, Error> {
    let partitioning = match plans {
        // A limit of the mesh counts the rows of one result: its parts do not know of each other.
        [plan] if limits.rows.is_none() && policies::partitioning(plan).is_some() => {
            *plan = spread(plan, division.at_most(), options).map_err(|error| failure::told(&error))?;
            policies::partitioning(plan)
        }
        // The results of several plans follow one another: they are not divided.
        _ => None,
    };
    match division {
        Division::AtMost(at_most) => Ok(partitioning.and_then(|found| parts(*at_most, &found)).map(Divided::Whole)),
        Division::Part(part) if partitioning.is_some_and(|found| found.digest[..] == part.digest) => {
            Ok(Some(Divided::Part(part.clone())))
        }
        Division::Part(_) => {
            let message = "the files that this part of the result was made of are read in another way by now: \
                ask for the result again";
            Err(Error::new(ErrorKind::SnapshotGone, message))
        }
    }
}

/// The plan with its files spread over more partitions: of itself the optimizer does that only where an operator above
/// gains by it. Only for plans that have their partitions' rows one by one from below.
fn spread(
    plan: &Arc<dyn ExecutionPlan>,
    at_most: NonZeroU16,
    options: &ConfigOptions,
) -> EngineResult<Arc<dyn ExecutionPlan>> {
    let spread = Arc::clone(plan).transform_up(|node| {
        if !node.children().is_empty() {
            return Ok(Transformed::no(node));
        }
        let more = node.repartitioned(usize::from(at_most.get()), options)?;
        Ok(more.map_or_else(|| Transformed::no(node), Transformed::yes))
    })?;
    Ok(spread.data)
}

fn parts(at_most: NonZeroU16, found: &Partitioning) -> Option<Vec<Part>> {
    let count = u16::try_from(found.count).unwrap_or(u16::MAX);
    let of = NonZeroU16::new(count)?.min(at_most);
    let part = |number| Part { at_most, number, of, digest: found.digest.to_vec() };
    (of.get() > 1).then(|| (0..of.get()).map(part).collect())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may unwrap")]
    use super::*;

    #[test]
    fn every_partition_is_in_exactly_one_part() {
        for (count, at_most) in [(2, 2), (7, 3), (3, 7), (64, 64), (100, 1), (1, 5)] {
            let found = Partitioning { count, digest: [7; 32] };
            let Some(parts) = parts(NonZeroU16::new(at_most).unwrap(), &found) else {
                assert!(count == 1 || at_most == 1, "{count} partitions, {at_most} endpoints");
                continue;
            };
            assert_eq!(parts.len(), count.min(usize::from(at_most)));
            let read = parts.into_iter().flat_map(|part| Divided::Part(part).partitions(count));
            let mut read: Vec<usize> = read.collect();
            read.sort_unstable();
            assert_eq!(read, (0..count).collect::<Vec<_>>(), "{count} partitions, {at_most} endpoints");
        }
    }
}
