//! Statements: planned when they are asked for, run when their ticket is redeemed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arrow::datatypes::SchemaRef;
use arrow_flight::{FlightDescriptor, FlightEndpoint, FlightInfo, Ticket};
use bytes::Bytes;
use catalog::{Name, TableName, Version};
use prost_types::Timestamp;
use proto::meshgate::v1::{self as messages, pin};

use super::command::Redeemed;
use super::headers::shorter;
use super::parameters::Rows;
use super::{Call, Door, cancel, encode, parameters, part, ticket};
use crate::error::{Error, ErrorKind};
use crate::query::{Divided, Division, Origin, Pins, Planned, Query, Statement, Text, Types};

/// The info of a result: no location, nothing that tells how much there is.
///
/// # Errors
/// [`ErrorKind::Internal`] where the schema cannot be encoded.
pub(super) fn info(
    schema: &SchemaRef,
    descriptor: FlightDescriptor,
    endpoint: Vec<FlightEndpoint>,
) -> Result<FlightInfo, Error> {
    Ok(FlightInfo {
        schema: encode::schema(schema)?,
        flight_descriptor: Some(descriptor),
        endpoint,
        total_records: -1,
        total_bytes: -1,
        ordered: false,
        app_metadata: Bytes::new(),
    })
}

impl Door {
    /// The statement of a call, with the options of its session.
    pub(super) fn statement(call: &Call, text: impl Into<Text>, parameters: Rows, domain: Option<Name>) -> Statement {
        let options = &call.options;
        Statement {
            text: text.into(),
            parameters,
            domain: domain.or_else(|| options.domain.clone()),
            timeout: shorter(options.timeout, call.timeout),
            row_limit: options.rows,
            as_of_unix_ms: options.as_of_unix_ms,
            types: options.types,
            division: options.endpoints.filter(|endpoints| endpoints.get() > 1).map(Division::AtMost),
            origin: Origin::of(&call.caller),
        }
    }

    /// Plans a statement on `pins`.
    pub(super) async fn plan(&self, call: &Call, statement: Statement, pins: Pins) -> Result<Query<Planned>, Error> {
        let query = Query::receive(&self.gateway, Arc::clone(&call.caller.principal), statement)?;
        tracing::Span::current().record("query_id", query.id());
        query.plan(pins).await
    }

    /// Plans a statement, and returns its schema with the endpoints where its owner can fetch the result: one, unless
    /// he has asked for more.
    pub(super) async fn offer(
        &self,
        call: &Call,
        statement: Statement,
    ) -> Result<(SchemaRef, Vec<FlightEndpoint>), Error> {
        let query = self.plan(call, statement.clone(), Pins::default()).await?;
        let schema = query.schema();
        let (sql, substrait) = match statement.text {
            Text::Sql(sql) => (sql, Bytes::new()),
            Text::Substrait(plan) => (String::new(), plan),
        };
        let ticket = messages::Ticket {
            query_id: query.id().to_owned(),
            statement: sql,
            substrait,
            parameters: parameters::encode(&statement.parameters)?,
            domain: statement.domain.map(|domain| domain.to_string()),
            subject: call.caller.principal.subject.to_string(),
            policy_version: query.policy_version(),
            pins: query.pins().0.iter().map(pin).collect(),
            expires_unix_ms: 0,
            // Not the deadline of this call: the client gives another one when it fetches.
            timeout_ms: call.options.timeout.and_then(|timeout| u64::try_from(timeout.as_millis()).ok()),
            row_limit: statement.row_limit,
            schema_digest: ticket::schema_digest(&schema)?,
            as_of_unix_ms: statement.as_of_unix_ms,
            types: statement.types.as_str().to_owned(),
            part: None,
        };
        if let Some(Divided::Whole(parts)) = query.divided() {
            let endpoints = parts.iter().map(|part| self.endpoint(part::ticket(ticket.clone(), part)));
            let endpoints = endpoints.collect::<Result<_, _>>()?;
            // Each part is planned when it is fetched.
            query.finish().await?;
            return Ok((schema, endpoints));
        }
        self.parked.park(query);
        Ok((schema, vec![self.endpoint(ticket)?]))
    }

    /// An endpoint for `ticket`, good from now on for a ticket's lifetime.
    ///
    /// # Errors
    /// As [`ticket::seal`].
    pub(super) fn endpoint(&self, ticket: messages::Ticket) -> Result<FlightEndpoint, Error> {
        let expires_unix_ms = ticket::unix_ms(SystemTime::now() + ticket::LIFETIME);
        let ticket = messages::Ticket { expires_unix_ms, ..ticket };
        Ok(FlightEndpoint {
            ticket: Some(Ticket { ticket: ticket::seal(self.gateway.authenticator().key(), &ticket)? }),
            location: Vec::new(),
            expiration_time: Some(Timestamp {
                seconds: expires_unix_ms.div_euclid(1_000),
                nanos: i32::try_from(expires_unix_ms.rem_euclid(1_000)).unwrap_or(0) * 1_000_000,
            }),
            app_metadata: Bytes::new(),
        })
    }

    /// What a ticket that the caller brings stands for. A refusal is recorded.
    pub(super) fn redeemed(&self, call: &Call, ticket: &Ticket) -> Result<Redeemed, Error> {
        Redeemed::of(ticket).inspect_err(|error| self.gateway.audit.refused_ticket(&call.caller, error))
    }

    /// Opens the handle of a ticket that the caller brings. A refusal is recorded.
    pub(super) fn open_ticket(&self, call: &Call, handle: &[u8]) -> Result<messages::Ticket, Error> {
        let subject = &call.caller.principal.subject;
        ticket::open(self.gateway.authenticator().key(), handle, subject, SystemTime::now())
            .inspect_err(|error| self.gateway.audit.refused_ticket(&call.caller, error))
    }

    /// Runs the query of a ticket on the versions that it was planned on. It is authorised again: planned again,
    /// unless its plan still waits and nothing has changed that it was made under.
    pub(super) async fn redeem(&self, call: &Call, handle: &[u8]) -> Result<encode::Messages, Error> {
        let ticket = self.open_ticket(call, handle)?;
        let cancelled = self.cancels.token(&call.caller.principal.subject, &ticket.query_id).await;
        let statement = Statement {
            text: if ticket.substrait.is_empty() {
                Text::Sql(ticket.statement)
            } else {
                Text::Substrait(ticket.substrait)
            },
            parameters: parameters::decode(&ticket.parameters)?,
            domain: ticket.domain.map(|domain| domain.parse()).transpose().map_err(|_| ticket::invalid())?,
            timeout: shorter(ticket.timeout_ms.map(Duration::from_millis), call.timeout),
            row_limit: ticket.row_limit,
            as_of_unix_ms: ticket.as_of_unix_ms,
            types: Types::named(&ticket.types).ok_or_else(ticket::invalid)?,
            division: ticket.part.as_ref().map(part::of).transpose()?.map(Division::Part),
            origin: Origin::of(&call.caller).redeeming(&ticket.query_id),
        };
        let parked = self.parked.take(&ticket.query_id, &call.caller, statement.timeout);
        if cancelled.is_cancelled() {
            return Err(match parked {
                Some(query) => query.refuse(cancel::cancelled()).await,
                None => self.refuse(call, statement, cancel::cancelled()).await,
            });
        }
        let query = match parked {
            Some(query) => query,
            None => self.plan(call, statement, pins(&ticket.pins)?).await?,
        };
        let schema = query.schema();
        if ticket::schema_digest(&schema)? != ticket.schema_digest {
            // The policies, or a contract, have changed the result: the client expects columns that are not there.
            return Err(query.refuse(ticket::invalid()).await);
        }
        let batches = query.run(&cancelled).await?;
        encode::messages(&schema, cancel::until_cancelled(batches, cancelled))
    }

    /// What a put of a statement without rows gets: the gateway is read-only, so it is planned only to tell why not.
    pub(super) async fn update(&self, call: &Call, statement: Statement) -> Error {
        match self.plan(call, statement, Pins::default()).await {
            Ok(query) => {
                let message = "the statement returns rows: send it as a query, not as an update";
                query.refuse(Error::new(ErrorKind::UnsupportedSql, message)).await
            }
            Err(error) => error,
        }
    }

    /// Records a statement that is refused before it is planned.
    pub(super) async fn refuse(&self, call: &Call, statement: Statement, error: Error) -> Error {
        match Query::receive(&self.gateway, Arc::clone(&call.caller.principal), statement) {
            Ok(query) => query.refuse(error).await,
            Err(earlier) => earlier,
        }
    }

    /// The SQL for the rows of a table that is named by its path.
    pub(super) async fn table_scan(&self, call: &Call, path: &[String]) -> Result<String, Error> {
        match self.scan_of(path) {
            Ok(sql) => Ok(sql),
            Err(error) => {
                let statement = Self::statement(call, path.join("."), Vec::new(), None);
                Err(self.refuse(call, statement, error).await)
            }
        }
    }

    fn scan_of(&self, path: &[String]) -> Result<String, Error> {
        let parts: Vec<&str> = path.iter().flat_map(|part| part.split('.')).collect();
        let missing =
            || Error::new(ErrorKind::UndefinedTable, format!("table {:?} is not in the catalog", parts.join(".")));
        let mesh = self.gateway.mesh();
        let parts = match parts.as_slice() {
            [catalog, rest @ ..] if rest.len() == 2 && *catalog == mesh.as_str() => rest,
            all => all,
        };
        // Names hold no quotes: what becomes SQL here is nothing but names.
        let names: Result<Vec<Name>, _> = parts.iter().map(|part| part.parse()).collect();
        match names.map_err(|_| missing())?.as_slice() {
            [domain, table] => Ok(format!("SELECT * FROM \"{domain}\".\"{table}\"")),
            [table] => Ok(format!("SELECT * FROM \"{table}\"")),
            _ => Err(missing()),
        }
    }
}

fn pin((table, version): (&TableName, &Version)) -> messages::Pin {
    let version = match version {
        Version::Delta(version) => pin::Version::Delta(*version),
        Version::Unversioned => pin::Version::Unversioned(true),
    };
    messages::Pin { table: table.to_string(), version: Some(version) }
}

fn pins(pins: &[messages::Pin]) -> Result<Pins, Error> {
    let version = |pin: &messages::Pin| match pin.version? {
        pin::Version::Delta(version) => Some(Version::Delta(version)),
        pin::Version::Unversioned(_) => Some(Version::Unversioned),
    };
    let read = |pin: &messages::Pin| Some((pin.table.parse().ok()?, version(pin)?));
    let pins: Option<BTreeMap<TableName, Version>> = pins.iter().map(read).collect();
    pins.map(Pins).ok_or_else(ticket::invalid)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may unwrap")]
    use super::*;

    #[test]
    fn pins_survive_the_ticket() {
        let before = Pins(BTreeMap::from([
            ("sales.orders".parse().unwrap(), Version::Delta(7)),
            ("ops.events".parse().unwrap(), Version::Unversioned),
        ]));
        let sent: Vec<_> = before.0.iter().map(pin).collect();
        assert_eq!(pins(&sent).unwrap(), before);
        let nameless = messages::Pin { table: "orders".into(), version: sent[0].version };
        let versionless = messages::Pin { table: "sales.orders".into(), version: None };
        for bad in [nameless, versionless] {
            assert_eq!(pins(&[bad]).unwrap_err().kind, ErrorKind::InvalidTicket);
        }
    }

    #[test]
    fn an_info_tells_nothing_of_how_much_there_is() {
        let schema = SchemaRef::new(arrow::datatypes::Schema::empty());
        let info = info(&schema, FlightDescriptor::new_cmd("x"), vec![FlightEndpoint::default()]).unwrap();
        assert_eq!((info.total_records, info.total_bytes, info.endpoint.len()), (-1, -1, 1));
        assert!(info.endpoint[0].location.is_empty() && info.app_metadata.is_empty());
    }
}
