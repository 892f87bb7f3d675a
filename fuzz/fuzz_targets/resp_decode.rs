//! Requests do not depend on how the bytes were cut on their way.
#![no_main]

use libfuzzer_sys::fuzz_target;
use slotway_core::resp::decode::{Decoded, Decoder, Limits, ProtocolError};

type Outcome = (Vec<Vec<Vec<u8>>>, Option<ProtocolError>);

fuzz_target!(|input: (bool, u8, Vec<u8>)| {
    let (authenticated, piece_len, bytes) = input;
    let limits = Limits { bulk_len_max: 1 << 20, authenticated };
    let whole = decode(&bytes, bytes.len().max(1), limits);
    let pieces = decode(&bytes, usize::from(piece_len).max(1), limits);
    assert_eq!(whole, pieces);
});

/// All requests of `bytes` that arrive `piece_len` at a time, and the error that ended them.
fn decode(bytes: &[u8], piece_len: usize, limits: Limits) -> Outcome {
    let (mut decoder, mut buffer, mut requests) = (Decoder::default(), Vec::new(), Vec::new());
    for piece in bytes.chunks(piece_len) {
        buffer.extend_from_slice(piece);
        loop {
            let decoded = decoder.decode(&buffer, limits);
            requests.extend((0..decoder.len()).map(|index| owned(&decoder, &buffer, index)));
            buffer.drain(..decoder.consume());
            match decoded {
                Decoded::All => break,
                Decoded::Full => {}
                Decoded::Broken(error) => return (requests, Some(error)),
            }
        }
    }
    (requests, None)
}

fn owned(decoder: &Decoder, buffer: &[u8], index: usize) -> Vec<Vec<u8>> {
    decoder.request(buffer, index).iter().map(<[u8]>::to_vec).collect()
}
