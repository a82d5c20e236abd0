//! TLS: whoever trusts the authority comes in, plaintext does not; certificates say who calls.

use std::path::PathBuf;

use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::sql::client::FlightSqlServiceClient;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gateway::ServeOptions;
use tests::authority::Authority;
use tests::mesh::PASSWORD;
use tests::retail::{PROFILES, RULES, Retail};
use tests::{Client, Remote, engine};
use tonic::Code;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Identity};

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

/// The retailer, whose clients must show a certificate.
struct Mutual {
    retail: Retail,
    authority: Authority,
}

impl Mutual {
    async fn serve() -> Self {
        Self::serve_with("").await
    }

    /// The same with further lines in `mesh.toml`.
    async fn serve_with(sections: &str) -> Self {
        let authority = Authority::new("tests");
        let crm = Remote::start(vec![("profiles", vec![engine::batch(PROFILES).await])]);
        let mesh = Retail::write(&crm).await;
        let (certificate, key) = authority.server();
        mesh.write("tls/server.pem", &certificate);
        mesh.write("tls/server.key", &key);
        mesh.write("tls/clients.pem", &authority.pem());
        let server = (mesh.path("tls/server.pem"), mesh.path("tls/server.key"));
        let tls = format!("[tls]\ncert = {:?}\nkey = {:?}\nclient_ca = \"tls/clients.pem\"\n", server.0, server.1);
        mesh.configure("retail", &format!("[cache]\nsnapshot_max_age = \"0s\"\n{tls}{sections}"));
        let gateway = mesh.serve().await;
        Self { retail: Retail { mesh, gateway, crm }, authority }
    }

    /// A connection that shows this certificate.
    async fn connect(&self, identity: Option<Identity>) -> Result<Channel, tonic::transport::Error> {
        let mut tls = ClientTlsConfig::new().ca_certificate(self.authority.trusted());
        if let Some(identity) = identity {
            tls = tls.identity(identity);
        }
        let port = self.retail.gateway.flight().port();
        Channel::from_shared(format!("https://localhost:{port}")).unwrap().tls_config(tls).unwrap().connect().await
    }

    /// A client that shows a certificate with this common name and these mail addresses.
    async fn client(&self, common_name: &str, emails: &[&str]) -> Client {
        Client::over(self.connect(Some(self.authority.client(common_name, emails))).await.unwrap())
    }

    /// Whether a connection with this certificate gets as far as to be told that it needs a credential.
    async fn is_let_in(&self, identity: Option<Identity>) -> bool {
        // With TLS 1.3 a client learns with its first call that its certificate was not good.
        let Ok(channel) = self.connect(identity).await else { return false };
        let answer = Client::over(channel).with_header("authorization", "Bearer None").query("SELECT 1").await;
        answer.unwrap_err().code == Code::Unauthenticated
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_who_its_name_says_with_the_attributes_of_the_users_file() {
    let mutual = Mutual::serve().await;
    let mut ann = mutual.client("ann", &[]).await;
    assert_eq!(ann.sorted("SELECT id FROM sales.orders").await, ["1", "2", "5"]);
    assert_eq!(mutual.client("sam", &[]).await.sorted("SELECT count(*) FROM sales.orders").await, ["6"]);
    let eve = mutual.client("eve", &[]).await.fails("SELECT id FROM sales.orders").await;
    assert_eq!(eve.kind, "UndefinedTable");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_names_no_user_is_refused_like_a_wrong_password() {
    let mutual = Mutual::serve().await;
    for (name, emails) in [
        ("nobody", &[][..]),
        ("user:sam", &[]),
        ("SAM", &[]),
        ("*", &[]),
        // The mail address decides where there is one, whatever the common name says.
        ("sam", &["sam@x.org"]),
        ("sam", &["sam@x.org", "sam@y.org"]),
    ] {
        let failure = mutual.client(name, emails).await.fails("SELECT 1").await;
        assert_eq!(
            (failure.code, failure.kind.as_str()),
            (Code::Unauthenticated, "Unauthenticated"),
            "{name} {emails:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mesh_says_which_name_of_a_certificate_counts() {
    let mutual = Mutual::serve_with("[auth]\ncertificate = \"cn\"\n").await;
    assert_eq!(mutual.client("sam", &["ann@x.org"]).await.sorted("SELECT count(*) FROM sales.orders").await, ["6"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_good_certificate_nobody_is_let_in() {
    let mutual = Mutual::serve().await;
    assert!(mutual.is_let_in(Some(mutual.authority.client("ann", &[]))).await);
    assert!(!mutual.is_let_in(None).await, "no certificate");
    assert!(!mutual.is_let_in(Some(mutual.authority.expired_client("ann"))).await, "out of date");
    let other = Authority::new("tests");
    assert!(!mutual.is_let_in(Some(other.client("ann", &[]))).await, "another authority of the same name");
    let (certificate, key) = mutual.authority.server();
    assert!(!mutual.is_let_in(Some(Identity::from_pem(certificate, key))).await, "a server's certificate");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_or_token_says_who_calls_whatever_the_certificate_says() {
    let mutual = Mutual::serve().await;
    let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
    let connect = || mutual.client("sam", &[]);
    let mut ann = connect().await.with_header("authorization", &basic(&format!("ann:{PASSWORD}")));
    assert_eq!(ann.sorted("SELECT id FROM sales.orders").await, ["1", "2", "5"]);
    for bad in ["Bearer None", "Bearer ", "Digest x", &basic("ann:wrong"), &basic("sam:wrong")] {
        let failure = connect().await.with_header("authorization", bad).fails("SELECT 1").await;
        assert_eq!(failure.code, Code::Unauthenticated, "{bad}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_without_a_password_comes_in_with_his_certificate_only() {
    let mutual = Mutual::serve().await;
    let users = std::fs::read_to_string(mutual.retail.mesh.path("users.toml")).unwrap();
    mutual.retail.mesh.write("users.toml", &format!("{users}[users.etl]\nattributes = {{ region = \"APAC\" }}\n"));
    mutual.retail.mesh.rules(&format!("{RULES}g, user:etl, role:analyst, sales\n"));
    mutual.retail.gateway.reload().await;
    let mut etl = mutual.client("etl", &[]).await;
    assert_eq!(etl.sorted("SELECT id FROM sales.orders").await, ["6"]);
    for password in ["", PASSWORD] {
        let basic = format!("Basic {}", STANDARD.encode(format!("etl:{password}")));
        let mut etl = mutual.client("etl", &[]).await.with_header("authorization", &basic);
        assert_eq!(etl.fails("SELECT 1").await.code, Code::Unauthenticated);
    }
    mutual.retail.mesh.write("users.toml", &users);
    mutual.retail.gateway.reload().await;
    assert_eq!(etl.fails("SELECT 1").await.code, Code::Unauthenticated, "who is not listed any more is out");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_connection_with_a_certificate_is_a_session_of_its_own() {
    let mutual = Mutual::serve().await;
    let (mut one, mut two) = (mutual.client("sam", &[]).await, mutual.client("sam", &[]).await);
    let handle = one.prepare("SELECT 1").await.unwrap();
    assert_eq!(one.execute(&handle).await.unwrap().sorted(), ["1"]);
    assert!(two.execute(&handle).await.is_err(), "a handle is of its session");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_with_a_certificate_alone_gives_no_token() {
    let mutual = Mutual::serve().await;
    let channel = mutual.connect(Some(mutual.authority.client("sam", &[]))).await.unwrap();
    let mut flight = FlightServiceClient::new(channel);
    let answer = flight.handshake(futures::stream::empty()).await.unwrap();
    assert!(answer.metadata().get("authorization").is_none());
}

/// Why the retailer's mesh with these sections is not served at `flight`; `None` where it is.
async fn refused(sections: &str, flight: &str) -> Option<String> {
    let mesh = tests::Mesh::new("retail");
    mesh.configure("retail", sections);
    std::fs::create_dir(mesh.path("catalog")).unwrap();
    let options = ServeOptions {
        mesh: mesh.folder().to_owned(),
        flight: Some(flight.to_owned()),
        postgres: None,
        http: Some("127.0.0.1:0".to_owned()),
    };
    match gateway::serve(options).await {
        Ok(server) => {
            server.stop().await;
            None
        }
        Err(error) => Some(error.to_string()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn plaintext_beyond_loopback_is_refused_wherever_it_is_asked_for() {
    let flag = refused("", "0.0.0.0:0").await.unwrap();
    assert!(flag.contains("0.0.0.0:0 is beyond loopback") && flag.contains("[tls]"), "{flag}");
    let file = refused("[flight]\nlisten = \"0.0.0.0:0\"\n", "127.0.0.1:0").await.unwrap();
    assert!(file.contains("[flight] listens beyond loopback without TLS"), "{file}");
    assert_eq!(refused("", "127.0.0.1:0").await, None);
    assert_eq!(refused("insecure = true\n", "0.0.0.0:0").await, None);
    let server = pem("server.pem");
    assert_eq!(refused(&format!("[tls]\ncert = {server:?}\nkey = {server:?}\n"), "0.0.0.0:0").await, None);
}
