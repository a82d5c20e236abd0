//! What is forbidden looks exactly like what is not there.

use arrow_flight::sql::{CommandGetPrimaryKeys, CommandGetTables};
use tests::vault::{HIDDEN, Vault};
use tests::{Client, Failure};
use tonic::Code;

/// The failure of `sql` with every mention of `name` replaced.
fn anonymous(failure: &Failure, name: &str) -> (Code, String, String, String) {
    let (code, kind, sqlstate, message) = failure.shape();
    (code, kind, sqlstate, message.replace(name, "NAME"))
}

/// Statements with a place for a table.
const FORMS: [&str; 12] = [
    "SELECT * FROM TABLE",
    "SELECT 1 FROM TABLE LIMIT 0",
    "SELECT nothing FROM TABLE",
    "EXPLAIN SELECT * FROM TABLE",
    "EXPLAIN ANALYZE SELECT * FROM TABLE",
    "WITH w AS (SELECT * FROM TABLE) SELECT 1",
    "SELECT (SELECT count(*) FROM TABLE)",
    "SELECT 1 WHERE EXISTS (SELECT 1 FROM TABLE)",
    "SELECT * FROM TABLE a JOIN TABLE b USING (id)",
    "SELECT 1 UNION ALL SELECT id FROM TABLE",
    "DESCRIBE TABLE",
    "SHOW COLUMNS FROM TABLE",
];

#[tokio::test(flavor = "multi_thread")]
async fn missing_and_forbidden_tables_get_the_same_answer() {
    let vault = Vault::serve(HIDDEN).await;
    for user in ["eve", "ann", "full"] {
        let mut client = vault.gateway.connect(user).await;
        for form in FORMS {
            let forbidden = client.fails(&form.replace("TABLE", "hr.locked")).await;
            let missing = client.fails(&form.replace("TABLE", "hr.absent")).await;
            assert_eq!(anonymous(&forbidden, "locked"), anonymous(&missing, "absent"), "{user}: {form}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn eve_cannot_tell_a_domain_from_a_word() {
    let vault = Vault::serve(HIDDEN).await;
    let mut eve = vault.gateway.connect("eve").await;
    for (real, invented) in [("hr.p", "xx.p"), ("hr.p", "hr.x"), ("vault.hr.p", "vault.hr.x"), ("hr.q", "hr.x")] {
        let forbidden = eve.fails(&format!("SELECT * FROM {real}")).await;
        let missing = eve.fails(&format!("SELECT * FROM {invented}")).await;
        assert_eq!(forbidden.kind, "UndefinedTable");
        let bare = |name: &str| name.trim_start_matches("vault.").to_owned();
        assert_eq!(anonymous(&forbidden, &bare(real)), anonymous(&missing, &bare(invented)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_with_one_forbidden_table_reads_nothing_of_the_others() {
    let vault = Vault::serve(HIDDEN).await;
    let mut ann = vault.gateway.connect("ann").await;
    drop(vault.remote.take_statements());
    ann.fails("SELECT * FROM hr.q CROSS JOIN hr.locked").await;
    assert_eq!(vault.remote.take_statements(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn preparing_tells_as_little_as_asking() {
    let vault = Vault::serve(HIDDEN).await;
    let mut eve = vault.gateway.connect("eve").await;
    let forbidden = eve.prepare("SELECT * FROM hr.p").await.unwrap_err();
    let missing = eve.prepare("SELECT * FROM hr.x").await.unwrap_err();
    assert_eq!(anonymous(&forbidden, "hr.p"), anonymous(&missing, "hr.x"));
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_does_not_name_what_is_forbidden() {
    let vault = Vault::serve(HIDDEN).await;
    for (user, expected) in [("eve", 0), ("ann", 2), ("full", 2)] {
        let mut client = vault.gateway.connect(user).await;
        for include_schema in [false, true] {
            let command = CommandGetTables { include_schema, ..Default::default() };
            let text = fetched(&mut client, &command).await;
            assert_eq!(text.matches("|hr|").count(), expected, "{user}: {text}");
            assert!(!text.contains("locked"), "{user}: {text}");
        }
    }
    let mut eve = vault.gateway.connect("eve").await;
    for sql in [
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM information_schema.columns",
        "SELECT * FROM information_schema.schemata",
        "SELECT * FROM information_schema.views",
        "SHOW TABLES",
    ] {
        let Ok(rows) = eve.query(sql).await else { continue };
        let text = rows.lines().join("\n");
        assert!(!text.contains("locked") && !text.contains("hr"), "{sql}: {text}");
    }
    let key = |table: &str| CommandGetPrimaryKeys { catalog: None, db_schema: Some("hr".into()), table: table.into() };
    assert_eq!(fetched(&mut eve, &key("p")).await, fetched(&mut eve, &key("x")).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn denied_columns_are_absent_everywhere() {
    let vault = Vault::serve(HIDDEN).await;
    let mut masked = vault.gateway.connect("masked").await;
    let command = CommandGetTables { include_schema: true, ..Default::default() };
    assert!(!fetched(&mut masked, &command).await.contains("code"));
    assert_eq!(
        masked
            .rows("SELECT column_name FROM information_schema.columns WHERE table_name = 'p' ORDER BY 1")
            .await
            .lines(),
        ["city", "id", "note", "salary", "ssn", "tenant"]
    );
    for table in ["p", "q"] {
        assert_eq!(
            masked.rows(&format!("SELECT * FROM hr.{table} LIMIT 0")).await.columns(),
            ["id", "tenant", "ssn", "salary", "note", "city"]
        );
        for form in [
            "SELECT COLUMN FROM hr.TABLE",
            "SELECT id FROM hr.TABLE WHERE COLUMN = 'x'",
            "SELECT id FROM hr.TABLE ORDER BY COLUMN",
            "SELECT count(*) FROM hr.TABLE GROUP BY COLUMN",
            "SELECT count(*) FROM hr.TABLE GROUP BY city HAVING max(COLUMN) > 'a'",
            "SELECT a.id FROM hr.TABLE a JOIN hr.TABLE b USING (COLUMN)",
            "SELECT x.COLUMN FROM (SELECT * FROM hr.TABLE) x",
            "SELECT t.\"COLUMN\" FROM hr.TABLE t",
        ] {
            let of = |column: &str| form.replace("TABLE", table).replace("COLUMN", column);
            let (denied, missing) = (masked.fails(&of("code")).await, masked.fails(&of("nope")).await);
            assert_eq!(anonymous(&denied, "code"), anonymous(&missing, "nope"), "{form}");
            assert_eq!(denied.kind, "UndefinedColumn", "{form}: {denied:?}");
        }
    }
}

/// All bytes of the answer to a metadata command, readable ones as text.
async fn fetched(client: &mut Client, command: &impl arrow_flight::sql::ProstMessageExt) -> String {
    let info = client.command(command).await.unwrap();
    let rows = client.fetch_all(&info).await.unwrap();
    let raw: String =
        rows.bytes("table_schema").iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect();
    format!("|{}\n{raw}", rows.lines().join("\n|"))
}
