//! What a contract must say of itself and of its columns.

use arrow::datatypes::{DataType, Field, TimeUnit};

use super::{Mesh, ORDERS, changed, check, orders_with};
use crate::contract::Status;
use crate::source::{Location, Source};

#[test]
fn a_good_contract_becomes_a_table() {
    let mesh = orders_with(&[]);
    let registry = mesh.load().unwrap();
    let table = registry.table(&"sales.orders".parse().unwrap()).unwrap();
    assert_eq!((table.physical_name.as_str(), &*table.product), ("ORDERS", "Orders"));
    assert_eq!(table.description.as_deref(), Some("One row is one order."));
    assert_eq!(table.contract.owner.as_deref(), Some("sam"));
    assert_eq!((table.contract.status, table.contract.version.as_str()), (Status::Active, "1.0.0"));
    assert_eq!(table.contract.tags, ["orders"]);
    assert_eq!(table.contract.file.to_str(), Some("catalog/sales/orders.odcs.yaml"));
    assert_eq!(table.primary_key(), ["id"]);
    let Source::Delta(delta) = &table.source else { panic!("{:?}", table.source) };
    assert_eq!(delta.location, Location::Local(mesh.path().join("data/orders")));
    let expected = [
        Field::new("id", DataType::Int64, false),
        Field::new("amount", DataType::Decimal128(18, 2), true),
        Field::new("mail", DataType::Utf8, true),
    ];
    assert_eq!(table.schema().fields().iter().map(|field| field.as_ref().clone()).collect::<Vec<_>>(), expected);
    let mail = &table.columns[2];
    assert_eq!((mail.physical_name.as_str(), mail.classification.as_deref()), ("e-mail", Some("confidential")));
}

#[test]
fn every_mistake_is_reported_at_once_with_file_and_line() {
    let changes = [
        ("apiVersion: v3.1.0", "apiVersion: v2.2.2"),
        ("kind: DataContract", "kind: DataProduct"),
        ("version: 1.0.0\n", "version: 1.0\n"),
        ("status: active", "status: live"),
        ("domain: sales", "domain: finance"),
        ("physicalName: ORDERS", "physicalname: ORDERS"),
        ("bigint", "bigserial"),
        ("{name: amount", "{name: ID"),
        ("format: delta", "format: parquet"),
    ];
    let other = changed(ORDERS, &[("id: sales-orders\n", ""), ("name: orders", "name: Bad-Name")]);
    let mesh = orders_with(&changes).with("catalog/sales/z.odcs.yaml", other);
    mesh.refused(&[
        "catalog/sales/orders.odcs.yaml:1: `apiVersion` \"v2.2.2\"",
        "catalog/sales/orders.odcs.yaml:2: `kind` is \"DataProduct\"",
        "catalog/sales/orders.odcs.yaml:5: `version` of the contract must be text",
        "catalog/sales/orders.odcs.yaml:6: `status` of the contract is \"live\"",
        "catalog/sales/orders.odcs.yaml:7: `domain` of the contract is \"finance\", but",
        "catalog/sales/orders.odcs.yaml:18: server \"lake\" is in the format \"parquet\"",
        "catalog/sales/orders.odcs.yaml:21: an item of `schema` has the key \"physicalname\"",
        "catalog/sales/orders.odcs.yaml:24: `physicalType` of column \"id\" of table \"sales.orders\" is \"bigserial\"",
        "catalog/sales/orders.odcs.yaml:25: table \"sales.orders\" has two columns \"ID\"",
        "catalog/sales/z.odcs.yaml:1: the contract has no `id`",
        "catalog/sales/z.odcs.yaml:19: the name of a table is wrong: \"Bad-Name\"",
    ]);
}

#[test]
fn an_unknown_key_is_refused_at_every_depth_and_the_likely_one_is_named() {
    check(&[("tags:", "tag:")], &[":8: the contract has the key \"tag\", which ODCS does not know\n    write `tags`"]);
    check(&[("name: sales\n", "nom: sales\n")], &[":11: the team has the key \"nom\""]);
    check(&[("role: Owner", "role: owner, mail: x")], &[":13: a team member has the key \"mail\""]);
    check(&[("unique:", "uniq:")], &[":24: a column has the key \"uniq\""]);
    check(&[("purpose:", "text:")], &["the description has the key \"text\""]);
    check(&[("tags:", "zebra:")], &["which ODCS does not know\n    remove it;"]);
    let quality = "quality: [{metric: nullValues, mustBe: 0, mustbe: 1}]\n    description: One row is";
    check(&[("description: One row is", quality)], &["a quality rule has the key \"mustbe\""]);
}

#[test]
fn every_key_of_the_standard_is_accepted() {
    let changes = [
        (
            "tags: [orders]",
            "tags: [orders]\ntenant: t\ndataProduct: p\ncontractCreatedTs: '2024-01-01'\nslaDefaultElement: x\n\
          price: {priceAmount: 1, priceCurrency: EUR, priceUnit: row}\nroles: [{role: r, access: read}]\n\
          support: [{channel: c, url: 'https://x', tool: slack}]\ncontext: {instructions: x, constraints: [{constraint: y}]}\n\
          slaProperties: [{property: latency, value: 1, unit: d, element: orders.id, driver: x}]\n\
          authoritativeDefinitions: [{url: 'https://x', type: y}]\ncustomProperties: [{property: x, value: {any: thing}}]",
        ),
        (
            "classification:",
            "businessName: m, synonyms: [{synonym: s}], enum: [a, {value: b, label: B}], \
          quality: [{type: custom, engine: soda, implementation: {any: thing}}], criticalDataElement: true, \
          examples: [1], partitioned: false, partitionKeyPosition: -1, primaryKeyPosition: -1, encryptedName: x, \
          relationships: [{to: a.b, type: foreignKey}], transformLogic: x, logicalTypeOptions: {maxLength: 3}, \
          transformSourceObjects: [a], transformDescription: x, semanticType: measure, classification:",
        ),
        (
            "format: delta",
            "format: delta\n    environment: prod\n    description: x\n    roles: [{role: r}]\n    port: 1",
        ),
        ("apiVersion: v3.1.0", "apiVersion: v3.2.0"),
    ];
    orders_with(&changes).load().unwrap();
}

#[test]
fn what_is_missing_is_named() {
    check(&[("kind: DataContract\n", "")], &[":1: the contract has no `kind`"]);
    check(&[("version: 1.0.0\n", "")], &["the contract has no `version`"]);
    check(&[("status: active\n", "")], &["the contract has no `status`"]);
    check(&[("domain: sales\n", "")], &["the contract has no `domain`"]);
    check(&[("- name: orders\n    phys", "- phys")], &[":20: an item of `schema` has no `name`"]);
    check(&[("{name: amount, ", "{")], &["a column of table \"sales.orders\" has no `name`"]);
    check(
        &[(", physicalType: 'numeric(18,2)'", "")],
        &[":25: column \"amount\" of table \"sales.orders\" has no type"],
    );
    check(&[("id: sales-orders", "id: ''")], &[":3: `id` of the contract is empty"]);
    check(&[(ORDERS.split_once("schema:").unwrap().1, " []\n")], &["the contract has no table"]);
    Mesh::new().with("catalog/sales/a.odcs.yaml", "").refused(&["the contract must be a mapping, not nothing"]);
    Mesh::new().with("catalog/sales/a.odcs.yaml", "- a").refused(&[":1: the contract must be a mapping, not a list"]);
}

#[test]
fn broken_yaml_is_reported_with_its_line() {
    check(&[("domain: sales", "domain: [sales")], &["orders.odcs.yaml:"]);
    check(&[("tags: [orders]", "id: twice")], &[":8: the file is not valid YAML: duplicate"]);
}

#[test]
fn a_column_name_is_something_that_a_client_can_show() {
    let long = format!("{{name: {}", "x".repeat(256));
    check(&[("{name: amount", &long)], &[":25: the name of a column of table \"sales.orders\" is longer than 255"]);
    check(&[("{name: amount", "{name: \"a\\nb\"")], &["holds a control character"]);
    check(&[("{name: amount", "{name: \" \"")], &["is empty"]);
    check(&[("physicalName: e-mail", "physicalName: \"\\0\"")], &["`physicalName` of column \"mail\""]);
    orders_with(&[("{name: amount", "{name: Größe in m²")]).load().unwrap();
}

#[test]
fn no_two_columns_share_a_name_or_a_source_column() {
    check(&[("{name: amount", "{name: Id")], &[":25: table \"sales.orders\" has two columns \"Id\""]);
    check(
        &[("physicalName: e-mail", "physicalName: id")],
        &[":26: column \"mail\" of table \"sales.orders\" reads the same"],
    );
}

#[test]
fn a_nested_column_becomes_a_struct_or_a_list() {
    let nested = "{name: amount, logicalType: object, physicalType: jsonb, properties: [\
                  {name: street, logicalType: string, required: true}, \
                  {name: zips, logicalType: array, items: {logicalType: integer, required: true}}]}";
    let amount = "{name: amount, physicalType: 'numeric(18,2)'}";
    let registry = orders_with(&[(amount, nested)]).load().unwrap();
    let table = registry.table(&"sales.orders".parse().unwrap()).unwrap();
    let zips = DataType::List(Field::new_list_field(DataType::Int64, false).into());
    let expected = vec![Field::new("street", DataType::Utf8, false), Field::new("zips", zips, true)];
    assert_eq!(table.columns[1].data_type, DataType::Struct(expected.into()));

    let wrong = |column: &str, expected: &str| check(&[(amount, column)], &[expected]);
    wrong("{name: amount, logicalType: object}", "has no shape");
    wrong("{name: amount, logicalType: array}", "has no shape");
    wrong("{name: amount, logicalType: string, items: {logicalType: string}}", "has `items` but is no array");
    wrong("{name: amount, logicalType: array, physicalType: 'text[]', items: {logicalType: date}}", "is one thing in");
    wrong(
        "{name: amount, logicalType: object, properties: [{name: a, logicalType: date}, {name: A, logicalType: date}]}",
        "column \"amount\" of table \"sales.orders\" has two columns \"A\"",
    );
    wrong(
        "{name: amount, logicalType: object, properties: [{name: a, physicalName: b, logicalType: date}]}",
        "has another `physicalName`",
    );
    wrong(
        "{name: amount, logicalType: map, map: {key: {logicalType: string}, value: {logicalType: string}}}",
        "which cannot be queried yet",
    );
}

#[test]
fn types_that_contradict_each_other_are_refused() {
    check(
        &[("logicalType: integer", "logicalType: string")],
        &[":24: the type of column \"id\" of table \"sales.orders\" is one thing in `physicalType` and another"],
    );
    check(&[("logicalType: integer", "logicalType: number12")], &["is \"number12\", which is not a logical type"]);
    let date = (
        "{name: amount, physicalType: 'numeric(18,2)'}",
        "{name: amount, logicalType: date, physicalType: timestamptz}",
    );
    check(&[date], &["is one thing in"]);
    orders_with(&[date, ("v3.1.0", "v3.0.2")]).load().unwrap();
    let local = "{name: amount, logicalType: timestamp, logicalTypeOptions: {timezone: false}}";
    let registry = orders_with(&[(date.0, local)]).load().unwrap();
    let table = registry.tables().next().unwrap();
    assert_eq!(table.columns[1].data_type, DataType::Timestamp(TimeUnit::Microsecond, None));
}

#[test]
fn the_columns_of_a_primary_key_have_places() {
    let key = |id: &str, amount: &str| {
        let id = format!("primaryKey: true{id}");
        let amount = format!("{{name: amount{amount}");
        orders_with(&[("primaryKey: true", &id), ("{name: amount", &amount)])
    };
    let order = |id: &str, amount: &str| {
        let registry = key(id, amount).load().unwrap();
        registry.tables().next().unwrap().primary_key().join(" ")
    };
    assert_eq!(order("", ", primaryKey: true"), "id amount");
    assert_eq!(order(", primaryKeyPosition: 2", ", primaryKey: true, primaryKeyPosition: 1"), "amount id");
    assert_eq!(order(", primaryKeyPosition: -1", ", primaryKeyPosition: -1"), "id");
    key(", primaryKeyPosition: 1", ", primaryKey: true").refused(&["without a place of their own"]);
    key(", primaryKeyPosition: 1", ", primaryKey: true, primaryKeyPosition: 1").refused(&["without a place"]);
    key(", primaryKeyPosition: 0", "").refused(&["is not a place"]);
    key("", ", primaryKeyPosition: 2").refused(&["is not in the primary key"]);
}

#[test]
fn the_owner_is_the_one_team_member_with_that_role() {
    let owner = |team: &str| {
        let changes = [("  name: sales\n  members:\n    - {username: sam, role: Owner}\n", team)];
        orders_with(&changes).load().map(|registry| registry.tables().next().unwrap().contract.owner.clone())
    };
    assert_eq!(
        owner("  - {username: eve, role: steward}\n  - {username: sam, role: OWNER}\n").unwrap().as_deref(),
        Some("sam")
    );
    assert_eq!(owner("  members: [{username: sam, role: steward}]\n").unwrap(), None);
    assert_eq!(owner("  members: [{username: sam, role: owner, dateOut: '2020-01-01'}]\n").unwrap(), None);
    assert!(owner("  members: [{username: sam, role: owner}, {username: eve, role: owner}]\n").is_err());
    assert!(owner("  members: [{name: Sam, role: owner}]\n").is_err());
    assert!(owner("  - sam\n").is_err());
}
