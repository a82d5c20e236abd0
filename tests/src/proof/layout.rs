//! How the same rows lie in a source: files, partitions, row groups, batches, commits.

use super::rows::{Row, Side};

/// How rows lie in a source.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    /// Columns that the Delta table is partitioned by.
    pub(super) partitions: &'static [&'static str],
    /// Most rows of a row group.
    pub(super) row_group: usize,
    /// Most rows of a commit of the Delta table, and so of a file.
    pub(super) commit: usize,
    /// Most rows of a batch of the remote.
    pub(super) batch: usize,
    /// How visible and hidden rows lie.
    mix: Mix,
}

#[derive(Debug, Clone, Copy)]
enum Mix {
    HiddenFirst,
    HiddenLast,
    InTurn,
}

/// How many pairs of layouts there are.
pub(super) const PAIRS: usize = 3;

const fn layout(
    partitions: &'static [&'static str],
    row_group: usize,
    commit: usize,
    batch: usize,
    mix: Mix,
) -> Layout {
    Layout { partitions, row_group, commit, batch, mix }
}

const LAYOUTS: [[Layout; 2]; PAIRS] = [
    [layout(&["tenant"], 8_192, 8_192, 8_192, Mix::HiddenLast), layout(&["tenant"], 8_192, 8_192, 64, Mix::InTurn)],
    [layout(&[], 64, 8_192, 64, Mix::HiddenFirst), layout(&[], 3, 20, 1, Mix::InTurn)],
    [layout(&["city"], 8_192, 13, 7, Mix::InTurn), layout(&["tenant", "city"], 1, 8_192, 1, Mix::HiddenLast)],
];

impl Layout {
    /// The layout of one side of a pair.
    pub(super) fn of(pair: usize, side: Side) -> Self {
        LAYOUTS[pair][usize::from(side == Side::Harmless)]
    }

    /// All rows in the order in which they lie.
    pub(super) fn order(self, visible: Vec<Row>, hidden: Vec<Row>) -> Vec<Row> {
        match self.mix {
            Mix::HiddenFirst => hidden.into_iter().chain(visible).collect(),
            Mix::HiddenLast => visible.into_iter().chain(hidden).collect(),
            Mix::InTurn => {
                let (mut rows, mut hidden) = (Vec::new(), hidden.into_iter());
                for row in visible {
                    rows.extend(hidden.by_ref().take(2));
                    rows.push(row);
                }
                rows.extend(hidden);
                rows
            }
        }
    }
}
