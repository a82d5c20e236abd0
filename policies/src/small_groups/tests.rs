//! What may be asked of a table that is seen in groups only, and what comes out.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests may unwrap, and need sessions of their own"
)]

use std::sync::Arc;

use arrow::util::display::{ArrayFormatter, FormatOptions};
use catalog::{Status, Version};
use datafusion::catalog::TableProvider;
use datafusion::datasource::MemTable;
use datafusion::prelude::SessionContext;

use super::{TooFine, drop_small_groups};
use crate::action::Action;
use crate::decision::Restrictions;
use crate::governed_table;
use crate::testing::{decide, load, policies, table};

/// Six people in two departments, three of them in the first; one alone in the third.
const STAFF: &str = "SELECT * FROM (VALUES
    (1, 'a', 100, DATE '2024-01-01'), (2, 'a', 200, DATE '2024-01-09'), (3, 'a', NULL, DATE '2024-02-01'),
    (4, 'b', 400, DATE '2024-02-02'), (5, 'b', 500, DATE '2024-03-01'), (6, 'c', 600, DATE '2024-03-03'))
    AS t(id, team, pay, hired)";

/// The staff in groups of `rows` at least, and a table without a rule beside it.
async fn context(rows: Option<u64>) -> SessionContext {
    let context = SessionContext::new();
    let frame = context.sql(STAFF).await.unwrap();
    let schema = Arc::new(frame.schema().as_arrow().clone());
    let inner: Arc<dyn TableProvider> =
        Arc::new(MemTable::try_new(schema, vec![frame.collect().await.unwrap()]).unwrap());
    let columns: Vec<_> =
        inner.schema().fields().iter().map(|field| (field.name().clone(), field.data_type().clone())).collect();
    let columns: Vec<_> = columns.iter().map(|(name, data_type)| (name.as_str(), data_type.clone())).collect();
    let contract = Arc::new(table("hr.staff", &columns, Status::Active));
    let binding = catalog::drift::bind(&contract, &inner.schema()).unwrap();
    let shown = contract.columns.iter().enumerate();
    let restrictions = Restrictions {
        columns: shown.map(|(index, _)| crate::ColumnAccess { index, mask: None }).collect(),
        row_filter: None,
        smallest_group: rows,
        rules: Vec::new(),
        fingerprint: 0,
    };
    let governed = governed_table(Arc::clone(&inner), contract, &binding, Arc::new(restrictions), Version::Unversioned);
    context.register_table("staff", governed.unwrap()).unwrap();
    context.register_table("free", inner).unwrap();
    context
}

async fn answer(context: &SessionContext, sql: &str) -> datafusion::error::Result<Vec<String>> {
    let plan = drop_small_groups(context.state().create_logical_plan(sql).await?)?;
    let schema = Arc::clone(plan.schema());
    let frame = context.execute_logical_plan(plan).await?;
    assert_eq!(frame.schema().field_names(), schema.field_names(), "{sql}");
    let mut rows = Vec::new();
    for batch in frame.collect().await? {
        let options = FormatOptions::new().with_null("NULL");
        let columns: Vec<_> =
            batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options).unwrap()).collect();
        rows.extend(
            (0..batch.num_rows())
                .map(|row| columns.iter().map(|column| column.value(row).to_string()).collect::<Vec<_>>().join("|")),
        );
    }
    rows.sort_unstable();
    Ok(rows)
}

async fn check(sql: &str, expected: &[&str]) {
    let context = context(Some(2)).await;
    match answer(&context, sql).await {
        Ok(rows) => assert_eq!(rows, expected, "{sql}"),
        Err(error) => panic!("{sql} fails: {error}"),
    }
}

#[tokio::test]
async fn small_groups_are_dropped_and_values_of_few_rows_are_null() {
    check("SELECT team, count(*) FROM staff GROUP BY team", &["a|3", "b|2"]).await;
    check("SELECT team, sum(pay) AS pays FROM staff GROUP BY team", &["a|300", "b|900"]).await;
    check("SELECT count(*), avg(pay) FROM staff WHERE id <= 3", &["3|150.0"]).await;
    // Two rows, but the sum would be that of one.
    check("SELECT count(*), count(pay), sum(pay) FROM staff WHERE id IN (2, 3)", &["2|1|NULL"]).await;
    check("SELECT count(*) FROM staff WHERE id = 6", &[]).await;
    check("SELECT count(*) FROM staff WHERE id = -1", &[]).await;
    check(
        "SELECT s.team FROM staff s WHERE s.pay > 150 AND lower(s.team) <> 'x' GROUP BY s.team HAVING count(*) > 1",
        &["b"],
    )
    .await;
    check("SELECT count(DISTINCT team) FROM staff", &["3"]).await;
    check(
        "SELECT date_trunc('month', hired) AS m, count(*) FROM staff GROUP BY m",
        &["2024-01-01T00:00:00|2", "2024-02-01T00:00:00|2", "2024-03-01T00:00:00|2"],
    )
    .await;
    check("SELECT team, count(*) FROM staff GROUP BY ROLLUP(team)", &["NULL|6", "a|3", "b|2"]).await;
}

#[tokio::test]
async fn what_comes_out_of_the_groups_is_free() {
    check(
        "SELECT f.id, g.n FROM free f JOIN (SELECT team, count(*) n FROM staff GROUP BY team) g ON f.team = g.team",
        &["1|3", "2|3", "3|3", "4|2", "5|2"],
    )
    .await;
    check("SELECT id FROM free WHERE pay > (SELECT avg(pay) FROM staff)", &["4", "5", "6"]).await;
    check("SELECT max(n) FROM (SELECT count(*) AS n FROM staff GROUP BY team)", &["3"]).await;
    check(
        "WITH g AS (SELECT team, count(*) AS n FROM staff GROUP BY team) SELECT a.n + b.n FROM g a, g b",
        &["4", "5", "5", "6"],
    )
    .await;
    check("SELECT id FROM free WHERE id > 5", &["6"]).await;
}

#[tokio::test]
async fn every_other_way_to_the_table_is_refused() {
    let context = context(Some(2)).await;
    for sql in [
        "SELECT * FROM staff",
        "SELECT id FROM staff WHERE id = 6",
        "SELECT DISTINCT team FROM staff",
        "SELECT team FROM staff UNION ALL SELECT 'x'",
        "SELECT team FROM free INTERSECT SELECT team FROM staff",
        "SELECT sum(pay) OVER () FROM staff",
        "SELECT pay FROM staff ORDER BY pay LIMIT 1",
        // One row is singled out inside a group that is large enough.
        "SELECT sum(pay) FILTER (WHERE id = 6) FROM staff",
        "SELECT sum(CASE WHEN id = 6 THEN pay ELSE 0 END) FROM staff",
        "SELECT sum(v) FROM (SELECT CASE WHEN id = 6 THEN pay END AS v FROM staff) t",
        "SELECT count(v) FROM (SELECT nullif(id, 6) AS v FROM staff) t",
        "SELECT sum(id * pay) FROM staff",
        "SELECT min(pay), max(pay) FROM staff",
        "SELECT array_agg(pay) FROM staff",
        "SELECT string_agg(team, ',') FROM staff",
        "SELECT first_value(pay) FROM staff",
        "SELECT median(pay), approx_percentile_cont(0.99) WITHIN GROUP (ORDER BY pay) FROM staff",
        "SELECT sum(DISTINCT pay) FROM staff",
        // A row is made into many.
        "SELECT count(*) FROM staff s CROSS JOIN (VALUES (1), (2), (3)) v(n) WHERE s.id = 6",
        "SELECT count(*) FROM (SELECT * FROM staff WHERE id = 6 UNION ALL SELECT * FROM free WHERE id = 6) t",
        "SELECT count(*) FROM staff s JOIN free f ON s.id = f.id",
        "SELECT sum(s.pay) FROM staff s, free f WHERE s.id = f.id GROUP BY f.id",
        // The existence of a row is asked for.
        "SELECT 1 WHERE EXISTS (SELECT 1 FROM staff WHERE pay > 550)",
        "SELECT id FROM free WHERE id IN (SELECT id FROM staff WHERE pay > 550)",
        "SELECT id, (SELECT count(*) FROM staff s WHERE s.id = f.id) FROM free f",
        "SELECT (SELECT pay FROM staff WHERE id = 6)",
        // A failure tells of one row.
        "SELECT count(*) FROM staff WHERE 1 / (pay - 600) > -5",
        "SELECT count(*) FROM staff WHERE CAST(team AS int) > 0",
        "SELECT count(*) FROM staff GROUP BY 1 / (pay - 600)",
        "SELECT sum(CAST(team AS int)) FROM staff",
        "SELECT count(*) FROM (SELECT team AS x, pay AS team FROM staff) t WHERE team = 'c'",
        "SELECT count(*) FROM (SELECT * FROM staff LIMIT 1) t",
        "EXPLAIN SELECT id FROM staff",
        "EXPLAIN ANALYZE SELECT id FROM staff",
        "WITH RECURSIVE r AS (SELECT id FROM staff UNION ALL SELECT id + 1 FROM r WHERE id < 3) SELECT count(*) FROM r",
    ] {
        match answer(&context, sql).await {
            Ok(rows) => panic!("{sql} yields {rows:?}"),
            Err(error) => {
                let error = error.to_string();
                assert!(error.contains("in groups of at least 2 rows only"), "{sql}\n{error}");
            }
        }
    }
}

#[tokio::test]
async fn a_table_that_nobody_checked_is_not_scanned() {
    let guarded = context(Some(2)).await;
    for sql in ["SELECT id FROM staff", "SELECT count(*) FROM staff"] {
        let error = guarded.sql(sql).await.unwrap().collect().await.unwrap_err();
        assert!(error.to_string().contains("less than groups"), "{error}");
    }
    let open = context(None).await;
    assert_eq!(answer(&open, "SELECT min(pay) FROM staff").await.unwrap(), ["100"]);
}

#[test]
fn the_largest_size_of_all_roles_holds() {
    let rules = "p, user:ann, sales, orders, select, allow\np, user:bob, sales, orders, select, allow\n\
        p4, role:a, sales, orders, 5\np4, role:b, sales, orders, 9\n\
        g, user:ann, role:a, sales\ng, user:ann, role:b, sales\n";
    let policies = policies(rules);
    let size = |who: &str| decide(&policies, who, "sales.orders", Action::Select).unwrap();
    let ann = size("ann");
    assert_eq!(ann.smallest_group, Some(9));
    assert_eq!(ann.rules.iter().map(|rule| rule.line).collect::<Vec<_>>(), [1, 3, 4]);
    assert_eq!(size("bob").smallest_group, None);
    let bob = size("bob");
    assert!(bob.is_unrestricted(bob.columns.len()) && !ann.is_unrestricted(ann.columns.len()));
    assert_ne!(size("bob").fingerprint, ann.fingerprint);
}

#[test]
fn a_size_is_a_number_of_at_least_two() {
    for size in ["0", "1", "-5", "five", "5.0", "", "1000001", "99999999999999999999"] {
        let problems = load(&format!("p4, role:a, sales, orders, {size}")).unwrap_err().to_string();
        assert!(problems.contains("is not a size of groups") && problems.contains("from 2 to 1000000"), "{problems}");
    }
    let problems = load("p4, role:a, sales, orders").unwrap_err().to_string();
    assert!(problems.contains("p4, subject, domain, table, rows"), "{problems}");
}

#[test]
fn the_refusal_says_what_to_do() {
    let text = TooFine { table: "hr.staff".parse().unwrap(), rows: 5 }.to_string();
    assert!(text.contains("\"hr.staff\"") && text.contains("at least 5 rows") && text.contains("GROUP BY"), "{text}");
}
