//! Reads which columns make the primary key, and in which order.

use super::fields::Fields;
use super::report::Report;

/// What one column says of the primary key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// It is not in the key.
    Outside,
    /// It is in the key, without saying where.
    Anywhere,
    /// It is in the key at this place, counted from 1.
    At(u32),
}

impl Part {
    /// Reads `primaryKey` and `primaryKeyPosition` of a column.
    pub(super) fn read(column: &Fields<'_>, report: &mut Report<'_>) -> Self {
        let inside = column.flag("primaryKey", report);
        // ODCS writes -1 for "no place".
        let Some((number, line)) = column.integer("primaryKeyPosition", report).filter(|(number, _)| *number != -1)
        else {
            return if inside { Self::Anywhere } else { Self::Outside };
        };
        if !inside {
            report.at(
                line,
                format!("{} has a `primaryKeyPosition` but is not in the primary key", column.what),
                "write `primaryKey: true`, or remove the position",
            );
            return Self::Outside;
        }
        let Some(place) = u32::try_from(number).ok().filter(|place| *place > 0) else {
            report.at(line, format!("`primaryKeyPosition` of {} is not a place", column.what), "count from 1");
            return Self::Anywhere;
        };
        Self::At(place)
    }

    fn place(self) -> Option<u32> {
        match self {
            Self::Outside | Self::Anywhere => None,
            Self::At(place) => Some(place),
        }
    }
}

/// The place of every column in the key: as written, or in the order of the columns where none is written.
pub(super) fn places(parts: &[Part], table: &Fields<'_>, report: &mut Report<'_>) -> Vec<Option<u32>> {
    let mut written: Vec<u32> = parts.iter().filter_map(|part| part.place()).collect();
    if written.is_empty() {
        return in_order(parts);
    }
    written.sort_unstable();
    written.dedup();
    if written.len() != parts.iter().filter(|part| **part != Part::Outside).count() {
        report.at(
            table.line,
            format!("the primary key of {} has columns without a place of their own", table.what),
            "give every column of the key its own `primaryKeyPosition`, or none of them",
        );
    }
    parts.iter().map(|part| part.place()).collect()
}

fn in_order(parts: &[Part]) -> Vec<Option<u32>> {
    let mut last = 0;
    let mut places = Vec::with_capacity(parts.len());
    for part in parts {
        if *part != Part::Outside {
            last += 1;
        }
        places.push((*part != Part::Outside).then_some(last));
    }
    places
}
