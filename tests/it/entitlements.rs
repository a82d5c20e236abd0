//! Row filters that look keys up in another table: as the system, at the moment of the statement.

use tests::remote::Remote;
use tests::retail::{RULES, Retail};
use tests::{Contract, delta, engine};

const ENTITLED: &str =
    "SELECT * FROM (VALUES ('ann', 10), ('ann', 12), ('bob', 13), ('ann', NULL)) AS t(person, customer)";

/// Each analyst sees the orders of the customers that the entitlements name.
const FILTER: &str = "p2, role:analyst, sales, orders, restrictive, \
    \"customer_id IN (SELECT customer FROM governance.entitlements WHERE person = current_user())\"\n";

fn rules() -> String {
    format!("{}{FILTER}", RULES.replace("region = attribute('region')", "true"))
}

/// The retailer with entitlements at `contract`.
async fn retail(contract: &Contract) -> Retail {
    let crm = Remote::start(vec![("profiles", vec![engine::batch(tests::retail::PROFILES).await])]);
    let mesh = Retail::write(&crm).await;
    delta::append(&mesh.path("data/entitlements"), &[], ENTITLED).await;
    mesh.contract(&contract.clone().columns(&[("person", "text"), ("customer", "bigint")]));
    mesh.rules(&rules());
    let gateway = mesh.serve().await;
    Retail { mesh, gateway, crm }
}

fn local() -> Contract {
    Contract::delta("governance.entitlements", "data/entitlements")
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_those_whose_keys_the_system_finds() {
    let retail = retail(&local()).await;
    let mut ann = retail.gateway.connect("ann").await;
    let sql = "SELECT id FROM sales.orders ORDER BY id";
    assert_eq!(ann.rows(sql).await.lines(), ["1", "3", "5"]);
    assert_eq!(ann.rows("SELECT count(*) FROM sales.orders WHERE customer_id = 13").await.lines(), ["0"]);
    // The entitlements themselves do not exist for her.
    assert_eq!(ann.fails("SELECT * FROM governance.entitlements").await.kind, "UndefinedTable");
    let everything = "SELECT table_schema, table_name FROM information_schema.tables";
    assert!(!ann.rows(everything).await.lines().join(" ").contains("governance"));
    for form in ["EXPLAIN", "EXPLAIN VERBOSE", "EXPLAIN ANALYZE"] {
        let plan = ann.rows(&format!("{form} {sql}")).await.lines().join("\n");
        assert!(!plan.contains("governance") && !plan.contains("12") && !plan.contains("keys"), "{plan}");
    }
    // Who has no filter is not asked for keys.
    let mut sam = retail.gateway.connect("sam").await;
    assert_eq!(sam.rows("SELECT count(*) FROM sales.orders").await.lines(), ["6"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_entitlement_holds_for_the_next_statement() {
    let retail = retail(&local()).await;
    retail.mesh.configure("retail", "[cache]\nsnapshot_max_age = \"0s\"\n");
    let mut ann = retail.gateway.connect("ann").await;
    let handle = ann.prepare("SELECT id FROM sales.orders ORDER BY id").await.unwrap();
    assert_eq!(ann.execute(&handle).await.unwrap().lines(), ["1", "3", "5"]);
    delta::append(&retail.mesh.path("data/entitlements"), &[], "SELECT 'ann' AS person, 14 AS customer").await;
    tests::deadline::eventually(tests::deadline::STEP, "the entitlement holds", || {
        let (mut ann, handle) = (ann.clone(), handle.clone());
        async move { (ann.execute(&handle).await.unwrap().lines() == ["1", "3", "5", "6"]).then_some(()) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_keys_nothing_is_seen_and_nothing_is_told_of_them() {
    let retail = retail(&local()).await;
    std::fs::remove_dir_all(retail.mesh.path("data/entitlements")).unwrap();
    let mut ann = retail.gateway.connect("ann").await;
    let failure = ann.fails("SELECT id FROM sales.orders").await;
    assert!(["SourceUnavailable", "SourceFailed"].contains(&failure.kind.as_str()), "{failure:?}");
    let text = failure.everything();
    assert!(failure.message.starts_with("the access rules of table \"sales.orders\" cannot"), "{failure:?}");
    assert!(!text.contains("governance") && !text.contains("entitlements"), "{text}");
    let mut sam = retail.gateway.connect("sam").await;
    assert_eq!(sam.rows("SELECT count(*) FROM sales.orders").await.lines(), ["6"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_may_come_from_a_flight_sql_source() {
    let governance = Remote::start(vec![("entitlements", vec![engine::batch(ENTITLED).await])]);
    let retail = retail(&Contract::flight_sql("governance.entitlements", &governance.location(), &[])).await;
    let mut ann = retail.gateway.connect("ann").await;
    assert_eq!(ann.rows("SELECT id FROM sales.orders ORDER BY id").await.lines(), ["1", "3", "5"]);
    // A view reads the table under the same rule of its caller.
    assert_eq!(ann.rows("SELECT customer_id FROM insights.totals ORDER BY 1").await.lines(), ["10", "12"]);
}
