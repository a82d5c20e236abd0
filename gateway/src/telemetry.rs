//! Logs and metrics of the process.

use std::io::IsTerminal;
use std::sync::OnceLock;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

/// Upper bounds of the buckets of query times, in seconds.
const SECONDS: [f64; 11] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 120.0, 600.0];

/// Sends the log to standard error, filtered as `directives` say (`info`, `gateway=debug`, …).
pub fn log_to_stderr(directives: &str) {
    // The Delta kernel logs as errors what its caller handles, such as a folder that is no table yet.
    let filter =
        EnvFilter::try_new(format!("buoyant_kernel=off,{directives}")).unwrap_or_else(|_| EnvFilter::new("info"));
    let colours = std::io::stderr().is_terminal();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr);
    // A second call keeps the first log.
    let _ = log.try_init();
}

/// The metrics of this process in the text format of Prometheus; the recorder is installed once.
pub(crate) fn metrics_text() -> String {
    recorder().map(PrometheusHandle::render).unwrap_or_default()
}

/// Installs the recorder, so that metrics count from the start.
pub(crate) fn recorder() -> Option<&'static PrometheusHandle> {
    static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    let install = || {
        let buckets = Matcher::Full("meshgate_query_seconds".into());
        let builder = PrometheusBuilder::new().set_buckets_for_metric(buckets, &SECONDS).ok()?;
        builder.install_recorder().map_err(|error| tracing::error!(%error, "no metrics")).ok()
    };
    RECORDER.get_or_init(install).as_ref()
}
