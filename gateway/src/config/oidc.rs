//! The section `[auth.oidc]`: whose tokens are good, and what they say of their holder.

use std::path::{Path, PathBuf};

use catalog::{Name, Problem};
use serde::Deserialize;
use toml::Spanned;
use url::{Host, Url};

use super::{FILE, line_of};

/// Where identity providers put the name of their user.
const SUBJECT: &str = "sub";

/// The claim that is read for roles where none is named.
const ROLES: &str = "roles";

/// The checked section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Oidc {
    /// Who signs the tokens: what their `iss` says, letter by letter.
    pub issuer: String,
    /// Whom the tokens are for: what their `aud` says or holds.
    pub audience: String,
    /// Where the issuer's keys are.
    pub jwks: Jwks,
    /// The claim that names the user.
    pub subject: String,
    /// The claim that lists roles.
    pub roles: String,
    /// The claims that are attributes.
    pub attributes: Vec<String>,
}

impl Oidc {
    /// The file of the keys, where they are in one.
    #[must_use]
    pub fn keys_file(&self) -> Option<&Path> {
        match &self.jwks {
            Jwks::Url(_) => None,
            Jwks::File(file) => Some(file),
        }
    }
}

/// Where the keys of an issuer are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Jwks {
    /// At a server: `https`, or `http` on this machine.
    Url(Url),
    /// In a file, as it is written: relative to the mesh folder, or absolute.
    File(PathBuf),
}

/// The section as it is written. Every value knows its place, so that all mistakes can be told at once.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawOidc {
    issuer: Option<Spanned<String>>,
    audience: Option<Spanned<String>>,
    jwks: Option<Spanned<String>>,
    subject: Option<Spanned<String>>,
    roles: Option<Spanned<String>>,
    attributes: Option<Vec<Spanned<String>>>,
}

impl RawOidc {
    /// The checked section, which begins at byte `at` of `text`; `None` where there is a mistake.
    pub(super) fn check(self, at: usize, text: &str, problems: &mut Vec<Problem>) -> Option<Oidc> {
        let Self { issuer, audience, jwks, subject, roles, attributes } = self;
        let mut checker = Checker { text, at, problems };
        let issuer = checker.required("issuer", issuer, "write what the `iss` of its tokens says");
        let audience = checker.required("audience", audience, "write what the `aud` of tokens for this mesh says");
        let place = jwks.as_ref().map_or(at, |jwks| jwks.span().start);
        let jwks = checker.required("jwks", jwks, "write the URL of the issuer's keys (its `jwks_uri`), or a file");
        let jwks = jwks.and_then(|text| keys(&text).map_err(|bad| checker.problem(place, bad, KEYS)).ok());
        let subject = checker.claim("subject", subject, SUBJECT);
        let roles = checker.claim("roles", roles, ROLES);
        let attributes = checker.attributes(&attributes.unwrap_or_default());
        Some(Oidc {
            issuer: issuer?,
            audience: audience?,
            jwks: jwks?,
            subject: subject?,
            roles: roles?,
            attributes: attributes?,
        })
    }
}

const KEYS: &str = "write an https:// address, or a file; http:// is for this machine only: who can change the keys on \
                    their way can sign tokens";

/// Collects what is wrong with the values, each with its line.
struct Checker<'a> {
    text: &'a str,
    at: usize,
    problems: &'a mut Vec<Problem>,
}

impl Checker<'_> {
    fn problem(&mut self, at: usize, message: String, remedy: &str) {
        self.problems.push(Problem::at(Path::new(FILE), line_of(self.text, at), message, remedy));
    }

    fn required(&mut self, key: &str, value: Option<Spanned<String>>, remedy: &str) -> Option<String> {
        let Some(value) = value else {
            self.problem(self.at, format!("[auth.oidc] has no `{key}`"), remedy);
            return None;
        };
        self.filled(key, value, remedy)
    }

    fn claim(&mut self, key: &str, value: Option<Spanned<String>>, default: &str) -> Option<String> {
        match value {
            None => Some(default.to_owned()),
            Some(value) => self.filled(key, value, "name a claim, or leave the key out"),
        }
    }

    fn filled(&mut self, key: &str, value: Spanned<String>, remedy: &str) -> Option<String> {
        if value.get_ref().trim().is_empty() {
            self.problem(value.span().start, format!("auth.oidc.{key} is empty"), remedy);
            return None;
        }
        Some(value.into_inner())
    }

    fn attributes(&mut self, names: &[Spanned<String>]) -> Option<Vec<String>> {
        let mut good = Vec::new();
        for name in names {
            let text = name.get_ref();
            if policies::is_reserved_attribute(text) {
                let message = format!("auth.oidc.attributes names {text:?}, which says who somebody is");
                let remedy = "remove it; rules use current_user() and has_role('…')";
                self.problem(name.span().start, message, remedy);
            } else if text.parse::<Name>().is_err() {
                let message = format!("auth.oidc.attributes names {text:?}, which is not the name of an attribute");
                let remedy = "use small letters, digits and `_`; let the identity provider call the claim so";
                self.problem(name.span().start, message, remedy);
            } else {
                good.push(text.clone());
            }
        }
        (good.len() == names.len()).then_some(good)
    }
}

fn keys(text: &str) -> Result<Jwks, String> {
    let Some((scheme, _)) = text.split_once("://") else { return Ok(Jwks::File(text.into())) };
    let url = Url::parse(text).map_err(|error| format!("auth.oidc.jwks {text:?} is not an address: {error}"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("auth.oidc.jwks holds a credential".into());
    }
    match scheme {
        "https" => Ok(Jwks::Url(url)),
        "http" if is_loopback(&url) => Ok(Jwks::Url(url)),
        "http" => Err(format!("auth.oidc.jwks {text:?} is http:// beyond loopback")),
        other => Err(format!("auth.oidc.jwks has the scheme {other:?}")),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may unwrap")]
    use super::super::Config;
    use super::*;

    const GOOD: &str = "[auth.oidc]\nissuer = \"https://login.example\"\naudience = \"meshgate\"\n";

    fn parse(section: &str) -> Result<Option<Oidc>, String> {
        let text = format!("name = \"r\"\n{section}");
        Config::parse(Path::new("/mesh"), &text).map(|config| config.auth.oidc).map_err(|problems| problems.to_string())
    }

    fn check(section: &str, problems: &[&str]) {
        let told = parse(section).unwrap_err();
        for expected in problems {
            assert!(told.contains(expected), "{expected}: {told}");
        }
    }

    #[test]
    fn every_key_can_be_set_and_the_claims_have_defaults() {
        assert_eq!(parse("").unwrap(), None);
        let oidc = parse(&format!("{GOOD}jwks = \"https://login.example/keys\"")).unwrap().unwrap();
        assert_eq!((oidc.subject.as_str(), oidc.roles.as_str()), ("sub", "roles"));
        assert_eq!(oidc.jwks, Jwks::Url(Url::parse("https://login.example/keys").unwrap()));
        assert!(oidc.attributes.is_empty());
        let all = "jwks = \"keys/issuer.json\"\nsubject = \"email\"\nroles = \"realm_access.roles\"\n\
                   attributes = [\"region\", \"level\"]";
        let oidc = parse(&format!("{GOOD}{all}")).unwrap().unwrap();
        assert_eq!((oidc.subject.as_str(), oidc.roles.as_str()), ("email", "realm_access.roles"));
        assert_eq!(oidc.jwks, Jwks::File("keys/issuer.json".into()));
        assert_eq!(oidc.attributes, ["region", "level"]);
    }

    #[test]
    fn all_mistakes_are_told_at_once_with_their_lines() {
        check("[auth.oidc]\nattributes = []", &["2: [auth.oidc] has no `issuer`", "no `audience`", "no `jwks`"]);
        check(
            "[auth.oidc]\nissuer = \"\"\naudience = \"a\"\njwks = \"http://login.example/keys\"\nroles = \" \"\n\
             attributes = [\"region\",\n\"roles\", \"User\", \"a.b\"]",
            &[
                "mesh.toml:3: auth.oidc.issuer is empty",
                "mesh.toml:5: auth.oidc.jwks \"http://login.example/keys\" is http:// beyond loopback\n    write an https://",
                "mesh.toml:6: auth.oidc.roles is empty",
                "mesh.toml:8: auth.oidc.attributes names \"roles\", which says who somebody is",
                "mesh.toml:8: auth.oidc.attributes names \"User\", which says who somebody is",
                "mesh.toml:8: auth.oidc.attributes names \"a.b\", which is not the name of an attribute",
            ],
        );
        check("[auth.oidc]\nissuer = \"a\"\nrole = \"r\"", &["mesh.toml:4: unknown field `role`"]);
    }

    #[test]
    fn keys_come_over_tls_or_from_this_machine() {
        for good in ["https://a.example/keys", "http://127.0.0.1:80/keys", "http://[::1]/keys", "http://localhost/keys"]
        {
            assert!(matches!(keys(good), Ok(Jwks::Url(_))), "{good}");
        }
        for bad in [
            "http://a.example/keys",
            "http://localhost.example/",
            "http://127.0.0.1.example/",
            "file:///keys",
            "https://",
            "https://u:p@a.example/",
        ] {
            assert!(keys(bad).is_err(), "{bad}");
        }
        assert_eq!(keys("keys.json"), Ok(Jwks::File("keys.json".into())));
    }
}
