//! Tables in the manner of TPC-H: order lines and orders, in several files.

use tests::{Contract, Mesh, delta};

/// Lines of an order.
const LINES_OF_ORDER: u64 = 4;

/// Files of each table.
const FILES: u64 = 8;

/// The columns of the order lines.
const LINE: [(&str, &str); 9] = [
    ("order_id", "bigint"),
    ("region", "text"),
    ("flag", "text"),
    ("status", "text"),
    ("shipped", "date"),
    ("quantity", "double precision"),
    ("price", "double precision"),
    ("discount", "double precision"),
    ("remark", "text"),
];

/// The columns of the orders.
const ORDER: [(&str, &str); 4] = [("id", "bigint"), ("region", "text"), ("placed", "date"), ("priority", "text")];

/// What `part` sees: half of the regions, and three letters of each remark.
const RULES: &str = "\
p, user:full, shop, *, select, allow
p, user:part, shop, *, select, allow
p2, user:part, shop, lines, permissive, \"region IN ('r0', 'r1')\"
p2, user:part, shop, orders, permissive, \"region IN ('r0', 'r1')\"
p3, user:part, shop, lines.remark, \"sql:substr(remark, 1, 3)\"
";

/// Fills the mesh with so many order lines, and a quarter of it in orders.
pub(crate) async fn write(mesh: &Mesh, all: u64) {
    for file in 0..FILES {
        delta::append(&mesh.path("data/lines"), &[], &lines(file, all)).await;
        delta::append(&mesh.path("data/orders"), &[], &orders(file, all / LINES_OF_ORDER)).await;
    }
    mesh.contract(&Contract::delta("shop.lines", "data/lines").columns(&LINE));
    mesh.contract(&Contract::delta("shop.orders", "data/orders").columns(&ORDER));
    mesh.rules(RULES);
    mesh.users(&[("full", &[]), ("part", &[])]);
}

/// The lines of one file: every region, one slice of time, as a shop would append them.
fn lines(file: u64, all: u64) -> String {
    let (first, last) = (file * all / FILES, (file + 1) * all / FILES);
    format!(
        "SELECT value / {LINES_OF_ORDER} AS order_id, concat('r', value / {LINES_OF_ORDER} % 4) AS region, \
         CASE value % 3 WHEN 0 THEN 'A' WHEN 1 THEN 'N' ELSE 'R' END AS flag, \
         CASE value % 2 WHEN 0 THEN 'F' ELSE 'O' END AS status, \
         CAST(CAST(8036 + value * 2500 / {all} + value % 30 AS INT) AS DATE) AS shipped, \
         CAST(1 + value * 7 % 50 AS DOUBLE) AS quantity, CAST(900 + value * 31 % 100000 AS DOUBLE) AS price, \
         CAST(value % 11 AS DOUBLE) / 100 AS discount, \
         concat('remark ', value * 2654435761 % 100000) AS remark FROM range({first}, {last})"
    )
}

/// The orders of one file.
fn orders(file: u64, all: u64) -> String {
    let (first, last) = (file * all / FILES, (file + 1) * all / FILES);
    format!(
        "SELECT value AS id, concat('r', value % 4) AS region, \
         CAST(CAST(8036 + value * 2500 / {all} AS INT) AS DATE) AS placed, \
         concat(value % 5 + 1, '-PRIORITY') AS priority FROM range({first}, {last})"
    )
}
