//! A secret of this process that signs and seals what it hands out, and digests what it must not keep.

use std::fmt;

use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use sha2::Sha256;

use super::random_bytes;
use crate::error::{Error, ErrorKind};

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

    /// `content` so that only this key can read it, and notices every change; good for this `purpose` alone.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] where the system has no randomness.
    pub(crate) fn seal(&self, purpose: &[u8], content: &[u8]) -> Result<Vec<u8>, Error> {
        let failed = |_| Error::new(ErrorKind::Internal, "internal error");
        let nonce: [u8; NONCE_LEN] = random_bytes()?;
        let mut sealed = content.to_vec();
        let cipher = self.cipher(purpose).map_err(failed)?;
        let nonce_of_this = Nonce::assume_unique_for_key(nonce);
        cipher.seal_in_place_append_tag(nonce_of_this, Aad::empty(), &mut sealed).map_err(failed)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// The content of what this key has sealed for this `purpose`; `None` for anything else.
    pub(crate) fn open(&self, purpose: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, content) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut content = content.to_vec();
        let opened = self.cipher(purpose).ok()?.open_in_place(nonce, Aad::empty(), &mut content).ok()?;
        Some(opened.to_vec())
    }

    /// The cipher of a purpose: its key is a signature that nothing else has.
    fn cipher(&self, purpose: &[u8]) -> Result<LessSafeKey, ring::error::Unspecified> {
        UnboundKey::new(&CHACHA20_POLY1305, &self.sign(&[b"cipher", purpose])).map(LessSafeKey::new)
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
        assert_eq!(key.sign(&[b"ab", b"c"]), signature);
        assert_ne!(key.sign(&[b"a", b"bc"]), signature);
        assert_ne!(key.sign(&[b"abc"]), signature);
        assert_ne!(other.sign(&[b"ab", b"c"]), signature);
    }

    #[test]
    fn what_is_sealed_opens_with_its_own_key_and_purpose_only() {
        let (key, other) = (Key::random().unwrap(), Key::random().unwrap());
        let sealed = key.seal(b"a", b"content").unwrap();
        assert_eq!(key.open(b"a", &sealed).unwrap(), b"content");
        assert!(!sealed.windows(7).any(|bytes| bytes == b"content"));
        assert_ne!(key.seal(b"a", b"content").unwrap(), sealed, "equal contents look different");
        assert!(key.open(b"b", &sealed).is_none() && other.open(b"a", &sealed).is_none());
        assert!(key.open(b"a", &sealed[1..]).is_none() && key.open(b"a", &[]).is_none());
    }
}
