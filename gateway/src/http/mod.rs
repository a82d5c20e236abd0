//! Health, readiness and metrics over HTTP.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::Gateway;
use crate::telemetry;

/// Serves `/healthz`, `/readyz` and `/metrics` until `stop`.
///
/// # Errors
/// Where the listener fails.
pub(crate) async fn serve(
    listener: TcpListener,
    gateway: Arc<Gateway>,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let routes = Router::new()
        .route("/healthz", get(health))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state((gateway, stop.clone()));
    axum::serve(listener, routes).with_graceful_shutdown(stop.cancelled_owned()).await
}

type Shared = (Arc<Gateway>, CancellationToken);

/// 200 while the process lives; the text says `degraded` and why where the last reload failed or the audit log
/// cannot be written.
async fn health(State((gateway, _)): State<Shared>) -> String {
    match gateway.degraded() {
        None => "ok\n".to_owned(),
        Some(why) => format!("degraded: {why}\n"),
    }
}

/// 200 while new queries are welcome; 503 during shutdown, and while they cannot be recorded and must be.
async fn ready(State((gateway, stop)): State<Shared>) -> (StatusCode, String) {
    if stop.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n".to_owned());
    }
    if let Some(why) = gateway.stopped() {
        return (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {why}\n"));
    }
    let degraded = gateway.degraded().map(|why| format!("degraded: {why}\n")).unwrap_or_default();
    let (mesh, version) = (gateway.mesh(), gateway.policy_version());
    (StatusCode::OK, format!("ready\nmesh {mesh}\nversion {version}\n{degraded}"))
}

async fn metrics() -> String {
    telemetry::metrics_text()
}
