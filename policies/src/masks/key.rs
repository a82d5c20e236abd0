//! The secret behind the mask `hash`.

use std::fmt;

use hmac::{Hmac, Mac};
use sha2::Sha256;
use sha2::digest::KeyInit;
use zeroize::Zeroize;

/// Block size of SHA-256: a shorter HMAC key is padded to it with zeros.
const BLOCK: usize = 64;

/// Key of the mask `hash`, one for the whole mesh so that hashes join. Without it a hash of a small set of
/// values, such as birthdays, is undone by trying them all. Never printed; wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct HashKey {
    block: [u8; BLOCK],
}

impl HashKey {
    /// The key of these bytes.
    #[must_use]
    pub fn new(mut bytes: [u8; 32]) -> Self {
        let mut block = [0; BLOCK];
        let (used, _) = block.split_at_mut(bytes.len());
        used.copy_from_slice(&bytes);
        bytes.zeroize();
        Self { block }
    }

    /// HMAC-SHA256 of a text in lower-case hexadecimal digits.
    pub(super) fn digest(&self, text: &str) -> String {
        const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
        let mut mac = <Hmac<Sha256> as KeyInit>::new(&self.block.into());
        mac.update(text.as_bytes());
        let bytes = mac.finalize().into_bytes();
        bytes.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]).collect()
    }
}

impl Drop for HashKey {
    fn drop(&mut self) {
        self.block.zeroize();
    }
}

impl fmt::Debug for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_hmac_sha_256() {
        let mut key = [0; 32];
        key[..4].copy_from_slice(b"Jefe");
        // RFC 4231, test case 2.
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(HashKey::new(key).digest("what do ya want for nothing?"), expected);
    }

    #[test]
    fn the_key_is_never_printed() {
        assert_eq!(format!("{:?}", HashKey::new([77; 32])), "HashKey(…)");
    }

    #[test]
    fn another_key_gives_another_hash() {
        assert_ne!(HashKey::new([1; 32]).digest("x"), HashKey::new([2; 32]).digest("x"));
    }
}
