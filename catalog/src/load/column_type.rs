//! Reads the promised type of a column, at every depth.

use arrow::datatypes::{DataType, Field};

use super::column_name::Names;
use super::fields::{Fields, flag};
use super::node::Node;
use super::report::{Noted, Report};
use super::types::{Logical, Physical, combine, list_of};

/// The promised type of a column, of a column within a column, or of the items of an array.
///
/// `before_v3_1`: the contract is written in ODCS v3.0.
pub(super) fn read(fields: &Fields<'_>, before_v3_1: bool, report: &mut Report<'_>) -> Option<DataType> {
    let what = &fields.what;
    if fields.get("logicalType").is_none() && fields.get("physicalType").is_none() {
        report.at(
            fields.line,
            format!("{what} has no type"),
            "write `logicalType`, and `physicalType` in PostgreSQL spelling",
        );
        return None;
    }
    let logical = fields.text("logicalType", report);
    let physical = fields.text("physicalType", report);
    let line = physical.or(logical)?.line;
    let logical =
        logical.map(|text| report.take(text.line, &format!("`logicalType` of {what}"), Logical::parse(text.text)));
    let physical =
        physical.map(|text| report.take(text.line, &format!("`physicalType` of {what}"), Physical::parse(text.text)));
    let shape = shape(fields, logical.flatten(), before_v3_1, report);
    // Where one of them is present but wrong, the mistake is noted already.
    if logical == Some(None) || physical == Some(None) {
        return None;
    }
    let agreed = combine(logical.flatten(), physical.flatten(), shape.ok()?, before_v3_1);
    let data_type = report.take(line, &format!("the type of {what}"), agreed)?;
    Some(without_zone(data_type, fields.get("physicalType").is_none() && !zoned(fields, report)))
}

/// The type that `properties` or `items` describe, if any.
fn shape(
    fields: &Fields<'_>,
    logical: Option<Logical>,
    before_v3_1: bool,
    report: &mut Report<'_>,
) -> Result<Option<DataType>, Noted> {
    let properties = fields.get("properties");
    let items = fields.get("items");
    let misplaced = [
        (properties, "properties", "object", logical == Some(Logical::Object)),
        (items, "items", "array", logical == Some(Logical::Array)),
    ];
    for (node, key, wanted, fits) in misplaced {
        let Some(node) = node.filter(|_| !fits) else { continue };
        report.at(
            node.line,
            format!("{} has `{key}` but is no {wanted}", fields.what),
            format!("write `logicalType: {wanted}`, or remove `{key}`"),
        );
        return Err(Noted);
    }
    let data_type = match (properties, items) {
        (None, None) => return Ok(None),
        (Some(_), _) => object(fields, before_v3_1, report),
        (None, Some(items)) => array(items, fields, before_v3_1, report),
    };
    data_type.map(Some).ok_or(Noted)
}

fn object(parent: &Fields<'_>, before_v3_1: bool, report: &mut Report<'_>) -> Option<DataType> {
    let items = parent.list("properties", report);
    let mut names = Names::default();
    let mut children = Vec::new();
    for item in items {
        let child = Fields::of(item, format!("a column of {}", parent.what), report);
        let Some((child, name)) = child.and_then(|child| names.read(child, &parent.what, report)) else { continue };
        if child.text("physicalName", report).is_some_and(|physical| physical.text != name.text) {
            report.at(
                child.line,
                format!("{} has another `physicalName`", child.what),
                "name a column within a column as the source does",
            );
        }
        let required = child.flag("required", report);
        let data_type = read(&child, before_v3_1, report);
        children.extend(data_type.map(|data_type| Field::new(name.text, data_type, !required)));
    }
    if items.is_empty() {
        report.at(parent.line, format!("{} has no columns within", parent.what), "list them under `properties`");
    }
    (!children.is_empty()).then(|| DataType::Struct(children.into()))
}

fn array(items: &Node, parent: &Fields<'_>, before_v3_1: bool, report: &mut Report<'_>) -> Option<DataType> {
    let fields = Fields::of(items, format!("`items` of {}", parent.what), report)?;
    let required = fields.flag("required", report);
    Some(list_of(read(&fields, before_v3_1, report)?, !required))
}

/// Whether a timestamp has a time zone; only `logicalTypeOptions: {timezone: false}` says that it has none.
fn zoned(fields: &Fields<'_>, report: &mut Report<'_>) -> bool {
    fields
        .get("logicalTypeOptions")
        .and_then(|node| Fields::of(node, format!("`logicalTypeOptions` of {}", fields.what), report))
        .and_then(|options| flag(options.get("timezone")?, &format!("`timezone` of {}", fields.what), report))
        .unwrap_or(true)
}

fn without_zone(data_type: DataType, remove: bool) -> DataType {
    if let DataType::Timestamp(unit, _) = data_type
        && remove
    {
        return DataType::Timestamp(unit, None);
    }
    data_type
}
