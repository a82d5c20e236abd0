//! Numbers that the demo's policy tests expect, counted from the records and not by a query.

use std::collections::BTreeSet;

use super::files::Values;
use super::retail::{Order, Retail};

/// The numbers by the names that `policies/tests.yaml` and `README.md` use.
pub(super) fn facts(retail: &Retail) -> Values {
    let orders = &retail.orders;
    let of =
        |region: &'static str| orders.iter().filter(move |order| order.region == region && order.status != "draft");
    let mut facts = Values::new();
    let mut put = |name, number: i64| facts.insert(name, number.to_string());

    put("profiles_all", retail.customers.len() as i64);
    put("orders_all", orders.len() as i64);
    put("orders_eu", of("EU").count() as i64);
    put("orders_us", of("US").count() as i64);
    put("orders_with_email", orders.iter().filter(|order| order.email.is_some()).count() as i64);
    put("drafts_all", orders.iter().filter(|order| order.status == "draft").count() as i64);
    put("cents_eu", of("EU").map(Order::total_cents).sum());
    put("margin_cents_all", orders.iter().map(Order::margin_cents).sum());

    let lines = || orders.iter().flat_map(|order| &order.lines);
    put("items_all", lines().count() as i64);
    put("items_eu", of("EU").map(|order| order.lines.len() as i64).sum());
    put("pieces_all", lines().map(|line| i64::from(line.quantity)).sum());

    let segmented = || orders.iter().filter(|order| !["draft", "cancelled"].contains(&order.status));
    put("segmented_all", customers(segmented()));
    put("segmented_orders_all", segmented().count() as i64);
    put("segmented_eu", customers(segmented().filter(|order| order.region == "EU")));
    put("segmented_orders_eu", segmented().filter(|order| order.region == "EU").count() as i64);
    put("forecast_orders_all", orders.iter().filter(|order| order.status != "draft").count() as i64);

    let order_us = of("US").map(|order| order.id).next().unwrap_or_default();
    put("order_us", order_us);
    let email = of("EU").find_map(|order| order.email.clone()).unwrap_or_default();
    put("orders_of_email_eu", orders.iter().filter(|order| order.email.as_ref() == Some(&email)).count() as i64);
    facts.insert("email_eu", email);
    facts
}

/// How many customers have placed these orders.
fn customers<'a>(orders: impl Iterator<Item = &'a Order>) -> i64 {
    orders.map(|order| order.customer_id).collect::<BTreeSet<i64>>().len() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fact_shows_something() {
        let facts = facts(&Retail::invent());
        for (name, value) in &facts {
            assert!(!["0", ""].contains(&value.as_str()), "{name} is {value:?}");
        }
        assert_ne!(facts["orders_all"], facts["orders_eu"]);
    }
}
