//! Cuts batches into parts that fit a message.
//!
//! Arrow's own encoder cuts by the average size of a row, and counts the whole buffers of a slice: a few wide rows
//! that come together make a message that clients refuse, and the slices of one large batch crumbs.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, GenericByteViewArray, RecordBatch};
use arrow::datatypes::{ByteViewType, DataType};

/// Bytes of a view without what it looks into.
const VIEW: usize = 16;

/// Bytes that are worth a copy.
const MUCH: usize = 64 << 10;

/// The parts of `batch`, in order, each of at most `limit` bytes where a row is not larger than that by itself.
pub(super) fn split(batch: RecordBatch, limit: usize) -> Vec<RecordBatch> {
    // Nearly every batch fits as it is.
    let (mut parts, mut rest) = (Vec::new(), vec![batch]);
    while let Some(batch) = rest.pop() {
        let rows = batch.num_rows();
        if rows <= 1 || batch.columns().iter().map(|column| bytes(column)).sum::<usize>() <= limit {
            parts.push(compact(batch));
        } else {
            rest.push(batch.slice(rows / 2, rows - rows / 2));
            rest.push(batch.slice(0, rows / 2));
        }
    }
    parts
}

/// The batch without what its views do not show: with a view leave the whole buffers that it looks into.
#[expect(clippy::wildcard_enum_match_arm, reason = "all other types have no views, or hide them")]
fn compact(batch: RecordBatch) -> RecordBatch {
    let is_wasteful = |column: &ArrayRef| match column.data_type() {
        DataType::Utf8View => shows_little(column.as_string_view()),
        DataType::BinaryView => shows_little(column.as_binary_view()),
        _ => false,
    };
    if !batch.columns().iter().any(is_wasteful) {
        return batch;
    }
    let columns = batch.columns().iter().map(|column| -> ArrayRef {
        match column.data_type() {
            DataType::Utf8View => Arc::new(column.as_string_view().gc()),
            DataType::BinaryView => Arc::new(column.as_binary_view().gc()),
            _ => Arc::clone(column),
        }
    });
    let columns = columns.collect();
    // Columns of the same types and lengths as before always make a batch.
    RecordBatch::try_new(batch.schema(), columns).unwrap_or(batch)
}

/// Whether most bytes of the buffers are not shown.
fn shows_little<T: ByteViewType + ?Sized>(array: &GenericByteViewArray<T>) -> bool {
    let held: usize = array.data_buffers().iter().map(|buffer| buffer.len()).sum();
    held > 2 * array.total_buffer_bytes_used() + MUCH
}

/// About how many bytes the values take in a message.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other type is narrow, or as large as Arrow says")]
fn bytes(array: &dyn Array) -> usize {
    let rows = array.len();
    let nulls = rows / 8;
    let values = match array.data_type() {
        DataType::Null => 0,
        DataType::Utf8 => text(array.as_string::<i32>().value_offsets()),
        DataType::Binary => text(array.as_binary::<i32>().value_offsets()),
        DataType::LargeUtf8 => text(array.as_string::<i64>().value_offsets()),
        DataType::LargeBinary => text(array.as_binary::<i64>().value_offsets()),
        DataType::Utf8View => rows * VIEW + array.as_string_view().total_buffer_bytes_used(),
        DataType::BinaryView => rows * VIEW + array.as_binary_view().total_buffer_bytes_used(),
        DataType::List(_) => nested(array.as_list::<i32>().values(), array.as_list::<i32>().value_offsets()),
        DataType::Map(..) => nested(array.as_map().entries(), array.as_map().value_offsets()),
        DataType::Struct(_) => array.as_struct().columns().iter().map(|column| bytes(column)).sum(),
        DataType::FixedSizeList(..) => bytes(array.as_fixed_size_list().values()),
        DataType::FixedSizeBinary(width) => rows * usize::try_from(*width).unwrap_or(0),
        // The values of a dictionary have a message of their own.
        DataType::Dictionary(keys, _) => rows * keys.primitive_width().unwrap_or(0),
        other => match other.primitive_width() {
            Some(width) => rows * width,
            None => array.to_data().get_slice_memory_size().unwrap_or(0),
        },
    };
    nulls + values
}

/// Bytes of offsets, and of what lies between the first and the last.
fn text<O: Copy + TryInto<usize>>(offsets: &[O]) -> usize {
    let (first, last) = ends(offsets);
    size_of_val(offsets) + last - first
}

fn nested(values: &dyn Array, offsets: &[i32]) -> usize {
    let (first, last) = ends(offsets);
    size_of_val(offsets) + bytes(&values.slice(first, last - first))
}

fn ends<O: Copy + TryInto<usize>>(offsets: &[O]) -> (usize, usize) {
    let end = |offset: Option<&O>| offset.and_then(|offset| (*offset).try_into().ok()).unwrap_or(0);
    (end(offsets.first()), end(offsets.last()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may unwrap")]
    use arrow::array::{Int64Array, ListArray, StringArray, StringViewArray, StructArray};
    use arrow::buffer::OffsetBuffer;
    use arrow::compute::concat_batches;
    use arrow::datatypes::Field;

    use super::*;

    /// Cuts a column into parts, which together are the column again. Tells the rows of each.
    fn check(column: ArrayRef, limit: usize) -> Vec<usize> {
        let batch = RecordBatch::try_from_iter([("a", column)]).unwrap();
        let parts = split(batch.clone(), limit);
        assert_eq!(concat_batches(&batch.schema(), &parts).unwrap(), batch);
        parts.iter().map(RecordBatch::num_rows).collect()
    }

    fn lists(of: usize, rows: usize) -> ListArray {
        let values: ArrayRef = Arc::new(Int64Array::from_iter_values(0..(of * rows) as i64));
        let field = Arc::new(Field::new_list_field(DataType::Int64, true));
        ListArray::new(field, OffsetBuffer::from_lengths(vec![of; rows]), values, None)
    }

    #[test]
    fn what_fits_stays_whole() {
        assert_eq!(check(Arc::new(Int64Array::from(vec![7; 100])), 1_000), [100]);
        assert_eq!(check(Arc::new(Int64Array::from(Vec::<i64>::new())), 1), [0]);
    }

    #[test]
    fn wide_rows_that_come_together_are_parted_from_each_other() {
        let text: Vec<String> = (0..64).map(|row| "x".repeat(if row < 4 { 1_000 } else { 1 })).collect();
        assert_eq!(check(Arc::new(StringArray::from(text)), 2_500), [2, 2, 4, 8, 16, 32]);
    }

    #[test]
    fn a_row_that_is_too_wide_by_itself_stays_a_row() {
        assert_eq!(check(Arc::new(StringArray::from(vec!["x".repeat(100), "y".repeat(100)])), 10), [1, 1]);
    }

    #[test]
    fn a_slice_counts_as_much_as_it_shows() {
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..10_000));
        assert_eq!(check(numbers.slice(5_000, 100), 1_000), [100]);
        let text: ArrayRef = Arc::new(StringArray::from(vec!["x".repeat(100); 1_000]));
        assert_eq!(check(text.slice(500, 10), 2_000), [10]);
        assert_eq!(check(Arc::new(lists(100, 100).slice(50, 2)), 2_000), [2]);
    }

    #[test]
    fn views_leave_without_what_they_do_not_show() {
        let texts: StringViewArray = (0..10_000).map(|_| Some("x".repeat(100))).collect();
        let few = RecordBatch::try_from_iter([("a", Arc::new(texts.slice(20, 5)) as ArrayRef)]).unwrap();
        let parts = split(few.clone(), 10_000);
        let held = parts[0].column(0).as_string_view().data_buffers().iter().map(|buffer| buffer.len()).sum::<usize>();
        assert_eq!((parts.len(), held), (1, 500));
        assert_eq!(parts[0], few);
        assert_eq!(check(Arc::new(texts.slice(0, 4)), 300), [2, 2]);
    }

    #[test]
    fn nested_values_count() {
        assert_eq!(check(Arc::new(lists(100, 4)), 1_700), [2, 2]);
        let inner: ArrayRef = Arc::new(lists(100, 4));
        let field = Arc::new(Field::new("l", inner.data_type().clone(), true));
        assert_eq!(check(Arc::new(StructArray::from(vec![(field, inner)])), 1_700), [2, 2]);
    }
}
