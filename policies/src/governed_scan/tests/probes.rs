//! Statements that would tell something of hidden rows if they could.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::prelude::SessionContext;

use super::fixture::{Columns, HIDDEN, HiddenRows, Policy, govern, memory, outcome, restrictions, secured, session};
use super::sources::parquet;
use crate::unguarded::{Here, Mutation};

/// Each is compared with the same statement over the hand-secured copy.
const PROBES: &[&str] = &[
    // Fallible conditions, alone and beside others.
    "SELECT count(*) FROM p WHERE cast(ssn AS int) >= 0",
    "SELECT id FROM p WHERE 1/(salary-200) >= 0 OR salary IS NULL",
    "SELECT id FROM p WHERE CASE WHEN ssn LIKE 'H%' THEN 1/(salary-200) ELSE 1 END = 1",
    "SELECT id FROM p WHERE id > 10 AND cast(ssn AS int) >= 0",
    "SELECT id FROM p WHERE cast(ssn AS int) >= 0 AND id > 10 AND flag",
    "SELECT id FROM p WHERE id < 0 OR 1/(salary-200) = 0",
    "SELECT id FROM p WHERE id > 100 OR cast(ssn AS int) > 10010",
    "SELECT id FROM p WHERE NOT (cast(ssn AS int) < 0)",
    "SELECT id FROM p WHERE cast(note AS date) > date '2024-01-10'",
    "SELECT id FROM p WHERE to_date(note) > date '2024-01-10'",
    "SELECT id FROM p WHERE regexp_like(ssn, ssn)",
    "SELECT id FROM p WHERE arrow_cast(salary, 'Int8') > 110",
    "SELECT id FROM p WHERE id IN (SELECT cast(ssn AS bigint) - 9990 FROM p)",
    "SELECT id FROM p WHERE id NOT IN (SELECT cast(ssn AS bigint) - 9990 FROM p)",
    "SELECT id FROM p WHERE id NOT IN (SELECT 1/(salary-200) FROM p WHERE salary IS NOT NULL)",
    "SELECT id FROM p WHERE EXISTS (SELECT 1 FROM p q WHERE q.id = p.id AND cast(q.ssn AS int) > 10005)",
    "SELECT id FROM p WHERE salary > (SELECT max(1000/(salary-200)) FROM p)",
    "SELECT id, (SELECT max(cast(ssn AS int)) FROM p) FROM p WHERE id < 20",
    "SELECT a.id FROM p a JOIN p b ON a.id = b.id AND 1/(a.salary-200) >= b.salary - 200",
    "SELECT a.id FROM p a LEFT JOIN p b ON a.id = b.id + 2 AND cast(b.ssn AS int) > 10020",
    "SELECT a.id, b.id FROM p a FULL JOIN p b ON a.id = b.id + 1 AND 1/(b.salary-200) = 0",
    "SELECT a.id FROM p a RIGHT JOIN p b ON cast(a.ssn AS int) = cast(b.ssn AS int) WHERE b.id < 9",
    "SELECT a.id FROM p a JOIN p b ON 1/(a.salary-200) = b.id",
    // The same expressions elsewhere.
    "SELECT cast(ssn AS int), id FROM p",
    "SELECT sum(cast(ssn AS int)) FILTER (WHERE cast(note AS date) > date '2024-01-02') FROM p",
    "SELECT 1/(salary-200), count(*) FROM p GROUP BY 1",
    "SELECT flag, max(1/(salary-200)) FROM p GROUP BY flag HAVING max(cast(ssn AS int)) > 0",
    "SELECT id FROM p ORDER BY cast(ssn AS int), id LIMIT 5",
    "SELECT id, row_number() OVER (PARTITION BY 1/(salary-200) ORDER BY id) FROM p",
    "SELECT id, sum(salary) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM p",
    // Leakproof conditions: pushed down, same answer.
    "SELECT id FROM p WHERE ssn = '10010'",
    "SELECT id FROM p WHERE salary = 200",
    "SELECT id FROM p WHERE salary IS NULL",
    "SELECT id FROM p WHERE salary IS DISTINCT FROM 120 AND id BETWEEN 5 AND 60",
    "SELECT id FROM p WHERE ssn LIKE 'H%' OR ssn LIKE '%1'",
    "SELECT id FROM p WHERE ssn IN ('10001', '10002', 'HIDDEN1') AND NOT flag",
    "SELECT id FROM p WHERE flag IS NOT TRUE AND score = 0.5",
    "SELECT id FROM p WHERE score <> 0.5",
    "SELECT id FROM p WHERE born > date '2070-01-01'",
    "SELECT id FROM p WHERE note > '2024-01-20'",
    "SELECT id FROM p WHERE 1/0 = 1",
    "SELECT id FROM p WHERE id = 3",
    // Counting and not looking.
    "SELECT count(*) FROM p",
    "SELECT count(salary), count(ssn), min(salary), max(salary), min(ssn), max(ssn), min(born), max(born) FROM p",
    "SELECT 1 FROM p",
    "SELECT 1 WHERE EXISTS (SELECT FROM p WHERE salary = 200)",
    "SELECT 1 WHERE EXISTS (SELECT FROM p)",
    "SELECT approx_distinct(ssn) FROM p",
    "SELECT count(DISTINCT salary) FROM p",
    "SELECT * FROM p",
    // Joins that make filters while they run.
    "SELECT p.id FROM (VALUES (2), (3), (4)) v(k) JOIN p ON p.id = v.k",
    "SELECT p.id FROM (VALUES (200), (120)) v(k) JOIN p ON p.salary = v.k",
    "SELECT p.id FROM (VALUES ('10010'), ('HIDDEN1')) v(k) JOIN p ON p.ssn = v.k",
    "SELECT p.id FROM (VALUES (1)) v(k) JOIN p ON 200/(p.salary-200) = v.k",
    "SELECT p.id FROM (VALUES (10010)) v(k) JOIN p ON cast(p.ssn AS int) = v.k",
    "SELECT v.k, p.id FROM (VALUES (2), (3)) v(k) LEFT JOIN p ON p.id = v.k",
    "SELECT k FROM (VALUES (2), (3), (NULL)) v(k) WHERE k NOT IN (SELECT id FROM p)",
    "SELECT k FROM (VALUES (2), (3)) v(k) WHERE k IN (SELECT id FROM p)",
    // Sets, CTEs, self-joins.
    "SELECT ssn FROM p INTERSECT SELECT ssn FROM p WHERE id > 20",
    "SELECT id FROM p EXCEPT SELECT id FROM p WHERE salary = 120",
    "SELECT id FROM p WHERE id < 10 UNION ALL SELECT salary FROM p WHERE cast(note AS date) > date '2024-01-20'",
    "WITH c AS (SELECT id, ssn FROM p WHERE id > 10) SELECT * FROM c WHERE cast(ssn AS int) > 10030",
    "WITH RECURSIVE r AS (SELECT 0 AS n UNION ALL SELECT n + 2 FROM r WHERE n < 8) SELECT p.id FROM r JOIN p ON p.id = n",
    "SELECT a.id FROM p a, p b WHERE a.id = b.id AND a.ssn = b.ssn AND b.salary < 120",
    "SELECT * FROM p AS \"P\" NATURAL JOIN (SELECT id FROM p WHERE id < 8) q",
    "SELECT DISTINCT ssn FROM p WHERE length(ssn) <> 5",
    "SELECT id FROM p ORDER BY salary DESC NULLS LAST, id LIMIT 3",
    "SELECT id FROM p ORDER BY ssn DESC, id LIMIT 3",
    "SELECT id FROM p ORDER BY id DESC LIMIT 4",
    "SELECT id FROM p ORDER BY id OFFSET 110",
    // What is not there.
    "SELECT extra FROM p",
    "SELECT \"P.ssn\" FROM p",
    "SELECT tenant FROM p WHERE tenant IS NULL",
    "SELECT id FROM p WHERE tenant <> ''",
];

struct Compared {
    failures: Vec<String>,
}

/// Every probe under one restriction over `source`, next to the secured copy. The batch size changes from probe to
/// probe.
async fn compare(source: &Arc<dyn TableProvider>, policy: Policy, columns: Columns, shift: usize) -> Compared {
    let governed = govern(Arc::clone(source), restrictions(Some(policy.filter()), columns));
    let copy = secured(HiddenRows::Explosive, columns);
    let sessions: Vec<(SessionContext, SessionContext)> =
        [1, 64, 8192].map(|batch| (session(batch, Arc::clone(&governed)), session(batch, Arc::clone(&copy)))).into();
    let mut failures = Vec::new();
    for (index, probe) in PROBES.iter().enumerate() {
        let (governed, copy) = &sessions[(index + shift) % sessions.len()];
        let (seen, expected) = (outcome(governed, probe).await, outcome(copy, probe).await);
        if seen != expected || seen.contains(HIDDEN) {
            failures.push(format!("{policy:?} {columns:?} {probe}\n  seen: {seen}\n  expected: {expected}"));
        }
    }
    Compared { failures }
}

async fn check(source: Arc<dyn TableProvider>) {
    for (shift, policy) in Policy::ALL.into_iter().enumerate() {
        for columns in [Columns::Clear, Columns::Masked] {
            let failures = compare(&source, policy, columns, shift).await.failures;
            assert!(failures.is_empty(), "{} differences:\n{}", failures.len(), failures.join("\n"));
        }
    }
}

#[tokio::test]
async fn every_probe_of_a_table_in_memory_sees_what_the_secured_copy_shows() {
    check(memory(HiddenRows::Explosive)).await;
}

#[tokio::test]
async fn every_probe_of_parquet_files_sees_what_the_secured_copy_shows() {
    let (_folder, table) = parquet(HiddenRows::Explosive).await;
    check(table).await;
}

#[tokio::test]
async fn two_tables_that_differ_in_hidden_rows_only_cannot_be_told_apart() {
    let restrictions = restrictions(Some(Policy::Equal.filter()), Columns::Masked);
    let [one, other] = [HiddenRows::Explosive, HiddenRows::Harmless]
        .map(|hidden| session(64, govern(memory(hidden), Arc::clone(&restrictions))));
    for probe in PROBES {
        for statement in [(*probe).to_owned(), format!("EXPLAIN {probe}"), format!("EXPLAIN VERBOSE {probe}")] {
            assert_eq!(outcome(&one, &statement).await, outcome(&other, &statement).await, "{statement}");
        }
    }
}

#[tokio::test]
async fn the_probes_find_leaks_when_there_is_no_guard() {
    let _mutation = Here::put(Mutation::EveryConditionIsLeakproof);
    let source = memory(HiddenRows::Explosive);
    let mut found = 0;
    for policy in Policy::ALL {
        let failures = compare(&source, policy, Columns::Clear, 1).await.failures;
        assert!(!failures.is_empty(), "no probe found the leak under {policy:?}");
        found += failures.len();
    }
    assert!(found > 20, "only {found} leaks were found");
}
