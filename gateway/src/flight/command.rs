//! What a descriptor, a ticket or a put asks for.

use arrow_flight::flight_descriptor::DescriptorType;
use arrow_flight::sql::{
    Any, Command, CommandGetCrossReference, CommandGetDbSchemas, CommandGetExportedKeys, CommandGetImportedKeys,
    CommandGetPrimaryKeys, CommandGetSqlInfo, CommandGetTables, CommandGetXdbcTypeInfo,
};
use arrow_flight::{FlightDescriptor, Ticket};
use bytes::Bytes;
use prost::Message;

use super::ticket;
use crate::error::{Error, ErrorKind};
use crate::query::Text;

/// Type names of Flight SQL begin with this.
const FLIGHT_SQL: &str = "type.googleapis.com/arrow.flight.protocol.sql.";

/// What a descriptor asks for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Asked {
    /// The result of a statement.
    Statement(Text),
    /// The result of a prepared statement with this handle.
    Prepared(Bytes),
    /// The rows of a table, by its path.
    Path(Vec<String>),
    /// What there is.
    Metadata(Metadata),
}

/// What there is: answered without any source.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Metadata {
    /// The catalogs.
    Catalogs,
    /// The schemas: domains.
    Schemas(CommandGetDbSchemas),
    /// The tables.
    Tables(CommandGetTables),
    /// The kinds of table.
    TableTypes,
    /// Columns of a primary key.
    PrimaryKeys(CommandGetPrimaryKeys),
    /// Foreign keys of a table.
    ImportedKeys(CommandGetImportedKeys),
    /// Foreign keys that point to a table.
    ExportedKeys(CommandGetExportedKeys),
    /// Foreign keys between two tables.
    CrossReference(CommandGetCrossReference),
    /// What the gateway can do.
    SqlInfo(CommandGetSqlInfo),
    /// The SQL types.
    TypeInfo(CommandGetXdbcTypeInfo),
}

/// What a put brings.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Put {
    /// Parameters of a prepared statement.
    Parameters(Bytes),
    /// A statement that returns no rows.
    Statement(Text),
    /// A prepared statement that returns no rows.
    Prepared(Bytes),
}

/// What a ticket stands for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Redeemed {
    /// A planned query, in a sealed handle.
    Query(Bytes),
    /// What there is.
    Metadata(Metadata),
}

impl Asked {
    /// What `descriptor` asks for. Bytes that are no command are taken for SQL, as plain Flight clients send it.
    ///
    /// # Errors
    /// [`ErrorKind::UnsupportedCommand`] or [`ErrorKind::InvalidStatement`].
    pub(super) fn of(descriptor: &FlightDescriptor) -> Result<Self, Error> {
        if descriptor.r#type() == DescriptorType::Path {
            return Ok(Self::Path(descriptor.path.clone()));
        }
        let any = Any::decode(descriptor.cmd.clone()).ok().filter(|any| any.type_url.starts_with(FLIGHT_SQL));
        let Some(any) = any else {
            let text = std::str::from_utf8(&descriptor.cmd).map_err(|_| unsupported("an unknown command"))?;
            return Ok(Self::Statement(text.to_owned().into()));
        };
        #[expect(clippy::wildcard_enum_match_arm, reason = "every other command is metadata, or refused")]
        match decode(any)? {
            Command::CommandStatementQuery(command) => {
                refuse_transaction(command.transaction_id.as_ref())?;
                Ok(Self::Statement(command.query.into()))
            }
            Command::CommandStatementSubstraitPlan(command) => {
                refuse_transaction(command.transaction_id.as_ref())?;
                Ok(Self::Statement(Text::Substrait(command.plan.unwrap_or_default().plan)))
            }
            Command::CommandPreparedStatementQuery(command) => Ok(Self::Prepared(command.prepared_statement_handle)),
            other => metadata(other).map(Self::Metadata),
        }
    }
}

impl Redeemed {
    /// What `ticket` stands for.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidTicket`].
    pub(super) fn of(ticket: &Ticket) -> Result<Self, Error> {
        let any = Any::decode(ticket.ticket.clone()).map_err(|_| ticket::invalid())?;
        #[expect(clippy::wildcard_enum_match_arm, reason = "every other command is metadata, or refused")]
        match decode(any).map_err(|_| ticket::invalid())? {
            Command::TicketStatementQuery(ticket) => Ok(Self::Query(ticket.statement_handle)),
            other => metadata(other).map(Self::Metadata).map_err(|_| ticket::invalid()),
        }
    }
}

impl Put {
    /// What a put with `descriptor` brings.
    ///
    /// # Errors
    /// [`ErrorKind::UnsupportedCommand`].
    pub(super) fn of(descriptor: &FlightDescriptor) -> Result<Self, Error> {
        let any = Any::decode(descriptor.cmd.clone()).map_err(|_| unsupported("putting data"))?;
        #[expect(clippy::wildcard_enum_match_arm, reason = "every other command is refused")]
        match decode(any)? {
            Command::CommandPreparedStatementQuery(command) => Ok(Self::Parameters(command.prepared_statement_handle)),
            Command::CommandPreparedStatementUpdate(command) => Ok(Self::Prepared(command.prepared_statement_handle)),
            Command::CommandStatementUpdate(command) => {
                refuse_transaction(command.transaction_id.as_ref())?;
                Ok(Self::Statement(command.query.into()))
            }
            Command::CommandStatementSubstraitPlan(command) => {
                refuse_transaction(command.transaction_id.as_ref())?;
                Ok(Self::Statement(Text::Substrait(command.plan.unwrap_or_default().plan)))
            }
            Command::CommandStatementIngest(_) => Err(unsupported("ingest: the gateway is read-only")),
            other => Err(unsupported_command(&other)),
        }
    }
}

/// Refuses a transaction: none was ever begun.
pub(super) fn refuse_transaction(id: Option<&Bytes>) -> Result<(), Error> {
    if id.is_some_and(|id| !id.is_empty()) {
        return Err(Error::new(ErrorKind::UnsupportedCommand, "not supported: transactions"));
    }
    Ok(())
}

/// The refusal of a command.
pub(super) fn unsupported(what: &str) -> Error {
    Error::new(ErrorKind::UnsupportedCommand, format!("not supported: {what}"))
}

fn unsupported_command(command: &Command) -> Error {
    unsupported(command.type_url().rsplit('.').next().unwrap_or_default())
}

fn decode(any: Any) -> Result<Command, Error> {
    Command::try_from(any).map_err(|_| Error::new(ErrorKind::InvalidStatement, "the command cannot be decoded"))
}

#[expect(clippy::wildcard_enum_match_arm, reason = "every other command is refused")]
fn metadata(command: Command) -> Result<Metadata, Error> {
    Ok(match command {
        Command::CommandGetCatalogs(_) => Metadata::Catalogs,
        Command::CommandGetDbSchemas(command) => Metadata::Schemas(command),
        Command::CommandGetTables(command) => Metadata::Tables(command),
        Command::CommandGetTableTypes(_) => Metadata::TableTypes,
        Command::CommandGetPrimaryKeys(command) => Metadata::PrimaryKeys(command),
        Command::CommandGetImportedKeys(command) => Metadata::ImportedKeys(command),
        Command::CommandGetExportedKeys(command) => Metadata::ExportedKeys(command),
        Command::CommandGetCrossReference(command) => Metadata::CrossReference(command),
        Command::CommandGetSqlInfo(command) => Metadata::SqlInfo(command),
        Command::CommandGetXdbcTypeInfo(command) => Metadata::TypeInfo(command),
        other => return Err(unsupported_command(&other)),
    })
}

#[cfg(test)]
mod tests {
    use arrow_flight::sql::{
        CommandGetCatalogs, CommandStatementIngest, CommandStatementQuery, CommandStatementSubstraitPlan,
        CommandStatementUpdate, ProstMessageExt, SubstraitPlan,
    };

    use super::*;

    fn command(message: &impl ProstMessageExt) -> FlightDescriptor {
        FlightDescriptor::new_cmd(message.as_any().encode_to_vec())
    }

    #[expect(clippy::needless_pass_by_value, reason = "reads better where it is called")]
    fn check(descriptor: &FlightDescriptor, expected: Result<Asked, ErrorKind>) {
        assert_eq!(Asked::of(descriptor).map_err(|error| error.kind), expected, "{descriptor:?}");
    }

    #[test]
    fn commands_raw_sql_and_paths_are_understood() {
        let query = CommandStatementQuery { query: "SELECT 1".into(), transaction_id: None };
        check(&command(&query), Ok(Asked::Statement("SELECT 1".to_owned().into())));
        let plan = SubstraitPlan { plan: Bytes::from_static(b"plan"), version: "0.1.0".into() };
        let substrait = CommandStatementSubstraitPlan { plan: Some(plan), transaction_id: None };
        check(&command(&substrait), Ok(Asked::Statement(Text::Substrait(Bytes::from_static(b"plan")))));
        check(&command(&CommandGetCatalogs {}), Ok(Asked::Metadata(Metadata::Catalogs)));
        for sql in ["select 1", "SELECT 'ä'", "", "\n select 2"] {
            check(&FlightDescriptor::new_cmd(sql.to_owned()), Ok(Asked::Statement(sql.to_owned().into())));
        }
        let path = vec!["sales".to_owned(), "orders".to_owned()];
        check(&FlightDescriptor::new_path(path.clone()), Ok(Asked::Path(path)));
    }

    #[test]
    fn what_is_not_served_is_refused_with_a_code_that_clients_know() {
        let unsupported = || Err(ErrorKind::UnsupportedCommand);
        check(&FlightDescriptor::new_cmd(vec![0xff, 0xfe]), unsupported());
        check(&command(&CommandStatementUpdate::default()), unsupported());
        let unknown = Any { type_url: format!("{FLIGHT_SQL}CommandOfTomorrow"), value: Bytes::new() };
        check(&FlightDescriptor::new_cmd(unknown.encode_to_vec()), unsupported());
        let query = CommandStatementQuery { query: "SELECT 1".into(), transaction_id: Some(Bytes::from_static(b"t")) };
        check(&command(&query), unsupported());
        let broken = Any { type_url: CommandStatementQuery::type_url().into(), value: Bytes::from_static(b"\xff") };
        check(&FlightDescriptor::new_cmd(broken.encode_to_vec()), Err(ErrorKind::InvalidStatement));
        assert!(Put::of(&command(&CommandStatementIngest::default())).is_err());
        assert!(Put::of(&FlightDescriptor::new_cmd("select 1")).is_err());
        assert!(Put::of(&command(&CommandGetCatalogs {})).is_err());
    }

    #[test]
    fn only_planned_queries_and_metadata_are_tickets() {
        for bytes in [
            b"SELECT 1".to_vec(),
            CommandStatementQuery { query: "SELECT 1".into(), transaction_id: None }.as_any().encode_to_vec(),
            Vec::new(),
        ] {
            let redeemed = Redeemed::of(&Ticket { ticket: bytes.into() });
            assert_eq!(redeemed.map_err(|error| error.kind), Err(ErrorKind::InvalidTicket));
        }
        let ticket = Ticket { ticket: CommandGetCatalogs {}.as_any().encode_to_vec().into() };
        assert_eq!(Redeemed::of(&ticket), Ok(Redeemed::Metadata(Metadata::Catalogs)));
    }
}
