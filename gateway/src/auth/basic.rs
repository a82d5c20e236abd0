//! What a caller shows: the forms of the `authorization` header, and the payload of an old handshake.

use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use http::HeaderMap;
use http::header::AUTHORIZATION;

/// Longest user name in bytes.
pub(super) const MAX_USER_BYTES: usize = 128;

/// Longest password in bytes; more would only cost time to hash.
const MAX_PASSWORD_BYTES: usize = 1_024;

/// Longest header value with a password, or payload, that is looked at.
const MAX_CREDENTIAL_BYTES: usize = 4_096;

/// Longest header value with a token: those of identity providers list roles and groups.
const MAX_TOKEN_BYTES: usize = 16 << 10;

/// Header in which old Flight clients bring their token.
const OLD_TOKEN: &str = "auth-token-bin";

/// Go clients leave the padding out, others write it (RFC 7617 wants it).
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What a caller shows, not yet proven.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// A user name with a password.
    Basic {
        /// Name of the user.
        user: String,
        /// His password.
        password: String,
    },
    /// A token.
    Bearer(String),
}

impl Credential {
    /// A user name with a password, within their bounds.
    #[must_use]
    pub fn basic(user: &str, password: &str) -> Option<Self> {
        let good = !user.is_empty() && user.len() <= MAX_USER_BYTES && password.len() <= MAX_PASSWORD_BYTES;
        good.then(|| Self::Basic { user: user.to_owned(), password: password.to_owned() })
    }

    /// Who it claims to be of; a token does not say.
    pub(crate) fn user(&self) -> Option<&str> {
        match self {
            Self::Basic { user, password: _ } => Some(user),
            Self::Bearer(_) => None,
        }
    }

    /// Whether the headers show anything, good or not: then nothing else says who calls.
    pub(crate) fn is_shown(headers: &HeaderMap) -> bool {
        headers.contains_key(AUTHORIZATION) || headers.contains_key(OLD_TOKEN)
    }

    /// What the headers of a call show. The header `auth-token-bin` is what `authenticate` of old Flight clients
    /// sends: the payload of their handshake's answer.
    #[must_use]
    pub fn of_headers(headers: &HeaderMap) -> Option<Self> {
        if let Some(value) = headers.get(AUTHORIZATION) {
            return Self::of_authorization(value.to_str().ok()?);
        }
        let value = headers.get(OLD_TOKEN)?.as_bytes();
        if value.len() > MAX_TOKEN_BYTES {
            return None;
        }
        Some(Self::Bearer(String::from_utf8(BASE64.decode(value).ok()?).ok()?))
    }

    fn of_authorization(value: &str) -> Option<Self> {
        if value.len() > MAX_TOKEN_BYTES {
            return None;
        }
        let (scheme, rest) = value.trim().split_once(' ')?;
        let rest = rest.trim();
        if scheme.eq_ignore_ascii_case("bearer") {
            return (!rest.is_empty()).then(|| Self::Bearer(rest.to_owned()));
        }
        if !scheme.eq_ignore_ascii_case("basic") || value.len() > MAX_CREDENTIAL_BYTES {
            return None;
        }
        let decoded = String::from_utf8(BASE64.decode(rest).ok()?).ok()?;
        let (user, password) = decoded.split_once(':')?;
        Self::basic(user, password)
    }
}

/// Never shows a secret.
impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Basic { user, password: _ } => write!(f, "Basic({user:?})"),
            Self::Bearer(_) => f.write_str("Bearer"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may unwrap")]
    use super::*;

    #[expect(clippy::needless_pass_by_value, reason = "reads better where it is called")]
    fn check(name: &'static str, value: &str, expected: Option<Credential>) {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        assert_eq!(Credential::of_headers(&headers), expected, "{name}: {value}");
    }

    fn authorization(value: &str, expected: Option<Credential>) {
        check("authorization", value, expected);
    }

    #[test]
    fn basic_credentials_are_read_with_and_without_padding() {
        for value in ["Basic YWI6Yw", "Basic YWI6Yw==", "basic YWI6Yw=", "BASIC  YWI6Yw== "] {
            authorization(value, Credential::basic("ab", "c"));
        }
        authorization("Basic YTpiOmM=", Credential::basic("a", "b:c"));
        authorization("Basic YTo", Credential::basic("a", ""));
    }

    #[test]
    fn what_is_no_credential_is_none() {
        for value in
            ["", "Basic", "Basic !!", "Basic YWI", "Basic Og==", "Basic /w==", "Digest abc", "Bearer", "Bearer "]
        {
            authorization(value, None);
        }
        authorization(&format!("Bearer {}", "x".repeat(20_000)), None);
        authorization(&format!("Basic {}", "YWI6".repeat(2_000)), None);
        let long = BASE64.encode(format!("{}:p", "u".repeat(200)));
        authorization(&format!("Basic {long}"), None);
        assert_eq!(Credential::of_headers(&HeaderMap::new()), None);
    }

    #[test]
    fn a_token_comes_as_bearer_or_in_the_header_of_old_clients() {
        authorization("Bearer abc", Some(Credential::Bearer("abc".into())));
        authorization("bearer abc", Some(Credential::Bearer("abc".into())));
        check("auth-token-bin", &BASE64.encode("abc"), Some(Credential::Bearer("abc".into())));
        check("auth-token-bin", "YWJj", Some(Credential::Bearer("abc".into())));
        check("auth-token-bin", "!", None);
    }

    #[test]
    fn a_credential_does_not_print_its_secret() {
        let shown = format!("{:?}", (Credential::basic("ann", "hunter2"), Credential::Bearer("hunter2".into())));
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
