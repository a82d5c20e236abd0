//! Checks where data at Azure lives: account, container and folder, in each way that such an address is written.

use super::location::{is_host, split_url};
use super::report::Fault;
use crate::source::Location;

const REMEDY: &str = "write `abfss://container@account.dfs.core.windows.net/path` or `az://container/path`, \
                      without keys";

/// `abfss://container@account.dfs.core.windows.net/path`, `abfss://account.dfs.core.windows.net/container/path`,
/// or `az://container/path` with the account beside it or in the credential.
pub(super) fn azure(url: &str, account: Option<&str>, endpoint: Option<&str>) -> Result<Location, Fault> {
    let authority = split_url(url, &["abfss", "abfs", "az"], REMEDY)?;
    let path = url.split_once("://").and_then(|(_, rest)| rest.strip_prefix(authority)).unwrap_or_default();
    let path = path.trim_start_matches('/');
    let (container, host, path) = match authority.split_once('@') {
        Some((container, host)) => (container, Some(host), path),
        None if authority.contains('.') => {
            let (container, path) = path.split_once('/').unwrap_or((path, ""));
            (container, Some(authority), path)
        }
        None => (authority, None, path),
    };
    if !is_host(container) || container.contains('.') {
        return Err(Fault::new("names no container", REMEDY));
    }
    let service = host.map(Service::of).transpose()?;
    let named = service.as_ref().map(|service| service.account);
    if let (Some(named), Some(account)) = (named, account)
        && named != account
    {
        return Err(Fault::new("names another account than `account`", "write it once"));
    }
    let account = named.or(account);
    if account.is_some_and(|account| !is_account(account)) {
        return Err(Fault::new("has an `account` that is not the name of one", "write letters and digits"));
    }
    let endpoint = endpoint.map(str::to_owned).or_else(|| service.map(|service| service.endpoint));
    Ok(Location::Azure {
        account: account.map(str::to_owned),
        container: container.to_owned(),
        path: path.to_owned(),
        endpoint,
    })
}

/// What the host of an address names.
struct Service<'a> {
    account: &'a str,
    endpoint: String,
}

impl<'a> Service<'a> {
    /// `account.dfs.…` or `account.blob.…`, of any of Azure's clouds: both lead to the same files.
    fn of(host: &'a str) -> Result<Self, Fault> {
        let (account, rest) = host.split_once('.').unwrap_or((host, ""));
        let is_service = |label: &str| label == "dfs" || label == "blob";
        if !is_host(host) || !is_account(account) || !rest.split('.').any(is_service) {
            return Err(Fault::new("names no storage account", REMEDY));
        }
        let labels: Vec<&str> = rest.split('.').map(|label| if label == "dfs" { "blob" } else { label }).collect();
        Ok(Self { account, endpoint: format!("https://{account}.{}", labels.join(".")) })
    }
}

/// Letters, digits and hyphens: what has a place in a host name and in a header.
fn is_account(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, account: Option<&str>, expected: Option<(Option<&str>, &str, &str, Option<&str>)>) {
        let expected = expected.map(|(account, container, path, endpoint)| Location::Azure {
            account: account.map(str::to_owned),
            container: container.to_owned(),
            path: path.to_owned(),
            endpoint: endpoint.map(str::to_owned),
        });
        assert_eq!(azure(url, account, None).ok(), expected, "{url}");
    }

    #[test]
    fn an_address_names_account_container_and_folder_in_three_ways() {
        let (blob, other) = ("https://acc.blob.core.windows.net", "https://acc.z01.blob.storage.azure.net");
        let lake = Some((Some("acc"), "c", "a/b", Some(blob)));
        check("abfss://c@acc.dfs.core.windows.net/a/b", None, lake);
        check("abfs://acc.dfs.core.windows.net/c/a/b", None, lake);
        check("az://acc.blob.core.windows.net/c/a/b", Some("acc"), lake);
        check("abfss://c@acc.z01.dfs.storage.azure.net", None, Some((Some("acc"), "c", "", Some(other))));
        check("az://c/a/b", None, Some((None, "c", "a/b", None)));
        check("az://c/a/b/", Some("acc"), Some((Some("acc"), "c", "a/b/", None)));
        check("abfss://$web/a", Some("acc"), Some((Some("acc"), "$web", "a", None)));
    }

    #[test]
    fn an_address_that_names_too_little_or_too_much_is_refused() {
        for url in [
            "abfss://@acc.dfs.core.windows.net/a",
            "abfss://c:key@acc.dfs.core.windows.net/a",
            "abfss://c@acc/a",
            "abfss://c@acc.example.com/a",
            "abfss://c@.dfs.core.windows.net/a",
            "abfss://c@acc.dfs.core.windows.net:1/a",
            "abfss://acc.dfs.core.windows.net",
            "abfss://c.d@acc.dfs.core.windows.net/a",
            "az://c/a?sig=secret",
            "az://c/../d",
            "az:///a",
            "https://acc.blob.core.windows.net/c",
            "az://a@b@c/",
        ] {
            check(url, None, None);
        }
        check("abfss://c@acc.dfs.core.windows.net/a", Some("other"), None);
        check("az://c/a", Some("acc.evil.example/"), None);
    }
}
