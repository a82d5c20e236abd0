//! The names that the retailer's records are made of.

/// A country that the retailer delivers to.
pub(super) struct Country {
    /// ISO 3166 code.
    pub(super) code: &'static str,
    /// Sales region.
    pub(super) region: &'static str,
    /// How many of 100 customers live there.
    pub(super) weight: u32,
    /// International dialling code.
    pub(super) dialling: u32,
    pub(super) cities: [&'static str; 4],
    pub(super) first_names: [&'static str; 10],
    pub(super) last_names: [&'static str; 10],
}

/// Everywhere that the retailer delivers to.
pub(super) const COUNTRIES: [Country; 9] = [
    Country {
        code: "DE",
        region: "EU",
        weight: 16,
        dialling: 49,
        cities: ["Berlin", "Hamburg", "München", "Köln"],
        first_names: ["Anna", "Ben", "Clara", "Emil", "Frieda", "Jonas", "Lena", "Lukas", "Marie", "Paul"],
        last_names: [
            "Becker", "Fischer", "Hoffmann", "Koch", "Meyer", "Neumann", "Schmidt", "Schulz", "Wagner", "Weber",
        ],
    },
    Country {
        code: "FR",
        region: "EU",
        weight: 12,
        dialling: 33,
        cities: ["Paris", "Lyon", "Orléans", "Nîmes"],
        first_names: ["Adele", "Bastien", "Camille", "Hugo", "Jules", "Lea", "Louis", "Manon", "Rose", "Theo"],
        last_names: [
            "Bernard", "Bonnet", "Dubois", "Durand", "Garnier", "Lambert", "Martin", "Moreau", "Petit", "Roux",
        ],
    },
    Country {
        code: "ES",
        region: "EU",
        weight: 10,
        dialling: 34,
        cities: ["Madrid", "Sevilla", "Málaga", "Cádiz"],
        first_names: ["Alba", "Carmen", "Diego", "Elena", "Hugo", "Irene", "Javier", "Lucia", "Mateo", "Pablo"],
        last_names: ["Alonso", "Blanco", "Castro", "Diaz", "Garcia", "Lopez", "Moreno", "Ortega", "Ruiz", "Vega"],
    },
    Country {
        code: "NL",
        region: "EU",
        weight: 7,
        dialling: 31,
        cities: ["Amsterdam", "Rotterdam", "Utrecht", "Leiden"],
        first_names: ["Bram", "Daan", "Emma", "Femke", "Jasper", "Lotte", "Mila", "Sanne", "Sem", "Tess"],
        last_names: ["Bakker", "Bos", "Dekker", "Jansen", "Kok", "Mulder", "Peters", "Smit", "Visser", "Vos"],
    },
    Country {
        code: "PL",
        region: "EU",
        weight: 5,
        dialling: 48,
        cities: ["Warszawa", "Kraków", "Łódź", "Poznań"],
        first_names: ["Adam", "Alicja", "Filip", "Hanna", "Jakub", "Jan", "Julia", "Maja", "Oliwia", "Zofia"],
        last_names: ["Duda", "Kowalski", "Krol", "Lis", "Mazur", "Nowak", "Pawlak", "Sikora", "Wilk", "Zajac"],
    },
    Country {
        code: "US",
        region: "US",
        weight: 28,
        dialling: 1,
        cities: ["Boston", "Chicago", "Denver", "Seattle"],
        first_names: ["Ava", "Elijah", "Grace", "Henry", "Isla", "Jack", "Mason", "Nora", "Owen", "Ruby"],
        last_names: ["Adams", "Baker", "Carter", "Davis", "Evans", "Harris", "Miller", "Parker", "Reed", "Turner"],
    },
    Country {
        code: "JP",
        region: "APAC",
        weight: 10,
        dialling: 81,
        cities: ["東京", "大阪", "札幌", "福岡"],
        first_names: ["Aoi", "Haruto", "Hina", "Kaito", "Mei", "Ren", "Sakura", "Sora", "Yui", "Yuto"],
        last_names: ["Abe", "Fujita", "Ito", "Kato", "Mori", "Sato", "Suzuki", "Tanaka", "Ueda", "Yamada"],
    },
    Country {
        code: "AU",
        region: "APAC",
        weight: 7,
        dialling: 61,
        cities: ["Sydney", "Melbourne", "Perth", "Hobart"],
        first_names: ["Archie", "Chloe", "Ella", "Finn", "Harper", "Leo", "Matilda", "Noah", "Poppy", "Zara"],
        last_names: ["Bailey", "Clarke", "Doyle", "Fraser", "Hughes", "Kelly", "Nolan", "Ryan", "Walsh", "Young"],
    },
    Country {
        code: "IN",
        region: "APAC",
        weight: 5,
        dialling: 91,
        cities: ["Mumbai", "Pune", "Delhi", "Chennai"],
        first_names: ["Aarav", "Anika", "Diya", "Ishaan", "Kavya", "Meera", "Priya", "Rohan", "Vihaan", "Zoya"],
        last_names: ["Bose", "Gupta", "Iyer", "Joshi", "Kapoor", "Mehta", "Nair", "Patel", "Rao", "Sharma"],
    },
];

/// Something that the retailer sells.
pub(super) struct Article {
    pub(super) name: &'static str,
    pub(super) category: &'static str,
    /// List price of one piece, in cents.
    pub(super) price_cents: i64,
    /// What of 100 cents of the list price the piece costs the retailer.
    pub(super) cost_percent: i64,
}

const fn article(name: &'static str, category: &'static str, price_cents: i64, cost_percent: i64) -> Article {
    Article { name, category, price_cents, cost_percent }
}

/// Everything that the retailer sells; an article's number is its place plus 101.
pub(super) const ARTICLES: [Article; 30] = [
    article("Desk lamp", "home", 3990, 48),
    article("Wool blanket", "home", 6900, 52),
    article("Linen curtain", "home", 5450, 55),
    article("Wall clock", "home", 2995, 42),
    article("Scented candle", "home", 1490, 31),
    article("Chef's knife", "kitchen", 8900, 47),
    article("Cast-iron pan", "kitchen", 5990, 58),
    article("Espresso maker", "kitchen", 3490, 45),
    article("Bread box", "kitchen", 4200, 50),
    article("Set of mugs", "kitchen", 2490, 38),
    article("Garden hose", "garden", 4490, 57),
    article("Pruning shears", "garden", 2750, 46),
    article("Planter box", "garden", 6400, 53),
    article("Watering can", "garden", 1990, 41),
    article("Hammock", "garden", 9900, 51),
    article("Office chair", "office", 28900, 61),
    article("Standing desk", "office", 54900, 66),
    article("Monitor arm", "office", 11900, 54),
    article("Notebook, dotted", "office", 990, 28),
    article("Fountain pen", "office", 3200, 40),
    article("Headphones", "electronics", 17900, 68),
    article("E-book reader", "electronics", 13900, 74),
    article("Portable speaker", "electronics", 8990, 65),
    article("Power bank", "electronics", 3990, 59),
    article("USB-C cable", "electronics", 1290, 22),
    article("Hiking backpack", "outdoor", 12900, 56),
    article("Camping stove", "outdoor", 7490, 60),
    article("Sleeping bag", "outdoor", 14900, 62),
    article("Head torch", "outdoor", 3490, 49),
    article("Water bottle", "outdoor", 2190, 35),
];
