//! Nothing hidden can be observed. Two measures: a hand-secured copy (what is answered) and a second vault with
//! other hidden rows (what can be told apart).

mod absence;
mod explain;
mod masks;
mod operators;
mod probes;
mod remote;

use std::sync::Arc;

use arrow::datatypes::{DataType, Schema};
use datafusion::execution::context::SessionContext;
use tests::vault::{self, MASKED_COPY, SECRETS, VISIBLE};
use tests::{Client, Failure, Rows, engine};

/// What a user can tell about an answer.
#[derive(Debug, PartialEq)]
enum Seen {
    /// Names, types and nullability of columns, and the rows, sorted.
    Rows(Vec<(String, DataType, bool)>, Vec<String>),
    /// Code, kind, SQLSTATE and text without the query id.
    Failure((tonic::Code, String, String, String)),
}

impl From<Result<Rows, Failure>> for Seen {
    fn from(answer: Result<Rows, Failure>) -> Self {
        match answer {
            Ok(rows) => Self::Rows(columns(&rows.schema), rows.sorted()),
            Err(failure) => Self::Failure(failure.shape()),
        }
    }
}

fn columns(schema: &Schema) -> Vec<(String, DataType, bool)> {
    let column =
        |field: &Arc<arrow::datatypes::Field>| (field.name().clone(), field.data_type().clone(), field.is_nullable());
    schema.fields().iter().map(column).collect()
}

/// What `client` sees of `sql`, after a search for secrets in it.
async fn look(client: &mut Client, sql: &str) -> Seen {
    let answer = client.query(sql).await;
    no_secret_in(&format!("{answer:?}"), sql);
    answer.into()
}

/// Fails if a text that a client got contains a hidden value.
fn no_secret_in(text: &str, sql: &str) {
    // The statement's own words may come back to the one who wrote them.
    for secret in SECRETS.iter().filter(|secret| !sql.contains(**secret)) {
        assert!(!text.contains(secret), "{secret} leaks through: {sql}\n{text}");
    }
}

/// A plain DataFusion whose tables `hr.p` and `hr.q` hold exactly what `user` may see.
async fn secured_copy(user: &str) -> SessionContext {
    let visible = engine::batch(&vault::rows(VISIBLE)).await;
    let batch = if user == "masked" {
        let plain = engine::engine(&[("t", engine::memory(vec![visible]))]);
        let masked = engine::answer(&plain, MASKED_COPY).await.unwrap();
        arrow::compute::concat_batches(&masked.schema, &masked.batches).unwrap()
    } else {
        visible
    };
    engine::with_schema("hr", &[("p", engine::memory(vec![batch.clone()])), ("q", engine::memory(vec![batch]))])
}

/// Compares the gateway's answer with the copy's: equal rows, or an error on both sides.
async fn like_the_copy(client: &mut Client, copy: &SessionContext, user: &str, sql: &str) {
    let answer = client.query(sql).await;
    no_secret_in(&format!("{answer:?}"), sql);
    match (answer, engine::answer(copy, sql).await) {
        (Ok(rows), Ok(expected)) => assert_eq!(rows.sorted(), expected.sorted(), "{user}: {sql}"),
        (Err(failure), Err(_)) => {
            let expected = ["DataError", "UndefinedColumn", "UnsupportedSql", "InvalidStatement"];
            assert!(expected.contains(&failure.kind.as_str()), "{user}: {sql}\n{failure:?}");
        }
        (Ok(rows), Err(error)) => panic!("{user}: {sql}\nyields {:?}, but the copy fails: {error}", rows.lines()),
        (Err(failure), Ok(_)) => panic!("{user}: {sql}\nfails, but the copy does not: {failure:?}"),
    }
}
