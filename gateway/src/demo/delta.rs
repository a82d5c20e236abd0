//! Writes records as a Delta table, one commit after the other.

use std::path::Path;

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use deltalake::{DeltaTable, DeltaTableError};
use url::Url;

use super::mesh::Error;

/// What a Delta table is called, and how it is cut into files.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    /// Domain and name, such as `sales.orders`.
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    pub(super) partition_columns: &'static [&'static str],
}

/// Creates the table in `folder`, which has none, with one commit for each of `commits`.
pub(super) async fn write(
    folder: &Path,
    layout: Layout,
    commits: impl Iterator<Item = Result<RecordBatch, ArrowError>>,
) -> Result<(), Error> {
    let failed = |source: DeltaTableError| Error::Table { table: layout.name, source: Box::new(source) };
    std::fs::create_dir_all(folder).map_err(|source| Error::Write { path: folder.to_owned(), source })?;
    let url = Url::from_directory_path(folder)
        .map_err(|()| Error::Write { path: folder.to_owned(), source: std::io::ErrorKind::InvalidInput.into() })?;
    let mut table = DeltaTable::try_from_url(url).await.map_err(failed)?;
    for batch in commits {
        let batch = batch.map_err(|source| failed(source.into()))?;
        let mut commit = table.write([batch]).with_table_name(layout.name).with_description(layout.description);
        if !layout.partition_columns.is_empty() {
            commit = commit.with_partition_columns(layout.partition_columns.iter().copied());
        }
        table = commit.await.map_err(failed)?;
    }
    Ok(())
}
