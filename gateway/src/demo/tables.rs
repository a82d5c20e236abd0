//! The retailer's records as the columns that its Delta tables have.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::error::ArrowError;
use chrono::{Datelike, NaiveDate};

use super::retail::{Customer, Line, Order};

/// The orders of each quarter, in the order of time. `orders` are in that order.
pub(super) fn quarters(orders: &[Order]) -> impl Iterator<Item = &[Order]> {
    let quarter = |order: &Order| (order.date().year(), order.date().quarter());
    orders.chunk_by(move |left, right| quarter(left) == quarter(right))
}

/// Columns of `sales.orders`, in the words of the shop: the contract gives two of them other names, or none.
pub(super) fn orders(orders: &[Order]) -> Result<RecordBatch, ArrowError> {
    let load_batch = |order: &Order| format!("{}-Q{}", order.date().year(), order.date().quarter());
    RecordBatch::try_from_iter_with_nullable([
        ("order_id", integers(orders.iter().map(|order| order.id)), false),
        ("customer_id", integers(orders.iter().map(|order| order.customer_id)), false),
        ("order_date", dates(orders.iter().map(|order| Some(order.date()))), false),
        ("order_ts", instants(orders.iter().map(|order| order.placed_at.timestamp_micros())), false),
        ("region", texts(orders.iter().map(|order| order.region)), false),
        ("status", texts(orders.iter().map(|order| order.status)), false),
        ("channel", texts(orders.iter().map(|order| order.channel)), false),
        ("total", cents(orders.iter().map(Order::total_cents), 12)?, false),
        ("margin", cents(orders.iter().map(Order::margin_cents), 12)?, false),
        ("contact_email", maybe_texts(orders.iter().map(|order| order.email.as_deref())), true),
        ("load_batch", texts(orders.iter().map(load_batch)), false),
    ])
}

/// Columns of `sales.order_items`.
pub(super) fn order_items(orders: &[Order]) -> Result<RecordBatch, ArrowError> {
    let numbered = || orders.iter().flat_map(|order| (1..).zip(&order.lines).map(move |(at, line)| (order, at, line)));
    let lines = || orders.iter().flat_map(|order| &order.lines);
    RecordBatch::try_from_iter_with_nullable([
        ("order_id", integers(numbered().map(|(order, _, _)| order.id)), false),
        ("line_number", small(numbered().map(|(_, at, _)| at)), false),
        ("order_date", dates(numbered().map(|(order, _, _)| Some(order.date()))), false),
        ("region", texts(numbered().map(|(order, _, _)| order.region)), false),
        ("status", texts(numbered().map(|(order, _, _)| order.status)), false),
        ("article_id", small(lines().map(|line| line.article_id)), false),
        ("article", texts(lines().map(|line| line.article)), false),
        ("category", texts(lines().map(|line| line.category)), false),
        ("quantity", small(lines().map(|line| line.quantity)), false),
        ("unit_price", cents(lines().map(|line: &Line| line.unit_price_cents), 10)?, false),
        ("unit_cost", cents(lines().map(|line| line.unit_cost_cents), 10)?, false),
        ("discount_percent", small(lines().map(|line| line.discount_percent)), false),
        ("line_total", cents(lines().map(|line| line.total_cents), 12)?, false),
    ])
}

/// Columns of `customers.profiles`.
pub(super) fn profiles(customers: &[Customer]) -> Result<RecordBatch, ArrowError> {
    RecordBatch::try_from_iter_with_nullable([
        ("customer_id", integers(customers.iter().map(|customer| customer.id)), false),
        ("name", texts(customers.iter().map(|customer| &customer.name)), false),
        ("email", texts(customers.iter().map(|customer| &customer.email)), false),
        ("phone", maybe_texts(customers.iter().map(|customer| customer.phone.as_deref())), true),
        ("segment", texts(customers.iter().map(|customer| customer.segment)), false),
        ("country", texts(customers.iter().map(|customer| customer.country)), false),
        ("city", texts(customers.iter().map(|customer| customer.city)), false),
        ("region", texts(customers.iter().map(|customer| customer.region)), false),
        ("birth_date", dates(customers.iter().map(|customer| customer.birth_date)), true),
        ("customer_since", dates(customers.iter().map(|customer| Some(customer.since))), false),
        ("loyalty_tier", texts(customers.iter().map(|customer| customer.loyalty_tier)), false),
        ("loyalty_points", small(customers.iter().map(|customer| customer.loyalty_points)), false),
        ("newsletter", booleans(customers.iter().map(|customer| customer.newsletter)), false),
    ])
}

fn integers(values: impl Iterator<Item = i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(values))
}

fn small(values: impl Iterator<Item = i32>) -> ArrayRef {
    Arc::new(Int32Array::from_iter_values(values))
}

fn texts(values: impl Iterator<Item = impl AsRef<str>>) -> ArrayRef {
    Arc::new(StringArray::from_iter(values.map(Some)))
}

fn maybe_texts<'a>(values: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(StringArray::from_iter(values))
}

fn booleans(values: impl Iterator<Item = bool>) -> ArrayRef {
    Arc::new(BooleanArray::from_iter(values.map(Some)))
}

fn dates(values: impl Iterator<Item = Option<NaiveDate>>) -> ArrayRef {
    Arc::new(Date32Array::from_iter(values.map(|day| Some(day?.to_epoch_days()))))
}

fn instants(microseconds: impl Iterator<Item = i64>) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from_iter_values(microseconds).with_timezone("UTC"))
}

fn cents(values: impl Iterator<Item = i64>, digits: u8) -> Result<ArrayRef, ArrowError> {
    Ok(Arc::new(Decimal128Array::from_iter_values(values.map(i128::from)).with_precision_and_scale(digits, 2)?))
}
