//! How fast a large result leaves from memory: the gateway, which counts meanwhile, against a bare Flight server that
//! repeats a batch which it has.

use std::time::{Duration, Instant};

use arrow_flight::Ticket;
use tests::mesh::PASSWORD;
use tests::{Client, Mesh};

use crate::bare;
use crate::child::Child;
use crate::spread::median;

/// Columns of eight bytes each.
const COLUMNS: u64 = 8;

/// One reading of the whole result.
struct Reading {
    took: Duration,
    busy: Duration,
    bytes: u64,
}

/// A result of so many rows that takes no source: one column of numbers, shown several times. An eighth of its bytes
/// is made meanwhile, nothing is computed of them.
pub(crate) fn statement(rows: u64) -> String {
    let columns: Vec<String> = (0..COLUMNS).map(|column| format!("value AS c{column}")).collect();
    format!("SELECT {} FROM generate_series(1, {rows})", columns.join(", "))
}

/// Reads so many mebibytes from either server, alternating, after one round that does not count.
pub(crate) async fn run(rounds: usize, mebibytes: u64) {
    let rows = (mebibytes << 20) / (COLUMNS * 8);
    println!("{rounds} rounds of a result of {mebibytes} MiB: {rows} rows of {COLUMNS} numbers");
    let mesh = Mesh::new("bench");
    mesh.users(&[("full", &[])]);
    std::fs::create_dir(mesh.path("catalog")).unwrap();
    let (gateway, bare) = (Child::gateway(&mesh), Child::bare());
    let mut governed = Client::login(gateway.address, "full", PASSWORD).await.unwrap();
    let mut plain = Client::anonymous(bare.address).await;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..=rounds {
        let beside = read(&bare, &mut plain, bare::ticket(rows)).await;
        let info = governed.info(&statement(rows)).await.unwrap();
        let reading = read(&gateway, &mut governed, info.endpoint[0].ticket.clone().unwrap()).await;
        assert!(reading.bytes >= mebibytes << 20 && beside.bytes >= mebibytes << 20, "short results");
        if round > 0 {
            ours.push(reading);
            theirs.push(beside);
        }
    }
    let ratios = ours.iter().zip(&theirs).map(|(ours, theirs)| theirs.took.as_secs_f64() / ours.took.as_secs_f64());
    let ratio = median(ratios.collect());
    println!("\n| server | rate | processor time for 1 GiB | most memory |\n|---|---|---|---|");
    row("bare Flight server", &theirs, &bare);
    row("gateway", &ours, &gateway);
    println!("\nrate of the gateway: {:.0} % of the bare server's, the median of the rounds; aim 80 %", 100.0 * ratio);
}

/// Reads a result to its end, without a look into its messages.
async fn read(server: &Child, client: &mut Client, ticket: Ticket) -> Reading {
    let request = client.request(ticket);
    let (before, start) = (server.busy(), Instant::now());
    let mut messages = client.flight().inner_mut().do_get(request).await.unwrap().into_inner();
    let mut bytes = 0;
    while let Some(message) = messages.message().await.unwrap() {
        bytes += message.data_body.len() as u64;
    }
    Reading { took: start.elapsed(), busy: server.busy() - before, bytes }
}

fn row(name: &str, readings: &[Reading], server: &Child) {
    let gibibytes = |reading: &Reading| reading.bytes as f64 / f64::from(1 << 30);
    let rate = median(readings.iter().map(|reading| gibibytes(reading) / reading.took.as_secs_f64()).collect());
    let busy = median(readings.iter().map(|reading| reading.busy.as_secs_f64() / gibibytes(reading)).collect());
    println!("| {name} | {rate:.2} GiB/s | {busy:.2} s | {} |", server.peak_memory());
}
