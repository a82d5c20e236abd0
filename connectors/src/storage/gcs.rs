//! A prefix of a Google Cloud Storage bucket, or of a store that speaks the same protocol.

use std::sync::Arc;

use async_trait::async_trait;
use catalog::Table;
use catalog::source::CredentialRef;
use object_store::gcp::{GcpCredential, GoogleCloudStorageBuilder, ServiceAccountKey};
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{CredentialProvider, ObjectStore, StaticCredentialProvider};
use url::Url;

use super::limits::{Limits, retry};
use super::tokens::{TokenProvider, Tokens};
use crate::credentials::{self, CredentialError, Secret};
use crate::error::Error;

/// Name of this kind of store in errors.
const STORE: &str = "GCS";

/// What a credential of a bucket looks like.
const WANTED: &str = "the JSON key of a service account";

/// Where the bucket is.
#[derive(Debug)]
pub(super) struct Place<'a> {
    /// `gs://bucket/prefix`.
    pub(super) url: &'a str,
    /// Base URL of the store; Google's own where there is none.
    pub(super) endpoint: Option<&'a str>,
}

/// Opens a prefix of a bucket.
///
/// Without a credential requests are not signed, unless the credentials of this machine are allowed.
pub(super) fn open(
    table: &Table,
    place: &Place<'_>,
    credential: Option<&CredentialRef>,
    limits: Limits,
) -> Result<Arc<dyn ObjectStore>, Error> {
    let url = Url::parse(place.url).map_err(|cause| Error::failed(table, cause))?;
    let (Some(bucket), "gs") = (url.host_str(), url.scheme()) else {
        return Err(Error::failed(table, "location is not of the form gs://bucket/prefix"));
    };
    let prefix = Path::from_url_path(url.path()).map_err(|cause| Error::failed(table, cause))?;
    let mut builder = GoogleCloudStorageBuilder::new()
        .with_bucket_name(bucket)
        .with_retry(retry())
        .with_client_options(limits.client(place.endpoint));
    if let Some(endpoint) = place.endpoint {
        builder = builder.with_base_url(endpoint);
    }
    builder = match credential {
        Some(reference) => builder.with_credentials(Arc::new(ReadAtUse::new(reference.clone(), limits))),
        None if limits.allow_instance_credentials => builder,
        // Says so twice: a builder that is given no credential looks for one in the home folder.
        None => builder.with_credentials(Arc::new(StaticCredentialProvider::new(nobody()))).with_skip_signature(true),
    };
    let store = builder.build().map_err(|cause| Error::failed(table, cause))?;
    Ok(Arc::new(PrefixStore::new(store, prefix)))
}

fn nobody() -> GcpCredential {
    GcpCredential { bearer: String::new() }
}

/// Reads the key again for every request, so that a rotated one is used at once.
#[derive(Debug)]
struct ReadAtUse {
    reference: CredentialRef,
    limits: Limits,
    tokens: Tokens<GcpCredential>,
}

impl ReadAtUse {
    fn new(reference: CredentialRef, limits: Limits) -> Self {
        Self { reference, limits, tokens: Tokens::new(STORE) }
    }

    /// What signs tokens with a key; it asks nobody.
    fn signer(&self, secret: &Secret) -> object_store::Result<TokenProvider<GcpCredential>> {
        let key = parse(secret).map_err(|cause| self.tokens.unreadable(cause))?;
        let signer = GoogleCloudStorageBuilder::new()
            .with_bucket_name("none")
            .with_service_account_key(key.to_string())
            .with_client_options(self.limits.client(None))
            .build()?;
        Ok(Arc::clone(signer.credentials()))
    }
}

#[async_trait]
impl CredentialProvider for ReadAtUse {
    type Credential = GcpCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<GcpCredential>> {
        let secret = credentials::read(&self.reference).await.map_err(|cause| self.tokens.unreadable(cause))?;
        self.tokens.get(&secret, |secret| self.signer(secret)).await
    }
}

/// Whether the secret can be read and is the key of a service account.
pub(super) async fn check(reference: &CredentialRef) -> Result<(), CredentialError> {
    parse(&credentials::read(reference).await?).map(drop)
}

/// The parts of a key that sign. Others are left out: the library would follow them to another address, or not sign.
fn parse(secret: &Secret) -> Result<serde_json::Value, CredentialError> {
    let malformed = || CredentialError::Malformed { wanted: WANTED };
    // The parser's own message may quote the secret, so it is dropped.
    let json: serde_json::Value = serde_json::from_str(secret.expose()).map_err(|_| malformed())?;
    let text = |key: &str| json.get(key).and_then(serde_json::Value::as_str).ok_or_else(malformed);
    if text("type")? != "service_account" {
        return Err(malformed());
    }
    ServiceAccountKey::from_pem(text("private_key")?.as_bytes()).map_err(|_| malformed())?;
    Ok(serde_json::json!({
        "client_email": text("client_email")?,
        "private_key": text("private_key")?,
        "private_key_id": text("private_key_id")?,
    }))
}
