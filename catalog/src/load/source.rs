//! Turns the server of a contract into the source of one table.

use std::path::{Path, PathBuf};

use super::fields::Text;
use super::report::{Fault, Noted, Report};
use super::server::Server;
use super::{azure_location, credential, location};
use crate::name::Name;
use crate::source::{
    CredentialRef, DeltaSource, Dialect, FlightSource, ForwardIdentity, Location, MeshSqlSource, Pushdown, Source,
};

/// Stands for the table's name in a location, as in `datacontract-cli`.
pub(super) const MODEL: &str = "{model}";

const FLIGHT: [&str; 8] = [
    "meshRole",
    "protocol",
    "credentialRef",
    "tlsCa",
    "tlsClientCert",
    "forwardIdentity",
    "acceptedLocations",
    "shareJoinKeys",
];

const KINDS: &str = "write `type: local` or `type: s3` or `type: azure` with `format: delta`, or `type: custom` with \
                     the property `protocol`: arrow-flight-sql, arrow-flight or mesh-sql";

/// Where one table's data lives.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    /// The mesh folder, absolute.
    pub(super) mesh_folder: &'a Path,
    /// The table.
    pub(super) table: &'a Name,
}

impl Place<'_> {
    /// Reads the source of the table from its contract's server.
    pub(super) fn read(self, server: &Server<'_>, report: &mut Report<'_>) -> Option<Source> {
        let kind = server.fields.required("type", KINDS, report)?;
        match kind.text {
            "local" | "s3" | "azure" => self.delta(server, kind, report).map(Source::Delta),
            "custom" if server.fields.get("format").is_some() => self.delta(server, kind, report).map(Source::Delta),
            "custom" => self.by_protocol(server, report),
            _ => {
                let message =
                    format!("{} is of type {:?}, which cannot be a source yet", server.fields.what, kind.text);
                report.at(kind.line, message, KINDS);
                None
            }
        }
    }

    fn by_protocol(self, server: &Server<'_>, report: &mut Report<'_>) -> Option<Source> {
        let protocol = server.required("protocol", KINDS, report)?;
        match protocol.text {
            "arrow-flight-sql" => {
                server.only(&[FLIGHT.as_slice(), &["pushdown", "dialect"]].concat(), "Flight SQL", report);
                self.flight(server, report).map(Source::FlightSql)
            }
            "arrow-flight" => {
                server.only(&FLIGHT, "plain Flight", report);
                self.flight(server, report).map(Source::Flight)
            }
            "mesh-sql" => {
                server.only(&["meshRole", "protocol", "query", "shareJoinKeys"], "SQL over the mesh", report);
                mesh_sql(server, report).map(Source::MeshSql)
            }
            _ => {
                let message = format!("{} is {:?}, which is not a protocol", server.what("protocol"), protocol.text);
                report.at(protocol.line, message, KINDS);
                None
            }
        }
    }

    fn delta(self, server: &Server<'_>, kind: Text<'_>, report: &mut Report<'_>) -> Option<DeltaSource> {
        server.only(&["meshRole", "credentialRef", "shareJoinKeys"], "a Delta table", report);
        let fields = &server.fields;
        let format = fields.required("format", "write `format: delta`", report);
        let delta = format.is_some_and(|format| format.text == "delta");
        if let Some(format) = format.filter(|_| !delta) {
            let message = format!("{} is in the format {:?}, which cannot be read yet", fields.what, format.text);
            report.at(format.line, message, "publish the data as a Delta table and write `format: delta`");
        }
        let credential = self.credential(server, report);
        let location = self.location(server, kind, report);
        if let (Some(Location::Azure { account: None, .. }), Ok(None)) = (&location, &credential) {
            let message = format!("{} names no storage account", fields.what);
            report.at(kind.line, message, "write `account: …`, or a `credentialRef` to a credential that names it");
            return None;
        }
        Some(DeltaSource { location: location.filter(|_| delta)?, credential: credential.ok()? })
    }

    fn location(self, server: &Server<'_>, kind: Text<'_>, report: &mut Report<'_>) -> Option<Location> {
        let fields = &server.fields;
        let key = if kind.text == "local" { "path" } else { "location" };
        let endpoint = match fields.text("endpointUrl", report) {
            Some(url) => {
                let what = format!("`endpointUrl` of {}", fields.what);
                Some(report.take(url.line, &what, location::store_endpoint(url.text))?)
            }
            None => None,
        };
        let region = fields.text("region", report).or_else(|| fields.text("regionName", report));
        let written = fields.required(key, "say where the table's folder is", report)?;
        let path = written.text.replace(MODEL, self.table.as_str());
        let endpoint = endpoint.as_deref();
        let s3 = || location::s3(&path, endpoint, region.map(|region| region.text));
        let account = fields.text("account", report).map(|account| account.text);
        let scheme = path.split("://").next().unwrap_or_default();
        let outcome = match (kind.text, scheme) {
            ("local", _) => location::local(&path, self.mesh_folder),
            ("s3", _) | ("custom", "s3") => s3(),
            ("azure", _) | ("custom", "abfss" | "abfs" | "az") => azure_location::azure(&path, account, endpoint),
            ("custom", "gs") => location::gcs(&path, endpoint),
            _ => Err(Fault::new("is not in a known object store", "write `gs://…`, `s3://…` or `abfss://…`")),
        };
        report.take(written.line, &format!("`{key}` of {}", fields.what), outcome)
    }

    fn flight(self, server: &Server<'_>, report: &mut Report<'_>) -> Option<FlightSource> {
        let fields = &server.fields;
        let location = fields.required("location", "write `location: grpc://host:port`", report).and_then(|url| {
            report.take(url.line, &format!("`location` of {}", fields.what), location::flight(url.text))
        });
        let encrypted = location.as_ref().is_none_or(|location| location.starts_with("grpc+tls:"));
        for name in ["tlsCa", "tlsClientCert"] {
            if let Some(path) = server.property(name, report).filter(|_| !encrypted) {
                let message = format!("{} has no meaning without TLS", server.what(name));
                report.at(path.line, message, "write `location: grpc+tls://host:port`, or remove the property");
            }
        }
        let credential = self.credential(server, report);
        let forward_identity = choice(server, "forwardIdentity", &IDENTITIES, report);
        let pushdown = choice(server, "pushdown", &PUSHDOWNS, report);
        let dialect = choice(server, "dialect", &DIALECTS, report);
        Some(FlightSource {
            catalog: fields.text("catalog", report).map(|name| name.text.to_owned()),
            schema: fields.text("schema", report).map(|name| name.text.to_owned()),
            tls_ca: self.file(server, "tlsCa", report),
            tls_client_cert: self.file(server, "tlsClientCert", report),
            accepted_locations: accepted_locations(server, report),
            location: location?,
            credential: credential.ok()?,
            forward_identity: forward_identity?,
            pushdown: pushdown?,
            dialect: dialect?,
        })
    }

    fn file(self, server: &Server<'_>, property: &str, report: &mut Report<'_>) -> Option<PathBuf> {
        server.property(property, report).map(|path| self.mesh_folder.join(path.text))
    }

    fn credential(self, server: &Server<'_>, report: &mut Report<'_>) -> Result<Option<CredentialRef>, Noted> {
        let Some(text) = server.property("credentialRef", report) else { return Ok(None) };
        let outcome = credential::read(text.text, self.mesh_folder);
        report.take(text.line, &server.what("credentialRef"), outcome).map(Some).ok_or(Noted)
    }
}

fn mesh_sql(server: &Server<'_>, report: &mut Report<'_>) -> Option<MeshSqlSource> {
    let query = server.required("query", "write one SELECT over tables of the mesh", report)?;
    Some(MeshSqlSource { query: query.text.trim().to_owned() })
}

fn accepted_locations(server: &Server<'_>, report: &mut Report<'_>) -> Vec<String> {
    let mut accepted = Vec::new();
    for host in server.property_list("acceptedLocations", report) {
        if location::is_host_and_port(host.text) {
            accepted.push(host.text.to_owned());
        } else {
            let message = format!("{} holds something that is not a host and a port", server.what("acceptedLocations"));
            report.at(host.line, message, "write `host:port`, with commas, spaces or lines between several");
        }
    }
    accepted
}

const IDENTITIES: [(&str, ForwardIdentity); 3] = [
    ("none", ForwardIdentity::None),
    ("subject", ForwardIdentity::Subject),
    ("attributes", ForwardIdentity::Attributes),
];
const PUSHDOWNS: [(&str, Pushdown); 2] = [("scan", Pushdown::Scan), ("statement", Pushdown::Statement)];
const DIALECTS: [(&str, Dialect); 3] =
    [("datafusion", Dialect::DataFusion), ("postgresql", Dialect::PostgreSql), ("duckdb", Dialect::DuckDb)];

/// A property with a fixed set of words; its default where it is absent.
fn choice<T: Copy + Default>(
    server: &Server<'_>,
    property: &str,
    words: &[(&str, T)],
    report: &mut Report<'_>,
) -> Option<T> {
    let Some(written) = server.property(property, report) else { return Some(T::default()) };
    if let Some((_, value)) = words.iter().find(|(word, _)| *word == written.text) {
        return Some(*value);
    }
    let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    let message = format!("{} is {:?}, which is none of its words", server.what(property), written.text);
    report.at(written.line, message, format!("write one of: {}", known.join(", ")));
    None
}
