//! Many small statements: lookups by key, through the gateway and in this process.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::child::Child;
use crate::lookup::{Connection, InProcess, Laps, key, mesh};
use crate::spread::{at, median, milliseconds};

/// Connections that ask at once.
const CONNECTIONS: usize = 64;

/// Lookups of one connection before those that count.
const WARM: u64 = 50;

/// What one side did in one round.
struct Round {
    rate: f64,
    times: Vec<Duration>,
}

/// Compares both sides in so many rounds of so many seconds each: first all connections, then one.
pub(crate) async fn run(rounds: usize, seconds: u64) {
    println!("{rounds} rounds of {seconds} s on either side: one order by its key, a new key each time\n");
    let mesh = mesh().await;
    let (gateway, engine) = (Child::gateway(&mesh), InProcess::open(&mesh).await);
    let span = Duration::from_secs(seconds);
    println!("| connections | where | statements per second | p50 | p99 |\n|---|---|---|---|---|");
    for connections in [CONNECTIONS, 1] {
        let (mut ours, mut theirs, mut laps) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..rounds {
            theirs.push(in_process(&engine, connections, span).await);
            let (round, more) = governed(&gateway, connections, span).await;
            ours.push(round);
            laps.extend(more);
        }
        row(connections, "in this process", &theirs);
        row(connections, "gateway", &ours);
        if connections == 1 {
            breakdown(&gateway, &laps, overhead(&ours, &theirs)).await;
        }
    }
}

/// Lookups through so many connections for a while.
async fn governed(gateway: &Child, connections: usize, span: Duration) -> (Round, Vec<Laps>) {
    let mut open = Vec::new();
    for number in 0..connections {
        let mut connection = Connection::open(gateway).await;
        for warm in 0..WARM {
            connection.lookup(key(warm + number as u64)).await;
        }
        open.push(connection);
    }
    let (mut asking, start) = (JoinSet::new(), Instant::now());
    for (number, mut connection) in open.into_iter().enumerate() {
        asking.spawn(async move {
            let mut laps = Vec::new();
            while start.elapsed() < span {
                laps.push(connection.lookup(key((number * 1_000 + laps.len()) as u64)).await);
            }
            laps
        });
    }
    let laps: Vec<Laps> = asking.join_all().await.into_iter().flatten().collect();
    (Round::of(laps.iter().map(Laps::total).collect(), start), laps)
}

/// The same number at once in this process.
async fn in_process(engine: &InProcess, connections: usize, span: Duration) -> Round {
    for warm in 0..WARM {
        engine.lookup(key(warm)).await;
    }
    let (mut asking, start) = (JoinSet::new(), Instant::now());
    for number in 0..connections {
        let engine = engine.clone();
        asking.spawn(async move {
            let mut times = Vec::new();
            while start.elapsed() < span {
                times.push(engine.lookup(key((number * 1_000 + times.len()) as u64)).await);
            }
            times
        });
    }
    Round::of(asking.join_all().await.into_iter().flatten().collect(), start)
}

impl Round {
    fn of(times: Vec<Duration>, start: Instant) -> Self {
        Self { rate: times.len() as f64 / start.elapsed().as_secs_f64(), times }
    }
}

/// Medians over the rounds.
fn row(connections: usize, place: &str, rounds: &[Round]) {
    let rate = median(rounds.iter().map(|round| round.rate).collect());
    let part = |part: f64| milliseconds(median(rounds.iter().map(|round| at(round.times.clone(), part)).collect()));
    println!("| {connections} | {place} | {rate:.0} | {} | {} |", part(0.5), part(0.99));
}

/// What the gateway adds to a lookup in the middle: the median of the rounds' differences, in seconds.
fn overhead(ours: &[Round], theirs: &[Round]) -> f64 {
    let middle = |round: &Round| median(round.times.clone()).as_secs_f64();
    median(ours.iter().zip(theirs).map(|(ours, theirs)| middle(ours) - middle(theirs)).collect())
}

/// Where the time of one connection goes.
async fn breakdown(gateway: &Child, laps: &[Laps], overhead: f64) {
    let mut connection = Connection::open(gateway).await;
    let mut calls = Vec::new();
    for _ in 0..20 * WARM {
        calls.push(connection.call().await);
    }
    let middle = |lap: fn(&Laps) -> Duration| milliseconds(median(laps.iter().map(lap).collect()));
    println!("\n| call of one connection | p50 |\n|---|---|");
    println!("| DoPut of the key | {} |", middle(|laps| laps.bind));
    println!("| GetFlightInfo | {} |", middle(|laps| laps.plan));
    println!("| DoGet | {} |", middle(|laps| laps.fetch));
    println!("| a call that asks for nothing | {} |", milliseconds(median(calls)));
    println!("\nthe gateway adds {:.2} ms to a lookup at p50; aim 1 ms", overhead * 1e3);
}
