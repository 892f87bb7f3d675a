//! `key_slot` and `crc16` against the `crc16` crate, by the length of the key.

use std::hint::black_box;

use crc16::{State, XMODEM};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use slotway_core::crc16::crc16;
use slotway_core::slot::key_slot;

/// Lengths of keys, in bytes.
const LENGTHS: [usize; 6] = [8, 16, 24, 40, 64, 128];

fn slot_of_a_key(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("slot");
    for len in LENGTHS {
        let key: Vec<u8> = (0..len).map(|at| b'a' + (at % 26) as u8).collect();
        let mut measure = |name: &str, hash: fn(&[u8]) -> u16| {
            group.bench_with_input(BenchmarkId::new(name, len), &key, |bencher, key| {
                bencher.iter(|| hash(black_box(key)));
            });
        };
        measure("key_slot", |key| key_slot(key).get());
        measure("crc16", crc16);
        measure("crc16 crate", State::<XMODEM>::calculate);
    }
}

criterion_group!(benches, slot_of_a_key);
criterion_main!(benches);
