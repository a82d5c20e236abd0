//! The retailer's orders and their lines.

use chrono::{DateTime, Datelike, Days, NaiveDate, TimeDelta, Utc};

use super::chance::Chance;
use super::customers::Customer;
use super::words::ARTICLES;

/// How many orders there are.
const ORDERS: u64 = 100_000;

/// Orders of a day in each month, against each other: a retailer lives on the end of the year.
const MONTHS: [u64; 12] = [8, 7, 8, 8, 9, 9, 8, 8, 9, 10, 14, 16];

/// Orders of an hour (UTC), against each other.
const HOURS: [u32; 24] = [3, 2, 1, 1, 1, 2, 3, 4, 5, 6, 6, 6, 7, 6, 6, 6, 7, 8, 9, 10, 9, 8, 6, 4];

/// One order.
#[derive(Debug, PartialEq)]
pub(in crate::demo) struct Order {
    /// Later orders have higher numbers.
    pub(in crate::demo) id: i64,
    pub(in crate::demo) customer_id: i64,
    pub(in crate::demo) placed_at: DateTime<Utc>,
    /// The customer's region.
    pub(in crate::demo) region: &'static str,
    /// `draft`, `placed`, `shipped`, `delivered`, `returned` or `cancelled`.
    pub(in crate::demo) status: &'static str,
    /// `web`, `app`, `store` or `phone`.
    pub(in crate::demo) channel: &'static str,
    /// The customer's address; unknown for some orders in a store.
    pub(in crate::demo) email: Option<String>,
    /// At least one.
    pub(in crate::demo) lines: Vec<Line>,
}

/// One line of an order.
#[derive(Debug, PartialEq)]
pub(in crate::demo) struct Line {
    pub(in crate::demo) article_id: i32,
    pub(in crate::demo) article: &'static str,
    pub(in crate::demo) category: &'static str,
    pub(in crate::demo) quantity: i32,
    pub(in crate::demo) unit_price_cents: i64,
    pub(in crate::demo) unit_cost_cents: i64,
    pub(in crate::demo) discount_percent: i32,
    pub(in crate::demo) total_cents: i64,
}

impl Order {
    /// What the customer pays: the sum of the lines.
    pub(in crate::demo) fn total_cents(&self) -> i64 {
        self.lines.iter().map(|line| line.total_cents).sum()
    }

    /// What is left of the total after the cost of the goods.
    pub(in crate::demo) fn margin_cents(&self) -> i64 {
        let cost: i64 = self.lines.iter().map(|line| i64::from(line.quantity) * line.unit_cost_cents).sum();
        self.total_cents() - cost
    }

    /// The day (UTC) of the order.
    pub(in crate::demo) fn date(&self) -> NaiveDate {
        self.placed_at.date_naive()
    }
}

/// All orders of 2024 and 2025 in the order of time.
pub(super) fn orders(customers: &[Customer]) -> Vec<Order> {
    let first = NaiveDate::from_ymd_opt(2024, 1, 1).unwrap_or_default();
    let days: Vec<NaiveDate> = first.iter_days().take_while(|day| day.year() <= 2025).collect();
    let weight = |day: &NaiveDate| MONTHS[day.month0() as usize] * if day.year() == 2025 { 118 } else { 100 };
    let all: u64 = days.iter().map(weight).sum();
    let mut chance = Chance::stream(2);
    let mut orders = Vec::with_capacity(ORDERS as usize);
    let mut passed = 0;
    for day in &days {
        passed += weight(day);
        let count = (ORDERS * passed / all) as usize - orders.len();
        let known = customers.partition_point(|customer| customer.since <= *day);
        for second in seconds(&mut chance, count) {
            let placed_at = day.and_time(chrono::NaiveTime::MIN).and_utc() + TimeDelta::seconds(i64::from(second));
            let id = 100_001 + orders.len() as i64;
            orders.push(order(&mut chance, id, placed_at, &customers[..known]));
        }
    }
    orders
}

/// The seconds of a day at which `count` orders arrive, in order.
fn seconds(chance: &mut Chance, count: usize) -> Vec<u32> {
    let hours: Vec<(u32, u32)> = (0..).zip(HOURS).collect();
    let mut seconds: Vec<u32> =
        (0..count).map(|_| chance.weighted(&hours, |hour| hour.1).0 * 3600 + chance.below(3600)).collect();
    seconds.sort_unstable();
    seconds
}

fn order(chance: &mut Chance, id: i64, placed_at: DateTime<Utc>, customers: &[Customer]) -> Order {
    let mut customer = chance.one_of(customers);
    // Members of the loyalty programme order about twice as often.
    if customer.loyalty_tier == "none" && chance.happens(40) {
        customer = chance.one_of(customers);
    }
    let channel = chance.weighted(&[("web", 52), ("app", 30), ("store", 13), ("phone", 5)], |choice| choice.1).0;
    let lines = *chance.weighted(&[(1, 25), (2, 30), (3, 25), (4, 12), (5, 8)], |choice| choice.1);
    Order {
        id,
        customer_id: customer.id,
        placed_at,
        region: customer.region,
        status: status(chance, placed_at.date_naive()),
        channel,
        email: (channel != "store" || chance.happens(60)).then(|| customer.email.clone()),
        lines: (0..lines.0).map(|_| line(chance, customer)).collect(),
    }
}

/// What has become of an order of this day by the end of 2025.
fn status(chance: &mut Chance, day: NaiveDate) -> &'static str {
    let done = day + Days::new(9) <= NaiveDate::from_ymd_opt(2025, 12, 31).unwrap_or_default();
    let choices = if done {
        [("delivered", 87), ("returned", 6), ("cancelled", 4), ("draft", 3)]
    } else {
        [("placed", 46), ("shipped", 47), ("cancelled", 4), ("draft", 3)]
    };
    chance.weighted(&choices, |choice| choice.1).0
}

fn line(chance: &mut Chance, customer: &Customer) -> Line {
    let place = chance.below(ARTICLES.len() as u32) as usize;
    let article = &ARTICLES[place];
    let most = if customer.segment == "consumer" { 3 } else { 12 };
    let quantity = 1 + chance.below(most) as i32;
    let discount_percent = chance.weighted(&[(0, 74), (5, 12), (10, 10), (20, 4)], |choice| choice.1).0;
    let list = i64::from(quantity) * article.price_cents;
    Line {
        article_id: place as i32 + 101,
        article: article.name,
        category: article.category,
        quantity,
        unit_price_cents: article.price_cents,
        unit_cost_cents: article.price_cents * article.cost_percent / 100,
        discount_percent,
        // Rounded to whole cents, halves up.
        total_cents: (list * i64::from(100 - discount_percent) + 50) / 100,
    }
}
