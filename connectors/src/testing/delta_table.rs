//! Delta tables in temporary folders: well-behaved ones by the library, hostile ones by hand.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use deltalake::{DeltaTable, DeltaTableBuilder};
use url::Url;

/// Appends the rows `first..first + count` of (`id`, `name`), making the table if need be.
pub(crate) async fn append(folder: &Path, first: i64, count: i64) -> DeltaTable {
    std::fs::create_dir_all(folder).unwrap();
    let url = Url::from_directory_path(folder.canonicalize().unwrap()).unwrap();
    let mut table = DeltaTableBuilder::from_url(url).unwrap().build().unwrap();
    if table.verify_deltatable_existence().await.unwrap() {
        table.load().await.unwrap();
    }
    table.write([batch(first, count)]).await.unwrap()
}

fn batch(first: i64, count: i64) -> RecordBatch {
    let ids = Int64Array::from_iter_values(first..first + count);
    let names = StringArray::from_iter_values((first..first + count).map(|id| format!("name-{id}")));
    RecordBatch::try_new(schema(), vec![Arc::new(ids), Arc::new(names)]).unwrap()
}

fn schema() -> Arc<Schema> {
    let fields = [Field::new("id", DataType::Int64, true), Field::new("name", DataType::Utf8, true)];
    Arc::new(Schema::new(fields.to_vec()))
}

/// Name of a data file of a table.
pub(crate) fn data_file(folder: &Path) -> String {
    let mut names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.find(|name| name.ends_with(".parquet")).unwrap()
}

/// The lines that begin every log.
pub(crate) fn head(features: &[&str]) -> String {
    let protocol = if features.is_empty() {
        r#"{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}"#.to_owned()
    } else {
        let names = features.iter().map(|feature| format!("\"{feature}\"")).collect::<Vec<_>>().join(",");
        format!(
            r#"{{"protocol":{{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":[{names}],"writerFeatures":[{names}]}}}}"#
        )
    };
    let schema = r#"{\"type\":\"struct\",\"fields\":[{\"name\":\"id\",\"type\":\"long\",\"nullable\":true,\"metadata\":{}},{\"name\":\"name\",\"type\":\"string\",\"nullable\":true,\"metadata\":{}}]}"#;
    let metadata = format!(
        r#"{{"metaData":{{"id":"7f0e1a3c-0000-4000-8000-000000000000","format":{{"provider":"parquet","options":{{}}}},"schemaString":"{schema}","partitionColumns":[],"configuration":{{}},"createdTime":0}}}}"#
    );
    format!("{protocol}\n{metadata}\n")
}

/// A line that adds a file, with whatever else the entry shall hold.
pub(crate) fn add(path: &str, size: u64, more: &str) -> String {
    format!(
        r#"{{"add":{{"path":"{path}","partitionValues":{{}},"size":{size},"modificationTime":0,"dataChange":true{more}}}}}"#
    ) + "\n"
}

/// Writes a file of the log.
pub(crate) fn write_log(folder: &Path, name: &str, text: &str) {
    let log = folder.join("_delta_log");
    std::fs::create_dir_all(&log).unwrap();
    std::fs::write(log.join(name), text).unwrap();
}

/// Name of the log file of a version.
pub(crate) fn commit(version: u64) -> String {
    format!("{version:020}.json")
}
