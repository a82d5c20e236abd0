//! Which Arrow types are the same type in other encodings.

use arrow::datatypes::{DataType, FieldRef};

/// Whether values of one type are those of the other, only laid out in another way: text and bytes in any
/// layout, a dictionary of the type, lists of any width, and structs of such. Nullability and the names of
/// list items do not count; the names and the order of a struct's columns do.
pub(crate) fn is_same(a: &DataType, b: &DataType) -> bool {
    let (a, b) = (plain(a), plain(b));
    if a == b || (is_text(a) && is_text(b)) || (is_bytes(a) && is_bytes(b)) {
        return true;
    }
    match (item(a), item(b)) {
        (Some(a), Some(b)) => return is_same(a.data_type(), b.data_type()),
        (Some(_), None) | (None, Some(_)) => return false,
        (None, None) => {}
    }
    let (DataType::Struct(a), DataType::Struct(b)) = (a, b) else { return false };
    let same_column = |(a, b): (&FieldRef, &FieldRef)| a.name() == b.name() && is_same(a.data_type(), b.data_type());
    a.len() == b.len() && a.iter().zip(b.iter()).all(same_column)
}

/// What a dictionary holds.
fn plain(data_type: &DataType) -> &DataType {
    if let DataType::Dictionary(_, value) = data_type { value } else { data_type }
}

fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

fn is_bytes(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Binary | DataType::LargeBinary | DataType::BinaryView)
}

fn item(data_type: &DataType) -> Option<&FieldRef> {
    if let DataType::List(item) | DataType::LargeList(item) = data_type { Some(item) } else { None }
}
