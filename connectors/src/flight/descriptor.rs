//! A dataset of a plain Flight endpoint: a descriptor in place of a statement.

use arrow::datatypes::{Schema, SchemaRef};
use arrow_flight::FlightDescriptor;
use catalog::Table;

use super::call::Call;
use super::remote::Remote;
use crate::error::Error;

/// Begins a `physicalName` that is a command; every other one is a path.
const COMMAND: &str = "cmd:";

/// The descriptor that the table's `physicalName` stands for: `cmd:…`, or a path with slashes.
pub(super) fn descriptor(table: &Table) -> FlightDescriptor {
    match table.physical_name.strip_prefix(COMMAND) {
        Some(command) => FlightDescriptor::new_cmd(command.as_bytes().to_vec()),
        None => FlightDescriptor::new_path(table.physical_name.split('/').map(str::to_owned).collect()),
    }
}

/// The schema that the endpoint tells: `GetSchema`, or else that of `GetFlightInfo`, which every server has.
pub(super) async fn schema(remote: &Remote, call: &Call) -> Result<SchemaRef, Error> {
    let failed = |cause: arrow::error::ArrowError| Error::failed(&call.table, cause);
    let told: Schema = match remote.schema(call, descriptor(&call.table)).await {
        Ok(told) => told.try_into().map_err(failed)?,
        Err(error @ (Error::Unavailable { .. } | Error::Credential { .. })) => return Err(error),
        Err(_) => remote.info(call, descriptor(&call.table)).await?.try_decode_schema().map_err(failed)?,
    };
    super::schema::known_columns(told).ok_or_else(|| Error::failed(&call.table, "the dataset has no columns"))
}

#[cfg(test)]
mod tests {
    use catalog::{Source, source::FlightSource};

    use super::*;

    fn check(physical_name: &str, path: &[&str], command: &str) {
        let source = crate::testing::flight("grpc://127.0.0.1:1");
        let table = Table { physical_name: physical_name.to_owned(), ..table(source) };
        let descriptor = descriptor(&table);
        assert_eq!(descriptor.path, path, "{physical_name}");
        assert_eq!(descriptor.cmd, command.as_bytes(), "{physical_name}");
    }

    fn table(source: FlightSource) -> Table {
        crate::testing::table(Source::Flight(source)).as_ref().clone()
    }

    #[test]
    fn a_physical_name_is_a_path_or_a_command() {
        check("orders", &["orders"], "");
        check("sales/orders/eu", &["sales", "orders", "eu"], "");
        check("cmd:SELECT 1", &[], "SELECT 1");
        check("cmd:", &[], "");
        check("cmdlets/a", &["cmdlets", "a"], "");
    }
}
