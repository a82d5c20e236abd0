//! Tables of Arrow Flight endpoints: one SQL statement per scan, or one descriptor where the endpoint has no SQL;
//! streamed, and checked on the way in.

mod address;
mod call;
mod channel;
mod descriptor;
mod error;
mod expression;
mod keys;
mod later;
mod literal;
mod login;
mod provider;
mod remote;
mod scan;
mod schema;
mod sql;
mod stream;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use catalog::source::{CredentialRef, FlightSource};
use catalog::{Source, Table, Version};
use moka::sync::Cache;

use self::address::Address;
use self::call::Call;
use self::channel::Dialer;
use self::login::Login;
use self::provider::FlightProvider;
use self::remote::Remote;
use self::schema::Schemas;
use crate::connectors::{Connector, Options};
use crate::context::{At, CallContext, Opened};
use crate::error::Error;

/// Most connections that are kept.
const MAX_REMOTES: u64 = 10_000;

/// A connection that nobody used for this long is closed.
const REMOTE_IDLE: Duration = Duration::from_secs(600);

/// Reads tables of Flight SQL endpoints, and datasets of plain Flight ones.
#[derive(Debug)]
pub(crate) struct FlightConnector {
    remotes: Arc<Remotes>,
    schemas: Schemas,
    idle_timeout: Duration,
}

impl FlightConnector {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            remotes: Arc::new(Remotes::new(options.connect_timeout)),
            schemas: Schemas::default(),
            idle_timeout: options.idle_timeout,
        }
    }
}

#[async_trait]
impl Connector for FlightConnector {
    async fn open(&self, table: &Arc<Table>, at: At, context: &CallContext) -> Result<Opened, Error> {
        let (Source::FlightSql(source) | Source::Flight(source)) = &table.source else {
            return Err(Error::unsupported(table, "another connector"));
        };
        match at {
            At::Latest { .. } | At::Version(Version::Unversioned) => {}
            At::AsOf { .. } => return Err(Error::NoHistory { table: table.name.clone() }),
            At::Version(version @ Version::Delta(_)) => return Err(Error::gone(table, version)),
        }
        let source = Arc::new(source.clone());
        let home = Address::parse(&source.location)
            .ok_or_else(|| Error::failed(table, "location is not of the form grpc://host:port"))?;
        let call = Call::new(table, &source, context);
        let remote = self.remotes.get(table, &source, &home)?;
        let schema = self.schemas.get(&remote, &call, &source).await?;
        let provider = FlightProvider::new(provider::Parts {
            schema,
            call,
            source,
            home,
            remotes: Arc::clone(&self.remotes),
            schemas: self.schemas.clone(),
            idle_timeout: self.idle_timeout,
        });
        Ok(Opened { provider: Arc::new(provider), version: Version::Unversioned })
    }
}

/// Servers by everything that a connection and a login depend on: two products with different credentials
/// never share one.
struct Remotes {
    by_key: Cache<Key, Arc<Remote>>,
    connect_timeout: Duration,
}

type Key = (Address, Option<String>, Option<std::path::PathBuf>, Option<std::path::PathBuf>);

impl Remotes {
    fn new(connect_timeout: Duration) -> Self {
        let by_key = Cache::builder().max_capacity(MAX_REMOTES).time_to_idle(REMOTE_IDLE).build();
        Self { by_key, connect_timeout }
    }

    /// The server at `address`, reached and logged in to as `source` says.
    fn get(&self, table: &Table, source: &FlightSource, address: &Address) -> Result<Arc<Remote>, Error> {
        if address.tls() && source.tls_ca.is_none() {
            return Err(Error::unsupported(table, "a public certificate authority (name one as tlsCa)"));
        }
        let credential = source.credential.as_ref().map(credential_key);
        let key = (address.clone(), credential, source.tls_ca.clone(), source.tls_client_cert.clone());
        Ok(self.by_key.get_with(key, || {
            let (ca, cert) = (source.tls_ca.clone(), source.tls_client_cert.clone());
            let dialer = Dialer::new(address.clone(), ca, cert, self.connect_timeout);
            Arc::new(Remote::new(dialer, Login::new(source.credential.clone())))
        }))
    }
}

/// Names a reference to a secret, not the secret.
fn credential_key(reference: &CredentialRef) -> String {
    format!("{reference:?}")
}

impl fmt::Debug for Remotes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Remotes")
    }
}
