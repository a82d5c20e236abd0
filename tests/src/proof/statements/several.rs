//! Statements over several tables: joins, sub-queries, set operations, common tables.

use super::Draft;
use super::plain::aggregate;
use super::scope::{Kind, Scope};
use super::writer::Writer;
use crate::proof::question::Order;

/// Two tables with every kind of join.
pub(super) fn joined(writer: &mut Writer<'_>) -> Draft {
    let ((left, one), (right, two)) = (writer.table("a"), writer.table("b"));
    let both = one.and(&two);
    let kind = writer.pick(&["JOIN", "JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"]);
    let on = key(writer, &one, &two);
    let residual =
        if writer.chance.percent(40) { format!(" AND {}", writer.condition(&both, 1)) } else { String::new() };
    let (x, y) = (writer.value(&one, 1), writer.value(&two, 1));
    let condition = writer.condition(&both, 1);
    if writer.chance.percent(35) {
        let aggregate = aggregate(writer, &one);
        let sql = format!(
            "SELECT {y} AS g, count(*) AS n, {aggregate} AS x FROM {left} {kind} {right} ON {on}{residual} WHERE {condition} GROUP BY {y}"
        );
        return Draft::new(sql, Order::Any);
    }
    let tail = writer.pick(&["", "ORDER BY 1, 2, 3, 4 LIMIT 9"]);
    let order = if tail.is_empty() { Order::Any } else { Order::Total };
    Draft::new(
        format!(
            "SELECT a.id, b.id AS other, {x} AS x, {y} AS y FROM {left} {kind} {right} ON {on}{residual} WHERE {condition} {tail}"
        ),
        order,
    )
}

/// The condition of an equality join.
fn key(writer: &mut Writer<'_>, one: &Scope, two: &Scope) -> String {
    match writer.chance.below(8) {
        0..3 => "a.id = b.id".to_owned(),
        3 => "a.ssn = b.ssn".to_owned(),
        4 => "a.city = b.city AND a.note = b.note".to_owned(),
        5 => "a.salary = b.salary".to_owned(),
        6 => format!("{} = {}", writer.text(one, 1), writer.text(two, 1)),
        _ => format!("{} = {}", writer.number(one, 1), writer.number(two, 1)),
    }
}

/// Joins of the other forms: `USING`, `NATURAL`, semi, anti, cross, with itself, with values.
pub(super) fn specially_joined(writer: &mut Writer<'_>) -> Draft {
    let ((left, one), (right, two)) = (writer.table("a"), writer.table("b"));
    let condition = writer.condition(&one, 1);
    let sql = match writer.chance.below(8) {
        0 => {
            let column = writer.pick(&["id", "ssn", "tenant", "salary"]);
            format!("SELECT {column}, a.city, b.note FROM {left} JOIN {right} USING ({column}) WHERE {condition}")
        }
        1 => {
            format!("SELECT id, ssn FROM {left} NATURAL JOIN (SELECT b.id, b.ssn FROM {right}) AS n WHERE {condition}")
        }
        2 | 3 => {
            let on = key(writer, &one, &two);
            let residual = writer.condition(&one.and(&two), 1);
            let kind = writer.pick(&["LEFT SEMI JOIN", "LEFT ANTI JOIN"]);
            let (x, y) = (writer.value(&one, 1), writer.value(&one, 0));
            format!("SELECT a.id, {x} AS x, {y} AS y FROM {left} {kind} {right} ON {on} AND {residual}")
        }
        4 => {
            let other = writer.condition(&two, 1);
            format!(
                "SELECT count(*) AS n, min(b.city) AS c FROM {left} CROSS JOIN {right} WHERE {condition} AND {other}"
            )
        }
        5 => {
            let both = writer.condition(&one.and(&two), 2);
            format!("SELECT a.id, b.id AS other FROM {left} JOIN {right} ON a.id < b.id AND {both} WHERE {condition}")
        }
        _ => {
            let column = writer.pick(&["ssn", "tenant", "city", "note"]);
            let values: Vec<String> = (0..4).map(|_| format!("({})", writer.literal(Kind::Text))).collect();
            let kind = writer.pick(&["JOIN", "LEFT JOIN", "RIGHT JOIN"]);
            let values = values.join(", ");
            format!(
                "SELECT l.x, count(a.id) AS n FROM (VALUES {values}) AS l(x) {kind} {left} ON a.{column} = l.x GROUP BY l.x"
            )
        }
    };
    Draft::new(sql, Order::Any)
}

/// Sub-queries of every kind.
pub(super) fn with_subquery(writer: &mut Writer<'_>) -> Draft {
    let ((outer, one), (inner, two)) = (writer.table("a"), writer.table("b"));
    let condition = writer.condition(&two, 1);
    let (also, x) = (writer.condition(&one, 1), writer.value(&one, 1));
    let correlation = writer.pick(&["b.id = a.id", "b.city = a.city", "b.ssn = a.ssn", "b.salary = a.salary"]);
    let not = writer.pick(&["", "NOT "]);
    let sql = match writer.chance.below(8) {
        0 => format!(
            "SELECT a.id, {x} AS x FROM {outer} WHERE {not}EXISTS (SELECT 1 FROM {inner} WHERE {correlation} AND {condition}) AND {also}"
        ),
        1 | 2 => {
            let column = writer.pick(&["id", "ssn", "city", "salary"]);
            format!(
                "SELECT a.id, {x} AS x FROM {outer} WHERE a.{column} {not}IN (SELECT b.{column} FROM {inner} WHERE {condition}) AND {also}"
            )
        }
        3 => {
            let aggregate = aggregate(writer, &two);
            format!("SELECT a.id, (SELECT {aggregate} FROM {inner} WHERE {condition}) AS x FROM {outer} WHERE {also}")
        }
        4 => format!("SELECT a.id, (SELECT max(b.id) FROM {inner} WHERE {correlation}) AS x FROM {outer} WHERE {also}"),
        5 => format!(
            "SELECT a.id, s.n FROM {outer}, LATERAL (SELECT count(*) AS n FROM {inner} WHERE {correlation}) AS s WHERE {also}"
        ),
        6 => format!(
            "SELECT count(*) AS n FROM {outer} WHERE a.salary >= (SELECT min(b.salary) FROM {inner} WHERE {condition}) OR {also}"
        ),
        _ => format!(
            "SELECT s.i, s.x FROM (SELECT a.id AS i, {x} AS x, a.city AS c FROM {outer} WHERE {also}) AS s WHERE s.c IN (SELECT b.city FROM {inner} WHERE {condition})"
        ),
    };
    Draft::new(sql, Order::Any)
}

/// Set operations.
pub(super) fn of_sets(writer: &mut Writer<'_>) -> Draft {
    let ((left, one), (right, two)) = (writer.table("a"), writer.table("b"));
    let (x, y) = (writer.text(&one, 1), writer.text(&two, 1));
    let (this, that) = (writer.condition(&one, 1), writer.condition(&two, 1));
    let operation = writer.pick(&["UNION", "UNION ALL", "INTERSECT", "EXCEPT", "INTERSECT ALL", "EXCEPT ALL"]);
    let right = if writer.chance.percent(25) {
        format!("SELECT {}, {}", writer.literal(Kind::Number), writer.literal(Kind::Text))
    } else {
        format!("SELECT b.id, {y} FROM {right} WHERE {that}")
    };
    let both = format!("SELECT a.id AS i, {x} AS x FROM {left} WHERE {this} {operation} {right}");
    match writer.chance.below(3) {
        0 => Draft::new(format!("SELECT * FROM ({both}) AS u ORDER BY i DESC, x LIMIT 8"), Order::Total),
        1 => Draft::new(format!("SELECT x, count(*) AS n FROM ({both}) AS u GROUP BY x"), Order::Any),
        _ => Draft::new(both, Order::Any),
    }
}

/// Common tables, also recursive ones.
pub(super) fn with_common(writer: &mut Writer<'_>) -> Draft {
    let ((table, one), (other, two)) = (writer.table("a"), writer.table("b"));
    let condition = writer.condition(&one, 2);
    let x = writer.text(&one, 1);
    let scope = Scope(vec![("c.i".to_owned(), Kind::Number), ("c.x".to_owned(), Kind::Text)]);
    let common = format!("WITH c AS (SELECT a.id AS i, {x} AS x FROM {table} WHERE {condition})");
    let sql = match writer.chance.below(5) {
        0 => format!("{common} SELECT c.i, c.x FROM c WHERE {}", writer.condition(&scope, 2)),
        1 => format!(
            "{common} SELECT c.x, d.x AS y, count(*) AS n FROM c JOIN c AS d ON c.i = d.i + 1 GROUP BY c.x, d.x"
        ),
        2 => {
            let residual = writer.condition(&two, 1);
            format!("{common} SELECT c.i, b.city FROM c LEFT JOIN {other} ON c.x = b.city AND {residual}")
        }
        3 => {
            format!("{common} SELECT c.i FROM c WHERE c.i > (SELECT min(i) FROM c) AND {}", writer.condition(&scope, 1))
        }
        _ => {
            let step = writer.condition(&two, 1);
            format!(
                "WITH RECURSIVE r AS (SELECT a.id AS i, 1 AS depth FROM {table} WHERE {condition} UNION ALL \
                 SELECT b.id, r.depth + 1 FROM r JOIN {other} ON b.id = r.i + 1 AND {step} WHERE r.depth < 4) \
                 SELECT depth, count(*) AS n, min(i) AS low, max(i) AS high FROM r GROUP BY depth"
            )
        }
    };
    Draft::new(sql, Order::Any)
}
