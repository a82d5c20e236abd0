//! Opens the connection to a server: timeouts, keepalive, TLS with a private authority and a client certificate.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use catalog::Table;
use tokio::sync::OnceCell;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};

use super::address::Address;
use crate::error::{Cause, Error};

/// A peer that is silent for this long in the middle of a call is asked whether it lives …
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(20);

/// … and given this long to say so.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(5);

/// Most bytes on the way on one stream, and on all streams of a connection: what a slow reader can cost.
const STREAM_WINDOW: u32 = 2 * 1024 * 1024;
const CONNECTION_WINDOW: u32 = 16 * 1024 * 1024;

/// How to reach one server; the connection is made at first use and shared by all calls.
pub(super) struct Dialer {
    address: Address,
    tls_ca: Option<PathBuf>,
    tls_client_cert: Option<PathBuf>,
    connect_timeout: Duration,
    channel: OnceCell<Channel>,
}

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dialer")
    }
}

impl Dialer {
    pub(super) fn new(
        address: Address,
        tls_ca: Option<PathBuf>,
        tls_client_cert: Option<PathBuf>,
        connect_timeout: Duration,
    ) -> Self {
        Self { address, tls_ca, tls_client_cert, connect_timeout, channel: OnceCell::new() }
    }

    /// The connection; it connects, and connects again, when a call needs it.
    pub(super) async fn channel(&self, table: &Table) -> Result<Channel, Error> {
        let channel = self.channel.get_or_try_init(|| self.open()).await;
        channel.cloned().map_err(|cause| Error::failed(table, cause))
    }

    async fn open(&self) -> Result<Channel, Cause> {
        let mut endpoint = Endpoint::from_shared(self.address.uri())?
            .connect_timeout(self.connect_timeout)
            .tcp_nodelay(true)
            .tcp_keepalive(Some(KEEPALIVE_INTERVAL))
            .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
            .keep_alive_timeout(KEEPALIVE_TIMEOUT)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .user_agent(concat!("meshgate/", env!("CARGO_PKG_VERSION")))?;
        if self.address.tls() {
            endpoint = endpoint.tls_config(self.tls().await?)?;
        }
        Ok(endpoint.connect_lazy())
    }

    /// Only the authority that the contract names is trusted; without one, nobody is.
    async fn tls(&self) -> Result<ClientTlsConfig, Cause> {
        let mut config = ClientTlsConfig::new();
        if let Some(path) = &self.tls_ca {
            config = config.ca_certificate(Certificate::from_pem(tokio::fs::read(path).await?));
        }
        if let Some(path) = &self.tls_client_cert {
            // One file holds both; each reader picks what it looks for.
            let pem = tokio::fs::read(path).await?;
            config = config.identity(Identity::from_pem(&pem, &pem));
        }
        Ok(config)
    }
}
