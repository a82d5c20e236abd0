//! Statements over one table: selecting, sorting, grouping, windows.

use super::Draft;
use super::scope::Kind;
use super::writer::Writer;
use crate::proof::question::Order;

/// Rows of a table in a fixed order.
pub(super) fn sorted(writer: &mut Writer<'_>) -> Draft {
    let (table, scope) = writer.table("t");
    let (first, second) = (writer.value(&scope, 2), writer.value(&scope, 1));
    let condition = writer.condition(&scope, 2);
    let by = writer.value(&scope, 0);
    let way = writer.pick(&["", "DESC", "DESC NULLS LAST", "NULLS FIRST"]);
    let limit = writer.pick(&["", "", "LIMIT 1", "LIMIT 5", "LIMIT 7 OFFSET 2", "OFFSET 3", "LIMIT 0"]);
    Draft::new(
        format!(
            "SELECT t.id, {first} AS x, {second} AS y FROM {table} WHERE {condition} ORDER BY {by} {way}, t.id {limit}"
        ),
        Order::Total,
    )
}

/// All columns of a table, in any order.
pub(super) fn everything(writer: &mut Writer<'_>) -> Draft {
    let (table, scope) = writer.table("t");
    let condition = writer.condition(&scope, 2);
    let what = writer.pick(&["*", "t.*", "DISTINCT t.city, t.tenant", "1", "t.id, t.ssn, t.salary, t.note"]);
    Draft::new(format!("SELECT {what} FROM {table} WHERE {condition}"), Order::Any)
}

/// Some rows of a table: any of them will do.
pub(super) fn some(writer: &mut Writer<'_>) -> Draft {
    let (table, scope) = writer.table("t");
    let condition = if writer.chance.percent(70) { "true".to_owned() } else { writer.condition(&scope, 1) };
    let limit = writer.pick(&["1", "2", "5", "23"]);
    if writer.chance.percent(60) {
        return Draft::new(format!("SELECT t.id FROM {table} WHERE {condition} LIMIT {limit}"), Order::Number);
    }
    let inner = format!("SELECT 1 FROM {table} WHERE {condition} LIMIT {limit}");
    Draft::new(format!("SELECT count(*) FROM ({inner}) AS s"), Order::Any)
}

/// Aggregates of groups, of all rows, of sets of groups.
pub(super) fn grouped(writer: &mut Writer<'_>) -> Draft {
    let (table, scope) = writer.table("t");
    let aggregate = aggregate(writer, &scope);
    let other = self::aggregate(writer, &scope);
    let condition = writer.condition(&scope, 1);
    let (one, two) = (writer.text(&scope, 1), writer.column(&scope, Kind::Text));
    let having = match writer.chance.below(4) {
        0 => format!("HAVING count(*) > {}", writer.pick(&["0", "1", "3"])),
        1 => format!("HAVING max({}) > {}", writer.column(&scope, Kind::Number), writer.literal(Kind::Number)),
        _ => String::new(),
    };
    let sql = match writer.chance.below(6) {
        0 => format!("SELECT {aggregate} AS x, {other} AS y FROM {table} WHERE {condition}"),
        1 => format!("SELECT {aggregate} AS x, {other} AS y FROM {table}"),
        2 => {
            let sets = writer.pick(&["ROLLUP(g, h)", "CUBE(g, h)", "GROUPING SETS ((g), (h), ())"]);
            let inner = format!("SELECT {one} AS g, {two} AS h, t.id AS i FROM {table} WHERE {condition}");
            format!("SELECT g, h, count(*) AS n, min(i) AS x, sum(i) AS y FROM ({inner}) AS s GROUP BY {sets}")
        }
        _ => format!(
            "SELECT {one} AS g, {aggregate} AS x, {other} AS y FROM {table} WHERE {condition} GROUP BY {one} {having}"
        ),
    };
    Draft::new(sql, Order::Any)
}

/// An aggregate whose value does not depend on the order of the rows.
pub(super) fn aggregate(writer: &mut Writer<'_>, scope: &super::scope::Scope) -> String {
    let filter = if writer.chance.percent(20) {
        format!(" FILTER (WHERE {})", writer.condition(scope, 1))
    } else {
        String::new()
    };
    let call = match writer.chance.below(11) {
        0 => "count(*)".to_owned(),
        1 => format!("count({})", writer.value(scope, 1)),
        2 => format!("count(DISTINCT {})", writer.value(scope, 1)),
        3 => format!("sum({})", writer.number(scope, 1)),
        4 => format!("min({})", writer.value(scope, 1)),
        5 => format!("max({})", writer.value(scope, 1)),
        6 => format!("sum({})", writer.column(scope, Kind::Float)),
        7 => format!("avg({})", writer.column(scope, Kind::Decimal)),
        8 => format!("bool_or({})", writer.condition(scope, 1)),
        9 if scope.named("id").is_some() => {
            let (value, by) = (writer.text(scope, 0), scope.named("id").unwrap());
            format!("array_agg({value} ORDER BY {by})")
        }
        _ => format!("min({})", writer.text(scope, 1)),
    };
    format!("{call}{filter}")
}

/// Window functions, over windows whose order is total.
pub(super) fn windowed(writer: &mut Writer<'_>) -> Draft {
    let (table, scope) = writer.table("t");
    let condition = writer.condition(&scope, 1);
    let (part, by) = (writer.text(&scope, 0), writer.value(&scope, 0));
    let value = writer.value(&scope, 1);
    let call = match writer.chance.below(8) {
        0 => "row_number()".to_owned(),
        1 => "rank()".to_owned(),
        2 => format!("lag({value})"),
        3 => format!("first_value({value})"),
        4 => format!("max({})", writer.text(&scope, 0)),
        5 => format!("sum({})", writer.number(&scope, 1)),
        6 => "ntile(3)".to_owned(),
        _ => "count(*)".to_owned(),
    };
    let frame =
        if call.starts_with("sum") { writer.pick(&["", "ROWS BETWEEN 1 PRECEDING AND CURRENT ROW"]) } else { "" };
    let rank = format!("{call} OVER (PARTITION BY {part} ORDER BY {by}, t.id {frame})");
    let inner = format!("SELECT t.id AS i, {rank} AS r FROM {table} WHERE {condition}");
    if writer.chance.percent(30) {
        return Draft::new(
            format!("SELECT * FROM ({inner}) AS s WHERE r IS NOT NULL ORDER BY i LIMIT 6"),
            Order::Total,
        );
    }
    Draft::new(inner, Order::Any)
}

/// Nested values: lists and structs, taken apart.
pub(super) fn nested(writer: &mut Writer<'_>) -> Draft {
    let domain = writer.principal.domain();
    let table = writer.pick(&["p", "q"]);
    let scope = super::scope::Scope::table(table, "t", writer.principal);
    let condition = writer.condition(&scope, 1);
    let what = writer.pick(&[
        "t.id, unnest(t.tags) AS tag",
        "t.id, t.spot['x'] AS x, t.spot['label'] AS label",
        "t.spot",
        "t.tags, cardinality(t.tags) AS n",
        "array_to_string(t.tags, ',') AS all_tags, t.tags[2] AS second",
        "t.id, array_append(t.tags, t.city) AS more",
        "t.id, named_struct('s', t.ssn, 'spot', t.spot) AS both",
        "MAP(['city', 'ssn'], [t.city, t.ssn])['ssn'] AS of_map",
        "t.spot['x'] AS x, count(*) AS n",
    ]);
    let group = if what.ends_with("count(*) AS n") { "GROUP BY t.spot['x']" } else { "" };
    Draft::new(format!("SELECT {what} FROM {domain}.{table} AS t WHERE {condition} {group}"), Order::Any)
}
