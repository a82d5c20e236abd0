//! The tour of `meshgate demo --once`: three people ask the same questions.

use super::demo::Demo;
use super::{Failure, Outcome, say};
use crate::shell::{self, Exit};

/// The question across two domains: order totals per customer segment and region.
pub(super) const QUESTION: &str = "SELECT p.segment, o.region, count(*) AS orders, sum(o.total) AS total \
     FROM sales.orders o JOIN customers.profiles p ON p.customer_id = o.customer_id \
     GROUP BY p.segment, o.region ORDER BY p.segment, o.region";

/// A question that shows masks at work.
const MASKS: &str = "SELECT order_id, region, status, email FROM sales.orders ORDER BY order_id LIMIT 3";

/// Runs the tour on a running demo; fails where somebody sees more or less than he should.
pub(super) async fn run(demo: &Demo) -> Result<Outcome, Failure> {
    say("One question across two domains: sales.orders is a Delta table, customers.profiles a Flight SQL endpoint.");
    say(&format!("\n  {QUESTION}"));
    let stops = [
        ("ann", "sales analyst for the EU: she sees orders of the EU only", Exit::Good),
        ("sam", "sales steward: he sees everything", Exit::Good),
        ("eve", "no grants: for her the tables do not exist", Exit::Failed),
    ];
    let mut good = true;
    for (user, who, expected) in stops {
        say(&format!("\n--- {user}, {who}"));
        good &= ask(demo, user, QUESTION).await == expected;
    }
    say(&format!("\nAnd what they see of single rows:\n\n  {MASKS}"));
    for (user, who) in [("ann", "e-mail addresses are masked"), ("sam", "he sees them in clear")] {
        say(&format!("\n--- {user}: {who}"));
        good &= ask(demo, user, MASKS).await == Exit::Good;
    }
    if !good {
        return Err("the tour did not go as it should: see above".into());
    }
    Ok(Outcome::Good)
}

async fn ask(demo: &Demo, user: &str, sql: &str) -> Exit {
    shell::run(shell::Options {
        url: format!("grpc://{}", demo.retail.flight_address()),
        user: Some(user.to_owned()),
        // Everybody's password in the demo is the name.
        password: Some(user.to_owned()),
        tls_ca: None,
        command: vec![sql.to_owned()],
        file: None,
        format: None,
    })
    .await
}
