//! The written mesh as a whole: what is in the folder is what was invented, and can be loaded.
#![expect(clippy::unwrap_used, reason = "tests may unwrap")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Decimal128Type;
use futures::TryStreamExt;
use policies::{Action, AttributeValue, ColumnAccess, Decision, HashKey, Principal};
use tempfile::TempDir;
use url::Url;

use super::facts::facts;
use super::files::{self, Values};
use super::mesh::{self, Addresses, Error, USERS};
use super::retail::Retail;
use crate::{Mesh, auth};

fn addresses() -> Addresses {
    Addresses { flight: "127.0.0.1:1".into(), http: "127.0.0.1:2".into(), crm: "127.0.0.1:3".into() }
}

/// The last version of a Delta table and everything in it.
async fn read(folder: &Path) -> (Option<u64>, Vec<RecordBatch>) {
    let table = deltalake::open_table(Url::from_directory_path(folder).unwrap()).await.unwrap();
    let version = table.version();
    let (_, rows) = table.scan_table().await.unwrap();
    (version, rows.try_collect().await.unwrap())
}

fn rows(batches: &[RecordBatch]) -> usize {
    batches.iter().map(RecordBatch::num_rows).sum()
}

/// Sum of a `numeric(_,2)` column in cents.
fn cents(batches: &[RecordBatch], column: &str) -> i128 {
    let values = batches.iter().map(|batch| batch.column_by_name(column).unwrap());
    values.flat_map(|values| values.as_primitive::<Decimal128Type>().values().iter().copied()).sum()
}

fn texts(folder: &Path) -> Vec<(String, String)> {
    let list = |path: &str| (path.to_owned(), fs::read_to_string(folder.join(path)).unwrap());
    ["mesh.toml", "policies/tests.yaml", "policies/sales.csv", "README.md", "crm/mesh.toml"].map(list).into()
}

/// Every value that the files want.
fn values() -> Values {
    let mut values = facts(&Retail::invent());
    for user in USERS.map(|(user, _)| user).into_iter().chain(["meshgate"]) {
        values.insert(user, auth::hash(user).unwrap());
    }
    values.extend([
        ("flight", "127.0.0.1:1".to_owned()),
        ("http", "127.0.0.1:2".to_owned()),
        ("crm", "127.0.0.1:3".to_owned()),
    ]);
    values
}

/// The mesh without its data.
fn written() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    mesh::write_files(folder.path(), &values()).unwrap();
    folder
}

#[tokio::test]
async fn two_runs_write_the_same_records_and_different_secrets() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("new").join("mesh");
    mesh::write(&folder, &addresses()).await.unwrap();
    let (first, secret) = (texts(&folder), fs::read_to_string(folder.join("secrets/crm")).unwrap());
    fs::write(folder.join("notes.txt"), "mine").unwrap();
    fs::write(folder.join("policies/old.csv"), "of an earlier demo").unwrap();

    mesh::write(&folder, &addresses()).await.unwrap();
    assert_eq!(first, texts(&folder));
    assert_ne!(secret, fs::read_to_string(folder.join("secrets/crm")).unwrap());
    assert!(folder.join("notes.txt").exists(), "a file beside the demo's is left alone");
    assert!(!folder.join("policies/old.csv").exists(), "nothing of an earlier demo is left");

    let retail = Retail::invent();
    let (version, orders) = read(&folder.join("data/sales/orders")).await;
    assert_eq!((version, rows(&orders)), (Some(7), retail.orders.len()));
    assert_eq!(cents(&orders, "total"), retail.orders.iter().map(|order| i128::from(order.total_cents())).sum());
    assert_eq!(cents(&orders, "margin"), retail.orders.iter().map(|order| i128::from(order.margin_cents())).sum());
    let (version, items) = read(&folder.join("data/sales/order_items")).await;
    let lines = retail.orders.iter().map(|order| order.lines.len()).sum();
    assert_eq!((version, rows(&items)), (Some(7), lines));
    assert_eq!(cents(&items, "line_total"), cents(&orders, "total"));
    let (_, profiles) = read(&mesh::crm(&folder).join("data/profiles")).await;
    assert_eq!(rows(&profiles), retail.customers.len());

    let registry = catalog::load(&"retail".parse().unwrap(), &folder).unwrap();
    let keeps = |table: &str, batches: &[RecordBatch]| {
        let contract = registry.table(&table.parse().unwrap()).unwrap();
        let bound = catalog::drift::bind(contract, &batches[0].schema()).unwrap();
        assert!(bound.columns.iter().all(|column| !column.cast), "{table}: {bound:?}");
    };
    keeps("sales.orders", &orders);
    keeps("sales.order_items", &items);
    keeps("customers.profiles", &profiles);
}

#[test]
fn both_catalogs_load_and_promise_the_same_profiles() {
    let folder = written();
    let retail = catalog::load(&"retail".parse().unwrap(), folder.path()).unwrap();
    let names: Vec<String> = retail.tables().map(|table| table.name.to_string()).collect();
    let insights = ["insights.customer_segmentation", "insights.order_forecasting"];
    assert_eq!(names, ["customers.profiles", insights[0], insights[1], "sales.order_items", "sales.orders"]);
    let products: Vec<(&str, usize)> =
        retail.products().map(|product| (product.name.as_str(), product.tables.len())).collect();
    assert_eq!(products, [("Customers", 1), ("Insights", 2), ("Sales", 2)]);
    for table in retail.tables() {
        assert!(table.contract.owner.is_some(), "{}", table.name);
        assert!(table.columns.iter().all(|column| column.description.is_some()), "{}", table.name);
        assert!(table.columns.iter().all(|column| column.classification.is_some()), "{}", table.name);
        assert_eq!(table.share_join_keys, table.name.to_string() == "sales.orders", "{}", table.name);
    }
    let keys = retail
        .tables()
        .flat_map(|table| table.foreign_keys.iter().map(move |key| format!("{} -> {}", table.name, key.other)));
    let keys: Vec<String> = keys.collect();
    let segmentation = "insights.customer_segmentation -> customers.profiles";
    assert_eq!(keys, [segmentation, "sales.order_items -> sales.orders", "sales.orders -> customers.profiles"]);
    let crm = catalog::load(&"crm".parse().unwrap(), &mesh::crm(folder.path())).unwrap();
    let profiles = "customers.profiles".parse().unwrap();
    assert_eq!(retail.table(&profiles).unwrap().columns, crm.table(&profiles).unwrap().columns);
}

#[tokio::test]
async fn a_folder_with_something_else_in_it_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mesh.toml"), "name = \"real\"").unwrap();
    let refused = mesh::write(folder.path(), &addresses()).await.unwrap_err();
    assert!(matches!(refused, Error::NotOurs { .. }), "{refused}");
    assert!(refused.to_string().contains(&folder.path().display().to_string()), "{refused}");
    let names: Vec<_> = folder.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["mesh.toml"]);
    assert_eq!(fs::read_to_string(folder.path().join("mesh.toml")).unwrap(), "name = \"real\"");
}

#[test]
fn only_the_owner_may_read_a_secret() {
    let stage = tempfile::tempdir().unwrap();
    mesh::write_secret(stage.path(), "crm", "meshgate:x").unwrap();
    let mode = |path: &str| stage.path().join(path).metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("secrets"), mode("secrets/crm")), (0o700, 0o600));
}

#[test]
fn every_placeholder_is_filled_and_every_value_used() {
    let values = values();
    let texts: String = files::filled(&values).map(|(_, text)| text).collect();
    assert!(!texts.contains("{{") && !texts.contains("}}"));
    for (name, value) in &values {
        let nothing = Values::new();
        let used = files::filled(&nothing).any(|(_, text)| text.contains(&format!("{{{{{name}}}}}")));
        assert!(used, "{name} = {value}");
    }
}

#[test]
fn every_user_has_a_password_and_ann_a_region() {
    let folder = written();
    let text = fs::read_to_string(folder.path().join("users.toml")).unwrap();
    let users: toml::Table = toml::from_str(&text).unwrap();
    let users = users["users"].as_table().unwrap();
    assert_eq!(users.len(), USERS.len());
    for (user, _) in USERS {
        assert!(users[user]["password"].as_str().unwrap().starts_with("$argon2id$"), "{user}");
    }
    assert_eq!(users["ann"]["attributes"]["region"].as_str(), Some("EU"));
}

fn principal(user: &str) -> Principal {
    let mut principal = Principal::named(user);
    if user == "ann" {
        principal.attributes.insert("region".into(), AttributeValue::Text("EU".into()));
    }
    principal
}

/// What `user` sees of `table`: its columns, masked ones with `*`, and whether rows are hidden.
fn view(mesh: &Mesh, user: &str, table: &str) -> Option<(String, bool)> {
    let table = mesh.registry.table(&table.parse().unwrap()).unwrap();
    match mesh.policies.decide(&principal(user), table, Action::Select) {
        Decision::Deny => None,
        Decision::Allow(restrictions) => {
            let name = |column: &ColumnAccess| {
                format!("{}{}", table.columns[column.index].name, if column.mask.is_some() { "*" } else { "" })
            };
            let columns: Vec<String> = restrictions.columns.iter().map(name).collect();
            Some((columns.join(" "), restrictions.row_filter.is_some()))
        }
    }
}

#[tokio::test]
async fn both_meshes_load_and_their_policies_say_what_the_readme_says() {
    let folder = written();
    let key = HashKey::new([7; 32]);
    let mesh = Mesh::load(folder.path(), &key, 1).await.unwrap();
    let check = |user: &str, table: &str, expected: Option<(&str, bool)>| {
        let seen = view(&mesh, user, table);
        assert_eq!(seen, expected.map(|(columns, hidden)| (columns.to_owned(), hidden)), "{user} on {table}");
    };
    let orders = "order_id customer_id order_date order_ts region status channel total";
    check("ann", "sales.orders", Some((&format!("{orders} email*"), true)));
    check("sam", "sales.orders", Some((&format!("{orders} margin email"), false)));
    check("leo", "sales.orders", Some((orders, false)));
    check("mia", "sales.orders", None);
    check("leo", "sales.order_items", None);

    let between = "segment country city region";
    let after = "customer_since loyalty_tier loyalty_points newsletter";
    check("ann", "customers.profiles", Some((&format!("customer_id name email* phone* {between} {after}"), false)));
    check(
        "sam",
        "customers.profiles",
        Some((&format!("customer_id name email phone {between} birth_date {after}"), false)),
    );
    let masked = format!("customer_id name* email* phone* {between} birth_date* {after}");
    check("mia", "customers.profiles", Some((&masked, true)));
    check("leo", "customers.profiles", None);

    for table in mesh.registry.tables() {
        check("eve", &table.name.to_string(), None);
    }
    let crm = Mesh::load(&mesh::crm(folder.path()), &key, 1).await.unwrap();
    let everything = format!("customer_id name email phone {between} birth_date {after}");
    assert_eq!(view(&crm, "meshgate", "customers.profiles"), Some((everything, false)));
    assert_eq!(view(&crm, "ann", "customers.profiles"), None);
}
