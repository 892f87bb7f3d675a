//! Bytes as Redis has them, and registers against a plain array.

use std::format;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;

const SPARSE_LEN_MAX: u64 = 3000;

fn counted<E: AsRef<[u8]>>(elements: impl IntoIterator<Item = E>, sparse_len_max: u64) -> Vec<u8> {
    let mut bytes = empty();
    let mut hll = HllMut::new(&mut bytes, sparse_len_max);
    for element in elements {
        hll.add(element.as_ref()).expect("registers of our own");
    }
    bytes
}

fn view(bytes: &[u8]) -> HllRef<'_> {
    HllRef::parse(bytes).expect("a HyperLogLog of our own")
}

fn registers(bytes: &[u8]) -> Vec<u8> {
    let mut registers = Registers::new();
    registers.merge(view(bytes)).expect("registers of our own");
    registers.as_slice().to_vec()
}

#[test]
fn bytes_are_those_of_redis() {
    assert_eq!(empty(), b"HYLL\x01\0\0\0\0\0\0\0\0\0\0\0\x7f\xff");
    assert_eq!(
        counted(["a", "b", "c"], SPARSE_LEN_MAX),
        b"HYLL\x01\0\0\0\0\0\0\0\0\0\0\x80\x60\xf3\x80\x50\xb1\x84\x4b\xfb\x80\x42\x5a"
    );
}

#[test]
fn the_hash_is_murmur() {
    // As PFDEBUG DECODE of Redis 7.2 shows, for texts shorter and longer than a word.
    for (element, register, value) in
        [("a", 12711, 2), ("hello", 9216, 1), ("12345678", 10579, 3), ("123456789012345", 4659, 1)]
    {
        assert_eq!(sighting(element.as_bytes()), Sighting { register, value });
    }
}

#[test]
fn many_elements_make_it_dense() {
    let bytes = counted((0..5000).map(|n| format!("{n}")), SPARSE_LEN_MAX);
    assert_eq!(view(&bytes).encoding(), Encoding::Dense);
    assert_eq!(bytes.len(), DENSE_LEN);
    let sparse = counted((0..5000).map(|n| format!("{n}")), u64::MAX);
    assert_eq!(view(&sparse).encoding(), Encoding::Sparse);
    assert_eq!(registers(&bytes), registers(&sparse));
    assert_eq!(view(&bytes).estimate(), view(&sparse).estimate());
}

#[test]
fn a_count_is_kept_until_a_register_changes() {
    let mut bytes = counted(["a"], SPARSE_LEN_MAX);
    assert_eq!(view(&bytes).cached_count(), None);
    HllMut::new(&mut bytes, SPARSE_LEN_MAX).cache_count(1);
    assert_eq!(view(&bytes).cached_count(), Some(1));
    assert_eq!(HllMut::new(&mut bytes, SPARSE_LEN_MAX).add(b"a"), Ok(false));
    assert_eq!(view(&bytes).cached_count(), Some(1));
    assert_eq!(HllMut::new(&mut bytes, SPARSE_LEN_MAX).add(b"b"), Ok(true));
    assert_eq!(view(&bytes).cached_count(), None);
}

#[test]
fn what_is_no_hyperloglog_is_refused() {
    let mut dense = counted(["a"], 0);
    assert!(HllRef::parse(&dense).is_some());
    dense.push(0);
    let foreign: [&[u8]; 5] =
        [b"", b"HYLL", b"HYLX\x01\0\0\0\0\0\0\0\0\0\0\0", b"HYLL\x02\0\0\0\0\0\0\0\0\0\0\0", &dense];
    for bytes in foreign {
        assert!(HllRef::parse(bytes).is_none(), "{bytes:?}");
    }
}

#[test]
fn runs_that_cover_too_little_or_too_much_are_found_out() {
    let header = b"HYLL\x01\0\0\0\0\0\0\0\0\0\0\x80";
    for runs in [&b""[..], b"\x7f", b"\x7f\xfe", b"\x7f\xff\x00"] {
        let mut bytes = [&header[..], runs].concat();
        assert_eq!(view(&bytes).estimate(), Err(Corrupted), "{runs:?}");
        assert_eq!(Registers::new().merge(view(&bytes)), Err(Corrupted), "{runs:?}");
        assert_eq!(HllMut::new(&mut bytes, 0).make_dense(), Err(Corrupted), "{runs:?}");
    }
}

#[test]
fn the_self_test_passes() {
    assert_eq!(self_test(), Ok(()));
}

proptest! {
    #[test]
    fn registers_hold_the_largest_value_that_came(
        steps in prop::collection::vec((0usize..40, 1u8..35), 0..300),
        sparse_len_max in 0u64..200,
    ) {
        let (mut bytes, mut model) = (empty(), std::vec![0u8; REGISTERS]);
        let mut hll = HllMut::new(&mut bytes, sparse_len_max);
        for (register, value) in steps {
            // Near the ends and the middle, where runs meet.
            let register = [register, REGISTERS - 1 - register, REGISTERS / 2 + register][register % 3];
            let is_more = value > model[register];
            prop_assert_eq!(hll.raise(register, value), Ok(is_more));
            model[register] = model[register].max(value);
        }
        prop_assert_eq!(registers(&bytes), model);
    }

    #[test]
    fn any_bytes_do_no_harm(tail in prop::collection::vec(any::<u8>(), 0..40), elements in any::<[u64; 4]>()) {
        let mut bytes = [&b"HYLL\x01\0\0\0\0\0\0\0\0\0\0\x80"[..], &tail].concat();
        for element in elements {
            // Corrupted or not, it ends without a panic.
            let _ = HllMut::new(&mut bytes, 100).add(&element.to_le_bytes());
            let _ = view(&bytes).estimate();
            let _ = view(&bytes).decode();
            let _ = Registers::new().merge(view(&bytes));
        }
    }
}
