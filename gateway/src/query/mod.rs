//! One execution of a statement, in phases that are types: received → planned → running.

mod description;
mod division;
mod explain;
pub(crate) mod memory;
mod origin;
mod plan;
mod record;
mod run;
mod running;
mod substrait;
mod text;
mod wire;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use catalog::{Name, TableName, Version};
use datafusion::common::ScalarValue;
use policies::Principal;

use crate::Gateway;
use crate::error::{Error, ErrorKind};
use crate::mesh::Mesh;

pub use description::{Description, Parameter};
pub use division::{Divided, Division, Part};
pub use origin::Origin;
pub use plan::Planned;
use record::Record;
pub use run::Running;
pub(crate) use running::RunningQueries;
pub(crate) use substrait::version as substrait_version;
pub use text::Text;
pub use wire::Types;

/// What a caller wants to have run.
#[derive(Debug, Clone, Default)]
pub struct Statement {
    /// What is asked.
    pub text: Text,
    /// Values of the placeholders, in order. The statement runs once for each row of values, and the results follow
    /// one another; without a row it runs once, without values.
    pub parameters: Vec<Vec<ScalarValue>>,
    /// Domain of names that do not say theirs.
    pub domain: Option<Name>,
    /// Longest run that the caller wants; the mesh's limit holds as well.
    pub timeout: Option<Duration>,
    /// Most rows that the caller wants.
    pub row_limit: Option<u64>,
    /// The time whose versions are read, in milliseconds since 1970; the present where there is none.
    pub as_of_unix_ms: Option<i64>,
    /// The Arrow types of the result.
    pub types: Types,
    /// How the result is divided among endpoints, where the caller wants several.
    pub division: Option<Division>,
    /// Where it comes from; for its audit record.
    pub origin: Origin,
}

/// Versions that tables are fixed to; the others resolve to their latest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pins(pub BTreeMap<TableName, Version>);

impl Pins {
    /// The version that a table is fixed to.
    #[must_use]
    pub fn get(&self, table: &TableName) -> Option<Version> {
        self.0.get(table).copied()
    }
}

/// One execution of a statement, in phase `P`.
#[derive(Debug)]
pub struct Query<P> {
    common: Common,
    phase: P,
}

/// What every phase has.
#[derive(Debug)]
struct Common {
    gateway: Arc<Gateway>,
    principal: Arc<Principal>,
    statement: Statement,
    id: Arc<str>,
    deadline: Instant,
    record: Record,
}

/// The statement has arrived.
#[derive(Debug)]
pub struct Received;

impl Query<Received> {
    /// Takes in a statement: gives it an id, a deadline and a record.
    ///
    /// # Errors
    /// [`ErrorKind::LimitExceeded`] for a statement that is too long, [`ErrorKind::AuditUnavailable`] where it cannot
    /// be recorded.
    pub fn receive(gateway: &Arc<Gateway>, principal: Arc<Principal>, statement: Statement) -> Result<Self, Error> {
        let mesh = gateway.current();
        let limits = &mesh.config.limits;
        let id: Arc<str> = uuid::Uuid::now_v7().to_string().into();
        let mut record = Record::open(&id, &principal.subject, mesh.version);
        let entered = record.enter(&gateway.audit, &principal, &statement);
        let deadline = deadline(&mesh, statement.timeout);
        let longest = limits.statement_bytes;
        let mut common = Common { gateway: Arc::clone(gateway), principal, statement, id, deadline, record };
        if let Err(error) = entered {
            return Err(common.failed(error));
        }
        if common.statement.text.len() > longest {
            let message = format!("the statement is longer than {longest} bytes (limits.statement)");
            return Err(common.failed(Error::new(ErrorKind::LimitExceeded, message)));
        }
        Ok(Self { common, phase: Received })
    }
}

/// When a query that begins now must end.
fn deadline(mesh: &Mesh, asked: Option<Duration>) -> Instant {
    let most = mesh.config.limits.query_timeout;
    Instant::now() + asked.map_or(most, |asked| asked.min(most))
}

impl<P> Query<P> {
    /// The query's id, as the log and errors name it.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.common.id
    }

    /// Ends the query with `error` before it has run; returns the error when it is recorded.
    pub async fn refuse(mut self, error: Error) -> Error {
        self.common.recorded(error).await
    }
}

impl Common {
    /// Closes the record with `error`, and names the query in it.
    fn failed(&mut self, error: Error) -> Error {
        let error = error.of_query(&self.id);
        self.record.fail(&error);
        error
    }

    /// [`Common::failed`], told when the audit record is written. Where it cannot be, the query has failed anyway.
    async fn recorded(&mut self, error: Error) -> Error {
        let error = self.failed(error);
        let _unwritten = self.record.write().await;
        error
    }

    /// The error of a query that has run out of time.
    fn late() -> Error {
        Error::new(
            ErrorKind::Timeout,
            "the query was ended at its deadline (limits.query_timeout, or the client's own)",
        )
    }
}
