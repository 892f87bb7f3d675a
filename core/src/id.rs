//! Names of nodes, of shards and of migrations: 40 characters of `a-z` and `0-9`.
//!
//! Redis makes them of 20 random bytes in hexadecimal, but accepts any of these characters from others, and so do we.

use alloc::string::String;
use core::fmt;

/// Characters of a node's or shard's name.
pub const ID_LEN: usize = 40;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; ID_LEN]);

        impl $name {
            /// Reads a name: exactly 40 characters of `a-z` and `0-9`.
            pub fn parse(text: &[u8]) -> Option<Self> {
                parse(text).map(Self)
            }

            /// The name that 20 random bytes make: their hexadecimal digits.
            pub fn from_random(bytes: [u8; ID_LEN / 2]) -> Self {
                Self(hex(bytes))
            }

            /// The characters of the name, as on the wire.
            pub const fn as_bytes(&self) -> &[u8; ID_LEN] {
                &self.0
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                core::str::from_utf8(&self.0).expect("names are ASCII: parse and from_random give nothing else")
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.as_str().into()
            }
        }
    };
}

id! {
    /// The name of a node, for its whole life.
    NodeId
}

id! {
    /// The name of a shard: a primary and its replicas, whichever of them is primary now.
    ShardId
}

id! {
    /// The name of a migration of slots, the same on both sides.
    JobId
}

fn parse(text: &[u8]) -> Option<[u8; ID_LEN]> {
    let name: [u8; ID_LEN] = text.try_into().ok()?;
    name.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()).then_some(name)
}

fn hex(bytes: [u8; ID_LEN / 2]) -> [u8; ID_LEN] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut name = [0; ID_LEN];
    for (pair, byte) in name.chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_40_characters_of_a_to_z_and_digits() {
        let letters = [b'z'; ID_LEN];
        assert_eq!(NodeId::parse(&letters).unwrap().as_bytes(), &letters);
        assert_eq!(NodeId::parse(&letters[1..]), None);
        assert_eq!(NodeId::parse(&[b'z'; ID_LEN + 1]), None);
        for wrong in [b'Z', b'-', 0, 0xff] {
            let mut name = letters;
            name[7] = wrong;
            assert_eq!(ShardId::parse(&name), None, "byte {wrong}");
        }
    }

    #[test]
    fn random_bytes_make_their_hexadecimal_digits() {
        let id = NodeId::from_random(*b"\x00\x0f\xf0\xffabcdefghijklmnop");
        assert_eq!(id.as_str(), "000ff0ff6162636465666768696a6b6c6d6e6f70");
        assert_eq!(NodeId::parse(id.as_bytes()), Some(id));
    }
}
