//! A small retailer: orders in a Delta table, customers at a foreign Flight SQL server, a product over both.
//!
//! `ann` sees the orders of the EU, without the margin and with masked addresses; `sam` sees everything; `eve`
//! is known to the gateway and has no grant.

use crate::contract::Contract;
use crate::delta;
use crate::engine;
use crate::mesh::{Gateway, Mesh};
use crate::remote::Remote;

/// Orders of the first commit.
pub const ORDERS: &str = "SELECT * FROM (VALUES
    (1, 'EU', 10, 'shipped', 100.0, 9.0, 'ada@example.com', DATE '2024-01-05'),
    (2, 'EU', 11, 'placed',   50.0, 4.0, 'bob@example.com', DATE '2024-01-06'),
    (3, 'US', 12, 'shipped',  70.0, 7.0, 'cyd@example.com', DATE '2024-01-07'),
    (4, 'US', 13, 'draft',    20.0, 1.0, 'dee@example.com', DATE '2024-01-08'))
    AS t(id, region, customer_id, status, amount, margin, email, ordered)";

/// Orders of the second commit.
pub const MORE_ORDERS: &str = "SELECT * FROM (VALUES
    (5, 'EU', 10, 'shipped',  25.0, 2.0, 'ada@example.com', DATE '2024-02-01'),
    (6, 'APAC', 14, 'shipped', 10.0, 1.0, 'eli@example.com', DATE '2024-02-02'))
    AS t(id, region, customer_id, status, amount, margin, email, ordered)";

/// The customers.
pub const PROFILES: &str = "SELECT * FROM (VALUES
    (10, 'Ada', 'ada@example.com', 'gold', 1990), (11, 'Bob', 'bob@example.com', 'basic', 1985),
    (12, 'Cyd', 'cyd@example.com', 'gold', 1970), (13, 'Dee', 'dee@example.com', 'basic', 2001),
    (14, 'Eli', 'eli@example.com', 'gold', 1999), (15, 'Fay', NULL, 'basic', NULL))
    AS t(id, name, email, segment, born)";

/// The rules.
pub const RULES: &str = "\
p,  role:analyst, sales, orders, select, allow
p,  role:analyst, sales, orders.margin, select, deny
p2, role:analyst, sales, orders, permissive, \"region = attribute('region')\"
p3, role:analyst, sales, orders.email, show_last_4
p,  role:analyst, customers, profiles, select, allow
p3, role:analyst, customers, profiles.email, null
p,  role:analyst, insights, totals, select, allow
p,  role:steward, sales, *, select, allow
p,  role:steward, customers, *, select, allow
p,  role:steward, insights, *, select, allow
p,  user:olga, sales, *, select, allow
p,  user:olga, customers, *, select, allow
g,  user:ann, role:analyst, *
g,  user:sam, role:steward, *
";

/// The users.
pub const USERS: [(&str, &[(&str, &str)]); 4] =
    [("ann", &[("region", "EU")]), ("sam", &[]), ("eve", &[]), ("olga", &[])];

/// The retailer, served.
#[derive(Debug)]
pub struct Retail {
    /// The mesh folder.
    pub mesh: Mesh,
    /// The gateway.
    pub gateway: Gateway,
    /// The customers' server.
    pub crm: Remote,
}

impl Retail {
    /// Writes and serves it.
    pub async fn serve() -> Self {
        Self::serve_with("").await
    }

    /// The same with further sections in `mesh.toml`.
    pub async fn serve_with(sections: &str) -> Self {
        let crm = Remote::start(vec![("profiles", vec![engine::batch(PROFILES).await])]);
        let mesh = Self::write(&crm).await;
        if !sections.is_empty() {
            mesh.configure("retail", sections);
        }
        let gateway = mesh.serve().await;
        Self { mesh, gateway, crm }
    }

    /// Writes the mesh folder only.
    pub async fn write(crm: &Remote) -> Mesh {
        let mesh = Mesh::new("retail");
        delta::append(&mesh.path("data/orders"), &["region"], ORDERS).await;
        delta::append(&mesh.path("data/orders"), &["region"], MORE_ORDERS).await;
        mesh.contract(&orders());
        mesh.contract(&profiles(&crm.location()));
        let totals = "SELECT customer_id, sum(amount) AS total FROM sales.orders GROUP BY customer_id";
        let columns = [("customer_id", "bigint"), ("total", "double precision")];
        mesh.contract(&Contract::view("insights.totals", totals).columns(&columns));
        mesh.rules(RULES);
        mesh.users(&USERS);
        mesh
    }
}

/// Contract of the orders.
#[must_use]
pub fn orders() -> Contract {
    Contract::delta("sales.orders", "data/orders").columns(&[
        ("id", "bigint"),
        ("region", "text"),
        ("customer_id", "bigint"),
        ("status", "text"),
        ("amount", "double precision"),
        ("margin", "double precision"),
        ("email", "text"),
        ("ordered", "date"),
    ])
}

/// Contract of the customers at this location.
#[must_use]
pub fn profiles(location: &str) -> Contract {
    Contract::flight_sql("customers.profiles", location, &[]).columns(&[
        ("id", "bigint"),
        ("name", "text"),
        ("email", "text"),
        ("segment", "text"),
        ("born", "bigint"),
    ])
}
