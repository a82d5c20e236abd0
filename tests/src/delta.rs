//! Writes real Delta tables.

use std::path::Path;

use arrow::array::RecordBatch;
use datafusion::parquet::file::properties::WriterProperties;
use deltalake::DeltaTable;
use deltalake::protocol::SaveMode;

use crate::engine;

/// Adds one commit with the rows of `sql`; the first one makes the table, partitioned by these columns.
pub async fn append(folder: &Path, partitions: &[&str], sql: &str) {
    append_batch(folder, partitions, engine::batch(sql).await).await;
}

/// Adds one commit with these rows; the first one makes the table, partitioned by these columns.
pub async fn append_batch(folder: &Path, partitions: &[&str], batch: RecordBatch) {
    append_in_groups(folder, partitions, batch, None).await;
}

/// The same with at most this many rows in a row group.
pub async fn append_in_groups(folder: &Path, partitions: &[&str], batch: RecordBatch, group: Option<usize>) {
    std::fs::create_dir_all(folder).unwrap();
    let url = url::Url::from_directory_path(folder).unwrap();
    let table = DeltaTable::try_from_url(url).await.unwrap();
    table
        .write(vec![batch])
        .with_partition_columns(partitions.iter().copied())
        .with_save_mode(SaveMode::Append)
        .with_writer_properties(WriterProperties::builder().set_max_row_group_row_count(group).build())
        .await
        .unwrap();
}
