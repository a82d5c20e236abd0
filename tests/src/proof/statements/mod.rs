//! Makes questions of seeds: mostly valid statements, many of them with an expression that fails on hidden rows.

mod plain;
mod scope;
mod several;
mod writer;

use self::scope::Kind;
use self::writer::Writer;
use super::chance::Chance;
use super::principals::Principal;
use super::question::{Ask, Order, Question};

/// A statement, and how far its result is fixed.
struct Draft {
    sql: String,
    order: Order,
}

impl Draft {
    fn new(sql: String, order: Order) -> Self {
        Self { sql, order }
    }
}

/// Percent of the statements that get an expression that may fail.
const PROVOCATIVE: usize = 55;

const FORMS: [fn(&mut Writer<'_>) -> Draft; 14] = [
    plain::sorted,
    plain::sorted,
    plain::everything,
    plain::some,
    plain::grouped,
    plain::grouped,
    plain::windowed,
    plain::nested,
    several::joined,
    several::joined,
    several::specially_joined,
    several::with_subquery,
    several::of_sets,
    several::with_common,
];

const EXPLAINS: [&str; 6] = [
    "EXPLAIN",
    "EXPLAIN VERBOSE",
    "EXPLAIN FORMAT INDENT",
    "EXPLAIN FORMAT TREE",
    "EXPLAIN FORMAT PGJSON",
    "EXPLAIN ANALYZE",
];

/// What a principal asks about his tables as such.
const ABOUT: [&str; 9] = [
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM information_schema.columns",
    "SELECT * FROM information_schema.schemata",
    "SELECT * FROM system.products",
    "SELECT * FROM system.columns",
    "SELECT * FROM system.grants",
    "SHOW TABLES",
    "SHOW COLUMNS FROM DOMAIN.p",
    "DESCRIBE DOMAIN.q",
];

/// What does not exist for anybody of the proof, or not any more.
const ABSENT: [&str; 9] = [
    "SELECT * FROM unseen.p",
    "SELECT * FROM unseen.nothing",
    "SELECT nothing FROM DOMAIN.p",
    "SELECT id FROM DOMAIN.q WHERE code = 'SECRETc'",
    "SELECT max(code) FROM DOMAIN.p",
    "SELECT a.id FROM DOMAIN.p AS a JOIN DOMAIN.q AS b USING (code)",
    "SELECT p.id FROM DOMAIN.p ORDER BY p.code",
    "SELECT __delta_rs_path FROM DOMAIN.p",
    "SELECT * FROM DOMAIN.\"p$files\"",
];

/// The question of a seed.
pub(super) fn question(seed: u64, principal: Principal, chance: &mut Chance) -> Question {
    match chance.below(100) {
        0..3 => return fixed(seed, principal, about(principal, chance)),
        3..6 => {
            let sql = chance.one(&ABSENT).replace("DOMAIN", principal.domain());
            return fixed(seed, principal, Ask::Statement(sql));
        }
        _ => {}
    }
    let provoke = chance.percent(PROVOCATIVE);
    let mut writer = Writer { chance, principal, provoke, fallible: false };
    if writer.chance.percent(5) {
        return prepared(seed, &mut writer);
    }
    let form = writer.chance.one(&FORMS);
    let Draft { sql, order } = form(&mut writer);
    let fallible = writer.fallible;
    let ordinary = |ask, comparable| Question { seed, principal, ask, order, fallible, comparable };
    match chance.below(100) {
        0..8 => {
            let sql = format!("{} {sql}", chance.one(&EXPLAINS));
            Question { order: Order::Any, ..ordinary(Ask::Statement(sql), false) }
        }
        8..10 => ordinary(Ask::Schema(sql), false),
        _ => ordinary(Ask::Statement(sql), true),
    }
}

/// A question whose answer is the same set of rows always.
fn fixed(seed: u64, principal: Principal, ask: Ask) -> Question {
    Question { seed, principal, ask, order: Order::Any, fallible: false, comparable: false }
}

fn about(principal: Principal, chance: &mut Chance) -> Ask {
    let domain = principal.domain();
    match chance.below(4) {
        0 => {
            let pattern = chance.one(&[None, Some("%"), Some("p"), Some("_"), Some("un%")]);
            Ask::Tables { pattern, with_schema: chance.percent(50) }
        }
        1 => Ask::Keys(chance.one(&["DOMAIN.p", "unseen.p"]).replace("DOMAIN", domain)),
        _ => Ask::Statement(chance.one(&ABOUT).replace("DOMAIN", domain)),
    }
}

fn prepared(seed: u64, writer: &mut Writer<'_>) -> Question {
    let (table, scope) = writer.table("t");
    let condition = writer.condition(&scope, 1);
    let (number, text) = (writer.column(&scope, Kind::Number), writer.column(&scope, Kind::Text));
    let comparison = writer.pick(&["=", "<>", "<", ">="]);
    let connective = writer.pick(&["AND", "OR"]);
    let sql = format!(
        "SELECT t.id, {number} AS x, {text} AS y FROM {table} WHERE ({number} {comparison} $1 {connective} {text} = $2) AND {condition}"
    );
    let number = writer.literal(Kind::Number).parse().unwrap();
    let text = writer.pick(&["Ulm", "1003", "****1003", "SECRET-1003", "Hiddenville", "a", "z"]);
    let (principal, fallible) = (writer.principal, writer.fallible);
    let ask = Ask::Prepared(sql, number, text);
    Question { seed, principal, ask, order: Order::Any, fallible, comparable: false }
}
