//! `meshgate serve`.

use super::{Failure, Outcome, interrupted, say};
use crate::server::{ServeOptions, serve};

/// Serves a mesh until the process is asked to end.
pub(super) async fn run(options: ServeOptions) -> Result<Outcome, Failure> {
    let server = serve(options).await?;
    let scheme = if server.gateway().current().config.tls.is_some() { "grpc+tls" } else { "grpc" };
    say(&format!("flight {scheme}://{}", server.flight_address()));
    say(&format!("http http://{}", server.http_address()));
    interrupted().await;
    tracing::info!("stopping");
    server.stop().await;
    Ok(Outcome::Good)
}
