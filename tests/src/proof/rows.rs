//! The rows of the proof's tables, and what is left of them when they are secured by hand.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, ListBuilder, RecordBatch,
    StringArray, StringBuilder, StructArray,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, Fields};

/// Days from 1970 to the first day of 1980 and of 1981.
const YEARS: [i32; 2] = [3_652, 4_018];

/// What the hashes of both meshes are keyed with.
pub(super) const HASH_SECRET: &str = "of the proof";

/// One row.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) id: i64,
    pub(super) tenant: Option<String>,
    pub(super) ssn: Option<String>,
    pub(super) salary: Option<i64>,
    pub(super) note: Option<String>,
    pub(super) city: Option<String>,
    pub(super) code: Option<String>,
    pub(super) badge: Option<String>,
    /// In hundredths.
    pub(super) amount: Option<i128>,
    /// In halves, so that sums are exact.
    pub(super) score: Option<i32>,
    /// Days since 1970.
    pub(super) born: Option<i32>,
    pub(super) active: Option<bool>,
    pub(super) tags: Option<Vec<&'static str>>,
    pub(super) spot: Option<(i64, String)>,
}

/// What a principal's raw values and hidden rows look like; the visible part is the same in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Few hidden rows, each of which breaks a fallible expression.
    Explosive,
    /// More hidden rows, that do no harm.
    Harmless,
}

fn text(text: impl Into<String>) -> Option<String> {
    Some(text.into())
}

/// The rows that a principal who sees these tenants sees, as they are on both sides.
pub(super) fn shown(tenants: &[Option<&str>]) -> Vec<Row> {
    let row = |number: usize| {
        let id = i64::try_from(number).unwrap() + 1;
        let cycle = |length: usize| i64::try_from(number % length).unwrap();
        Row {
            id,
            tenant: tenants[number % tenants.len()].map(str::to_owned),
            ssn: (number % 11 != 10).then(|| format!("{}", 1_001 + number % 17)),
            salary: [Some(100), Some(300), Some(400), Some(250), None][number % 5],
            note: (number % 7 != 6).then(|| format!("2024-0{}-1{}", 1 + number % 3, number % 9)),
            city: [text("Ulm"), text("Bonn"), text("Köln"), text("Ulm"), None][(number / 2) % 5].clone(),
            code: text(format!("c{}", number % 3)),
            badge: (number % 12 != 11).then(|| format!("b{}", number % 5)),
            amount: (number % 6 != 5).then_some(i128::from(cycle(8)) * 125),
            score: (number % 9 != 8).then(|| i32::try_from(number % 13).unwrap()),
            born: (number % 10 != 9).then(|| YEARS[number % 2] + 40),
            active: [Some(true), Some(false), None][number % 3],
            tags: [Some(vec!["red", "blue"]), Some(vec!["blue"]), Some(vec![]), None][number % 4].clone(),
            spot: (number % 8 != 7).then(|| (1 + cycle(4), format!("n{}", number % 3))),
        }
    };
    (0..24).map(row).collect()
}

/// Rows that nobody of the proof may see. On both sides the table's size has the same power of two above it: so much
/// of it is told to the optimiser, whoever asks, and can be noticed.
pub(super) fn hidden(side: Side) -> Vec<Row> {
    let explosive = |number: usize| Row {
        id: 101 + i64::try_from(number).unwrap(),
        tenant: [text("z"), None, text("y")][number % 3].clone(),
        ssn: text(format!("SECRET-47{number}")),
        salary: Some(200),
        note: text("SECRET, and no date"),
        city: text("Hiddenville"),
        code: text("SECRETc"),
        badge: text("SECRET-badge"),
        amount: Some(200),
        score: Some(7_777),
        born: Some(-30_000),
        active: Some(true),
        tags: Some(vec!["hush"]),
        spot: Some((0, "SECRET-spot".to_owned())),
    };
    let harmless = |number: usize| Row {
        id: [-5, 12, 300][number % 3] + 1_000 * i64::try_from(number).unwrap(),
        tenant: [text("c"), text("d"), text(""), None, text("dd")][number % 5].clone(),
        ssn: (!number.is_multiple_of(4)).then(|| format!("{}", 5_000 + number)),
        salary: Some(900 + i64::try_from(number).unwrap()),
        note: text("2023-05-05"),
        city: [text("Elsewhere"), text("Bonn"), None][number % 3].clone(),
        code: text("y"),
        badge: text("b1"),
        amount: None,
        score: Some(1),
        born: Some(20_000),
        active: None,
        tags: None,
        spot: None,
    };
    match side {
        Side::Explosive => (0..9).map(explosive).collect(),
        Side::Harmless => (0..35).map(harmless).collect(),
    }
}

/// The raw values of a row whose masks show the same as before.
pub(super) fn under_masks(mut row: Row, side: Side) -> Row {
    let explosive = side == Side::Explosive;
    row.ssn = row.ssn.map(|ssn| if explosive { format!("SECRET-{ssn}") } else { format!("77{ssn}") });
    row.salary = explosive.then_some(200).or(row.salary.map(|salary| salary + row.id));
    row.note = row.note.map(|note| if explosive { note.replace('2', "9") } else { note });
    row.code = if explosive { text("SECRETc") } else { None };
    // Equal hashes are of equal values: what is under them is the same on both sides, and a secret on both.
    row.badge = row.badge.map(|badge| format!("SECRET-{badge}"));
    row.amount = if row.active == Some(true) { row.amount } else { explosive.then_some(99_999) };
    row.born = row.born.map(|born| if explosive { born } else { born + 200 });
    row.spot = explosive.then(|| (0, "SECRET-spot".to_owned()));
    row
}

/// What the masks of the proof leave of a row.
pub(super) fn masked(mut row: Row) -> Row {
    row.ssn = row.ssn.map(|ssn| format!("****{}", &ssn[ssn.len() - 4..]));
    row.salary = None;
    row.note = row.note.map(|_| "0000-00-00".to_owned());
    row.badge = row.badge.map(|badge| hash(&format!("SECRET-{badge}")));
    row.amount = row.amount.filter(|_| row.active == Some(true));
    row.born = row.born.map(|born| if born < YEARS[1] { YEARS[0] } else { YEARS[1] });
    row.spot = None;
    row
}

/// What the mask `hash` of a mesh with [`HASH_SECRET`] shows: HMAC-SHA-256 under the secret's digest, in hexadecimal.
fn hash(text: &str) -> String {
    let secret = ring::digest::digest(&ring::digest::SHA256, HASH_SECRET.as_bytes());
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_ref());
    ring::hmac::sign(&key, text.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// One batch with these rows, under the contract's names; without `code` where that is hidden.
pub(super) fn batch(rows: &[Row], with_code: bool) -> RecordBatch {
    fn texts(rows: &[Row], value: impl Fn(&Row) -> Option<&String>) -> ArrayRef {
        Arc::new(rows.iter().map(|row| value(row).map(String::as_str)).collect::<StringArray>())
    }
    let mut columns: Vec<(&str, ArrayRef)> = vec![
        ("id", Arc::new(rows.iter().map(|row| Some(row.id)).collect::<Int64Array>())),
        ("tenant", texts(rows, |row| row.tenant.as_ref())),
        ("ssn", texts(rows, |row| row.ssn.as_ref())),
        ("salary", Arc::new(rows.iter().map(|row| row.salary).collect::<Int64Array>())),
        ("note", texts(rows, |row| row.note.as_ref())),
        ("city", texts(rows, |row| row.city.as_ref())),
    ];
    if with_code {
        columns.push(("code", texts(rows, |row| row.code.as_ref())));
    }
    let amount: Decimal128Array = rows.iter().map(|row| row.amount).collect();
    let half = |row: &Row| row.score.map(|score| f64::from(score) / 2.0);
    let more: [(&str, ArrayRef); 7] = [
        ("badge", texts(rows, |row| row.badge.as_ref())),
        ("amount", Arc::new(amount.with_precision_and_scale(12, 2).unwrap())),
        ("score", Arc::new(rows.iter().map(half).collect::<Float64Array>())),
        ("born", Arc::new(rows.iter().map(|row| row.born).collect::<Date32Array>())),
        ("active", Arc::new(rows.iter().map(|row| row.active).collect::<BooleanArray>())),
        ("tags", tags(rows)),
        ("spot", spot(rows)),
    ];
    columns.extend(more);
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true))).unwrap()
}

fn tags(rows: &[Row]) -> ArrayRef {
    let mut lists = ListBuilder::new(StringBuilder::new());
    for row in rows {
        match &row.tags {
            Some(tags) => lists.append_value(tags.iter().map(|tag| Some(*tag))),
            None => lists.append_null(),
        }
    }
    Arc::new(lists.finish())
}

fn spot(rows: &[Row]) -> ArrayRef {
    let fields = Fields::from(vec![Field::new("x", DataType::Int64, true), Field::new("label", DataType::Utf8, true)]);
    let x: Int64Array = rows.iter().map(|row| row.spot.as_ref().map(|(x, _)| *x)).collect();
    let label: StringArray = rows.iter().map(|row| row.spot.as_ref().map(|(_, label)| label.as_str())).collect();
    let valid: Vec<bool> = rows.iter().map(|row| row.spot.is_some()).collect();
    Arc::new(StructArray::new(fields, vec![Arc::new(x), Arc::new(label)], Some(NullBuffer::from(valid))))
}
