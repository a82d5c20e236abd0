//! The fixture of the leak tests: secrets that some may see and others may not, in a Delta table and at a
//! Flight SQL server.
//!
//! Table `p` (Delta, several files) and table `q` (Flight SQL) have the same columns. What a user may see is a
//! row filter of one kind each, so that every probe runs against every kind; `masked` has masks and a denied
//! column too. Two vaults with other hidden rows must look the same to everybody but `full`.

use crate::contract::Contract;
use crate::delta;
use crate::engine;
use crate::mesh::{Gateway, Mesh};
use crate::remote::Remote;

/// The columns of both tables, as the contract says them.
const COLUMNS: [(&str, &str); 7] = [
    ("id", "bigint"),
    ("tenant", "text"),
    ("ssn", "text"),
    ("salary", "bigint"),
    ("note", "text"),
    ("city", "text"),
    ("code", "text"),
];

/// Names of the columns of the data.
const NAMES: &str = "AS t(id, tenant, ssn, salary, note, city, code)";

/// Rows that every user with a filter sees.
pub const VISIBLE: &str = "(1, 'a', '1001', 100, '2024-01-01', 'Ulm', 'c1'), (2, 'a', '1002', 300, '2024-01-02', \
    'Bonn', 'c2'), (3, 'a', '1003', 400, NULL, 'Ulm', 'c3')";

/// Hidden rows of the first vault: every value breaks a probe.
pub const HIDDEN: &str = "(4, 'b', 'SECRET-4711', 200, 'not a date', 'Hiddenville', 'x1'), \
    (5, 'b', 'SECRET-4712', 200, 'neither', 'Hiddenville', 'x2'), (6, NULL, 'SECRET-4713', 200, 'nor this', 'Ulm', 'x3')";

/// Hidden rows of the second vault: other values, other files, other numbers of rows.
pub const OTHER_HIDDEN: &str = "(7, 'c', '5005', 900, '2023-05-05', 'Elsewhere', 'y1'), (8, 'd', '5006', 901, \
    '2023-05-06', 'Elsewhere', 'y2'), (9, 'd', NULL, NULL, NULL, NULL, NULL), (10, 'd', '5007', 1, NULL, 'Bonn', 'y3'), \
    (11, 'dd', '5008', 2, NULL, 'Bonn', 'y4')";

/// What no answer for a user with a filter may contain.
pub const SECRETS: [&str; 6] = ["SECRET", "4711", "not a date", "Hiddenville", "neither", "nor this"];

/// Users with the row filter of each; all of them see exactly [`VISIBLE`].
pub const FILTERS: [(&str, &str); 6] = [
    ("ann", "tenant = attribute('tenant')"),
    ("like", "tenant LIKE 'a%'"),
    ("list", "tenant IN ('a', 'aa')"),
    ("both", "tenant = 'a' AND id > 0"),
    ("function", "upper(tenant) = 'A'"),
    ("masked", "tenant = 'a'"),
];

/// The masks of `masked`: what stands for the value, over a copy of the visible rows.
pub const MASKED_COPY: &str = "SELECT id, tenant, '******' AS ssn, CAST(NULL AS BIGINT) AS salary, note, city FROM t";

/// The vault, served.
#[derive(Debug)]
pub struct Vault {
    /// The mesh folder.
    pub mesh: Mesh,
    /// The gateway.
    pub gateway: Gateway,
    /// The server of table `q`.
    pub remote: Remote,
}

impl Vault {
    /// A vault with these hidden rows.
    pub async fn serve(hidden: &str) -> Self {
        let all = engine::batch(&rows(&format!("{VISIBLE}, {hidden}"))).await;
        let remote = Remote::start(vec![("q", vec![all])]);
        let mesh = Mesh::new("vault");
        let folder = mesh.path("data/p");
        delta::append(&folder, &["tenant"], &rows(VISIBLE)).await;
        delta::append(&folder, &["tenant"], &rows(hidden)).await;
        mesh.contract(&Contract::delta("hr.p", "data/p").columns(&COLUMNS));
        mesh.contract(&Contract::flight_sql("hr.q", &remote.location(), &[]).columns(&COLUMNS));
        mesh.contract(&Contract::delta("hr.locked", "data/p").columns(&COLUMNS));
        mesh.rules(&policy());
        let mut users: Vec<(&str, &[(&str, &str)])> = vec![("full", &[]), ("eve", &[])];
        users.extend(FILTERS.iter().map(|(user, _)| (*user, [("tenant", "a")].as_slice())));
        mesh.users(&users);
        let gateway = mesh.serve().await;
        Self { mesh, gateway, remote }
    }
}

/// The statement that makes these rows.
#[must_use]
pub fn rows(values: &str) -> String {
    format!("SELECT * FROM (VALUES {values}) {NAMES}")
}

/// The rules of every user, for both tables.
fn policy() -> String {
    let mut lines =
        vec!["p, user:full, hr, p, select, allow".to_owned(), "p, user:full, hr, q, select, allow".to_owned()];
    for table in ["p", "q"] {
        for (user, filter) in FILTERS {
            lines.push(format!("p, user:{user}, hr, {table}, select, allow"));
            lines.push(format!("p2, user:{user}, hr, {table}, permissive, \"{filter}\""));
        }
        lines.push(format!("p3, user:masked, hr, {table}.ssn, \"constant:'******'\""));
        lines.push(format!("p3, user:masked, hr, {table}.salary, null"));
        lines.push(format!("p, user:masked, hr, {table}.code, select, deny"));
    }
    lines.join("\n") + "\n"
}
