//! Versions of Redis, small enough for a table.

use core::fmt;

/// A version of Redis, such as 2.6.12.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Version(u8, u8, u8);

impl Version {
    /// Reads `major.minor.patch`. Meant for constants: panics on anything else.
    pub const fn parse(text: &str) -> Version {
        let bytes = text.as_bytes();
        let mut parts = [0u8; 3];
        let mut part = 0;
        let mut i = 0;
        while i < bytes.len() {
            match bytes[i] {
                b'.' => part += 1,
                digit => parts[part] = parts[part] * 10 + (digit - b'0'),
            }
            i += 1;
        }
        assert!(part == 2, "a version has three parts");
        Version(parts[0], parts[1], parts[2])
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn a_version_prints_as_it_was_read() {
        assert_eq!(Version::parse("2.6.12").to_string(), "2.6.12");
        assert!(Version::parse("2.6.12") > Version::parse("2.6.9"));
    }
}
