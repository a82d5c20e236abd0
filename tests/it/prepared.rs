//! Prepared statements.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray};
use arrow_flight::sql::client::PreparedStatement;
use tests::retail::Retail;
use tests::{Client, Failure, Rows};
use tonic::transport::Channel;

/// Parameters with the names that drivers give them: arbitrary ones.
fn parameters(columns: Vec<ArrayRef>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().enumerate().map(|(index, column)| (index.to_string(), column, true)),
    )
    .unwrap()
}

async fn run(client: &mut Client, statement: &mut PreparedStatement<Channel>) -> Result<Rows, Failure> {
    let info = statement.execute().await?;
    client.fetch_all(&info).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prepared_statement_knows_its_result_and_its_parameters() {
    let retail = Retail::serve().await;
    let mut ann = retail.gateway.connect("ann").await;
    let sql = "SELECT id, email FROM sales.orders WHERE id >= $1 AND status = $2 ORDER BY id";
    let mut statement = ann.flight().prepare(sql.into(), None).await.unwrap();
    let names: Vec<_> = statement.dataset_schema().unwrap().fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!(names, ["id", "email"]);
    let kinds: Vec<_> = statement
        .parameter_schema()
        .unwrap()
        .fields()
        .iter()
        .map(|field| (field.data_type().to_string(), field.is_nullable()))
        .collect();
    assert_eq!(kinds, [("Int64".to_owned(), true), ("Utf8".to_owned(), true)]);
    let bound = parameters(vec![Arc::new(Int64Array::from(vec![2])), Arc::new(StringArray::from(vec!["shipped"]))]);
    statement.set_parameters(bound).unwrap();
    let rows = run(&mut ann, &mut statement).await.unwrap();
    assert_eq!(*rows.schema, *statement.dataset_schema().unwrap());
    assert_eq!(rows.cells().iter().map(|row| row[0].clone()).collect::<Vec<_>>(), ["5"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn question_marks_are_parameters_and_twelve_keep_their_order() {
    let retail = Retail::serve().await;
    let mut sam = retail.gateway.connect("sam").await;
    let sql = "SELECT CAST(? AS bigint) - CAST(? AS bigint) AS a, '?' AS b /* ? */, \
        CAST(? AS bigint) c, CAST(? AS bigint) d, CAST(? AS bigint) e, CAST(? AS bigint) f, CAST(? AS bigint) g, \
        CAST(? AS bigint) h, CAST(? AS bigint) i, CAST(? AS bigint) j, CAST(? AS bigint) k, CAST(? AS bigint) l -- ?";
    let mut statement = sam.flight().prepare(sql.into(), None).await.unwrap();
    assert_eq!(statement.parameter_schema().unwrap().fields().len(), 12);
    let columns = (1..=12).map(|number| Arc::new(Int64Array::from(vec![number])) as ArrayRef).collect();
    statement.set_parameters(parameters(columns)).unwrap();
    let rows = run(&mut sam, &mut statement).await.unwrap();
    assert_eq!(rows.lines(), ["-1|?|3|4|5|6|7|8|9|10|11|12"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_are_told_a_type_that_they_can_send_for_every_parameter() {
    let retail = Retail::serve().await;
    let mut sam = retail.gateway.connect("sam").await;
    let sql = "SELECT CAST(? AS bigint), upper(?), ? FROM sales.orders \
        WHERE ordered = ? AND arrow_cast(ordered, 'Timestamp(Microsecond, Some(\"UTC\"))') < ? LIMIT ? OFFSET ?";
    let mut statement = sam.flight().prepare(sql.into(), None).await.unwrap();
    let kinds = statement.parameter_schema().unwrap().fields().iter().map(|field| field.data_type().to_string());
    let expected = ["Int64", "Utf8", "Utf8", "Date32", "Timestamp(ms, \"UTC\")", "Int64", "Int64"];
    assert_eq!(kinds.collect::<Vec<_>>(), expected);
    // Whatever they were told, values of another type fit as they did before.
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(vec!["7"])),
        Arc::new(StringArray::from(vec!["x"])),
        Arc::new(Int64Array::from(vec![9])),
        Arc::new(StringArray::from(vec!["2024-01-05"])),
        Arc::new(TimestampMillisecondArray::from(vec![1_800_000_000_000]).with_timezone("UTC")),
        Arc::new(Int64Array::from(vec![5])),
        Arc::new(Int64Array::from(vec![0])),
    ];
    statement.set_parameters(parameters(columns)).unwrap();
    assert_eq!(run(&mut sam, &mut statement).await.unwrap().lines(), ["7|X|9"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parameter_is_a_value_and_never_sql() {
    let retail = Retail::serve().await;
    let mut ann = retail.gateway.connect("ann").await;
    let mut statement =
        ann.flight().prepare("SELECT count(*) FROM sales.orders WHERE status = ?".into(), None).await.unwrap();
    for text in ["x' OR '1'='1", "shipped' --", "' UNION SELECT 1 --"] {
        statement.set_parameters(parameters(vec![Arc::new(StringArray::from(vec![text]))])).unwrap();
        assert_eq!(run(&mut ann, &mut statement).await.unwrap().lines(), ["0"], "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_runs_once_for_each_row_of_parameters_in_their_order() {
    let retail = Retail::serve().await;
    let mut ann = retail.gateway.connect("ann").await;
    let sql = "SELECT id, status FROM sales.orders WHERE id = ? OR status = ? ORDER BY id";
    let mut statement = ann.flight().prepare(sql.into(), None).await.unwrap();
    let ids = Arc::new(Int64Array::from(vec![Some(5), None, Some(4), Some(1)]));
    let statuses = Arc::new(StringArray::from(vec!["placed", "shipped", "draft", "nothing"]));
    statement.set_parameters(parameters(vec![ids, statuses])).unwrap();
    let rows = run(&mut ann, &mut statement).await.unwrap();
    // Order 4 is not for ann, in whatever row of parameters it is asked for.
    assert_eq!(rows.lines(), ["2|placed", "5|shipped", "1|shipped", "5|shipped", "1|shipped"]);
    statement
        .set_parameters(parameters(vec![
            Arc::new(Int64Array::from(vec![1; 2_000])),
            Arc::new(StringArray::from(vec![""; 2_000])),
        ]))
        .unwrap();
    let failure = run(&mut ann, &mut statement).await.unwrap_err();
    assert_eq!(failure.kind, "LimitExceeded", "{failure:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_limit_of_the_session_counts_over_all_rows_of_parameters() {
    let retail = Retail::serve().await;
    let mut sam = retail.gateway.connect("sam").await.with_header("meshgate-rows", "4");
    let mut statement = sam.flight().prepare("SELECT ? + id FROM sales.orders".into(), None).await.unwrap();
    statement.set_parameters(parameters(vec![Arc::new(Int64Array::from(vec![0, 10, 20]))])).unwrap();
    assert_eq!(run(&mut sam, &mut statement).await.unwrap().count(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn null_is_a_parameter() {
    let retail = Retail::serve().await;
    let mut sam = retail.gateway.connect("sam").await;
    let sql = "SELECT count(*) FROM customers.profiles WHERE born = ? OR ? IS NULL";
    let mut statement = sam.flight().prepare(sql.into(), None).await.unwrap();
    let null = || Arc::new(Int64Array::from(vec![None::<i64>])) as ArrayRef;
    statement.set_parameters(parameters(vec![null(), null()])).unwrap();
    assert_eq!(run(&mut sam, &mut statement).await.unwrap().lines(), ["6"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handle_is_of_no_use_to_another_user() {
    let retail = Retail::serve().await;
    let mut sam = retail.gateway.connect("sam").await;
    let mut eve = retail.gateway.connect("eve").await;
    let mut ann = retail.gateway.connect("ann").await;
    let handle = sam.prepare("SELECT * FROM sales.orders").await.unwrap();
    assert_eq!(sam.execute(&handle).await.unwrap().count(), 6);
    for thief in [&mut eve, &mut ann] {
        match thief.execute(&handle).await {
            Ok(rows) => panic!("the thief got {:?}", rows.lines()),
            Err(failure) => assert_eq!(failure.kind, "InvalidTicket", "{failure:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_execution_authorises_again() {
    let retail = Retail::serve().await;
    let mut ann = retail.gateway.connect("ann").await;
    let mut statement = ann.flight().prepare("SELECT count(*) FROM sales.orders".into(), None).await.unwrap();
    assert_eq!(run(&mut ann, &mut statement).await.unwrap().lines(), ["3"]);
    retail.mesh.rules("p, user:sam, sales, orders, select, allow\n");
    tests::deadline::eventually(tests::deadline::STEP, "ann's grant is gone", || {
        let (mut ann, mut statement) = (ann.clone(), statement.clone());
        async move { run(&mut ann, &mut statement).await.err() }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_but_a_read_can_be_prepared() {
    let retail = Retail::serve().await;
    let mut sam = retail.gateway.connect("sam").await;
    for sql in ["DELETE FROM sales.orders", "CREATE TABLE t AS SELECT 1", "COPY sales.orders TO 'x.csv'"] {
        let prepared = sam.flight().prepare(sql.into(), None).await;
        let Ok(mut statement) = prepared else { continue };
        assert!(statement.execute().await.is_err(), "{sql}");
        assert!(statement.execute_update().await.is_err(), "{sql}");
    }
    for sql in ["DELETE FROM sales.orders", "SET x = 1"] {
        assert!(sam.flight().execute_update(sql.into(), None).await.is_err(), "{sql}");
    }
    assert_eq!(sam.sorted("SELECT count(*) FROM sales.orders").await, ["6"]);
}
