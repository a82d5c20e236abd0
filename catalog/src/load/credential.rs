//! Reads `credentialRef`: where a secret is found, never the secret.

use std::path::Path;

use super::report::Fault;
use crate::source::CredentialRef;

const REMEDY: &str = "write `env:NAME` (an environment variable) or `file:PATH`; never the secret itself";

/// `env:NAME` or `file:PATH`, the path made absolute against the mesh folder.
///
/// What is refused is not repeated: it may be the secret.
pub(super) fn read(text: &str, mesh_folder: &Path) -> Result<CredentialRef, Fault> {
    match text.split_once(':') {
        Some(("env", name)) if is_variable(name) => Ok(CredentialRef::Environment(name.to_owned())),
        Some(("env", _)) => Err(Fault::new("names no environment variable", REMEDY)),
        Some(("file", path)) if !path.trim().is_empty() && !path.chars().any(char::is_control) => {
            Ok(CredentialRef::File(mesh_folder.join(path)))
        }
        Some(("file", _)) => Err(Fault::new("names no file", REMEDY)),
        Some(("vault", _)) => Err(Fault::new("points into a vault, which is not supported yet", REMEDY)),
        Some(_) | None => Err(Fault::new("does not say where the secret is found", REMEDY)),
    }
}

fn is_variable(name: &str) -> bool {
    let starts = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    starts && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<&CredentialRef>) {
        assert_eq!(read(text, Path::new("/mesh")).ok().as_ref(), expected, "{text:?}");
    }

    #[test]
    fn a_credential_is_a_variable_or_a_file() {
        check("env:S3_KEY", Some(&CredentialRef::Environment("S3_KEY".to_owned())));
        check("file:secrets/s3", Some(&CredentialRef::File("/mesh/secrets/s3".into())));
        check("file:/run/secrets/s3", Some(&CredentialRef::File("/run/secrets/s3".into())));
        for bad in ["env:", "env:A-B", "env:1A", "env: A", "file:", "file: ", "file:a\0b", "vault:kv/s3#key", "s3", ""]
        {
            check(bad, None);
        }
    }

    #[test]
    fn a_secret_written_by_mistake_is_not_repeated() {
        for text in ["hunter2", "env:hunter2!", "password:hunter2", "vault:hunter2"] {
            assert!(!format!("{:?}", read(text, Path::new("/mesh"))).contains("hunter2"), "{text}");
        }
    }
}
