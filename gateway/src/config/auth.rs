//! The section `[auth]`: local users, what a client certificate says, and whose tokens are good.

use std::path::{Path, PathBuf};

use catalog::Problem;
use serde::Deserialize;
use toml::Spanned;

use super::oidc::{Oidc, RawOidc};
use super::{FILE, line_of};

/// The checked section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auth {
    /// File of local identities, relative to the mesh folder.
    pub users: PathBuf,
    /// Where a client certificate says whose it is.
    pub certificate: CertificateName,
    /// The identity provider, where there is one.
    pub oidc: Option<Oidc>,
}

/// Where a client certificate says whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CertificateName {
    /// Its mail address; where it has none, the common name of its subject.
    #[default]
    EmailOrCommonName,
    /// Its mail address (subject alternative name).
    Email,
    /// Its DNS name (subject alternative name).
    Dns,
    /// The common name of its subject.
    CommonName,
}

/// The section as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawAuth {
    users: PathBuf,
    certificate: Option<Spanned<String>>,
    oidc: Option<Spanned<RawOidc>>,
}

impl Default for RawAuth {
    fn default() -> Self {
        Self { users: "users.toml".into(), certificate: None, oidc: None }
    }
}

impl RawAuth {
    /// The checked section of a `mesh.toml` that is `text`; `None` where there is a mistake.
    pub(super) fn check(self, takes_certificates: bool, text: &str, problems: &mut Vec<Problem>) -> Option<Auth> {
        let Self { users, certificate, oidc } = self;
        let certificate = match certificate {
            None => Some(CertificateName::default()),
            Some(written) => {
                let name = CertificateName::of(written.get_ref(), takes_certificates);
                let line = line_of(text, written.span().start);
                let problem = |(message, remedy)| problems.push(Problem::at(Path::new(FILE), line, message, remedy));
                name.map_err(problem).ok()
            }
        };
        let oidc = match oidc {
            None => Some(None),
            Some(section) => {
                let at = section.span().start;
                section.into_inner().check(at, text, problems).map(Some)
            }
        };
        Some(Auth { users, certificate: certificate?, oidc: oidc? })
    }
}

impl CertificateName {
    fn of(text: &str, takes_certificates: bool) -> Result<Self, (String, &'static str)> {
        let name = match text {
            "email" => Self::Email,
            "dns" => Self::Dns,
            "cn" => Self::CommonName,
            _ => return Err((format!("auth.certificate is {text:?}"), "write `email`, `dns` or `cn`")),
        };
        if !takes_certificates {
            let message = "auth.certificate has no effect: no client shows a certificate".to_owned();
            return Err((message, "add `client_ca` to [tls], or remove it"));
        }
        Ok(name)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may unwrap")]
    use super::super::Config;
    use super::*;

    fn parse(sections: &str) -> Result<Auth, String> {
        let text = format!("name = \"r\"\n{sections}");
        Config::parse(Path::new("/mesh"), &text).map(|config| config.auth).map_err(|problems| problems.to_string())
    }

    #[test]
    fn the_name_in_a_certificate_can_be_chosen_where_clients_show_one() {
        let tls = "[tls]\ncert = \"c\"\nkey = \"k\"\nclient_ca = \"a\"\n";
        assert_eq!(parse(tls).unwrap().certificate, CertificateName::EmailOrCommonName);
        for (text, name) in
            [("email", CertificateName::Email), ("dns", CertificateName::Dns), ("cn", CertificateName::CommonName)]
        {
            assert_eq!(parse(&format!("{tls}[auth]\ncertificate = {text:?}")).unwrap().certificate, name);
        }
        let told = parse(&format!("{tls}[auth]\ncertificate = \"uri\"")).unwrap_err();
        assert!(told.contains("mesh.toml:7: auth.certificate is \"uri\"\n    write `email`"), "{told}");
        let told = parse("[auth]\ncertificate = \"cn\"").unwrap_err();
        assert!(told.contains("mesh.toml:3: auth.certificate has no effect"), "{told}");
    }
}
