//! What tools ask before they show a tree of tables: only what the caller may see is in it.

use arrow::datatypes::Schema;
use arrow_flight::sql::{
    CommandGetCatalogs, CommandGetCrossReference, CommandGetDbSchemas, CommandGetExportedKeys, CommandGetImportedKeys,
    CommandGetPrimaryKeys, CommandGetSqlInfo, CommandGetTableTypes, CommandGetTables, CommandGetXdbcTypeInfo,
    CommandStatementQuery, ProstMessageExt,
};
use tests::retail::{self, PROFILES, Retail};
use tests::{Client, Remote, Rows, engine};

/// The answer to a command, whose stream, FlightInfo and GetSchema must agree.
async fn ask(client: &mut Client, command: &impl ProstMessageExt) -> Rows {
    let info = client.command(command).await.unwrap();
    assert_eq!(info.endpoint.len(), 1);
    let rows = client.fetch_all(&info).await.unwrap();
    let promised: Schema = info.try_decode_schema().unwrap();
    assert_eq!(*rows.schema, promised);
    assert_eq!(client.schema(command).await.unwrap(), promised);
    rows
}

/// A request for tables whose names match.
fn tables(pattern: Option<&str>, types: &[&str], include_schema: bool) -> CommandGetTables {
    CommandGetTables {
        catalog: None,
        db_schema_filter_pattern: None,
        table_name_filter_pattern: pattern.map(str::to_owned),
        table_types: types.iter().map(|word| (*word).to_owned()).collect(),
        include_schema,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_gets_the_list_of_his_own_tables() {
    let retail = Retail::serve().await;
    let all = tables(None, &[], false);
    for (user, expected) in [
        ("ann", vec!["retail|customers|profiles|TABLE", "retail|insights|totals|VIEW", "retail|sales|orders|TABLE"]),
        ("olga", vec!["retail|customers|profiles|TABLE", "retail|sales|orders|TABLE"]),
        ("eve", vec![]),
    ] {
        let mut client = retail.gateway.connect(user).await;
        let rows = ask(&mut client, &all).await;
        assert_eq!(rows.columns(), ["catalog_name", "db_schema_name", "table_name", "table_type"]);
        assert_eq!(rows.lines(), expected, "{user}");
        let schemas = CommandGetDbSchemas { catalog: None, db_schema_filter_pattern: None };
        let mut domains: Vec<_> = expected.iter().map(|line| line.split('|').nth(1).unwrap().to_owned()).collect();
        domains.dedup();
        let shown = ask(&mut client, &schemas).await.cells();
        let shown: Vec<_> = shown.iter().map(|row| row[1].clone()).filter(|name| is_domain(name)).collect();
        assert_eq!(shown, domains, "{user}");
        assert_eq!(ask(&mut client, &CommandGetCatalogs {}).await.lines(), ["retail"], "{user}");
    }
}

/// Whether a schema is a business domain, and not one that everybody has.
fn is_domain(name: &str) -> bool {
    !["information_schema", "system"].contains(&name)
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_are_found_by_pattern_and_by_every_word_for_a_table() {
    let retail = Retail::serve().await;
    let mut sam = retail.gateway.connect("sam").await;
    for (pattern, types, expected) in [
        (Some("ord%"), &[][..], vec!["orders"]),
        (Some("order_"), &[], vec!["orders"]),
        (Some("order\\_"), &[], vec![]),
        (Some("orders"), &[], vec!["orders"]),
        (Some("nothing"), &[], vec![]),
        (None, &["TABLE"], vec!["profiles", "orders"]),
        (None, &["BASE TABLE", "table"], vec!["profiles", "orders"]),
        (None, &["VIEW"], vec!["totals"]),
        (None, &["SYSTEM TABLE"], vec![]),
    ] {
        let found = ask(&mut sam, &tables(pattern, types, false)).await.cells();
        let found: Vec<_> = found.iter().filter(|row| is_domain(&row[1])).map(|row| row[2].as_str()).collect();
        assert_eq!(found, expected, "{pattern:?} {types:?}");
    }
    assert!(ask(&mut sam, &CommandGetTableTypes {}).await.lines().contains(&"TABLE".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listed_schema_is_the_schema_of_the_rows() {
    let retail = Retail::serve().await;
    for user in ["ann", "sam"] {
        let mut client = retail.gateway.connect(user).await;
        let rows = ask(&mut client, &tables(None, &[], true)).await;
        for (line, bytes) in rows.cells().iter().zip(rows.bytes("table_schema")) {
            if !is_domain(&line[1]) {
                continue;
            }
            let listed = Schema::try_from(arrow_flight::IpcMessage(bytes.into())).unwrap();
            let sql = format!("SELECT * FROM {}.{}", line[1], line[2]);
            let real = client.rows(&sql).await.schema;
            let shape = |schema: &Schema| {
                let field = |field: &arrow::datatypes::FieldRef| {
                    (field.name().clone(), field.data_type().clone(), field.is_nullable())
                };
                schema.fields().iter().map(field).collect::<Vec<_>>()
            };
            assert_eq!(shape(&listed), shape(&real), "{user}: {sql}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_information_schema_shows_only_what_the_reader_may_see() {
    let retail = Retail::serve().await;
    let mut ann = retail.gateway.connect("ann").await;
    let mut eve = retail.gateway.connect("eve").await;
    let all = "SELECT table_schema, table_name FROM information_schema.tables \
        WHERE table_schema NOT IN ('information_schema', 'system') ORDER BY 1, 2";
    assert_eq!(ann.rows(all).await.lines(), ["customers|profiles", "insights|totals", "sales|orders"]);
    assert!(eve.rows(all).await.lines().is_empty());
    let columns =
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'orders' ORDER BY ordinal_position";
    assert_eq!(
        ann.rows(columns).await.lines(),
        ["id", "region", "customer_id", "status", "amount", "email", "ordered"]
    );
    assert!(eve.rows(columns).await.lines().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_survives_a_source_that_is_down() {
    let Retail { mesh: _mesh, gateway, crm } = Retail::serve().await;
    crm.kill();
    let mut ann = gateway.connect("ann").await;
    assert_eq!(ask(&mut ann, &tables(None, &[], true)).await.count(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_types_and_server_properties_are_answered_with_their_schemas() {
    let retail = Retail::serve().await;
    let mut ann = retail.gateway.connect("ann").await;
    let table = || "orders".to_owned();
    let (catalog, db_schema) = (None, Some("sales".to_owned()));
    let primary = CommandGetPrimaryKeys { catalog: catalog.clone(), db_schema: db_schema.clone(), table: table() };
    assert_eq!(ask(&mut ann, &primary).await.schema.fields().len(), 6);
    let exported = CommandGetExportedKeys { catalog: catalog.clone(), db_schema: db_schema.clone(), table: table() };
    assert_eq!(ask(&mut ann, &exported).await.schema.fields().len(), 13);
    let imported = CommandGetImportedKeys { catalog, db_schema, table: table() };
    assert_eq!(ask(&mut ann, &imported).await.schema.fields().len(), 13);
    let cross = CommandGetCrossReference { pk_table: table(), fk_table: table(), ..Default::default() };
    assert_eq!(ask(&mut ann, &cross).await.schema.fields().len(), 13);
    assert!(ask(&mut ann, &CommandGetXdbcTypeInfo { data_type: None }).await.count() > 5);
    let all = ask(&mut ann, &CommandGetSqlInfo { info: Vec::new() }).await.count();
    let some = ask(&mut ann, &CommandGetSqlInfo { info: vec![0, 2, 3, 504] }).await.count();
    assert!(all > 40 && some == 4, "{all} {some}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_key_is_told_to_who_sees_both_sides_in_clear() {
    let crm = Remote::start(vec![("profiles", vec![engine::batch(PROFILES).await])]);
    let mesh = Retail::write(&crm).await;
    mesh.contract(
        &retail::orders()
            .reference("customer_id", "profiles.id")
            .reference("email", "profiles.email")
            .reference("margin", "profiles.born"),
    );
    let gateway = mesh.serve().await;
    let row =
        |own: &str, other: &str| format!("retail|customers|profiles|{other}|retail|sales|orders|{own}|1|NULL|NULL|3|3");
    let id = row("customer_id", "id");
    let all = vec![id.clone(), row("margin", "born"), row("email", "email")];
    // Ann sees addresses masked and no margins.
    for (user, expected) in [("sam", all), ("ann", vec![id]), ("eve", vec![])] {
        let mut client = gateway.connect(user).await;
        let imported = CommandGetImportedKeys { table: "orders".to_owned(), ..Default::default() };
        assert_eq!(ask(&mut client, &imported).await.lines(), expected, "{user}");
        let exported = CommandGetExportedKeys { table: "profiles".to_owned(), ..Default::default() };
        assert_eq!(ask(&mut client, &exported).await.lines(), expected, "{user}");
        let (pk_table, fk_table) = ("profiles".to_owned(), "orders".to_owned());
        let cross = CommandGetCrossReference { pk_table, fk_table, ..Default::default() };
        assert_eq!(ask(&mut client, &cross).await.lines(), expected, "{user}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn get_schema_agrees_with_the_statement() {
    let retail = Retail::serve().await;
    let mut ann = retail.gateway.connect("ann").await;
    for sql in [
        "SELECT * FROM sales.orders",
        "SELECT max(amount), count(*), region FROM sales.orders GROUP BY region",
        "SELECT o.id, p.name FROM sales.orders o LEFT JOIN customers.profiles p ON p.id = o.customer_id",
    ] {
        let command = CommandStatementQuery { query: sql.to_owned(), transaction_id: None };
        assert_eq!(ann.schema(&command).await.unwrap(), *ann.rows(sql).await.schema, "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_reads_what_he_may_do_and_nothing_of_the_rules() {
    let retail = Retail::serve().await;
    let grants = "SELECT domain, table_name, action, rows, array_to_string(columns, ' ') AS columns, \
                  array_to_string(masked_columns, ' ') AS masked FROM system.grants WHERE domain = 'sales' \
                  ORDER BY table_name, action";
    let shown = "id region customer_id status amount email ordered";
    let discover = format!("sales|orders|discover|NULL|{shown}|email");
    let select = format!("sales|orders|select|filtered|{shown}|email");
    let mut ann = retail.gateway.connect("ann").await;
    assert_eq!(ann.rows(grants).await.lines(), [discover, select]);
    let mask = "SELECT column_name, mask FROM system.columns WHERE domain = 'sales' AND mask IS NOT NULL";
    assert_eq!(ann.rows(mask).await.lines(), ["email|show_last_4"]);
    let all = "SELECT table_name, action, rows, array_length(columns) AS columns, array_length(masked_columns) AS masked \
               FROM system.grants WHERE action = 'select' AND table_name = 'orders'";
    let mut sam = retail.gateway.connect("sam").await;
    assert_eq!(sam.rows(all).await.cells()[0][..4], ["orders", "select", "all", "8"]);
    let mut eve = retail.gateway.connect("eve").await;
    assert_eq!(eve.rows("SELECT * FROM system.grants").await.lines(), Vec::<String>::new());
}
