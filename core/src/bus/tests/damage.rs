//! What came broken does no harm: it is refused, or is a frame like any other.

use std::string::String;

use super::vectors::{Vector, vectors};
use super::*;

/// What holds of any bytes: they are refused, or are emitted to bytes that parse to the same.
fn check(bytes: &[u8], what: impl Fn() -> String) {
    let Ok(frame) = Frame::parse(bytes) else { return };
    if let Frame::Full { body: Body::Heartbeat(heartbeat), .. } = &frame {
        assert_eq!(heartbeat.gossip.iter().count(), usize::from(heartbeat.gossip.len()), "{}", what());
        assert_eq!(
            heartbeat.extensions.iter().count(),
            usize::from(heartbeat.extensions.len()),
            "{}",
            what()
        );
    }
    let again = emitted(&frame);
    assert_eq!(Frame::parse(&again).as_ref(), Ok(&frame), "{}", what());
}

#[test]
fn a_truncated_frame_is_refused_and_its_length_is_told_from_16_bytes_on() {
    for Vector { name, bytes } in vectors() {
        for cut in 0..bytes.len() {
            let expected = if cut < PREAMBLE_LEN { None } else { Some(bytes.len()) };
            assert_eq!(frame_len(&bytes[..cut]), Ok(expected), "{name} cut at {cut}");
            assert_eq!(Frame::parse(&bytes[..cut]), Err(FrameError::Cut), "{name} cut at {cut}");
        }
    }
}

#[test]
fn a_frame_that_is_short_and_says_so_is_refused_or_whole() {
    for Vector { name, mut bytes } in vectors() {
        while bytes.len() > PREAMBLE_LEN {
            bytes.pop();
            let length = bytes.len() as u32;
            bytes[4..8].copy_from_slice(&length.to_be_bytes());
            check(&bytes, || std::format!("{name} as {length} bytes"));
        }
    }
}

/// Offsets worth damaging: all, but of the slots of the header, which are all alike, only some.
fn offsets(frame: &[u8]) -> impl Iterator<Item = usize> + use<> {
    (0..frame.len()).filter(|at| !(80..2128).contains(at) || at.is_multiple_of(64))
}

#[test]
fn a_flipped_bit_is_refused_or_kept() {
    for Vector { name, mut bytes } in vectors() {
        for (at, bit) in offsets(&bytes).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
            bytes[at] ^= 1 << bit;
            check(&bytes, || std::format!("{name} with bit {bit} of byte {at} flipped"));
            bytes[at] ^= 1 << bit;
        }
    }
}

#[test]
fn a_byte_of_all_ones_or_zeros_is_refused_or_kept() {
    for Vector { name, mut bytes } in vectors() {
        for at in offsets(&bytes) {
            let was = bytes[at];
            for byte in [0, 0x7f, 0x80, 0xff] {
                bytes[at] = byte;
                check(&bytes, || std::format!("{name} with {byte} at {at}"));
            }
            bytes[at] = was;
        }
    }
}
