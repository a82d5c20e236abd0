//! Reads a secret where its reference says, at the moment of use, and keeps it nowhere.

use std::fmt;

use catalog::source::CredentialRef;

/// Longest secret that is read, in bytes.
const MAX_BYTES: u64 = 64 * 1024;

/// Why a secret could not be read. Names the reference, never the secret.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// The environment has no such variable, or it is not text.
    #[error("environment variable {name:?} is not set to a text")]
    Environment {
        /// Name of the variable.
        name: String,
    },
    /// The file cannot be read.
    #[error("credential file cannot be read")]
    File {
        /// What the file system said.
        #[source]
        source: std::io::Error,
    },
    /// The secret is there, but is not of the form that the source wants.
    #[error("credential is not {wanted}")]
    Malformed {
        /// The form that was expected, in words.
        wanted: &'static str,
    },
    /// The source does not accept it.
    #[error("credential is not accepted by the source")]
    Refused,
}

/// A secret that was read for immediate use. Prints as dots.
pub struct Secret(String);

impl Secret {
    /// The secret itself: to be handed to the source, and to nothing else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("•••")
    }
}

/// Reads the secret that `reference` points to; white space around it does not count.
///
/// # Errors
/// Where the variable or file is not there, or is empty.
#[expect(clippy::disallowed_methods, reason = "a credential reference is resolved here and nowhere else")]
pub async fn read(reference: &CredentialRef) -> Result<Secret, CredentialError> {
    let text = match reference {
        CredentialRef::Environment(name) => {
            std::env::var(name).map_err(|_| CredentialError::Environment { name: name.clone() })?
        }
        CredentialRef::File(path) => read_file(path).await.map_err(|source| CredentialError::File { source })?,
    };
    let text = text.trim();
    if text.is_empty() {
        return Err(CredentialError::Malformed { wanted: "a text that is not empty" });
    }
    Ok(Secret(text.to_owned()))
}

async fn read_file(path: &std::path::Path) -> std::io::Result<String> {
    let size = tokio::fs::metadata(path).await?.len();
    if size > MAX_BYTES {
        return Err(std::io::Error::new(std::io::ErrorKind::FileTooLarge, "too large for a credential"));
    }
    tokio::fs::read_to_string(path).await
}

/// The parts of `first:second`, both not empty; the second may hold further colons.
pub(crate) fn split_pair(secret: &Secret) -> Option<(&str, &str)> {
    let (first, second) = secret.expose().split_once(':')?;
    (!first.is_empty() && !second.is_empty()).then_some((first, second))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests may unwrap")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_secret_is_read_from_a_file_at_use_and_never_printed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        let reference = CredentialRef::File(path.clone());
        for text in ["ann:hunter2", "ann:other"] {
            std::fs::write(&path, format!("{text}\n")).unwrap();
            let secret = read(&reference).await.unwrap();
            assert_eq!(secret.expose(), text);
            assert!(!format!("{secret:?}").contains(text));
        }
    }

    #[tokio::test]
    async fn a_missing_or_empty_secret_is_an_error_that_names_the_reference_only() {
        let missing = read(&CredentialRef::Environment("MESHGATE_NO_SUCH_SECRET".to_owned())).await.unwrap_err();
        assert!(missing.to_string().contains("MESHGATE_NO_SUCH_SECRET"));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        std::fs::write(&path, " \n").unwrap();
        assert!(read(&CredentialRef::File(path)).await.is_err());
    }

    #[test]
    fn a_pair_has_two_parts_that_are_not_empty() {
        let check = |text: &str, wanted: Option<(&str, &str)>| {
            assert_eq!(split_pair(&Secret(text.to_owned())), wanted, "{text:?}");
        };
        check("ann:pw", Some(("ann", "pw")));
        check("ann:p:w", Some(("ann", "p:w")));
        for bad in ["token", ":pw", "ann:"] {
            check(bad, None);
        }
    }
}
