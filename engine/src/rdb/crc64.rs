//! CRC-64 as Redis reckons it: the Jones polynomial, reflected, from 0. `123456789` gives 0xE9C6D914C4B8D9CA.
//!
//! Source of the rule: CRC catalogue, CRC-64/REDIS.

use crc::{CRC_64_REDIS, Crc, Table};

static CRC: Crc<u64, Table<16>> = Crc::<u64, Table<16>>::new(&CRC_64_REDIS);

/// The checksum of bytes that come in pieces.
#[derive(Clone, Copy, Default)]
pub(super) struct Crc64(u64);

impl Crc64 {
    /// The checksum of `bytes`.
    pub(super) fn of(bytes: &[u8]) -> u64 {
        CRC.checksum(bytes)
    }

    /// Goes on with `bytes`.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        // An initial value is given unreflected.
        let mut digest = CRC.digest_with_initial(self.0.reverse_bits());
        digest.update(bytes);
        self.0 = digest.finalize();
    }

    /// The checksum of all bytes so far.
    pub(super) fn value(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_of_the_catalogue_holds_for_pieces_too() {
        assert_eq!(Crc64::of(b"123456789"), 0xE9C6_D914_C4B8_D9CA);
        let mut pieces = Crc64::default();
        pieces.update(b"12345");
        pieces.update(b"");
        pieces.update(b"6789");
        assert_eq!(pieces.value(), 0xE9C6_D914_C4B8_D9CA);
    }
}
