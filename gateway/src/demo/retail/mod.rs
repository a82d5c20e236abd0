//! The retailer's records: invented, plausible, and the same every time.

mod chance;
mod customers;
mod orders;
mod words;

pub(super) use customers::Customer;
pub(super) use orders::{Line, Order};

/// Everything that the retailer has recorded.
#[derive(Debug, PartialEq)]
pub(super) struct Retail {
    pub(super) customers: Vec<Customer>,
    pub(super) orders: Vec<Order>,
}

impl Retail {
    /// The records. Costs some tenths of a second of one core without optimisation.
    pub(super) fn invent() -> Self {
        let customers = customers::customers();
        let orders = orders::orders(&customers);
        Self { customers, orders }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn the_records_are_the_same_every_time() {
        assert!(Retail::invent() == Retail::invent());
    }

    #[test]
    fn every_region_has_orders_and_every_order_a_customer_of_its_region() {
        let retail = Retail::invent();
        let mut orders: BTreeMap<&str, usize> = BTreeMap::new();
        for order in &retail.orders {
            *orders.entry(order.region).or_default() += 1;
            let customer = &retail.customers[(order.customer_id - retail.customers[0].id) as usize];
            assert_eq!((customer.id, customer.region), (order.customer_id, order.region));
            assert!(customer.since <= order.date());
            assert!(order.total_cents() > 0);
        }
        assert_eq!(orders.keys().copied().collect::<Vec<_>>(), ["APAC", "EU", "US"]);
        assert!(orders.values().all(|count| *count > 10_000), "{orders:?}");
        assert_eq!(retail.orders.len(), 100_000);
        let lines: usize = retail.orders.iter().map(|order| order.lines.len()).sum();
        assert!((240_000..260_000).contains(&lines), "{lines}");
    }

    #[test]
    fn every_status_and_channel_occurs() {
        let retail = Retail::invent();
        for status in ["draft", "placed", "shipped", "delivered", "returned", "cancelled"] {
            assert!(retail.orders.iter().any(|order| order.status == status), "{status}");
        }
        for channel in ["web", "app", "store", "phone"] {
            assert!(retail.orders.iter().any(|order| order.channel == channel), "{channel}");
        }
    }
}
