//! Where a contract may say that its data lives.

use super::{Mesh, ORDERS, changed, check, orders_with};
use crate::source::{CredentialRef, DeltaSource, Dialect, FlightSource, ForwardIdentity, Location, Pushdown, Source};

/// The server of [`ORDERS`].
const LAKE: &str = "    type: local\n    path: data/orders\n    format: delta\n";

const FLIGHT_SQL: &str = "    type: custom
    location: grpc+tls://crm.example:443
    catalog: crm
    schema: public
    customProperties:
      - {property: protocol, value: arrow-flight-sql}
      - {property: credentialRef, value: env:CRM}
      - {property: tlsCa, value: tls/ca.pem}
      - {property: forwardIdentity, value: attributes}
      - {property: acceptedLocations, value: 'a.example:1, b.example:2'}
      - {property: pushdown, value: statement}
      - {property: dialect, value: duckdb}
      - {property: shareJoinKeys, value: true}
";

const VIEW: &str = "    type: custom
    customProperties:
      - {property: meshRole, value: source}
      - {property: protocol, value: mesh-sql}
      - {property: query, value: SELECT 1 AS id}
";

fn source(server: &str) -> (Mesh, Source, bool) {
    let mesh = orders_with(&[(LAKE, server)]);
    let registry = mesh.load().unwrap();
    let table = registry.tables().next().unwrap();
    (mesh, table.source.clone(), table.share_join_keys)
}

fn refused(server: &str, expected: &[&str]) {
    check(&[(LAKE, server)], expected);
}

#[test]
fn a_delta_table_lives_in_a_folder_or_an_object_store() {
    let delta = |server: &str| match source(server).1 {
        Source::Delta(DeltaSource { location, .. }) => location,
        other @ (Source::FlightSql(_) | Source::Flight(_) | Source::MeshSql(_)) => panic!("{other:?}"),
    };
    let s3 = |region: Option<&str>, endpoint: Option<&str>| Location::S3 {
        url: "s3://b/orders".to_owned(),
        endpoint: endpoint.map(str::to_owned),
        region: region.map(str::to_owned),
    };
    let minio =
        "    type: s3\n    location: s3://b/{model}\n    endpointUrl: http://127.0.0.1:9000\n    format: delta\n";
    assert_eq!(delta(minio), s3(None, Some("http://127.0.0.1:9000")));
    let amazon = "    type: custom\n    location: s3://b/orders\n    region: eu-west-1\n    format: delta\n";
    assert_eq!(delta(amazon), s3(Some("eu-west-1"), None));
    let gcs = |endpoint: Option<&str>| Location::Gcs {
        url: "gs://b/orders".to_owned(),
        endpoint: endpoint.map(str::to_owned),
    };
    let google = "    type: custom\n    location: gs://b/{model}\n    format: delta\n";
    assert_eq!(delta(google), gcs(None));
    let fake = changed(google, &[("format:", "endpointUrl: http://127.0.0.1:4443/\n    format:")]);
    assert_eq!(delta(&fake), gcs(Some("http://127.0.0.1:4443")));
    let azure = |account: Option<&str>, endpoint: Option<&str>| Location::Azure {
        account: account.map(str::to_owned),
        container: "c".to_owned(),
        path: "shop/orders".to_owned(),
        endpoint: endpoint.map(str::to_owned),
    };
    let lake = "    type: azure\n    location: abfss://c@acc.dfs.core.windows.net/shop/{model}\n    format: delta\n";
    assert_eq!(delta(lake), azure(Some("acc"), Some("https://acc.blob.core.windows.net")));
    let short = "    type: azure\n    location: az://c/shop/{model}\n    format: delta\n";
    refused(short, &["server \"lake\" names no storage account"]);
    let secret = "format: delta\n    customProperties: [{property: credentialRef, value: env:LAKE}]\n";
    assert_eq!(delta(&changed(short, &[("format: delta\n", secret)])), azure(None, None));
    assert_eq!(delta(&changed(short, &[("format:", "account: acc\n    format:")])), azure(Some("acc"), None));
    let azurite = "    type: custom\n    location: az://c/shop/orders\n    account: dev\n    endpointUrl: http://127.0.0.1:10000/dev\n    format: delta\n";
    assert_eq!(delta(azurite), azure(Some("dev"), Some("http://127.0.0.1:10000/dev")));
    assert_eq!(delta("    type: local\n    path: /lake/o\n    format: delta\n"), Location::Local("/lake/o".into()));

    refused("    type: local\n    path: data\n", &["server \"lake\" has no `format`"]);
    refused("    type: local\n    format: delta\n", &["server \"lake\" has no `path`"]);
    refused(
        "    type: s3\n    location: data/orders\n    format: delta\n",
        &["`location` of server \"lake\" does not begin with `s3://`"],
    );
    refused("    type: custom\n    location: ftp://a/b\n    format: delta\n", &["is not in a known object store"]);
    refused(
        "    type: azure\n    location: abfss://c@acc/o\n    format: delta\n",
        &["`location` of server \"lake\" names no storage account"],
    );
    refused("    type: postgres\n    host: x\n", &["is of type \"postgres\", which cannot be a source yet"]);
    refused("    host: x\n", &["server \"lake\" has no `type`"]);
}

#[test]
fn a_flight_sql_source_has_all_its_properties() {
    let (mesh, source, share_join_keys) = source(FLIGHT_SQL);
    let expected = FlightSource {
        location: "grpc+tls://crm.example:443".to_owned(),
        catalog: Some("crm".to_owned()),
        schema: Some("public".to_owned()),
        credential: Some(CredentialRef::Environment("CRM".to_owned())),
        tls_ca: Some(mesh.path().join("tls/ca.pem")),
        tls_client_cert: None,
        forward_identity: ForwardIdentity::Attributes,
        accepted_locations: vec!["a.example:1".to_owned(), "b.example:2".to_owned()],
        pushdown: Pushdown::Statement,
        dialect: Dialect::DuckDb,
    };
    assert_eq!(source, Source::FlightSql(expected));
    assert!(share_join_keys);
    let list = changed(FLIGHT_SQL, &[("'a.example:1, b.example:2'", "['a.example:1', b.example:2]")]);
    assert!(matches!(self::source(&list).1, Source::FlightSql(flight) if flight.accepted_locations.len() == 2));
}

#[test]
fn every_mistake_in_the_properties_of_a_server_is_reported() {
    let changes = [
        ("value: env:CRM", "value: hunter2"),
        ("value: attributes", "value: everything"),
        ("b.example:2", "b.example"),
        ("value: statement", "value: all"),
        ("value: duckdb", "value: oracle"),
        ("value: true", "value: maybe"),
        ("property: tlsCa", "property: tlsca"),
    ];
    refused(
        &changed(FLIGHT_SQL, &changes),
        &[
            ":22: property \"credentialRef\" of server \"lake\" does not say where the secret is found",
            ":23: server \"lake\" has the property \"tlsca\", which meshgate does not know",
            ":24: property \"forwardIdentity\" of server \"lake\" is \"everything\"",
            ":25: property \"acceptedLocations\" of server \"lake\" holds something that is not a host and a port",
            ":26: property \"pushdown\" of server \"lake\" is \"all\"",
            ":27: property \"dialect\" of server \"lake\" is \"oracle\"",
            ":28: property \"shareJoinKeys\" of server \"lake\" must be true or false, not text",
        ],
    );
    let vault = changed(FLIGHT_SQL, &[("env:CRM", "vault:kv/crm#key")]);
    refused(&vault, &["points into a vault, which is not supported yet"]);
    refused(
        &changed(FLIGHT_SQL, &[("grpc+tls:", "grpc:")]),
        &["property \"tlsCa\" of server \"lake\" has no meaning without TLS"],
    );
    refused(&changed(FLIGHT_SQL, &[("arrow-flight-sql", "odbc")]), &["is \"odbc\", which is not a protocol"]);
    refused(
        &changed(FLIGHT_SQL, &[("property: dialect, value: duckdb", "property: pushdown, value: scan")]),
        &["has the property \"pushdown\" twice"],
    );
    refused(
        &changed(FLIGHT_SQL, &[("property: dialect, value: duckdb", "property: query, value: SELECT 1")]),
        &["property \"query\" of server \"lake\" has no meaning for Flight SQL"],
    );
    let plain = changed(FLIGHT_SQL, &[("arrow-flight-sql", "arrow-flight")]);
    refused(&plain, &["\"pushdown\" of server \"lake\" has no meaning for plain Flight", "\"dialect\" of server"]);
    refused("    type: custom\n    location: grpc://a:1\n", &["server \"lake\" has no property `protocol`"]);
}

#[test]
fn a_property_of_another_vendor_is_left_alone() {
    let foreign = changed(FLIGHT_SQL, &[("property: dialect, value: duckdb", "property: x, value: 1, vendor: soda")]);
    source(&foreign);
}

#[test]
fn exactly_one_server_is_the_source() {
    let two = |first: &str, second: &str| {
        let role = |role: &str| match role {
            "" => String::new(),
            role => format!("    customProperties: [{{property: meshRole, value: {role}}}]\n"),
        };
        let servers = format!("{LAKE}{}  - server: pg\n    type: postgres\n    host: x\n{}", role(first), role(second));
        orders_with(&[(LAKE, &servers)])
    };
    two("source", "").load().unwrap();
    two("", "").refused(&["none of the contract's servers is its source"]);
    two("source", "source").refused(&[":20: more than one server of the contract is its source"]);
    two("source", "sink").refused(&["`meshRole` of server \"pg\" is \"sink\""]);
    two("", "source").refused(&["server \"pg\" is of type \"postgres\""]);
    check(&[("  - server: lake\n", ""), (LAKE, "  []\n")], &["the contract has no server"]);
}

#[test]
fn several_tables_of_a_contract_need_a_folder_each() {
    let second = "schema:\n  - {name: lines, properties: [{name: id, logicalType: integer}]}\n";
    check(&[("schema:\n", second)], &["server \"lake\" has one folder for several tables"]);
    let mesh = orders_with(&[("schema:\n", second), ("data/orders", "data/{model}/v1")]);
    let registry = mesh.load().unwrap();
    let location = |table: &str| match &registry.table(&table.parse().unwrap()).unwrap().source {
        Source::Delta(delta) => delta.location.clone(),
        other @ (Source::FlightSql(_) | Source::Flight(_) | Source::MeshSql(_)) => panic!("{other:?}"),
    };
    assert_eq!(location("sales.orders"), Location::Local(mesh.path().join("data/orders/v1")));
    assert_eq!(location("sales.lines"), Location::Local(mesh.path().join("data/lines/v1")));
    check(&[("schema:\n", second), (LAKE, VIEW)], &["server \"lake\" has one query for several tables"]);
    orders_with(&[("schema:\n", second), (LAKE, FLIGHT_SQL)]).load().unwrap();
}

#[test]
fn a_view_has_a_query_and_an_owner() {
    assert!(matches!(source(VIEW).1, Source::MeshSql(view) if view.query == "SELECT 1 AS id"));
    refused(
        &changed(VIEW, &[("property: query", "property: dialect")]),
        &[
            "server \"lake\" has no property `query`",
            "\"dialect\" of server \"lake\" has no meaning for SQL over the mesh",
        ],
    );
    check(
        &[(LAKE, VIEW), ("role: Owner", "role: steward")],
        &[":1: the contract is SQL over other tables, but has no owner in whose name they are read"],
    );
}

#[test]
fn a_secret_written_into_a_contract_is_not_repeated_in_a_problem() {
    for (from, to) in [
        ("grpc+tls://crm.example:443", "grpc+tls://crm:hunter2@crm.example:443"),
        ("value: env:CRM", "value: hunter2"),
        ("'a.example:1, b.example:2'", "'user:hunter2@a.example:1'"),
    ] {
        let problems = orders_with(&[(LAKE, &changed(FLIGHT_SQL, &[(from, to)]))]).load().unwrap_err();
        assert!(!problems.to_string().contains("hunter2"), "{problems}");
    }
    assert!(ORDERS.contains(LAKE));
}
