//! A masked column is its mask, wherever a statement puts it.

use tests::vault::{HIDDEN, Vault};

#[tokio::test(flavor = "multi_thread")]
async fn a_masked_column_cannot_be_filtered_joined_sorted_or_grouped_in_clear() {
    let vault = Vault::serve(HIDDEN).await;
    let mut masked = vault.gateway.connect("masked").await;
    for table in ["p", "q"] {
        for (sql, expected) in [
            ("SELECT count(*) FROM hr.TABLE WHERE ssn = '1001'", "0"),
            ("SELECT count(*) FROM hr.TABLE WHERE ssn = '******'", "3"),
            ("SELECT count(*) FROM hr.TABLE WHERE ssn LIKE '1%'", "0"),
            ("SELECT count(*) FROM hr.TABLE WHERE ssn < '2'", "3"),
            ("SELECT count(*) FROM hr.TABLE WHERE ssn IN ('1001', '1002')", "0"),
            ("SELECT count(*) FROM hr.TABLE WHERE ssn IS NULL", "0"),
            ("SELECT count(*) FROM hr.TABLE WHERE salary = 100", "0"),
            ("SELECT count(*) FROM hr.TABLE WHERE salary IS NULL", "3"),
            ("SELECT count(*) FROM hr.TABLE WHERE salary BETWEEN 0 AND 1000", "0"),
            ("SELECT count(*) FROM hr.TABLE t JOIN (VALUES ('1001'), ('1002')) v(x) ON t.ssn = v.x", "0"),
            ("SELECT count(*) FROM hr.TABLE a JOIN hr.TABLE b ON a.ssn = b.ssn", "9"),
            ("SELECT count(*) FROM hr.TABLE a JOIN hr.TABLE b USING (salary)", "0"),
            ("SELECT count(*) FROM hr.TABLE a NATURAL JOIN (SELECT 1 AS id, '1001' AS ssn) b", "0"),
            ("SELECT count(DISTINCT ssn) FROM hr.TABLE", "1"),
            ("SELECT count(salary) FROM hr.TABLE", "0"),
            ("SELECT max(ssn) FROM hr.TABLE", "******"),
            ("SELECT sum(salary) FROM hr.TABLE", "NULL"),
            ("SELECT min(ssn) OVER () FROM hr.TABLE LIMIT 1", "******"),
            ("SELECT ssn FROM hr.TABLE ORDER BY ssn LIMIT 1", "******"),
            ("SELECT \"ssn\" FROM (SELECT ssn FROM hr.TABLE) x LIMIT 1", "******"),
            ("SELECT rank() OVER (ORDER BY salary) FROM hr.TABLE WHERE id = 3", "1"),
            ("SELECT count(*) FROM (SELECT ssn FROM hr.TABLE INTERSECT SELECT '1001') x", "0"),
            ("SELECT count(*) FROM (SELECT '1001' AS ssn EXCEPT SELECT ssn FROM hr.TABLE) x", "1"),
            ("SELECT count(*) FROM hr.TABLE WHERE (SELECT max(ssn) FROM hr.TABLE) = '******'", "3"),
        ] {
            let sql = sql.replace("TABLE", table);
            assert_eq!(masked.sorted(&sql).await, [expected], "{sql}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_sees_the_value_that_its_mask_hides() {
    let vault = Vault::serve(HIDDEN).await;
    // The row filter and the mask are on the same column: the filter comes first, on the raw value.
    let rules = "p, user:ann, hr, p, select, allow\np2, user:ann, hr, p, permissive, \"ssn = '1002'\"\n\
        p3, user:ann, hr, p.ssn, show_last_4\np3, user:ann, hr, p.tenant, null\n";
    vault.mesh.rules(rules);
    let ann = vault.gateway.connect("ann").await;
    tests::deadline::eventually(tests::deadline::STEP, "the new rules are in force", || {
        let mut ann = ann.clone();
        async move { ann.query("SELECT id, tenant FROM hr.p").await.ok().filter(|rows| rows.lines() == ["2|NULL"]) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn masked_columns_are_nullable_in_every_schema() {
    let vault = Vault::serve(HIDDEN).await;
    let mut masked = vault.gateway.connect("masked").await;
    for table in ["p", "q"] {
        let rows = masked.rows(&format!("SELECT ssn, salary FROM hr.{table}")).await;
        assert!(rows.schema.fields().iter().all(|field| field.is_nullable()), "{:?}", rows.schema);
        assert_eq!(rows.schema.field(1).data_type(), &arrow::datatypes::DataType::Int64);
    }
}
