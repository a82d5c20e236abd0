//! A prefix of an S3 bucket, or of a store that speaks the same protocol.

use std::sync::Arc;

use async_trait::async_trait;
use catalog::Table;
use catalog::source::CredentialRef;
use object_store::aws::{AmazonS3Builder, AwsCredential};
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{CredentialProvider, ObjectStore};
use url::Url;

use super::limits::{Limits, retry};
use crate::credentials::{self, CredentialError, Secret};
use crate::error::Error;

/// Region where the contract names none: S3-compatible stores mostly do not care.
const DEFAULT_REGION: &str = "us-east-1";

/// What a credential of a bucket looks like.
const WANTED: &str =
    "`access_key:secret`, or JSON with `access_key_id`, `secret_access_key` and perhaps `session_token`";

/// Where the bucket is.
#[derive(Debug)]
pub(super) struct Place<'a> {
    /// `s3://bucket/prefix`.
    pub(super) url: &'a str,
    /// Base URL of the store; Amazon's own where there is none.
    pub(super) endpoint: Option<&'a str>,
    /// Region, where it matters.
    pub(super) region: Option<&'a str>,
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
    let (Some(bucket), "s3") = (url.host_str(), url.scheme()) else {
        return Err(Error::failed(table, "location is not of the form s3://bucket/prefix"));
    };
    let prefix = Path::from_url_path(url.path()).map_err(|cause| Error::failed(table, cause))?;
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_region(place.region.unwrap_or(DEFAULT_REGION))
        .with_retry(retry())
        .with_client_options(limits.client(place.endpoint));
    if let Some(endpoint) = place.endpoint {
        builder = builder.with_endpoint(endpoint);
    }
    builder = match credential {
        Some(reference) => builder.with_credentials(Arc::new(ReadAtUse(reference.clone()))),
        None if limits.allow_instance_credentials => builder,
        None => builder.with_skip_signature(true),
    };
    let store = builder.build().map_err(|cause| Error::failed(table, cause))?;
    Ok(Arc::new(PrefixStore::new(store, prefix)))
}

/// Reads the credential again for every request, so that a rotated one is used at once.
#[derive(Debug)]
struct ReadAtUse(CredentialRef);

#[async_trait]
impl CredentialProvider for ReadAtUse {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        let credential = async { parse(&credentials::read(&self.0).await?) };
        match credential.await {
            Ok(credential) => Ok(Arc::new(credential)),
            Err(cause) => Err(object_store::Error::Generic { store: "S3", source: Box::new(cause) }),
        }
    }
}

/// Whether the secret can be read and has the form of a bucket's credential.
pub(super) async fn check(reference: &CredentialRef) -> Result<(), CredentialError> {
    parse(&credentials::read(reference).await?).map(drop)
}

fn parse(secret: &Secret) -> Result<AwsCredential, CredentialError> {
    if !secret.expose().starts_with('{') {
        let (key_id, secret_key) =
            credentials::split_pair(secret).ok_or(CredentialError::Malformed { wanted: WANTED })?;
        return Ok(AwsCredential { key_id: key_id.to_owned(), secret_key: secret_key.to_owned(), token: None });
    }
    // The parser's own message may quote the secret, so it is dropped.
    let json: serde_json::Value =
        serde_json::from_str(secret.expose()).map_err(|_| CredentialError::Malformed { wanted: WANTED })?;
    let text = |key: &str| json.get(key).and_then(serde_json::Value::as_str).map(str::to_owned);
    match (text("access_key_id"), text("secret_access_key")) {
        (Some(key_id), Some(secret_key)) => Ok(AwsCredential { key_id, secret_key, token: text("session_token") }),
        _ => Err(CredentialError::Malformed { wanted: WANTED }),
    }
}
