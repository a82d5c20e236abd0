//! Sources that the tests govern, other than a table in memory.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use datafusion::catalog::TableProvider;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl};
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::file::properties::WriterProperties;
use datafusion::prelude::SessionContext;
use tempfile::TempDir;

use super::fixture::{HiddenRows, partitions, raw};

/// Parquet files with several row groups each; they live as long as the folder.
pub(super) async fn parquet(hidden: HiddenRows) -> (TempDir, Arc<dyn TableProvider>) {
    parquet_of(&raw(hidden)).await
}

/// Parquet files of these rows.
pub(super) async fn parquet_of(batch: &RecordBatch) -> (TempDir, Arc<dyn TableProvider>) {
    let folder = TempDir::with_prefix("HIDDENfolder").unwrap();
    for (index, part) in partitions(batch).into_iter().enumerate() {
        let file = File::create(folder.path().join(format!("part{index}.parquet"))).unwrap();
        let properties = WriterProperties::builder().set_max_row_group_row_count(Some(16)).build();
        let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
        for batch in part {
            writer.write(&batch).unwrap();
        }
        writer.close().unwrap();
    }
    let table = listing(folder.path()).await;
    (folder, table)
}

async fn listing(folder: &Path) -> Arc<dyn TableProvider> {
    let url = ListingTableUrl::parse(folder.to_str().unwrap()).unwrap();
    let options = ListingOptions::new(Arc::new(ParquetFormat::default()));
    let config = ListingTableConfig::new(url).with_listing_options(options);
    let config = config.infer_schema(&SessionContext::new().state()).await.unwrap();
    Arc::new(ListingTable::try_new(config).unwrap())
}
