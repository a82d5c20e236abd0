//! A large mesh: contracts, rules and users by arithmetic, the same in every run.

use std::fmt::Write as _;

use policies::{AttributeValue, Principal};
use tests::{Contract, Mesh};

/// Tables of a domain.
const TABLES_OF_DOMAIN: usize = 100;

/// The columns of every table.
const COLUMNS: [(&str, &str); 11] = [
    ("id", "bigint"),
    ("tenant", "text"),
    ("region", "text"),
    ("status", "text"),
    ("email", "text"),
    ("phone", "text"),
    ("amount", "numeric(18,2)"),
    ("level", "integer"),
    ("active", "boolean"),
    ("created", "date"),
    ("updated", "timestamptz"),
];

/// How large the mesh is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) tables: usize,
    pub(crate) roles: usize,
    pub(crate) rules: usize,
}

impl Size {
    fn domains(self) -> usize {
        self.tables.div_ceil(TABLES_OF_DOMAIN)
    }

    /// Users; each has three roles.
    pub(crate) fn users(self) -> usize {
        self.rules / 20
    }

    fn table(self, number: usize) -> String {
        format!("d{}.t{}", number / TABLES_OF_DOMAIN, number % TABLES_OF_DOMAIN)
    }

    /// The domain that a role is of.
    fn home(self, role: usize) -> usize {
        role % self.domains()
    }

    fn role_of(self, user: usize, which: usize) -> usize {
        (user * 7 + which * 331) % self.roles
    }

    /// Somebody, and a table that one of their roles may be about.
    pub(crate) fn question(self, number: usize) -> (Principal, String) {
        let user = number * 37 % self.users();
        let mut principal = Principal::named(&format!("u{user}"));
        principal.attributes.insert("tenant".to_owned(), AttributeValue::Text(format!("tenant {user}")));
        principal.attributes.insert("level".to_owned(), AttributeValue::Integer(3));
        let domain = self.home(self.role_of(user, number % 3));
        (principal, self.table(domain * TABLES_OF_DOMAIN + number * 13 % (TABLES_OF_DOMAIN / 2)))
    }
}

/// Writes a contract for each table, in a file of its own.
pub(crate) fn contracts(mesh: &Mesh, size: Size) {
    for number in 0..size.tables {
        let own = format!("note_{}", number % TABLES_OF_DOMAIN);
        let contract = Contract::delta(&size.table(number), "data/nowhere").columns(&COLUMNS);
        mesh.contract(&contract.columns(&[(&own, "text")]));
    }
}

/// As many rows as were asked for: half of them grants, the others filters, masks and roles.
pub(crate) fn rules(size: Size) -> String {
    let mut text = String::new();
    let of_role = |row: usize| {
        let role = row % size.roles;
        (role, size.home(role), row / size.roles % TABLES_OF_DOMAIN)
    };
    for row in 0..size.rules / 2 {
        let (role, domain, table) = of_role(row);
        let (object, effect) = match (role + table) % 10 {
            0 => (format!("t{table}.amount"), "deny"),
            1 => (format!("t{table}.email"), "allow"),
            _ => (format!("t{table}"), "allow"),
        };
        writeln!(text, "p, role:r{role}, d{domain}, {object}, select, {effect}").unwrap();
    }
    for row in 0..size.rules / 5 {
        let (role, domain, table) = of_role(row);
        let (kind, predicate) = match (role + table) % 5 {
            0 => ("permissive", "tenant = attribute('tenant')".to_owned()),
            1 => ("permissive", format!("region IN ('r{}', 'r{}', 'r{}')", role % 7, table % 11, role % 50)),
            2 => ("permissive", format!("note_{table} = 'n{role}' OR level < attribute('level')")),
            3 => ("restrictive", "status <> 'draft' AND active".to_owned()),
            _ => ("permissive", format!("amount < {role}.5 AND created >= DATE '2020-01-{:02}'", 1 + table % 28)),
        };
        writeln!(text, "p2, role:r{role}, d{domain}, t{table}, {kind}, \"{predicate}\"").unwrap();
    }
    let masks = size.rules * 3 / 20;
    for row in 0..masks {
        let (role, domain, table) = of_role(row);
        let mask = if (role / size.domains()).is_multiple_of(10) {
            "clear"
        } else {
            ["show_last_4", "hash", "null"][table % 3]
        };
        writeln!(text, "p3, role:r{role}, d{domain}, t{table}.email, {mask}").unwrap();
    }
    let members = size.rules - size.rules / 2 - size.rules / 5 - masks;
    for row in 0..members {
        let role = size.role_of(row / 3, row % 3);
        let home = if row.is_multiple_of(100) { "*".to_owned() } else { format!("d{}", size.home(role)) };
        writeln!(text, "g, user:u{}, role:r{role}, {home}", row / 3).unwrap();
    }
    text
}
