//! Conditions that fail, or tell, when they meet a hidden row.

use tests::vault::{FILTERS, HIDDEN, OTHER_HIDDEN, Vault};

use super::{like_the_copy, look, secured_copy};

/// Conditions over a table's columns that betray a hidden row by failing on it.
const FALLIBLE: [&str; 8] = [
    "cast(ssn AS int) >= 0",
    "1/(salary-200) >= 0",
    "CASE WHEN ssn LIKE 'S%' THEN 1/(salary-200) ELSE 1 END = 1",
    "cast(note AS date) > DATE '2020-01-01'",
    "salary % (salary - 200) >= 0",
    "cast(substr(ssn, 1, 1) AS smallint) > 0",
    "1000000000000 * salary * salary * salary > 0",
    "to_timestamp(note) > TIMESTAMP '2020-01-01T00:00:00'",
];

/// Statements with a place for a condition.
const FRAMES: [&str; 9] = [
    "SELECT id FROM hr.TABLE WHERE (CONDITION)",
    "SELECT count(*) FROM hr.TABLE WHERE (CONDITION)",
    "SELECT id FROM hr.TABLE WHERE id > 0 AND (CONDITION)",
    "SELECT id FROM hr.TABLE WHERE (CONDITION) AND city = 'Ulm'",
    "SELECT id FROM hr.TABLE WHERE id < 0 OR (CONDITION)",
    "SELECT id FROM hr.TABLE WHERE NOT (CONDITION)",
    "SELECT a.id FROM hr.TABLE a JOIN (SELECT id AS other FROM hr.TABLE) b ON a.id = b.other AND (CONDITION)",
    "SELECT id FROM hr.TABLE WHERE id NOT IN (SELECT id FROM hr.TABLE WHERE (CONDITION))",
    "WITH w AS (SELECT * FROM hr.TABLE) SELECT id FROM (SELECT * FROM w UNION ALL SELECT * FROM w) u WHERE (CONDITION)",
];

/// Statements that would show a hidden row at any other place.
const ELSEWHERE: [&str; 22] = [
    "SELECT 1/(salary-200) FROM hr.TABLE",
    "SELECT id FROM hr.TABLE ORDER BY 1/(salary-200)",
    "SELECT 1/(salary-200) AS x, count(*) FROM hr.TABLE GROUP BY 1",
    "SELECT city FROM hr.TABLE GROUP BY city HAVING min(1/(salary-200)) >= 0",
    "SELECT sum(1/(salary-200)) OVER (PARTITION BY city) FROM hr.TABLE",
    "SELECT count(*) FILTER (WHERE 1/(salary-200) >= 0) FROM hr.TABLE",
    "SELECT CASE WHEN salary = 200 THEN 1/(salary-200) ELSE 0 END FROM hr.TABLE",
    "SELECT coalesce(cast(ssn AS int), 0) FROM hr.TABLE",
    "SELECT count(*), count(1), count(ssn), count(DISTINCT tenant), min(salary), max(salary) FROM hr.TABLE",
    "SELECT min(ssn), max(ssn), min(note), max(note), min(city), max(city) FROM hr.TABLE",
    "SELECT 1 FROM hr.TABLE",
    "SELECT EXISTS(SELECT 1 FROM hr.TABLE WHERE salary = 200)",
    "SELECT DISTINCT city FROM hr.TABLE",
    "SELECT tenant, count(*) FROM hr.TABLE GROUP BY tenant",
    "SELECT id FROM hr.TABLE ORDER BY id DESC LIMIT 1",
    "SELECT v.x FROM (VALUES ('1001'), ('SECRET-4711')) v(x) JOIN hr.TABLE ON ssn = v.x",
    "SELECT (SELECT max(salary) FROM hr.TABLE), (SELECT count(*) FROM hr.TABLE WHERE tenant <> 'a')",
    "SELECT id FROM hr.TABLE WHERE tenant IS NULL OR tenant = 'b'",
    "SELECT id FROM hr.TABLE EXCEPT SELECT 1",
    "SELECT a.id, b.id FROM hr.TABLE a FULL JOIN hr.TABLE b ON a.salary = b.salary + 100",
    "SELECT a.id FROM hr.TABLE a WHERE a.salary = (SELECT max(b.salary) FROM hr.TABLE b WHERE b.city = a.city)",
    "SELECT lag(salary) OVER (ORDER BY id), rank() OVER (ORDER BY salary) FROM hr.TABLE",
];

/// Every statement for a table; the users beyond the first get the plain frames only.
fn statements(table: &str, deep: bool) -> Vec<String> {
    let frames = if deep { &FRAMES[..] } else { &FRAMES[..3] };
    let conditions = if deep { &FALLIBLE[..] } else { &FALLIBLE[..4] };
    let mut all: Vec<String> = Vec::new();
    for frame in frames {
        all.extend(conditions.iter().map(|condition| frame.replace("CONDITION", condition)));
    }
    let elsewhere = if deep { &ELSEWHERE[..] } else { &ELSEWHERE[8..10] };
    all.extend(elsewhere.iter().map(|statement| (*statement).to_owned()));
    all.into_iter().map(|sql| sql.replace("TABLE", table)).collect()
}

/// Runs every probe of `user` on `table` against the copy and in both vaults.
async fn probe(one: &Vault, two: &Vault, user: &str, table: &str) {
    let copy = secured_copy(user).await;
    let mut first = one.gateway.connect(user).await;
    let mut second = two.gateway.connect(user).await;
    for sql in statements(table, ["ann", "masked"].contains(&user)) {
        like_the_copy(&mut first, &copy, user, &sql).await;
        let (here, there) = (look(&mut first, &sql).await, look(&mut second, &sql).await);
        assert_eq!(here, there, "{user} can tell the two vaults apart with: {sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_probe_of_a_delta_table_meets_a_hidden_row() {
    let (one, two) = (Vault::serve(HIDDEN).await, Vault::serve(OTHER_HIDDEN).await);
    for (user, _) in FILTERS {
        probe(&one, &two, user, "p").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_probe_of_a_flight_sql_table_meets_a_hidden_row() {
    let (one, two) = (Vault::serve(HIDDEN).await, Vault::serve(OTHER_HIDDEN).await);
    for (user, _) in FILTERS {
        probe(&one, &two, user, "q").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_probes_do_work_on_a_table_that_is_not_secured() {
    let vault = Vault::serve(HIDDEN).await;
    let mut full = vault.gateway.connect("full").await;
    for condition in &FALLIBLE[..4] {
        let sql = format!("SELECT count(*) FROM hr.p WHERE {condition}");
        assert_eq!(full.fails(&sql).await.kind, "DataError", "{sql}");
    }
    assert_eq!(full.sorted("SELECT count(*) FROM hr.p WHERE salary = 200").await, ["3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_first_does_not_change_what_others_see() {
    let vault = Vault::serve(HIDDEN).await;
    for sql in ["SELECT count(*) FROM hr.p", "SELECT count(*) FROM hr.q"] {
        for (user, count) in [("ann", "3"), ("full", "6"), ("masked", "3"), ("full", "6"), ("ann", "3")] {
            assert_eq!(vault.gateway.connect(user).await.sorted(sql).await, [count], "{user}: {sql}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flight_info_counts_no_hidden_row() {
    let (one, two) = (Vault::serve(HIDDEN).await, Vault::serve(OTHER_HIDDEN).await);
    for sql in ["SELECT * FROM hr.p", "SELECT * FROM hr.q", "SELECT id FROM hr.p WHERE city = 'Ulm'"] {
        let here = one.gateway.connect("ann").await.info(sql).await.unwrap();
        let there = two.gateway.connect("ann").await.info(sql).await.unwrap();
        assert_eq!((here.total_records, here.total_bytes), (-1, -1), "{sql}");
        assert_eq!(here.endpoint.len(), there.endpoint.len(), "{sql}");
        assert_eq!(here.schema, there.schema, "{sql}");
        assert_eq!(here.app_metadata, there.app_metadata, "{sql}");
    }
}
