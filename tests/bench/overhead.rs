//! The overhead of governance, as ratios: the gateway over Flight SQL against the same statement in a plain engine
//! on the same provider, in alternating runs.

use std::time::{Duration, Instant};

use tests::{Client, Mesh};

use crate::data;
use crate::plain::Plain;
use crate::spread::median;

/// Statements in the manner of TPC-H.
const STATEMENTS: [(&str, &str); 3] = [
    (
        "aggregate",
        "SELECT flag, status, sum(quantity), sum(price), sum(price * (1 - discount)), avg(quantity), max(remark), \
         count(*) FROM shop.lines WHERE shipped <= DATE '1998-09-02' GROUP BY flag, status ORDER BY flag, status",
    ),
    (
        "selective filter",
        "SELECT sum(price * discount), max(remark) FROM shop.lines WHERE shipped >= DATE '1994-01-01' \
         AND shipped < DATE '1994-03-01' AND discount BETWEEN 0.05 AND 0.07 AND quantity < 24",
    ),
    (
        "join",
        "SELECT o.priority, count(*), sum(l.price), max(l.remark) FROM shop.lines l \
         JOIN shop.orders o ON o.id = l.order_id WHERE o.placed >= DATE '1995-01-01' AND o.placed < DATE '1995-07-01' \
         GROUP BY o.priority ORDER BY o.priority",
    ),
];

/// Compares each statement in so many rounds, after two that do not count, over so many order lines.
pub(crate) async fn run(rounds: usize, lines: u64) {
    println!("{rounds} rounds over {lines} order lines and a quarter as many orders, in Delta tables");
    let mesh = Mesh::new("bench");
    data::write(&mesh, lines).await;
    let gateway = mesh.serve().await;
    let plain = Plain::open(mesh.folder());

    println!("\n| reader | statement | plain engine | gateway | ratio | aim |\n|---|---|---|---|---|---|");
    for (user, aim) in [("full", 1.10), ("part", 1.15)] {
        let mut client = gateway.connect(user).await;
        for (name, sql) in STATEMENTS {
            let pairs = alternate(&plain, &mut client, user, sql, rounds).await;
            let (before, after): (Vec<Duration>, Vec<Duration>) = pairs.into_iter().unzip();
            let (before, after) = (median(before), median(after));
            let ratio = after.as_secs_f64() / before.as_secs_f64();
            let reader = if user == "full" { "unrestricted" } else { "row filter and mask" };
            println!("| {reader} | {name} | {before:.1?} | {after:.1?} | {ratio:.2} | {aim:.2} |");
        }
    }
    gateway.stop().await;
}

/// Times of both sides, in pairs. The answers must be equal.
async fn alternate(
    plain: &Plain,
    client: &mut Client,
    user: &str,
    sql: &str,
    rounds: usize,
) -> Vec<(Duration, Duration)> {
    let mut pairs = Vec::new();
    for round in 0..rounds + 2 {
        let start = Instant::now();
        let expected = plain.answer(user, sql).await;
        let before = start.elapsed();
        let start = Instant::now();
        let rows = client.rows(sql).await;
        let after = start.elapsed();
        assert_eq!(rounded(&rows), rounded(&expected), "{user}: {sql}");
        if round >= 2 {
            pairs.push((before, after));
        }
    }
    pairs
}

/// The rows, numbers cut to nine digits: sums of floating-point numbers depend on the order of the rows.
fn rounded(rows: &tests::Rows) -> Vec<Vec<String>> {
    let short = |cell: String| cell.parse::<f64>().map_or(cell, |number| format!("{number:.8e}"));
    rows.cells().into_iter().map(|row| row.into_iter().map(short).collect()).collect()
}
