//! A line splits into words that were in it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use slotway_core::resp::inline::split_args;

fuzz_target!(|line: &[u8]| {
    let Ok(words) = split_args(line) else { return };
    assert!(words.iter().map(Vec::len).sum::<usize>() <= line.len());
    let has_special = line.iter().any(|byte| matches!(byte, b'"' | b'\'' | b'\\' | 0..=31));
    if !has_special {
        let plain: Vec<&[u8]> = line.split(|byte| *byte == b' ').filter(|word| !word.is_empty()).collect();
        assert_eq!(words, plain);
    }
});
