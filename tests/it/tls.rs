//! TLS: whoever trusts the authority comes in, plaintext does not.

use std::path::PathBuf;

use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::sql::client::FlightSqlServiceClient;
use tests::mesh::PASSWORD;
use tests::retail::Retail;
use tonic::transport::{Certificate, Channel, ClientTlsConfig};

/// A certificate of the tests: the server's file holds its key as well.
fn pem(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../connectors/src/testing/tls").join(name)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_with_a_certificate_speaks_tls_and_nothing_else() {
    let server = pem("server.pem");
    let section = format!("[tls]\ncert = {server:?}\nkey = {server:?}\n");
    let retail = Retail::serve_with(&section).await;
    let port = retail.gateway.flight().port();

    let authority = Certificate::from_pem(std::fs::read_to_string(pem("ca.pem")).unwrap());
    let endpoint = Channel::from_shared(format!("https://localhost:{port}")).unwrap();
    let trusting = endpoint.clone().tls_config(ClientTlsConfig::new().ca_certificate(authority)).unwrap();
    let mut client =
        FlightSqlServiceClient::new_from_inner(FlightServiceClient::new(trusting.connect().await.unwrap()));
    client.handshake("ann", PASSWORD).await.unwrap();
    assert_eq!(client.execute("SELECT 1".into(), None).await.unwrap().endpoint.len(), 1);

    let distrusting = endpoint.tls_config(ClientTlsConfig::new()).unwrap();
    assert!(distrusting.connect().await.is_err(), "an unknown authority is not trusted");
    let plain = Channel::from_shared(format!("http://localhost:{port}")).unwrap().connect().await;
    if let Ok(plain) = plain {
        let mut client = FlightSqlServiceClient::new_from_inner(FlightServiceClient::new(plain));
        assert!(client.handshake("ann", PASSWORD).await.is_err(), "plaintext is not answered");
    }
}
