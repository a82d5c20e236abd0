//! What is told of many times.

use std::time::Duration;

/// The one in the middle.
pub(crate) fn median<T: PartialOrd + Copy>(values: Vec<T>) -> T {
    at(values, 0.5)
}

/// The value that this part of all values is not above.
pub(crate) fn at<T: PartialOrd + Copy>(mut values: Vec<T>, part: f64) -> T {
    values.sort_unstable_by(|one, other| one.partial_cmp(other).unwrap());
    values[((values.len() - 1) as f64 * part) as usize]
}

/// In milliseconds, for a table.
pub(crate) fn milliseconds(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}
