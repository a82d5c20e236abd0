//! Where the relationships of contracts lead, and what is wrong with one.

use super::{Mesh, changed};
use crate::registry::Registry;

/// A contract of two tables, with room for relationships.
const SALES: &str = "\
apiVersion: v3.1.0
kind: DataContract
id: sales-orders
version: 1.0.0
status: active
domain: sales
servers:
  - {server: lake, type: local, path: 'data/{model}', format: delta}
schema:
  - name: orders
    id: orders_tbl
    properties:
      - {name: id, id: order_id_pk, logicalType: integer}
      - {name: region, logicalType: string}
      - {name: customer_id, id: customer_fk, logicalType: integer}
  - name: items
    id: items_tbl
    properties:
      - {name: order_id, id: item_order, logicalType: integer}
      - {name: order_region, logicalType: string}
      - {name: v1.0, logicalType: string}
      - {name: box, id: item_box, logicalType: object, properties: [{name: size, logicalType: integer}]}
";

/// A contract of another domain.
const CRM: &str = "\
apiVersion: v3.1.0
kind: DataContract
id: urn:crm:profiles
version: 1.0.0
status: active
domain: crm
servers:
  - {server: lake, type: local, path: data/profiles, format: delta}
schema:
  - name: profiles
    id: profiles_tbl
    properties:
      - {name: id, id: profile_pk, logicalType: integer}
      - {name: mail, logicalType: string}
";

/// Both contracts, the first with relationships (in YAML's flow form) at the column `items.order_id` (line 20) and at
/// the table `items` (line 17).
fn mesh(at_column: &str, at_table: &str) -> Mesh {
    let column = format!("{{name: order_id, relationships: [{at_column}],");
    let table = format!("name: items\n    relationships: [{at_table}]");
    let sales = changed(SALES, &[("{name: order_id,", &column), ("name: items", &table)]);
    Mesh::new().with("catalog/sales/orders.odcs.yaml", sales).with("catalog/crm/profiles.odcs.yaml", CRM)
}

/// The keys of a table, each as `own columns -> table(its columns)`, with `name: ` before if it has one.
fn keys(registry: &Registry, table: &str) -> Vec<String> {
    let table = registry.table(&table.parse().unwrap()).unwrap();
    let text = |key: &crate::ForeignKey| {
        let name = key.name.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
        format!("{name}{} -> {}({})", key.columns.join(", "), key.other, key.other_columns.join(", "))
    };
    table.foreign_keys.iter().map(text).collect()
}

/// A relationship of the column `items.order_id` leads there, or nowhere.
fn leads(to: &str, expected: &[&str]) {
    let expected: Vec<_> = expected.iter().map(|other| format!("order_id -> {other}")).collect();
    assert_eq!(keys(&mesh(&format!("{{to: '{to}'}}"), "").load().unwrap(), "sales.items"), expected, "{to}");
}

/// A relationship of the table `items` is this key, or none.
fn is_key(relationship: &str, expected: &[&str]) {
    assert_eq!(keys(&mesh("", relationship).load().unwrap(), "sales.items"), expected, "{relationship}");
}

/// A relationship of the column `items.order_id` is refused.
fn column_refused(relationship: &str, expected: &[&str]) {
    mesh(relationship, "").refused(expected);
}

/// A relationship of the table `items` is refused.
fn table_refused(relationship: &str, expected: &[&str]) {
    mesh("", relationship).refused(expected);
}

#[test]
fn a_name_is_looked_for_in_the_contract_then_in_the_domain_then_in_the_mesh() {
    leads("orders.id", &["sales.orders(id)"]);
    leads("profiles.id", &["crm.profiles(id)"]);
    leads("items.order_id", &["sales.items(order_id)"]);
    leads("items.v1.0", &["sales.items(v1.0)"]);
    let other = |domain: &str, table: &str| {
        let changes = [("domain: crm", format!("domain: {domain}")), ("urn:crm:profiles", format!("{domain}-{table}"))];
        let name = ("name: profiles", format!("name: {table}"));
        let changes: Vec<_> = changes.iter().chain([&name]).map(|(from, to)| (*from, to.as_str())).collect();
        changed(CRM, &changes)
    };
    let mesh = || mesh("{to: orders.id}, {to: profiles.id}", "");
    let near = mesh()
        .with("catalog/sales/profiles.odcs.yaml", other("sales", "profiles"))
        .with("catalog/ops/orders.odcs.yaml", other("ops", "orders"));
    let expected = ["order_id -> sales.orders(id)", "order_id -> sales.profiles(id)"];
    assert_eq!(keys(&near.load().unwrap(), "sales.items"), expected);
    let ambiguous = mesh().with("catalog/ops/profiles.odcs.yaml", other("ops", "profiles"));
    assert_eq!(keys(&ambiguous.load().unwrap(), "sales.items"), ["order_id -> sales.orders(id)"]);
}

#[test]
fn a_fully_qualified_reference_goes_by_id_or_name() {
    leads("schema/orders_tbl/properties/order_id_pk", &["sales.orders(id)"]);
    leads("/schema/orders_tbl/properties/order_id_pk", &["sales.orders(id)"]);
    leads("#/schema/orders/properties/customer_fk", &["sales.orders(customer_id)"]);
    leads("/schema/orders/properties/region", &["sales.orders(region)"]);
}

#[test]
fn another_contract_is_found_by_file_or_id() {
    let expected = ["crm.profiles(id)"];
    leads("../crm/profiles.odcs.yaml#/schema/profiles_tbl/properties/profile_pk", &expected);
    leads("./../../catalog/crm/profiles.odcs.yaml#schema/profiles/properties/id", &expected);
    leads("../crm/profiles.odcs.yaml#profiles.id", &expected);
    leads("urn:crm:profiles#profiles.id", &expected);
    leads("urn:crm:profiles#/schema/profiles_tbl/properties/profile_pk", &expected);
    leads("orders.odcs.yaml#orders.id", &["sales.orders(id)"]);
    leads("sales-orders#/schema/orders_tbl/properties/order_id_pk", &["sales.orders(id)"]);
}

#[test]
fn what_leads_out_of_the_mesh_is_no_key() {
    leads("nowhere.id", &[]);
    leads("https://example.com/profiles.odcs.yaml#/schema/profiles_tbl/properties/profile_pk", &[]);
    leads("https://example.com/profiles.odcs.yaml#profiles.id", &[]);
    leads("file:///catalog/crm/profiles.odcs.yaml#profiles.id", &[]);
    leads("/catalog/crm/profiles.odcs.yaml#profiles.id", &[]);
    leads("profiles.odcs.yaml#profiles.id", &[]);
    leads("../../../catalog/crm/profiles.odcs.yaml#profiles.id", &[]);
    is_key("{from: [items.order_id, items.order_region], to: [orders.id, nowhere.region]}", &[]);
}

#[test]
fn a_key_of_several_columns_keeps_their_order() {
    is_key(
        "{id: item_of_order, from: [items.order_region, items.order_id], to: [orders.region, orders.id]}",
        &["item_of_order: order_region, order_id -> sales.orders(region, id)"],
    );
    is_key("{type: foreignKey, from: items.order_id, to: orders.id}", &["order_id -> sales.orders(id)"]);
    is_key(
        "{from: [schema/items_tbl/properties/item_order], to: [urn:crm:profiles#profiles.id]}",
        &["order_id -> crm.profiles(id)"],
    );
    is_key("{from: sales-orders#items.order_id, to: items.order_id}", &["order_id -> sales.items(order_id)"]);
}

#[test]
fn keys_of_columns_come_first_and_one_that_is_written_twice_is_one() {
    let twice = "{to: orders.id}, {to: /schema/orders_tbl/properties/order_id_pk}, {to: profiles.id}";
    let table = "{from: items.order_id, to: orders.id}, {id: again, from: items.order_id, to: orders.id}";
    let registry = mesh(twice, table).load().unwrap();
    let expected =
        ["order_id -> sales.orders(id)", "order_id -> crm.profiles(id)", "again: order_id -> sales.orders(id)"];
    assert_eq!(keys(&registry, "sales.items"), expected);
    assert_eq!(keys(&registry, "sales.orders"), [""; 0]);
}

#[test]
fn another_kind_of_relationship_and_a_part_of_a_column_are_no_key() {
    assert_eq!(keys(&mesh("{type: derivedFrom, to: anything}", "").load().unwrap(), "sales.items"), [""; 0]);
    leads("items.box.size", &[]);
    leads("/schema/items_tbl/properties/item_box/properties/size", &[]);
    is_key("{from: items.box.size, to: orders.id}", &[]);
}

#[test]
fn a_malformed_reference_is_refused() {
    for bad in ["orders", ".id", "orders.", "#", "profiles.odcs.yaml#", "/schema/orders_tbl", "a/b.c", "/servers/a.b"] {
        let expected = format!(
            "orders.odcs.yaml:20: `to` of a relationship of column \"order_id\" of table \"sales.items\" is {bad:?}, \
             which names no column\n    write `table.column` or"
        );
        column_refused(&format!("{{to: '{bad}'}}"), &[&expected]);
    }
    column_refused(
        "{to: ''}",
        &[":20: `to` of a relationship of column \"order_id\" of table \"sales.items\" is empty"],
    );
    column_refused(
        "{to: []}",
        &[":20: `to` of a relationship of column \"order_id\" of table \"sales.items\" is empty"],
    );
    column_refused("{to: 5}", &["must be text, not a number"]);
    column_refused("{id: x}", &[":20: a relationship of column \"order_id\" of table \"sales.items\" has no `to`"]);
    column_refused("orders.id", &["a relationship of column \"order_id\" of table \"sales.items\" must be a mapping"]);
    table_refused("{to: orders.id}", &[":17: a relationship of table \"sales.items\" has no `from`"]);
    table_refused("{from: order_id, to: id}", &["`from` of a relationship", "`to` of a relationship"]);
}

#[test]
fn a_column_says_by_itself_where_its_relationship_begins() {
    column_refused("{from: items.order_id, to: orders.id}", &[":20: a relationship of column \"order_id\" of table"]);
}

#[test]
fn both_sides_have_as_many_columns() {
    table_refused(
        "{from: [items.order_id, items.order_region], to: orders.id}",
        &[":17: a relationship of table \"sales.items\" leads from 2 columns to 1"],
    );
    column_refused("{to: [orders.id, orders.region]}", &["leads from 1 columns to 2"]);
}

#[test]
fn a_relationship_begins_at_its_own_table() {
    let expected =
        "`from` of a relationship of table \"sales.items\" is \"orders.id\", which is not of table \"sales.items\"";
    table_refused("{from: orders.id, to: orders.id}", &[expected]);
    table_refused("{from: nowhere.id, to: orders.id}", &["which is not of table \"sales.items\""]);
    table_refused("{from: urn:crm:profiles#profiles.id, to: orders.id}", &["which is not of table \"sales.items\""]);
    table_refused(
        "{from: [items.id, items.x], to: [orders.y, orders.id]}",
        &[
            "is \"items.id\", but table \"sales.items\" has no such column",
            "is \"items.x\", but table \"sales.items\" has no such column",
            "is \"orders.y\", but table \"sales.orders\" has no such column",
        ],
    );
}

#[test]
fn a_known_table_has_the_column_and_a_known_contract_the_table() {
    let refused = |to: &str, expected: &str| column_refused(&format!("{{to: '{to}'}}"), &[expected]);
    refused("orders.nosuch", "orders.odcs.yaml:20: `to` of a relationship of column \"order_id\" of table");
    refused("orders.Id", "is \"orders.Id\", but table \"sales.orders\" has no such column");
    refused("profiles.nosuch", "but table \"crm.profiles\" has no such column");
    refused("orders.id.part", "but table \"sales.orders\" has no such column");
    refused("/schema/orders_tbl/properties/nosuch", "but table \"sales.orders\" has no such column");
    refused("/schema/nosuch/properties/id", "but the contract has no table \"nosuch\"");
    refused("urn:crm:profiles#orders.id", "but the contract has no table \"orders\"");
}

#[test]
fn a_key_leads_to_one_table() {
    table_refused(
        "{from: [items.order_id, items.order_region], to: [orders.id, profiles.mail]}",
        &["leads to table \"sales.orders\" and to table \"crm.profiles\""],
    );
}

#[test]
fn a_mistake_elsewhere_makes_no_mistake_of_a_relationship() {
    let wrong = changed(CRM, &[("{name: mail, logicalType: string}", "{name: mail, logicalType: strin}")]);
    mesh("{to: profiles.mail}", "").with("catalog/crm/profiles.odcs.yaml", wrong).refused(&["\"strin\""]);
    let broken = mesh("{to: '../crm/profiles.odcs.yaml#profiles.id'}", "");
    broken.with("catalog/crm/profiles.odcs.yaml", "id: [").refused(&["not valid YAML"]);
}
