//! Tickets: self-contained, sealed, and of use to one principal under one policy.

use arrow_flight::Ticket;
use tests::retail::{RULES, Retail};
use tonic::Code;

const STATEMENT: &str = "SELECT id, email FROM sales.orders ORDER BY id";

async fn ticket(client: &mut tests::Client, sql: &str) -> Ticket {
    client.info(sql).await.unwrap().endpoint[0].ticket.clone().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_is_good_on_another_connection_of_the_same_user() {
    let retail = Retail::serve().await;
    let ticket = ticket(&mut retail.gateway.connect("ann").await, STATEMENT).await;
    let rows = retail.gateway.connect("ann").await.fetch(ticket).await.unwrap();
    assert_eq!(rows.count(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_is_of_no_use_to_anybody_else() {
    let retail = Retail::serve().await;
    let ticket = ticket(&mut retail.gateway.connect("sam").await, STATEMENT).await;
    for thief in ["ann", "eve", "olga"] {
        let failure = retail.gateway.connect(thief).await.fetch(ticket.clone()).await.unwrap_err();
        assert_eq!((failure.code, failure.kind.as_str()), (Code::InvalidArgument, "InvalidTicket"), "{thief}");
    }
    let failure = tests::Client::anonymous(retail.gateway.flight()).await.fetch(ticket).await.unwrap_err();
    assert_eq!(failure.code, Code::Unauthenticated);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_with_a_changed_byte_is_refused() {
    let retail = Retail::serve().await;
    let mut sam = retail.gateway.connect("sam").await;
    let good = ticket(&mut sam, STATEMENT).await.ticket.to_vec();
    for place in (0..good.len()).step_by(good.len() / 40 + 1) {
        for change in [1_u8, 0x80] {
            let mut bad = good.clone();
            bad[place] ^= change;
            let failure = sam.fetch(Ticket::new(bad)).await.unwrap_err();
            assert_eq!(failure.kind, "InvalidTicket", "byte {place}: {failure:?}");
        }
    }
    for bad in [Vec::new(), good[..good.len() - 1].to_vec(), [good.clone(), vec![0]].concat(), b"SELECT 1".to_vec()] {
        assert_eq!(sam.fetch(Ticket::new(bad)).await.unwrap_err().code, Code::InvalidArgument);
    }
    assert_eq!(sam.fetch(Ticket::new(good)).await.unwrap().count(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_tells_nothing_of_the_policy() {
    let retail = Retail::serve().await;
    let ticket = ticket(&mut retail.gateway.connect("ann").await, STATEMENT).await;
    let text = String::from_utf8_lossy(&ticket.ticket).into_owned();
    for secret in ["attribute", "show_last", "margin", "data/orders", "analyst"] {
        assert!(!text.contains(secret), "{secret} is in the ticket: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_does_not_name_the_tables_that_a_view_reads() {
    let retail = Retail::serve().await;
    let rule = "p, user:ann, insights, totals, select, allow\n";
    let rules = format!("{rule}p, user:olga, sales, *, select, allow\n");
    change(&retail, &rules, "SELECT count(*) FROM insights.totals", Some("5")).await;
    let mut ann = retail.gateway.connect("ann").await;
    assert_eq!(ann.fails("SELECT * FROM sales.orders").await.kind, "UndefinedTable");
    let ticket = ticket(&mut ann, "SELECT * FROM insights.totals").await;
    let text = String::from_utf8_lossy(&ticket.ticket).into_owned();
    assert!(!text.contains("orders"), "the ticket names a table that does not exist for ann: {text}");
}

/// Changes the rules, and waits until `statement` gives ann `line` under them.
async fn change(retail: &Retail, rules: &str, statement: &str, line: Option<&str>) {
    retail.mesh.rules(rules);
    let ann = retail.gateway.connect("ann").await;
    tests::deadline::eventually(tests::deadline::STEP, "the new policy is in force", || {
        let mut ann = ann.clone();
        async move {
            let rows = ann.query(statement).await.ok().map(|rows| rows.lines());
            (rows.as_deref().map(|lines| lines[0].as_str()) == line).then_some(())
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_ticket_is_authorised_under_the_policy_of_today() {
    let retail = Retail::serve().await;
    let mut ann = retail.gateway.connect("ann").await;
    let region = "SELECT min(region) FROM sales.orders";
    let older = ticket(&mut ann, region).await;
    change(&retail, &RULES.replace("attribute('region')", "'US'"), region, Some("US")).await;
    assert_eq!(ann.fetch(older.clone()).await.unwrap().lines(), ["US"]);
    change(&retail, &RULES.replace("g,  user:ann", "g,  user:nobody"), region, None).await;
    assert_eq!(ann.fetch(older).await.unwrap_err().kind, "UndefinedTable");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_ticket_whose_columns_have_changed_is_refused() {
    let retail = Retail::serve().await;
    let mut ann = retail.gateway.connect("ann").await;
    let older = ticket(&mut ann, "SELECT * FROM sales.orders").await;
    let deny = format!("{RULES}\np, role:analyst, sales, orders.email, select, deny\n");
    change(&retail, &deny, "SELECT email FROM sales.orders", None).await;
    assert_eq!(ann.fetch(older).await.unwrap_err().kind, "InvalidTicket");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_pins_the_version_of_its_tables() {
    let retail = Retail::serve().await;
    let mut sam = retail.gateway.connect("sam").await;
    let count = "SELECT count(*) FROM sales.orders";
    let before = ticket(&mut sam, count).await;
    tests::delta::append(&retail.mesh.path("data/orders"), &["region"], tests::retail::MORE_ORDERS).await;
    assert_eq!(sam.rows(count).await.lines(), ["8"]);
    assert_eq!(sam.fetch(before).await.unwrap().lines(), ["6"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_of_another_gateway_is_refused() {
    let (one, two) = (Retail::serve().await, Retail::serve().await);
    let ticket = ticket(&mut one.gateway.connect("sam").await, STATEMENT).await;
    let failure = two.gateway.connect("sam").await.fetch(ticket).await.unwrap_err();
    assert_eq!(failure.kind, "InvalidTicket", "{failure:?}");
}
