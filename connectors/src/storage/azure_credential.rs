//! The forms of a credential of an Azure storage account.

use std::net::IpAddr;

use object_store::azure::{AzureAccessKey, AzureCredential, authority_hosts};
use serde_json::Value;
use url::{Host, Url, form_urlencoded};

use crate::credentials::{self, CredentialError, Secret};

/// What a credential of an account looks like.
const WANTED: &str = "`account:key`, a SAS token, or JSON with perhaps `account_name` and one of `account_key`, \
                      `sas_token`, or `tenant_id`, `client_id` and `client_secret`";

/// A credential, and the account that it says it is for.
pub(super) struct AccountCredential {
    pub(super) account: Option<String>,
    proof: Proof,
}

/// How a request proves who sends it.
pub(super) enum Proof {
    /// By the secret itself: an account key signs it, a SAS token is a part of its address.
    Signature(AzureCredential),
    /// By a token that the secret is exchanged for.
    Login(Login),
}

/// An application of Microsoft Entra ID and its secret.
pub(super) struct Login {
    pub(super) tenant_id: String,
    pub(super) client_id: String,
    pub(super) client_secret: String,
    /// Where it logs in: the public cloud's, or that of another one.
    pub(super) authority_host: String,
}

fn malformed() -> CredentialError {
    CredentialError::Malformed { wanted: WANTED }
}

impl AccountCredential {
    /// Reads any of the forms. Whatever is wrong, the error does not quote it.
    pub(super) fn parse(secret: &Secret) -> Result<Self, CredentialError> {
        let text = secret.expose();
        if text.starts_with('{') {
            return Self::from_json(&serde_json::from_str(text).map_err(|_| malformed())?);
        }
        if let Some(token) = sas_token(text) {
            return Ok(Self { account: None, proof: Proof::Signature(token) });
        }
        let (account, key) = credentials::split_pair(secret).ok_or_else(malformed)?;
        Ok(Self { account: Some(named(account)?), proof: Proof::Signature(account_key(key)?) })
    }

    fn from_json(json: &Value) -> Result<Self, CredentialError> {
        let text = |key: &str| json.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        let account = text("account_name").map(named).transpose()?;
        let proof = match (text("account_key"), text("sas_token"), text("client_secret")) {
            (Some(key), None, None) => Proof::Signature(account_key(key)?),
            (None, Some(token), None) => Proof::Signature(sas_token(token).ok_or_else(malformed)?),
            (None, None, Some(client_secret)) => Proof::Login(Login {
                tenant_id: text("tenant_id").ok_or_else(malformed).and_then(named)?,
                client_id: text("client_id").ok_or_else(malformed).and_then(named)?,
                client_secret: client_secret.to_owned(),
                authority_host: authority_host(text("authority_host"))?,
            }),
            // None of them, or one too many to know which one counts.
            _ => return Err(malformed()),
        };
        Ok(Self { account, proof })
    }

    /// The proof, unless the credential says that it is for another account.
    pub(super) fn proof_for(self, account: &str) -> Result<Proof, CredentialError> {
        if self.account.is_some_and(|own| own != account) {
            return Err(CredentialError::Malformed { wanted: "for the storage account of the table" });
        }
        Ok(self.proof)
    }
}

/// A name that has a place in an address and in a header.
fn named(text: &str) -> Result<String, CredentialError> {
    let good = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
    if good { Ok(text.to_owned()) } else { Err(malformed()) }
}

fn account_key(text: &str) -> Result<AzureCredential, CredentialError> {
    AzureAccessKey::try_new(text).map(AzureCredential::AccessKey).map_err(|_| malformed())
}

/// The pairs of a SAS token; nothing where the text has no signature.
fn sas_token(text: &str) -> Option<AzureCredential> {
    // A plus stands for itself here: signatures are Base64, and hold no blanks.
    let text = text.trim_start_matches('?').replace('+', "%2B");
    let pairs: Vec<(String, String)> = form_urlencoded::parse(text.as_bytes()).into_owned().collect();
    let signed = pairs.iter().any(|(key, value)| key == "sig" && !value.is_empty());
    signed.then_some(AzureCredential::SASToken(pairs))
}

/// Where to log in. The secret itself is sent there, so never in the clear, but for this machine.
fn authority_host(text: Option<&str>) -> Result<String, CredentialError> {
    let Some(text) = text else { return Ok(authority_hosts::AZURE_PUBLIC_CLOUD.to_owned()) };
    let url = Url::parse(text).map_err(|_| malformed())?;
    let local = match url.host() {
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    let good = url.scheme() == "https" || (url.scheme() == "http" && local);
    if good { Ok(text.trim_end_matches('/').to_owned()) } else { Err(malformed()) }
}
