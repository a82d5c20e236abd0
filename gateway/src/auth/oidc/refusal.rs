//! Why a token is not good. For the log of the gateway only: its sender gets one text for all of them.

use super::remote::NoKeys;

/// Why a token is not good.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in super::super) enum Refusal {
    #[error("it is not a signed JWT")]
    Form,
    #[error("its algorithm is not one of RS, PS, ES256, ES384 and EdDSA")]
    Algorithm,
    #[error("its header has `crit`, of which nothing is known here")]
    Critical,
    #[error("its `typ` says that it is not for signing in")]
    Type,
    #[error("the issuer has no key, or more than one, for its `kid` and `alg`")]
    UnknownKey,
    #[error("no keys of the issuer: {0}")]
    NoKeys(#[from] NoKeys),
    #[error("its signature is not by the issuer's key")]
    Signature,
    #[error("its claims are not a JSON object, or one comes twice")]
    Claims,
    #[error("its `iss` is not auth.oidc.issuer")]
    Issuer,
    #[error("its `aud` does not hold auth.oidc.audience")]
    Audience,
    #[error("it has no `exp`, or one that is no time")]
    NoExpiry,
    #[error("it has expired")]
    Expired,
    #[error("its `nbf` or `iat` lies in the future, or is no time")]
    NotYet,
    #[error("its `cnf` binds it to another client than this connection's")]
    Bound,
    #[error("the claim that auth.oidc.subject names is missing or not a user name")]
    Subject,
    #[error("its mail address is not verified, and auth.oidc.subject is `email`")]
    Unverified,
    #[error("the claim that auth.oidc.roles names is neither a text nor a list of texts")]
    Roles,
}
