//! The demo's mesh, asked by its people: `tests/sql/<user>/*.slt`, over Flight SQL.

use std::path::{Path, PathBuf};

use sqllogictest::{AsyncDB, DBOutput, DefaultColumnType, Runner};
use tests::demo::Demo;
use tests::{Client, Failure};

/// One user's connection, as the runner of the scripts wants it.
struct Connection(Client);

#[tonic::async_trait]
impl AsyncDB for Connection {
    type Error = Failure;
    type ColumnType = DefaultColumnType;

    async fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, Failure> {
        let rows = self.0.query(sql).await?;
        let types = vec![DefaultColumnType::Any; rows.schema.fields().len()];
        let visible = |cell: String| if cell.is_empty() { "(empty)".to_owned() } else { cell };
        let rows = rows.cells().into_iter().map(|row| row.into_iter().map(visible).collect()).collect();
        Ok(DBOutput::Rows { types, rows })
    }

    async fn shutdown(&mut self) {}

    fn engine_name(&self) -> &str {
        "flight"
    }

    fn error_sql_state(failure: &Failure) -> Option<String> {
        Some(failure.sqlstate.clone())
    }
}

/// The scripts of every user.
fn scripts() -> Vec<(String, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql");
    let entries = |folder: &Path| -> Vec<PathBuf> {
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
    };
    let mut scripts = Vec::new();
    for folder in entries(&root) {
        let user = folder.file_name().unwrap().to_str().unwrap().to_owned();
        scripts.extend(entries(&folder).into_iter().map(|script| (user.clone(), script)));
    }
    scripts.sort();
    scripts
}

#[tokio::test(flavor = "multi_thread")]
async fn every_script_of_every_user_passes() {
    let demo = Demo::serve().await;
    let scripts = scripts();
    assert!(scripts.len() >= 3, "{scripts:?}");
    for (user, script) in scripts {
        let client = demo.connect(&user).await;
        let mut runner = Runner::new(|| async { Ok(Connection(client.clone())) });
        if let Err(error) = runner.run_file_async(&script).await {
            panic!("{}", error.display(false));
        }
    }
}
