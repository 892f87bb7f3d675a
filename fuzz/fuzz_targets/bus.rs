//! Bytes from the bus are refused, or are a frame that is emitted to bytes of the same frame.
#![no_main]

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use slotway_core::bus::{Body, ExtensionBuf, FRAME_LEN_MAX, Frame, GossipBuf, frame_len};

/// Frames of real servers to start from, since nobody finds a header of 2256 bytes by chance.
static VECTORS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/vectors/bus");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "hex"));
    files.sort();
    files.iter().map(|path| decode(fs::read_to_string(path).unwrap().trim())).collect()
});

/// Which vector to start from, if any; bytes to change in it; bytes to append; whether to set the length right.
type Input<'a> = (u8, Vec<(u16, u8)>, &'a [u8], bool);

fuzz_target!(|input: Input| {
    let (number, changes, appended, sets_length) = input;
    let mut bytes = VECTORS.get(usize::from(number)).cloned().unwrap_or_default();
    bytes.extend_from_slice(appended);
    for (at, byte) in changes {
        bytes.get_mut(usize::from(at)).into_iter().for_each(|changed| *changed = byte);
    }
    if sets_length && bytes.len() >= 8 {
        let length = bytes.len() as u32;
        bytes[4..8].copy_from_slice(&length.to_be_bytes());
    }
    check_length(&bytes);
    if let Ok(frame) = Frame::parse(&bytes) {
        check_frame(&frame);
    }
});

/// More bytes never change what the first ones told about the length.
fn check_length(bytes: &[u8]) {
    let whole = frame_len(bytes);
    assert!(whole.is_ok_and(|len| len.is_none_or(|len| len <= FRAME_LEN_MAX)) || whole.is_err());
    for cut in 0..bytes.len().min(16) {
        let early = frame_len(&bytes[..cut]);
        assert!(early == Ok(None) || early == whole);
    }
}

fn check_frame(frame: &Frame<'_>) {
    let mut out = Vec::new();
    frame.emit(&mut out);
    assert_eq!(Frame::parse(&out).as_ref(), Ok(frame));
    if let Frame::Full { body: Body::Heartbeat(heartbeat), .. } = frame {
        let (mut gossip, mut extensions) = (GossipBuf::default(), ExtensionBuf::default());
        heartbeat.gossip.iter().for_each(|entry| assert!(gossip.push(&entry)));
        heartbeat.extensions.iter().for_each(|extension| assert!(extensions.push(&extension)));
        assert!(gossip.as_section().iter().eq(heartbeat.gossip.iter()));
        assert!(extensions.as_section().iter().eq(heartbeat.extensions.iter()));
    }
}

fn decode(hex: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(byte).collect()
}
