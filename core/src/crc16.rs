//! CRC-16/XMODEM, the checksum that sends a key to its slot.
//!
//! Polynomial 0x1021, start 0, neither reflected nor inverted; `123456789` gives 0x31C3. The `crc16` crate is the
//! definition, and does the odd bytes in front. Blocks of 16 and 8 bytes go by *slicing*: a CRC is linear, so a block's share is
//! the exclusive or of what each byte would leave behind alone, and these sixteen look-ups do not wait for each
//! other as the byte by byte loop does.
//!
//! Folding by carry-less multiplication is faster still from 24 bytes on, but needs `unsafe` and a run-time test
//! of the processor; keys are short.
//!
//! Source of the rule: CRC catalogue, CRC-16/XMODEM; Redis Cluster specification, appendix A.

mod tables;

use crc16::{State, XMODEM};
use tables::Tables;

/// The CRC-16/XMODEM of `bytes`.
#[inline]
pub fn crc16(bytes: &[u8]) -> u16 {
    let tables = tables::tables();
    let (rest, blocks) = bytes.as_rchunks::<16>();
    let (odd, block) = rest.as_rchunks::<8>();
    let crc = block.iter().fold(of_odd(odd), |crc, block| after_block(tables, crc, block));
    blocks.iter().fold(crc, |crc, block| after_block(tables, crc, block))
}

/// The checksum when `block` follows bytes whose checksum is `crc`. `N` is at least 2, at most [`tables::REACH`].
#[inline(always)]
fn after_block<const N: usize>(tables: &Tables, crc: u16, block: &[u8; N]) -> u16 {
    let [high, low] = crc.to_be_bytes();
    let mut block = *block;
    block[0] ^= high;
    block[1] ^= low;
    let mut crc = 0;
    for (at, byte) in block.into_iter().enumerate() {
        crc ^= tables.left_by(byte, N - 1 - at);
    }
    crc
}

#[inline]
fn of_odd(bytes: &[u8]) -> u16 {
    if bytes.is_empty() { 0 } else { State::<XMODEM>::calculate(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_check_value_of_the_catalogue_holds() {
        assert_eq!(crc16(b"123456789"), 0x31C3);
        assert_eq!(crc16(b""), 0);
    }

    proptest! {
        #[test]
        fn any_bytes_give_what_the_crate_gives(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(crc16(&bytes), State::<XMODEM>::calculate(&bytes));
        }
    }
}
