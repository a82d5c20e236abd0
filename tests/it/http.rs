//! Health, readiness and metrics.

use tests::http;
use tests::retail::Retail;

#[tokio::test(flavor = "multi_thread")]
async fn a_served_mesh_is_healthy_and_ready() {
    let retail = Retail::serve().await;
    for path in ["/healthz", "/readyz"] {
        let (status, body) = http::get(retail.gateway.http(), path).await;
        assert_eq!(status, 200, "{path}: {body}");
    }
    assert_eq!(http::get(retail.gateway.http(), "/nothing").await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_count_queries_and_name_no_table_user_or_value() {
    let retail = Retail::serve().await;
    let mut ann = retail.gateway.connect("ann").await;
    ann.rows("SELECT * FROM sales.orders WHERE status = 'shipped'").await;
    ann.fails("SELECT * FROM sales.nothing").await;
    let (status, body) = http::get(retail.gateway.http(), "/metrics").await;
    assert_eq!(status, 200);
    assert!(body.lines().any(|line| line.starts_with("meshgate_queries_total")), "{body}");
    for secret in ["shipped", "region", "@example.com", "ann\"", "nothing"] {
        assert!(!body.contains(secret), "{secret}: {body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_dead_source_does_not_make_the_gateway_unready() {
    let Retail { mesh: _mesh, gateway, crm } = Retail::serve().await;
    crm.kill();
    let mut sam = gateway.connect("sam").await;
    sam.fails("SELECT * FROM customers.profiles").await;
    assert_eq!(http::get(gateway.http(), "/readyz").await.0, 200);
}
