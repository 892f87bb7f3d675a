//! Passwords, of which only the digest is kept.

use sha2::{Digest as _, Sha256};
use slotway_core::resp::error::RuleError;

const LEN: usize = 64;

/// The SHA-256 of a password in lower case hexadecimal digits, as `#` takes it and ACL GETUSER shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct PasswordHash([u8; LEN]);

impl PasswordHash {
    /// The digest of `password`.
    pub(super) fn of(password: &[u8]) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut hex = [0; LEN];
        for (pair, byte) in hex.chunks_exact_mut(2).zip(Sha256::digest(password)) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 0xf)];
        }
        Self(hex)
    }

    /// A digest that is given as text.
    pub(super) fn parse(hex: &[u8]) -> Result<Self, RuleError> {
        let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        match <[u8; LEN]>::try_from(hex) {
            Ok(hex) if hex.iter().all(is_digit) => Ok(Self(hex)),
            Ok(_) | Err(_) => Err(RuleError::PasswordHash),
        }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether they are the same, in a time that does not tell where they differ.
    pub(super) fn matches(&self, other: &PasswordHash) -> bool {
        self.0.iter().zip(&other.0).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_kept_as_its_sha_256() {
        let hash = PasswordHash::of(b"abc");
        let expected = b"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hash.as_bytes(), expected);
        assert_eq!(PasswordHash::parse(expected), Ok(hash.clone()));
        assert!(hash.matches(&PasswordHash::of(b"abc")) && !hash.matches(&PasswordHash::of(b"abd")));
    }

    #[test]
    fn a_hash_has_64_lower_case_digits() {
        for wrong in [&[b'a'; 63][..], &[b'a'; 65], &[b'A'; 64], &[b'g'; 64], b""] {
            assert_eq!(PasswordHash::parse(wrong), Err(RuleError::PasswordHash));
        }
    }
}
