//! The 46 bytes of text in which the bus carries addresses, and host names that stand in their place.

use alloc::format;
use core::fmt;
use core::net::IpAddr;

/// Bytes of the field: as long as the longest IPv6 literal and its NUL.
pub const ADDRESS_LEN: usize = 46;

/// An address as text, up to 45 bytes: mostly an IPv4 or IPv6 literal, but whatever `cluster-announce-ip` of the
/// sender says. Empty means "the address that the connection comes from".
///
/// What follows the first NUL of the field is not kept: the end of a longer, older address may be there.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct AddressText([u8; ADDRESS_LEN]);

impl AddressText {
    /// No text: the sender is where the connection comes from.
    pub const EMPTY: Self = Self([0; ADDRESS_LEN]);

    /// The text of a field: up to its first NUL, or up to its last byte.
    pub fn from_field(field: &[u8; ADDRESS_LEN]) -> Self {
        Self::truncated(field)
    }

    /// The field: the text, NUL padded.
    pub const fn to_field(self) -> [u8; ADDRESS_LEN] {
        self.0
    }

    /// A text to announce, cut at its first NUL or after 45 bytes, as Redis cuts it.
    pub fn truncated(text: &[u8]) -> Self {
        let mut field = [0; ADDRESS_LEN];
        let text = text.iter().take(ADDRESS_LEN - 1).take_while(|byte| **byte != 0);
        field.iter_mut().zip(text).for_each(|(into, byte)| *into = *byte);
        Self(field)
    }

    /// The bytes of the text, 0 to 45, whatever they are.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.split(|byte| *byte == 0).next().unwrap_or_default()
    }

    /// True for "the address that the connection comes from".
    pub fn is_empty(&self) -> bool {
        self.as_bytes().is_empty()
    }

    /// The text, if an address or a host name can be written so: letters, digits and `.:_%-`. With anything else
    /// in it, such as a space or a line break, it would say something else in nodes.conf and in replies.
    pub fn as_str(&self) -> Option<&str> {
        let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b".:_%-".contains(byte);
        let text = Some(self.as_bytes()).filter(|text| text.iter().all(is_plain));
        text.and_then(|text| core::str::from_utf8(text).ok())
    }

    /// The address, if the text is a literal.
    pub fn ip(&self) -> Option<IpAddr> {
        self.as_str()?.parse().ok()
    }
}

impl Default for AddressText {
    fn default() -> Self {
        Self::EMPTY
    }
}

/// Its literal, which fits: 45 bytes are the longest.
impl From<IpAddr> for AddressText {
    fn from(ip: IpAddr) -> Self {
        Self::truncated(format!("{ip}").as_bytes())
    }
}

impl fmt::Debug for AddressText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AddressText({})", self.as_bytes().escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_is_read_from_its_field() {
        for literal in ["127.0.0.1", "::1", "abcd:abcd:abcd:abcd:abcd:abcd:192.168.100.200"] {
            let text = AddressText::truncated(literal.as_bytes());
            assert_eq!(AddressText::from_field(&text.to_field()), text);
            assert_eq!(text.as_str(), Some(literal));
            assert_eq!(text.ip(), literal.parse().ok());
        }
        let longest: IpAddr = "abcd:abcd:abcd:abcd:abcd:abcd:abcd:abcd".parse().unwrap();
        assert_eq!(AddressText::from(longest).ip(), Some(longest));
    }

    #[test]
    fn an_empty_text_is_no_address() {
        assert!(AddressText::EMPTY.is_empty());
        assert_eq!(AddressText::default().ip(), None);
        assert_eq!(AddressText::EMPTY.as_str(), Some(""));
    }

    #[test]
    fn what_follows_the_first_nul_is_not_kept() {
        let mut field = AddressText::truncated(b"10.0.0.1").to_field();
        field[9] = b'7';
        assert_eq!(AddressText::from_field(&field), AddressText::truncated(b"10.0.0.1"));
    }

    #[test]
    fn a_field_without_nul_ends_before_its_last_byte() {
        let text = AddressText::from_field(&[b'a'; ADDRESS_LEN]);
        assert_eq!(text.as_bytes(), [b'a'; ADDRESS_LEN - 1]);
        assert_eq!(text.to_field()[ADDRESS_LEN - 1], 0);
    }

    #[test]
    fn a_text_that_would_break_a_line_is_kept_but_not_shown() {
        for wrong in ["a b", "a\nb", "a,b", "a@b", "ä"] {
            let text = AddressText::truncated(wrong.as_bytes());
            assert_eq!(text.as_bytes(), wrong.as_bytes());
            assert_eq!((text.as_str(), text.ip()), (None, None), "{wrong}");
        }
    }
}
