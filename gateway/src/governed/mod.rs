//! The only place where a session gets a table from: registry → decide → open → contract check → governed.

mod catalogs;
mod keys;
mod own;
mod view;

pub(crate) use catalogs::MeshCatalogs;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use catalog::{Source, Table, TableName, Version};
use connectors::{At, CallContext, Opened};
use datafusion::catalog::TableProvider;
use policies::{Action, Decision, Principal, Restrictions, RuleId};

use crate::Gateway;
use crate::error::{Error, ErrorKind};
use crate::failure;
use crate::mesh::Mesh;
use crate::query::Pins;

/// The fixed registry, policies and versions that one query sees, and what it has touched of them.
///
/// Invariant: each table resolves to one version, however often the statement names it.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) mesh: Arc<Mesh>,
    pub(crate) principal: Arc<Principal>,
    pins: Pins,
    as_of_unix_ms: Option<i64>,
    context: CallContext,
    opened: tokio::sync::Mutex<BTreeMap<TableName, Opened>>,
    opened_now: tokio::sync::Mutex<BTreeMap<TableName, Opened>>,
    touched: Mutex<Touched>,
}

/// What a query has touched; for its record and its ticket.
#[derive(Debug, Default, Clone)]
pub(crate) struct Touched {
    /// Tables with the versions that they resolved to.
    pub(crate) versions: BTreeMap<TableName, Version>,
    /// Rules that restricted what it saw.
    pub(crate) rules: BTreeSet<RuleId>,
    /// Tables that it may not see the inside of: without the right to operate them, or restricted.
    pub(crate) guarded: BTreeSet<TableName>,
    /// Tables that it asked for and did not get; for the audit record only.
    pub(crate) refused: BTreeSet<TableName>,
}

impl Touched {
    /// Most refused tables that are noted.
    const MAX_REFUSED: usize = 100;

    fn refuse(&mut self, name: &TableName) {
        if self.refused.len() < Self::MAX_REFUSED {
            self.refused.insert(name.clone());
        }
    }
}

/// On whose behalf a table is asked for.
#[derive(Debug, Clone)]
pub(crate) enum Reader {
    /// The caller's own statement.
    Caller,
    /// The body of a view.
    View {
        /// The view's owner: whose grants count.
        owner: Arc<Principal>,
        /// The views that were entered to come here, outermost first.
        path: Vec<TableName>,
    },
}

impl Snapshot {
    pub(crate) fn new(gateway: &Arc<Gateway>, principal: &Arc<Principal>, query_id: &Arc<str>, limits: Bounds) -> Self {
        let Bounds { pins, as_of_unix_ms, deadline } = limits;
        Self {
            gateway: Arc::clone(gateway),
            mesh: gateway.current(),
            principal: Arc::clone(principal),
            pins,
            as_of_unix_ms,
            context: CallContext {
                query_id: Arc::clone(query_id),
                deadline,
                identity: Some(connectors::Identity {
                    subject: principal.subject.to_string(),
                    attributes: principal.attributes.iter().map(|(k, v)| (k.clone(), v.to_string())).collect(),
                }),
            },
            opened: tokio::sync::Mutex::default(),
            opened_now: tokio::sync::Mutex::default(),
            touched: Mutex::default(),
        }
    }

    /// What has been touched so far.
    pub(crate) fn touched(&self) -> MutexGuard<'_, Touched> {
        self.touched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The governed table of this name; `None` where it does not exist for the reader.
    ///
    /// Missing and forbidden are the same answer, made at the same place.
    pub(crate) async fn table(
        self: &Arc<Self>,
        name: &TableName,
        reader: &Reader,
    ) -> Result<Option<Arc<dyn TableProvider>>, Error> {
        let Some(table) = self.mesh.registry.table(name) else {
            self.touched().refuse(name);
            self.ponder(reader);
            return Ok(None);
        };
        let Decision::Allow(restrictions) = self.decide(table, reader) else {
            self.touched().refuse(name);
            return self.refusal(table, reader);
        };
        let opened = self.open(table, reader).await?;
        let binding = catalog::drift::bind(table, &opened.provider.schema());
        let binding = binding.map_err(|violated| failure::told_violation(&violated))?;
        self.touch(table, opened.version, &restrictions);
        // Boxed: the keys are in tables that are opened in the same way.
        let restrictions = Box::pin(keys::look_up(self, table, restrictions)).await?;
        policies::governed_table(opened.provider, Arc::clone(table), &binding, restrictions, opened.version)
            .map(Some)
            .map_err(|error| {
                tracing::error!(table = %name, %error, "cannot govern a table");
                Error::new(ErrorKind::Internal, "internal error")
            })
    }

    fn decide(&self, table: &Table, reader: &Reader) -> Decision {
        match reader {
            Reader::Caller => self.mesh.policies.decide(&self.principal, table, Action::Select),
            Reader::View { owner, .. } => self.mesh.policies.decide_through_view(owner, &self.principal, table),
        }
    }

    /// Takes as long over a name that leads nowhere as over one that is forbidden.
    fn ponder(&self, reader: &Reader) {
        if let Some(decoy) = self.mesh.registry.tables().next() {
            std::hint::black_box((self.decide(decoy, reader), self.refusal(decoy, reader).is_ok()));
        }
    }

    /// A table that may be discovered is known to be there; of any other nothing is said.
    fn refusal(&self, table: &Table, reader: &Reader) -> Result<Option<Arc<dyn TableProvider>>, Error> {
        match reader {
            Reader::View { .. } => Ok(None),
            Reader::Caller => match self.mesh.policies.decide(&self.principal, table, Action::Discover) {
                Decision::Deny => Ok(None),
                Decision::Allow(_) => {
                    let message = format!("you may discover table \"{}\" but not select from it", table.name);
                    Err(Error::new(ErrorKind::AccessDenied, message))
                }
            },
        }
    }

    /// Opens the table at the version that this query has fixed for it.
    async fn open(self: &Arc<Self>, table: &Arc<Table>, reader: &Reader) -> Result<Opened, Error> {
        if let Source::MeshSql(source) = &table.source {
            let provider = view::open(self, table, source, reader).await?;
            return Ok(Opened { provider, version: Version::Unversioned });
        }
        let mut opened = self.opened.lock().await;
        if let Some(known) = opened.get(&table.name) {
            return Ok(known.clone());
        }
        let at = match (self.pins.get(&table.name), self.as_of_unix_ms) {
            (Some(version), _) => At::Version(version),
            (None, Some(unix_ms)) => At::AsOf { unix_ms },
            (None, None) => At::Latest { max_age: self.mesh.config.cache.snapshot_max_age },
        };
        let fresh = self.gateway.connectors.open(table, at, &self.context).await;
        let fresh = fresh.map_err(|error| failure::told_source(&error))?;
        opened.insert(table.name.clone(), fresh.clone());
        Ok(fresh)
    }

    /// Opens a table that rules look into. What they say holds now, whatever time the caller reads, and whatever
    /// version his ticket pins.
    async fn open_now(&self, table: &Arc<Table>) -> Result<Opened, Error> {
        let mut opened = self.opened_now.lock().await;
        if let Some(known) = opened.get(&table.name) {
            return Ok(known.clone());
        }
        let at = At::Latest { max_age: self.mesh.config.cache.snapshot_max_age };
        let fresh = self.gateway.connectors.open(table, at, &self.context).await;
        let fresh = fresh.map_err(|error| failure::told_source(&error))?;
        opened.insert(table.name.clone(), fresh.clone());
        Ok(fresh)
    }

    fn touch(&self, table: &Table, version: Version, restrictions: &Restrictions) {
        let operates = matches!(self.mesh.policies.decide(&self.principal, table, Action::Operate), Decision::Allow(_));
        let mut touched = self.touched();
        touched.versions.insert(table.name.clone(), version);
        touched.rules.extend(restrictions.rules.iter().cloned());
        if !operates || !restrictions.is_unrestricted(table.columns.len()) {
            touched.guarded.insert(table.name.clone());
        }
    }
}

/// What bounds a query in time and history.
#[derive(Debug)]
pub(crate) struct Bounds {
    pub(crate) pins: Pins,
    /// The time whose versions are read where there is no pin, in milliseconds since 1970.
    pub(crate) as_of_unix_ms: Option<i64>,
    pub(crate) deadline: Instant,
}
