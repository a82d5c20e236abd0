//! Addresses of Flight servers, and which of them may serve an endpoint's data.

use std::fmt;

use catalog::source::FlightSource;
use url::Url;

/// Schemes of plaintext and of TLS.
const PLAIN: [&str; 2] = ["grpc", "grpc+tcp"];
const TLS: &str = "grpc+tls";

/// The location that means the connection on which the endpoint was announced.
const REUSE: &str = "arrow-flight-reuse-connection";

/// Host, port and protection of a server.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Address {
    tls: bool,
    host: String,
    port: u16,
}

impl Address {
    /// Reads `grpc://host:port`, `grpc+tcp://host:port` or `grpc+tls://host:port`.
    pub(super) fn parse(location: &str) -> Option<Self> {
        let url = Url::parse(location).ok()?;
        let tls = url.scheme() == TLS;
        if !tls && !PLAIN.contains(&url.scheme()) {
            return None;
        }
        let bare = url.username().is_empty() && url.password().is_none() && url.query().is_none();
        let host = url.host_str().filter(|host| bare && !host.is_empty())?;
        Some(Self { tls, host: host.to_ascii_lowercase(), port: url.port()? })
    }

    /// Whether the connection is encrypted.
    pub(super) fn tls(&self) -> bool {
        self.tls
    }

    /// What the HTTP/2 client connects to.
    pub(super) fn uri(&self) -> String {
        format!("{}://{}:{}", if self.tls { "https" } else { "http" }, self.host, self.port)
    }

    fn host_and_port(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.uri())
    }
}

/// The server that is to be asked for an endpoint with these locations.
///
/// No location, or the one that says so, means `home`. Others count only when they are `home` itself or
/// accepted by the contract, and never without TLS where `home` has it. The first that counts is taken.
pub(super) fn choose(home: &Address, source: &FlightSource, locations: &[String]) -> Option<Address> {
    if locations.is_empty() {
        return Some(home.clone());
    }
    locations.iter().find_map(|location| {
        if location.split_once("://").is_some_and(|(scheme, _)| scheme == REUSE) {
            return Some(home.clone());
        }
        let address = Address::parse(location)?;
        let accepted = source.accepted_locations.iter().any(|host| *host == address.host_and_port());
        let safe = address.tls || !home.tls;
        (address == *home || (accepted && safe)).then_some(address)
    })
}
