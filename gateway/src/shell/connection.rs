//! The connection to a Flight SQL server: logs in, asks, and connects anew when the connection was lost.

use std::path::{Path, PathBuf};
use std::time::Duration;

use arrow_flight::error::FlightError;
use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::sql::client::FlightSqlServiceClient;
use arrow_flight::sql::{
    Any, CommandGetDbSchemas, CommandGetTables, CommandStatementUpdate, DoPutUpdateResult, ProstMessageExt as _,
};
use arrow_flight::{Action, CancelFlightInfoRequest, FlightData, FlightDescriptor, FlightInfo};
use futures::TryStreamExt as _;
use prost::Message as _;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint};

use super::cookies::CookieChannel;
use super::error::Error;
use super::login::{Login, log_in};
use super::options::Target;
use super::rows::Rows;
use super::session_options;

/// The Flight SQL client, with cookies.
pub(super) type Client = FlightSqlServiceClient<CookieChannel>;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const CANCEL_TIMEOUT: Duration = Duration::from_secs(2);
/// Above what servers send at a time, and a limit to what a broken one can make the shell hold.
const LARGEST_MESSAGE: usize = 256 * 1024 * 1024;

/// What can be asked of the server.
#[derive(Debug, Clone)]
pub(super) enum Question {
    /// A statement with a result.
    Statement(String),
    /// A statement that changes something.
    Update(String),
    /// The catalogs.
    Catalogs,
    /// The schemas of every catalog.
    Domains,
    /// The tables whose names match `LIKE` patterns, with their columns when asked for.
    Tables { domain: Option<String>, table: Option<String>, with_columns: bool },
    /// Look for unqualified tables in this schema from now on.
    UseDomain(String),
}

/// What the server answers.
#[derive(Debug)]
pub(super) enum Answer {
    /// A result to fetch.
    Rows(Box<Rows>),
    /// It was done; with the number of rows that changed, when the server knows.
    Done { changed: Option<u64> },
}

/// Where to connect, as whom, and the connection when there is one.
#[derive(Debug)]
pub(super) struct Connection {
    target: Target,
    login: Option<Login>,
    tls_ca: Option<PathBuf>,
    client: Option<Client>,
    /// What `\c` chose: a new connection has to be told again.
    domain: Option<String>,
}

impl Connection {
    /// Not connected yet.
    pub(super) fn new(target: Target, login: Option<Login>, tls_ca: Option<PathBuf>) -> Self {
        Self { target, login, tls_ca, client: None, domain: None }
    }

    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    pub(super) fn user(&self) -> Option<&str> {
        self.login.as_ref().map(|login| login.user.as_str())
    }

    /// The domain that `\c` chose.
    pub(super) fn domain(&self) -> Option<&str> {
        self.domain.as_deref()
    }

    /// Asks the server. Connects when there is no connection, and logs in again, once, when the login has run out.
    pub(super) async fn ask(&mut self, question: &Question) -> Result<Answer, Error> {
        let was_connected = self.client.is_some();
        let mut answer = self.ask_once(question).await;
        if let Err(error) = &answer
            && error.is_unauthenticated()
            && was_connected
            && self.login.is_some()
        {
            self.client = None;
            answer = self.ask_once(question).await;
        }
        if let Err(error) = &answer {
            self.note(error);
        }
        if let (Ok(_), Question::UseDomain(domain)) = (&answer, question) {
            self.domain = Some(domain.clone());
        }
        answer
    }

    /// Forgets a connection that was lost, so that the next question makes a new one.
    pub(super) fn note(&mut self, error: &Error) {
        if error.is_connection_lost() {
            self.client = None;
        }
    }

    /// Tells the server that nobody waits for this result. Best effort: dropping the call has told it already.
    pub(super) async fn cancel(&self, info: FlightInfo) {
        let Some(mut client) = self.client.clone() else { return };
        let action = Action::new("CancelFlightInfo", CancelFlightInfoRequest::new(info).encode_to_vec());
        let call =
            async move { client.do_action(action).await?.try_collect::<Vec<_>>().await.map_err(FlightError::from) };
        _ = tokio::time::timeout(CANCEL_TIMEOUT, call).await;
    }

    /// Connects and logs in, when that has not been done.
    pub(super) async fn connect(&mut self) -> Result<&mut Client, Error> {
        let client = match self.client.take() {
            Some(client) => client,
            None => {
                let mut client = self.open().await?;
                if let Some(domain) = &self.domain {
                    ask_with(&mut client, &Question::UseDomain(domain.clone()), &self.target).await?;
                }
                client
            }
        };
        Ok(self.client.insert(client))
    }

    async fn ask_once(&mut self, question: &Question) -> Result<Answer, Error> {
        let target = self.target.clone();
        let client = self.connect().await?;
        ask_with(client, question, &target).await
    }

    async fn open(&self) -> Result<Client, Error> {
        let failed = |cause: tonic::transport::Error| Error::Connection {
            what: "cannot connect to",
            target: self.target.to_string(),
            cause: Box::new(cause),
        };
        let mut endpoint = Endpoint::from_shared(self.target.http_uri())
            .map_err(failed)?
            .user_agent(concat!("meshgate-sql/", env!("CARGO_PKG_VERSION")))
            .map_err(failed)?
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_keepalive(Some(Duration::from_secs(60)));
        if self.target.tls {
            let roots = Certificate::from_pem(trusted_certificates(self.tls_ca.as_deref())?);
            endpoint = endpoint.tls_config(ClientTlsConfig::new().ca_certificate(roots)).map_err(failed)?;
        }
        let channel = endpoint.connect().await.map_err(failed)?;
        let inner = FlightServiceClient::new(CookieChannel::new(channel)).max_decoding_message_size(LARGEST_MESSAGE);
        let mut client = FlightSqlServiceClient::new_from_inner(inner);
        if let Some(login) = &self.login {
            log_in(&mut client, login, &self.target.to_string()).await?;
        }
        Ok(client)
    }
}

async fn ask_with(client: &mut Client, question: &Question, target: &Target) -> Result<Answer, Error> {
    let info = match question {
        Question::Statement(sql) => client.execute(sql.clone(), None).await,
        Question::Catalogs => client.get_catalogs().await,
        Question::Domains => client.get_db_schemas(CommandGetDbSchemas::default()).await,
        Question::Tables { domain, table, with_columns } => {
            let command = CommandGetTables {
                db_schema_filter_pattern: domain.clone(),
                table_name_filter_pattern: table.clone(),
                include_schema: *with_columns,
                ..CommandGetTables::default()
            };
            client.get_tables(command).await
        }
        Question::Update(sql) => {
            let changed = update(client, sql).await.map_err(|error| Error::from_flight(error, &target.to_string()))?;
            return Ok(Answer::Done { changed });
        }
        Question::UseDomain(domain) => {
            use_domain(client, domain, target).await?;
            return Ok(Answer::Done { changed: None });
        }
    };
    let info = info.map_err(|error| Error::from_flight(error, &target.to_string()))?;
    Ok(Answer::Rows(Box::new(Rows::new(client.clone(), info, target.to_string()))))
}

/// Not arrow-flight's `execute_update`, which panics when the server answers nothing.
async fn update(client: &mut Client, sql: &str) -> Result<Option<u64>, FlightError> {
    let command = CommandStatementUpdate { query: sql.to_owned(), transaction_id: None };
    let any: Any = command.as_any();
    let descriptor = FlightDescriptor::new_cmd(any.encode_to_vec());
    let data = FlightData { flight_descriptor: Some(descriptor), ..FlightData::default() };
    let mut answers = client.do_put(futures::stream::iter([data])).await?;
    let Some(answer) = answers.message().await? else { return Ok(None) };
    let result = DoPutUpdateResult::decode(answer.app_metadata)
        .map_err(|error| FlightError::DecodeError(format!("not an update's answer: {error}")))?;
    Ok(u64::try_from(result.record_count).ok())
}

async fn use_domain(client: &mut Client, domain: &str, target: &Target) -> Result<(), Error> {
    let failed = |error: FlightError| {
        let error = Error::from_flight(error, &target.to_string());
        if error.is_unknown_action() {
            return Error::Command("this server has no session options: write DOMAIN.TABLE in statements".to_owned());
        }
        error
    };
    let mut answers = client.do_action(session_options::set_schema(domain)).await.map_err(failed)?;
    let answer = answers.message().await.map_err(|status| failed(status.into()))?;
    session_options::check_answer(domain, &answer.unwrap_or_default().body)
}

/// The certificates (PEM) of `--tls-ca`, or else those that the system trusts.
fn trusted_certificates(given: Option<&Path>) -> Result<Vec<u8>, Error> {
    const SYSTEM: [&str; 3] =
        ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];
    if let Some(path) = given {
        return std::fs::read(path).map_err(|cause| Error::File { path: path.to_owned(), cause });
    }
    let found = SYSTEM.iter().find_map(|path| std::fs::read(path).ok());
    found.ok_or_else(|| Error::Usage("this system has no list of trusted certificates: use --tls-ca FILE".to_owned()))
}
