//! Tokens of an identity provider (OIDC): proves them with its public keys, and reads who they are of.

mod algorithm;
mod claims;
mod json;
mod jws;
mod key;
mod key_set;
mod pace;
mod refusal;
mod remote;

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use catalog::Problem;
use policies::Principal;
use url::Url;

pub(super) use jws::has_form;
pub(super) use refusal::Refusal;
pub(super) use remote::Issuers;

use crate::config::{self, Jwks};
use jws::Jws;
use key_set::{KeySet, MAX_BYTES};

/// The identity provider of a mesh. Immutable; a reload makes a new one.
#[derive(Debug)]
pub(crate) struct Oidc {
    settings: config::Oidc,
    keys: Keys,
}

/// Where the keys are.
#[derive(Debug)]
enum Keys {
    /// Here: they came with the files of the mesh.
    Read(Arc<KeySet>),
    /// At the issuer's server.
    At(Url),
}

impl Oidc {
    /// Reads the keys where they are in a file of the mesh in `folder`. Those at a server are fetched when the first
    /// token comes: an identity provider that is down must not keep the others out.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub(crate) fn load(folder: &Path, settings: config::Oidc) -> Result<Self, Problem> {
        let keys = match &settings.jwks {
            Jwks::Url(url) => Keys::At(url.clone()),
            Jwks::File(file) => {
                let text = config::read(folder, file, MAX_BYTES as u64)?;
                let problem = |fault| Problem::in_file(file, format!("(auth.oidc.jwks) {fault}"), REMEDY);
                Keys::Read(Arc::new(KeySet::parse(text.as_bytes()).map_err(problem)?))
            }
        };
        Ok(Self { settings, keys })
    }

    /// How many keys the issuer has, asked now.
    ///
    /// # Errors
    /// Why they cannot be had.
    pub(crate) async fn count_keys(&self) -> Result<usize, String> {
        match &self.keys {
            Keys::Read(keys) => Ok(keys.len()),
            Keys::At(url) => {
                let keys = Issuers::default().at(url).map_err(|error| error.to_string())?;
                keys.fetch().await.map(|keys| keys.len()).map_err(|error| format!("{url}: {error}"))
            }
        }
    }

    /// Whom `token` is of, at `now`, over a connection with this client certificate.
    ///
    /// # Errors
    /// Why it is not good; for the log only.
    pub(super) async fn prove(
        &self,
        token: &str,
        certificate: Option<&[u8]>,
        issuers: &Issuers,
        now: SystemTime,
    ) -> Result<Principal, Refusal> {
        let jws = Jws::parse(token)?;
        let keys = match &self.keys {
            Keys::Read(keys) => Arc::clone(keys),
            Keys::At(url) => issuers.at(url)?.keys(jws.key_id.as_deref()).await?,
        };
        let key = keys.key(jws.key_id.as_deref(), jws.algorithm).ok_or(Refusal::UnknownKey)?;
        if !key.verifies(jws.algorithm, jws.message, &jws.signature) {
            return Err(Refusal::Signature);
        }
        // Nothing that a token claims is looked at before its signature.
        let claims = json::object(&jws.payload).ok_or(Refusal::Claims)?;
        let now = now.duration_since(SystemTime::UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
        claims::check(&self.settings, &claims, certificate, now)?;
        claims::principal(&self.settings, &claims)
    }
}

const REMEDY: &str = "write the issuer's public keys: what its `jwks_uri` answers";
