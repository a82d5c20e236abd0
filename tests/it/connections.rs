//! Many connections at once: idle ones are in nobody's way, active ones are answered or refused, and nothing stays.

use std::net::SocketAddr;

use futures::{StreamExt, stream};
use tests::Client;
use tests::deadline::{STEP, eventually, within};
use tests::retail::Retail;
use tokio::task::JoinSet;

const IDLE: usize = 1_000;
const ACTIVE: usize = 200;

/// What each active connection asks, and what comes.
const STATEMENTS: [(&str, &str); 5] = [
    ("SELECT count(*) FROM sales.orders", "6"),
    ("SELECT email FROM sales.orders WHERE id = 2", "bob@example.com"),
    ("SELECT sum(value) FROM generate_series(1, 100000)", "5000050000"),
    ("SELECT max(total) FROM insights.totals", "125.0"),
    ("SELECT count(*) FROM sales.orders a JOIN sales.orders b ON a.region = b.region", "14"),
];

/// Asks every statement once. Tells how many were answered; the others were refused for being too many.
async fn ask(mut client: Client) -> usize {
    let mut answered = 0;
    for (sql, expected) in STATEMENTS {
        match client.query(sql).await {
            Ok(rows) => {
                assert_eq!(rows.lines(), [expected], "{sql}");
                answered += 1;
            }
            Err(failure) => assert_eq!(failure.kind, "LimitExceeded", "{sql}: {failure:?}"),
        }
    }
    answered
}

/// The gateway's ends of connections; none where the system does not tell.
fn sockets(gateway: SocketAddr) -> Option<usize> {
    let table = std::fs::read_to_string("/proc/net/tcp").ok()?;
    let port = format!(":{:04X}", gateway.port());
    let is_open = |line: &&str| match line.split_whitespace().collect::<Vec<_>>().as_slice() {
        // Established, or closed by the client only.
        [_, local, _, "01" | "08", ..] => local.ends_with(&port),
        _ => false,
    };
    Some(table.lines().filter(is_open).count())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_idle_and_two_hundred_active_connections_leave_nothing_behind() {
    let retail = Retail::serve().await;
    let gateway = &retail.gateway;
    let connect = |count: usize| stream::iter(0..count).map(|_| gateway.connect("sam")).buffer_unordered(32);
    let idle: Vec<Client> = within(STEP, "idle connections", connect(IDLE).collect()).await;
    let active: Vec<Client> = within(STEP, "active connections", connect(ACTIVE).collect()).await;
    let mut asking: JoinSet<usize> = active.into_iter().map(ask).collect();

    let new = gateway.connect("sam").await;
    eventually(STEP, "a new client is answered", || {
        let mut new = new.clone();
        async move { new.query("SELECT count(*) FROM sales.orders").await.ok() }
    })
    .await;
    let mut answered = 0;
    while let Some(count) = within(STEP, "the active connections", asking.join_next()).await {
        answered += count.unwrap();
    }
    assert!(answered >= ACTIVE, "{answered} statements of {} were answered", ACTIVE * STATEMENTS.len());
    if let Some(open) = sockets(gateway.flight()) {
        assert!(open > IDLE, "{open} connections: the idle ones are still there");
    }
    assert_eq!(idle[IDLE / 2].clone().sorted("SELECT 1").await, ["1"], "an idle connection is good");

    drop((idle, new));
    gateway.is_at_rest().await;
    eventually(STEP, "every socket is closed", || {
        let open = sockets(gateway.flight()).unwrap_or(0);
        async move { (open == 0).then_some(()) }
    })
    .await;
}
