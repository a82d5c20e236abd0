//! How products and contracts belong together.

use super::{Mesh, ORDERS, changed};
use crate::contract::Status;

const PRODUCT: &str = "\
apiVersion: v1.0.0
kind: DataProduct
id: sales-product
name: Sales
version: 2.0.0
status: active
domain: sales
description: {purpose: What we sold.}
team:
  - {username: olga, role: owner}
outputPorts:
  - {name: orders, version: 1.0.0, contractId: sales-orders}
";

fn mesh() -> Mesh {
    Mesh::new().with("catalog/sales/orders.odcs.yaml", ORDERS)
}

fn check(changes: &[(&str, &str)], expected: &[&str]) {
    mesh().with("catalog/sales/p.odps.yaml", changed(PRODUCT, changes)).refused(expected);
}

#[test]
fn a_product_publishes_the_tables_of_its_contracts() {
    let registry = mesh().with("catalog/sales/p.odps.yaml", PRODUCT).load().unwrap();
    let products: Vec<_> = registry.products().collect();
    assert_eq!(products.len(), 1);
    let product = products[0];
    assert_eq!(
        (product.id.as_str(), product.name.as_str(), product.status),
        ("sales-product", "Sales", Status::Active)
    );
    assert_eq!((product.version.as_deref(), product.owner.as_deref()), (Some("2.0.0"), Some("olga")));
    assert_eq!(product.description.as_deref(), Some("What we sold."));
    assert_eq!(product.tables, ["sales.orders".parse().unwrap()]);
    assert_eq!(&*registry.tables().next().unwrap().product, "Sales");
}

#[test]
fn a_contract_without_a_product_is_its_own() {
    let registry = mesh().load().unwrap();
    let product = registry.products().next().unwrap();
    assert_eq!(
        (product.id.as_str(), product.name.as_str(), product.owner.as_deref()),
        ("sales-orders", "Orders", Some("sam"))
    );
    assert_eq!(product.tables, ["sales.orders".parse().unwrap()]);
    assert_eq!(&*registry.tables().next().unwrap().product, "Orders");
}

#[test]
fn a_product_of_the_next_version_is_read() {
    let v1_1 = changed(
        PRODUCT,
        &[
            ("v1.0.0", "v1.1.0"),
            (
                "team:\n  - {username: olga, role: owner}",
                "type: aggregate\ndeprecated: false\nsynonyms: [{synonym: s}]\n\
          context: {instructions: x}\nteam: {name: t, members: [{id: m, username: olga, role: owner}]}",
            ),
            (
                "name: orders,",
                "name: orders, id: o, tags: [a], sbom: [{url: 'https://x'}], inputContracts: [{id: a, version: b}],",
            ),
        ],
    );
    let registry = mesh().with("catalog/sales/p.odps.yaml", v1_1).load().unwrap();
    assert_eq!(registry.products().next().unwrap().owner.as_deref(), Some("olga"));
}

#[test]
fn every_mistake_of_a_product_is_reported() {
    check(
        &[("v1.0.0", "v0.9.0"), ("kind: DataProduct", "kind: X"), ("status: active", "status: x")],
        &[":1: `apiVersion` \"v0.9.0\"", ":2: `kind` is \"X\"", ":6: `status` of the product is \"x\""],
    );
    check(&[("domain: sales", "domain: crm")], &[":7: `domain` of the product is \"crm\""]);
    check(&[("description:", "desc:")], &[":8: the product has the key \"desc\", which ODPS does not know"]);
    check(
        &[("{name: orders, version: 1.0.0, contractId", "{name: orders, contractID")],
        &["an output port has the key \"contractID\", which ODPS does not know\n    write `contractId`"],
    );
    check(&[("id: sales-product\n", "")], &["the product has no `id`"]);
}

#[test]
fn a_contract_is_in_one_product_of_its_own_domain() {
    check(&[("contractId: sales-orders", "contractId: nothing")], &[":12: no contract has the id \"nothing\""]);
    let other = changed(PRODUCT, &[("id: sales-product", "id: other")]);
    let twice = mesh().with("catalog/sales/p.odps.yaml", PRODUCT).with("catalog/sales/q.odps.yaml", &other);
    twice
        .refused(&["q.odps.yaml:12: contract \"sales-orders\" is in the product of catalog/sales/p.odps.yaml already"]);
    let foreign = changed(PRODUCT, &[("domain: sales", "domain: crm")]);
    mesh()
        .with("catalog/crm/p.odps.yaml", foreign)
        .refused(&["p.odps.yaml:12: contract \"sales-orders\" belongs to another domain"]);
}

#[test]
fn a_contract_that_cannot_be_read_is_not_called_missing() {
    Mesh::new()
        .with("catalog/sales/orders.odcs.yaml", "id: [")
        .with("catalog/sales/p.odps.yaml", PRODUCT)
        .refused(&["orders.odcs.yaml"]);
}

#[test]
fn ids_and_table_names_are_taken_once() {
    mesh().with("catalog/sales/p.odcs.yaml", ORDERS).refused(&[
        "p.odcs.yaml:3: contract id \"sales-orders\" is taken by catalog/sales/orders.odcs.yaml",
        "p.odcs.yaml:20: table \"sales.orders\" is already in catalog/sales/orders.odcs.yaml",
    ]);
    mesh()
        .with("catalog/sales/p.odps.yaml", PRODUCT)
        .with("catalog/sales/q.odps.yaml", changed(PRODUCT, &[(", contractId: sales-orders", "")]))
        .refused(&["q.odps.yaml:3: product id \"sales-product\" is taken"]);
    let one_line = "[{name: a, properties: [{name: x, logicalType: date}]}, {name: a, properties: [{name: x, logicalType: date}]}]";
    let (head, _) = ORDERS.split_once("schema:").unwrap();
    let text = format!("{}schema: {one_line}\n", head.replace("data/orders", "data/{model}"));
    Mesh::new().with("catalog/sales/a.odcs.yaml", text).refused(&["table \"sales.a\" is already in"]);
    let crm = changed(ORDERS, &[("domain: sales", "domain: crm"), ("id: sales-orders", "id: crm-orders")]);
    assert_eq!(mesh().with("catalog/crm/orders.odcs.yaml", crm).load().unwrap().tables().count(), 2);
}
