//! A secret of this process that signs what it hands out, and digests what it must not keep.

use std::fmt;

use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::random_bytes;
use crate::error::Error;

/// A random key for HMAC-SHA256. It ends with the process, and with it all that it signed.
pub(crate) struct Key([u8; 64]);

impl Key {
    /// A new key.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Internal`] where the system has no randomness.
    pub(crate) fn random() -> Result<Self, Error> {
        Ok(Self(random_bytes()?))
    }

    /// The signature of `parts`, each told apart from the next.
    pub(crate) fn sign(&self, parts: &[&[u8]]) -> [u8; 32] {
        self.digest(parts).finalize().into_bytes().into()
    }

    /// Whether `signature` is that of `parts`; takes the same time wherever it differs.
    pub(crate) fn verify(&self, parts: &[&[u8]], signature: &[u8]) -> bool {
        self.digest(parts).verify_slice(signature).is_ok()
    }

    fn digest(&self, parts: &[&[u8]]) -> Hmac<Sha256> {
        let mut digest = <Hmac<Sha256> as KeyInit>::new(&self.0.into());
        for part in parts {
            digest.update(&(part.len() as u64).to_le_bytes());
            digest.update(part);
        }
        digest
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may unwrap")]
    use super::*;

    #[test]
    fn a_signature_holds_for_its_own_parts_and_key_only() {
        let (key, other) = (Key::random().unwrap(), Key::random().unwrap());
        let signature = key.sign(&[b"ab", b"c"]);
        assert!(key.verify(&[b"ab", b"c"], &signature));
        assert!(!key.verify(&[b"a", b"bc"], &signature));
        assert!(!key.verify(&[b"abc"], &signature));
        assert!(!other.verify(&[b"ab", b"c"], &signature));
        assert!(!key.verify(&[b"ab", b"c"], &signature[1..]) && !key.verify(&[b"ab", b"c"], &[]));
    }
}
