//! Serving a mesh: listeners up, then requests, then a drain.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Certificate, Identity, Server as Transport, ServerTlsConfig};
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::Gateway;
use crate::config::{self, Config, Tls};
use crate::{descriptors, flight, http, reload, telemetry};

/// Longest wait for running queries when the server stops.
const DRAIN: Duration = Duration::from_secs(10);

/// Streams (calls) at a time on one connection.
const MAX_STREAMS: u32 = 256;

/// Largest list of headers of a call, in bytes: JDBC sends every unknown property as one.
const MAX_HEADER_BYTES: u32 = 64 << 10;

/// What to serve, and where if not as the mesh says.
#[derive(Debug, Clone, Default)]
pub struct ServeOptions {
    /// Folder of the mesh.
    pub mesh: PathBuf,
    /// Address for Flight SQL; a port of 0 picks one.
    pub flight: Option<String>,
    /// Address for PostgreSQL.
    pub postgres: Option<String>,
    /// Address for health and metrics.
    pub http: Option<String>,
}

/// Why a gateway cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The mesh has mistakes.
    #[error("the mesh has mistakes:\n{0}")]
    Mesh(#[from] catalog::Problems),
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// An address is not one.
    #[error("{0}")]
    Address(String),
    /// A certificate or key cannot be used.
    #[error("TLS cannot be set up with {file}: {reason}")]
    Tls {
        /// The file.
        file: String,
        /// Why not.
        reason: String,
    },
    /// The key of the `hash` mask cannot be read.
    #[error("policy.hash_key cannot be read: {0}")]
    HashKey(#[source] connectors::CredentialError),
    /// The audit log cannot be written, and must be.
    #[error("the audit log (audit.path) cannot be written: {0}")]
    Audit(#[source] std::io::Error),
    /// The mesh folder cannot be watched.
    #[error("the mesh folder cannot be watched for changes: {0}")]
    Watch(#[from] notify::Error),
    /// The PostgreSQL door is not there.
    #[error("the PostgreSQL door is not there yet: leave out --postgres")]
    Postgres,
    /// A fault of the engine's set-up.
    #[error("the query engine cannot start: {0}")]
    Engine(#[from] datafusion::common::DataFusionError),
    /// A connector cannot be set up.
    #[error("the connectors cannot start: {0}")]
    Connectors(#[from] connectors::Error),
    /// The gateway cannot be made.
    #[error("the gateway cannot start: {0}")]
    Gateway(#[from] crate::Error),
    /// The system refused something.
    #[error("the system refused: {0}")]
    System(#[from] std::io::Error),
}

/// A gateway that serves. Stop it with [`Server::stop`].
#[derive(Debug)]
pub struct Server {
    gateway: Arc<Gateway>,
    flight: SocketAddr,
    http: SocketAddr,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

/// Says which of the TLS providers in the binary is used; must come before any connection. May be repeated.
pub(crate) fn install_tls_provider() {
    // An error says that there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Loads the mesh, listens, and serves in the background.
///
/// # Errors
/// Where the mesh has mistakes or an address cannot be listened on; then nothing is left running.
#[expect(clippy::cognitive_complexity, reason = "what the macros of the log and the metrics expand to counts")]
pub async fn serve(options: ServeOptions) -> Result<Server, StartError> {
    let _recorder = telemetry::recorder();
    install_tls_provider();
    descriptors::raise_limit();
    let ServeOptions { mesh, flight, postgres, http } = options;
    if postgres.is_some() {
        return Err(StartError::Postgres);
    }
    let gateway = Gateway::start_audited(&mesh).await?;
    let config = gateway.current().config.clone();
    if config.asks_for_postgres {
        tracing::warn!("the PostgreSQL door is not there yet: [postgres] is ignored");
    }
    let flight = listen(chosen(flight, config.flight, &config)?).await?;
    let http = listen(chosen(http, config.http, &config)?).await?;
    let (flight_address, http_address) = (flight.local_addr()?, http.local_addr()?);
    let transport = transport(config.tls.as_ref())?;
    let stop = CancellationToken::new();
    let watching = reload::watch(Arc::clone(&gateway), stop.clone())?;
    let mut tasks = JoinSet::new();
    tasks.spawn(watching);
    tasks.spawn(serve_flight(transport, flight, Arc::clone(&gateway), stop.clone()));
    let serving = http::serve(http, Arc::clone(&gateway), stop.clone());
    tasks.spawn(async move {
        if let Err(error) = serving.await {
            tracing::error!(%error, "the HTTP listener failed");
        }
    });
    tracing::info!(mesh = %gateway.mesh(), flight = %flight_address, http = %http_address, "serving");
    Ok(Server { gateway, flight: flight_address, http: http_address, stop, tasks })
}

impl Server {
    /// Where Flight SQL clients connect.
    #[must_use]
    pub fn flight_address(&self) -> SocketAddr {
        self.flight
    }

    /// Where health and metrics are.
    #[must_use]
    pub fn http_address(&self) -> SocketAddr {
        self.http
    }

    /// The gateway behind the listeners.
    #[must_use]
    pub fn gateway(&self) -> &Arc<Gateway> {
        &self.gateway
    }

    /// Refuses new calls, waits a while for the running ones, then cancels them.
    pub async fn stop(mut self) {
        self.stop.cancel();
        let drain = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN, drain).await.is_err() {
            self.gateway.running.cancel_all();
            self.tasks.shutdown().await;
        }
        self.gateway.audit.close().await;
    }
}

/// The address from the command line where there is one; it must be as safe as the configured one.
fn chosen(given: Option<String>, configured: SocketAddr, config: &Config) -> Result<SocketAddr, StartError> {
    let Some(text) = given else { return Ok(configured) };
    let address = config::address(&text).map_err(StartError::Address)?;
    if !address.ip().is_loopback() && config.tls.is_none() && !config.insecure {
        let message = format!("{text} is beyond loopback and the mesh has no TLS; add [tls], or `insecure = true`");
        return Err(StartError::Address(message));
    }
    Ok(address)
}

async fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|source| StartError::Listen { address, source })
}

fn transport(tls: Option<&Tls>) -> Result<Transport, StartError> {
    let transport = Transport::builder()
        .http2_keepalive_interval(Some(Duration::from_secs(20)))
        .http2_keepalive_timeout(Some(Duration::from_secs(20)))
        .http2_max_header_list_size(MAX_HEADER_BYTES)
        .max_concurrent_streams(MAX_STREAMS);
    let Some(tls) = tls else { return Ok(transport) };
    let mut settings = ServerTlsConfig::new().identity(Identity::from_pem(pem(&tls.cert)?, pem(&tls.key)?));
    if let Some(authority) = &tls.client_ca {
        settings = settings.client_ca_root(Certificate::from_pem(pem(authority)?));
    }
    transport
        .tls_config(settings)
        .map_err(|error| StartError::Tls { file: tls.cert.display().to_string(), reason: error.to_string() })
}

fn pem(path: &std::path::Path) -> Result<String, StartError> {
    std::fs::read_to_string(path)
        .map_err(|error| StartError::Tls { file: path.display().to_string(), reason: error.to_string() })
}

/// Keeps the gRPC health service as `/readyz` is, as long as it is polled.
async fn tell_health(health: HealthReporter, gateway: Arc<Gateway>) {
    let mut look = tokio::time::interval(Duration::from_secs(1));
    let mut told = None;
    loop {
        look.tick().await;
        let serves = gateway.stopped().is_none();
        if told != Some(serves) {
            let status = if serves { ServingStatus::Serving } else { ServingStatus::NotServing };
            health.set_service_status("", status).await;
            told = Some(serves);
        }
    }
}

async fn serve_flight(mut transport: Transport, listener: TcpListener, gateway: Arc<Gateway>, stop: CancellationToken) {
    let (health, health_service) = tonic_health::server::health_reporter();
    let telling = tell_health(health, Arc::clone(&gateway));
    let (service, sweeping) = flight::service(gateway);
    let routes = transport.add_service(health_service).add_service(service);
    // The transport's own setting does not reach a listener that it was given. Without it, a small result waits for
    // the client's delayed acknowledgements.
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let serving = routes.serve_with_incoming_shutdown(incoming, stop.cancelled_owned());
    let served = tokio::select! {
        served = serving => served,
        () = sweeping => Ok(()),
        () = telling => Ok(()),
    };
    if let Err(error) = served {
        tracing::error!(%error, "the Flight listener failed");
    }
}
