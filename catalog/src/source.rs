//! Where the data of a table lives, without secrets.

use std::path::PathBuf;

/// Where the data of one table lives and how it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A Delta table.
    Delta(DeltaSource),
    /// A table of an Arrow Flight SQL endpoint.
    FlightSql(FlightSource),
    /// A descriptor of a plain Arrow Flight endpoint.
    Flight(FlightSource),
    /// SQL over other tables of the mesh.
    MeshSql(MeshSqlSource),
}

/// A Delta table in an object store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeltaSource {
    /// Root of the table.
    pub location: Location,
    /// Secret that opens the store, where it needs one.
    pub credential: Option<CredentialRef>,
}

/// Root of a Delta table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A folder, made absolute.
    Local(PathBuf),
    /// `s3://bucket/prefix`, with the endpoint of an S3-compatible store where it is not Amazon's.
    S3 {
        /// `s3://bucket/prefix`.
        url: String,
        /// Base URL of the store.
        endpoint: Option<String>,
        /// Region name, where the contract says one.
        region: Option<String>,
    },
    /// A folder in a container of an Azure storage account.
    Azure {
        /// Name of the storage account, where the contract says it; else the credential must.
        account: Option<String>,
        /// Name of the container.
        container: String,
        /// The folder in it, without a slash at the beginning.
        path: String,
        /// Base URL of the account's blob service, where it is not the public cloud's.
        endpoint: Option<String>,
    },
    /// `gs://bucket/prefix`, with the endpoint of another store of that protocol where it is not Google's.
    Gcs {
        /// `gs://bucket/prefix`.
        url: String,
        /// Base URL of the store.
        endpoint: Option<String>,
    },
}

/// An Arrow Flight endpoint, and how far it is trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlightSource {
    /// `grpc://host:port` or `grpc+tls://host:port`.
    pub location: String,
    /// Catalog that the remote table is in.
    pub catalog: Option<String>,
    /// Schema that the remote table is in.
    pub schema: Option<String>,
    /// Secret that the gateway logs in with: `user:password`, or a bearer token.
    pub credential: Option<CredentialRef>,
    /// PEM file of the certificate authority that signed the endpoint's certificate.
    pub tls_ca: Option<PathBuf>,
    /// PEM file with the gateway's own certificate and key.
    pub tls_client_cert: Option<PathBuf>,
    /// What the endpoint is told of the caller.
    pub forward_identity: ForwardIdentity,
    /// Other hosts (`host:port`) that may serve the endpoint's data.
    pub accepted_locations: Vec<String>,
    /// How much of a statement may go to the endpoint.
    pub pushdown: Pushdown,
    /// SQL dialect that the endpoint speaks.
    pub dialect: Dialect,
}

/// SQL over other tables of the mesh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeshSqlSource {
    /// One `SELECT` statement.
    pub query: String,
}

/// Where a secret is found. The secret itself is read at use and kept nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialRef {
    /// `env:NAME`: an environment variable.
    Environment(String),
    /// `file:PATH`: a file, made absolute.
    File(PathBuf),
}

/// What an endpoint is told of the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ForwardIdentity {
    /// Nothing.
    #[default]
    None,
    /// The subject's name.
    Subject,
    /// The subject's name and attributes.
    Attributes,
}

/// How much of a statement may go to an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pushdown {
    /// Columns, filters and limit of one table.
    #[default]
    Scan,
    /// Also joins, aggregates and sorts of its own tables.
    Statement,
}

/// SQL dialect of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dialect {
    /// DataFusion's own, also that of another meshgate.
    #[default]
    DataFusion,
    /// PostgreSQL and what follows it.
    PostgreSql,
    /// DuckDB.
    DuckDb,
}
