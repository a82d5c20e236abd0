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

/// 200 while the process lives; the text says `degraded` and why where the last reload failed.
async fn health(State((gateway, _)): State<Shared>) -> String {
    match gateway.degraded() {
        None => "ok\n".to_owned(),
        Some(why) => format!("degraded: {why}\n"),
    }
}

/// 200 while new queries are welcome, 503 during shutdown.
async fn ready(State((gateway, stop)): State<Shared>) -> (StatusCode, String) {
    if stop.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n".to_owned());
    }
    (StatusCode::OK, format!("ready\nmesh {}\nversion {}\n", gateway.mesh(), gateway.policy_version()))
}

async fn metrics() -> String {
    telemetry::metrics_text()
}
