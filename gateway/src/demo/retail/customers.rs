//! The retailer's customers, as the CRM team knows them.

use chrono::{Days, NaiveDate};

use super::chance::Chance;
use super::words::COUNTRIES;

/// How many there are.
const CUSTOMERS: u32 = 10_000;

/// One customer.
#[derive(Debug, PartialEq)]
pub(in crate::demo) struct Customer {
    pub(in crate::demo) id: i64,
    pub(in crate::demo) name: String,
    pub(in crate::demo) email: String,
    pub(in crate::demo) phone: Option<String>,
    /// `consumer`, `business` or `public`.
    pub(in crate::demo) segment: &'static str,
    pub(in crate::demo) country: &'static str,
    pub(in crate::demo) city: &'static str,
    pub(in crate::demo) region: &'static str,
    /// Consumers only.
    pub(in crate::demo) birth_date: Option<NaiveDate>,
    /// `none`, `silver` or `gold`.
    pub(in crate::demo) loyalty_tier: &'static str,
    pub(in crate::demo) loyalty_points: i32,
    pub(in crate::demo) newsletter: bool,
    /// The day of the first contact. Later customers have higher numbers.
    pub(in crate::demo) since: NaiveDate,
}

/// All customers, oldest first.
pub(super) fn customers() -> Vec<Customer> {
    let mut chance = Chance::stream(1);
    (0..CUSTOMERS).map(|place| customer(&mut chance, place)).collect()
}

fn customer(chance: &mut Chance, place: u32) -> Customer {
    let id = i64::from(place) + 1001;
    let country = chance.weighted(&COUNTRIES, |country| country.weight);
    let (first, last) = (chance.one_of(&country.first_names), chance.one_of(&country.last_names));
    // The domains that are reserved for examples: a mail to them reaches nobody.
    let host = chance.one_of(&["example.com", "example.net", "example.org"]);
    let email = format!("{}.{}.{id}@{host}", first.to_lowercase(), last.to_lowercase());
    let phone = chance.happens(85).then(|| {
        let dialling = country.dialling;
        format!("+{dialling} 555 {:03} {:04}", chance.below(1000), chance.below(10_000))
    });
    let segment = chance.weighted(&[("consumer", 72), ("business", 21), ("public", 7)], |choice| choice.1).0;
    let age = Days::new(u64::from(chance.below(60 * 365)));
    let (loyalty_tier, points, _) =
        *chance.weighted(&[("none", 0, 70), ("silver", 2_000, 22), ("gold", 10_000, 8)], |choice| choice.2);
    let loyalty_points = if points == 0 { 0 } else { points + chance.below(points as u32) as i32 };
    let city = *chance.one_of(&country.cities);
    Customer {
        id,
        name: format!("{first} {last}"),
        email,
        phone,
        segment,
        country: country.code,
        city,
        region: country.region,
        birth_date: (segment == "consumer")
            .then(|| NaiveDate::from_ymd_opt(2006, 12, 31))
            .flatten()
            .map(|day| day - age),
        loyalty_tier,
        loyalty_points,
        newsletter: chance.happens(45),
        since: since(place),
    }
}

/// Ten years of customers, evenly.
fn since(place: u32) -> NaiveDate {
    let days = u64::from(place) * 3_640 / u64::from(CUSTOMERS);
    NaiveDate::from_ymd_opt(2016, 1, 4).unwrap_or_default() + Days::new(days)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_customers_have_higher_numbers() {
        let customers = customers();
        assert_eq!(customers.len(), CUSTOMERS as usize);
        assert!(customers.windows(2).all(|pair| pair[0].id < pair[1].id && pair[0].since <= pair[1].since));
    }

    #[test]
    fn no_mail_address_can_reach_anybody() {
        for customer in customers() {
            assert!(
                ["@example.com", "@example.net", "@example.org"].iter().any(|host| customer.email.ends_with(host)),
                "{}",
                customer.email
            );
        }
    }
}
