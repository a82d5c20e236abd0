//! A folder in a container of an Azure storage account, read through the account's blob service.

use std::sync::Arc;

use async_trait::async_trait;
use catalog::Table;
use catalog::source::CredentialRef;
use object_store::azure::{AzureCredential, MicrosoftAzureBuilder};
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{CredentialProvider, ObjectStore};

use super::azure_credential::{AccountCredential, Login, Proof};
use super::limits::{Limits, retry};
use super::tokens::{TokenProvider, Tokens};
use crate::credentials::{self, CredentialError};
use crate::error::Error;

/// Name of this kind of store in errors.
const STORE: &str = "Azure";

/// Where the folder is.
#[derive(Debug)]
pub(super) struct Place<'a> {
    /// The storage account; the one that the credential names where there is none.
    pub(super) account: Option<&'a str>,
    /// The container.
    pub(super) container: &'a str,
    /// The folder in it.
    pub(super) path: &'a str,
    /// Base URL of the account's blob service; that of the public cloud where there is none.
    pub(super) endpoint: Option<&'a str>,
}

/// Opens a folder of a container.
///
/// Without a credential requests are not signed, unless the managed identity of this machine is allowed.
pub(super) async fn open(
    table: &Table,
    place: &Place<'_>,
    credential: Option<&CredentialRef>,
    limits: Limits,
) -> Result<Arc<dyn ObjectStore>, Error> {
    let folder = Path::from_url_path(place.path).map_err(|cause| Error::failed(table, cause))?;
    let account = account(place.account, credential).await.map_err(|cause| Error::credential(table, cause))?;
    let mut builder = MicrosoftAzureBuilder::new()
        .with_account(&account)
        .with_container_name(place.container)
        .with_retry(retry())
        .with_client_options(limits.client(place.endpoint));
    if let Some(endpoint) = place.endpoint {
        builder = builder.with_endpoint(endpoint.to_owned());
    }
    builder = match credential {
        Some(reference) => builder.with_credentials(Arc::new(ReadAtUse {
            reference: reference.clone(),
            account,
            limits,
            tokens: Tokens::new(STORE),
        })),
        None if limits.allow_instance_credentials => builder,
        None => builder.with_skip_signature(true),
    };
    let store = builder.build().map_err(|cause| Error::failed(table, cause))?;
    Ok(Arc::new(PrefixStore::new(store, folder)))
}

/// The account that the contract names, or else the one that the credential is for.
async fn account(contract: Option<&str>, credential: Option<&CredentialRef>) -> Result<String, CredentialError> {
    if let Some(account) = contract {
        return Ok(account.to_owned());
    }
    let wanted = "one that names the storage account, which the contract does not";
    let Some(reference) = credential else { return Err(CredentialError::Malformed { wanted }) };
    let credential = AccountCredential::parse(&credentials::read(reference).await?)?;
    credential.account.ok_or(CredentialError::Malformed { wanted })
}

/// Whether the secret can be read, has the form of an account's credential, and is for the account of the contract.
pub(super) async fn check(contract: Option<&str>, reference: &CredentialRef) -> Result<(), CredentialError> {
    let account = account(contract, Some(reference)).await?;
    AccountCredential::parse(&credentials::read(reference).await?)?.proof_for(&account).map(drop)
}

/// Reads the credential again for every request, so that a rotated one is used at once.
#[derive(Debug)]
struct ReadAtUse {
    reference: CredentialRef,
    account: String,
    limits: Limits,
    tokens: Tokens<AzureCredential>,
}

#[async_trait]
impl CredentialProvider for ReadAtUse {
    type Credential = AzureCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AzureCredential>> {
        let unreadable = |cause| self.tokens.unreadable(cause);
        let secret = credentials::read(&self.reference).await.map_err(unreadable)?;
        let credential = AccountCredential::parse(&secret).map_err(unreadable)?;
        match credential.proof_for(&self.account).map_err(unreadable)? {
            Proof::Signature(credential) => {
                self.tokens.forget();
                Ok(Arc::new(credential))
            }
            Proof::Login(login) => self.tokens.get(&secret, |_| exchange(login, self.limits)).await,
        }
    }
}

/// What exchanges the secret of an application for tokens.
fn exchange(login: Login, limits: Limits) -> object_store::Result<TokenProvider<AzureCredential>> {
    let client = limits.client(Some(&login.authority_host));
    let store = MicrosoftAzureBuilder::new()
        .with_account("none")
        .with_container_name("none")
        .with_client_secret_authorization(login.client_id, login.client_secret, login.tenant_id)
        .with_authority_host(login.authority_host)
        .with_retry(retry())
        .with_client_options(client.with_timeout(std::time::Duration::from_secs(10)))
        .build()?;
    Ok(Arc::clone(store.credentials()))
}
