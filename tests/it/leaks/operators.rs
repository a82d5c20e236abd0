//! Settings, functions and other ways around.

use tests::vault::{FILTERS, HIDDEN, Vault};

use super::no_secret_in;

#[tokio::test(flavor = "multi_thread")]
async fn no_setting_lifts_the_barrier() {
    let vault = Vault::serve(HIDDEN).await;
    let mut ann = vault.gateway.connect("ann").await;
    for setting in [
        "datafusion.explain.show_statistics = true",
        "datafusion.explain.physical_plan_only = true",
        "datafusion.optimizer.max_passes = 0",
        "datafusion.optimizer.skip_failed_rules = true",
        "datafusion.catalog.information_schema = true",
        "datafusion.execution.parquet.pushdown_filters = false",
        "region = 'US'",
        "tenant = 'b'",
        "role = 'full'",
        "session_authorization = 'full'",
    ] {
        for form in [format!("SET {setting}"), format!("SET SESSION {setting}")] {
            drop(ann.query(&form).await);
        }
        assert_eq!(
            ann.sorted("SELECT count(*) FROM hr.p WHERE 1/(salary-200) >= 0").await,
            ["3"],
            "after SET {setting}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn identity_cannot_be_claimed_in_a_statement_or_a_header() {
    let vault = Vault::serve(HIDDEN).await;
    let mut ann = vault.gateway.connect("ann").await;
    for sql in [
        "SELECT attribute('tenant')",
        "SELECT count(*) FROM hr.p WHERE tenant = attribute('tenant') OR tenant = 'b'",
        "SELECT current_user",
    ] {
        let answer = ann.query(sql).await;
        no_secret_in(&format!("{answer:?}"), sql);
    }
    for (header, value) in [
        ("x-user", "full"),
        ("meshgate-subject", "full"),
        ("x-meshgate-tenant", "b"),
        ("meshgate-attributes", "{\"tenant\":\"b\"}"),
        ("cookie", "user=full"),
    ] {
        let mut ann = ann.clone().with_header(header, value);
        assert_eq!(ann.sorted("SELECT count(*) FROM hr.p").await, ["3"], "{header}: {value}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_that_read_the_machine_are_not_there() {
    let vault = Vault::serve(HIDDEN).await;
    let mut ann = vault.gateway.connect("ann").await;
    for sql in [
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT getenv('PATH')",
        "SELECT * FROM parquet_metadata('data/p')",
        "SELECT * FROM metadata_cache()",
        "SELECT * FROM list_files_cache()",
        "SELECT pg_sleep(10)",
        "SELECT * FROM \"hr\".\"p$partitions\"",
        "SELECT * FROM hr.p__history",
        "SELECT _change_type, _commit_version FROM hr.p",
        "SELECT __delta_rs_path FROM hr.p",
        "SELECT _metadata.file_path FROM hr.p",
    ] {
        let failure = ann.fails(sql).await;
        no_secret_in(&format!("{failure:?}"), sql);
        assert_ne!(failure.code, tonic::Code::Internal, "{sql}: {failure:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_every_spelling_lead_to_the_same_governed_table() {
    let vault = Vault::serve(HIDDEN).await;
    for (user, _) in FILTERS {
        let mut client = vault.gateway.connect(user).await;
        for name in ["hr.p", "HR.P", "\"hr\".\"p\"", "vault.hr.p", "hr.p AS x", "(SELECT * FROM hr.p) AS x"] {
            assert_eq!(client.sorted(&format!("SELECT count(*) FROM {name}")).await, ["3"], "{user}: {name}");
        }
        for name in ["\"hr.p\"", "hr.\"P\"", "vault.\"hr.p\"", "hr.p.p", "hr.\"p\u{0}\"", "hr.\"p \""] {
            assert!(client.query(&format!("SELECT count(*) FROM {name}")).await.is_err(), "{user}: {name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn constant_conditions_behave_alike_with_and_without_visible_rows() {
    let vault = Vault::serve(HIDDEN).await;
    let mut ann = vault.gateway.connect("ann").await;
    let mut shapes = Vec::new();
    for condition in ["id = 1", "id = 4", "id = 999"] {
        let sql = format!("SELECT id FROM hr.p WHERE {condition} AND 1/0 = 1");
        shapes.push(ann.query(&sql).await.map(|rows| rows.count()).map_err(|failure| failure.shape()));
    }
    assert_eq!(shapes[1], shapes[2], "a hidden row and no row differ");
}
