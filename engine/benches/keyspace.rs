//! Reads and writes of one shard, one key at a time and in batches whose cache misses overlap.
//!
//! Keys have 16 bytes and values 64. A figure is for [`BATCH`] keys drawn at random, hashing included. At
//! 2,000,000 keys nearly every bucket and entry is a cache miss, which is what prefetching is for.

use core::hint::black_box;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use slotway_core::time::UnixMs;
use slotway_engine::keyspace::{
    Db, DbIndex, Expiry, Key, KeyHasher, Layout, NewValue, Purpose, Shard, Touch,
};

const HASHER: KeyHasher = KeyHasher::new(1);
const NOW: UnixMs = UnixMs::from_ms(1_700_000_000_000);
const BATCH: usize = 32;

fn name(number: u64) -> [u8; 16] {
    let mut name = *b"key:000000000000";
    let mut rest = number;
    for digit in name[4..].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    name
}

fn filled(keys: u64, value: &[u8], expiry: Expiry) -> Shard {
    let layout = Layout::new(1, 1).expect("one is a power of two");
    let mut shard = Shard::new(layout, 0, HASHER);
    for number in 0..keys {
        shard.db(DbIndex(0)).set(NOW, &HASHER.key(&name(number)), NewValue::Bytes(value), expiry);
    }
    shard
}

/// Names drawn from `keys`, the same in every run.
struct Draw {
    state: u64,
    keys: u64,
}

impl Draw {
    fn batch(&mut self) -> [[u8; 16]; BATCH] {
        core::array::from_fn(|_| {
            self.state =
                self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            name((self.state >> 33) % self.keys)
        })
    }
}

/// What is done with a batch of keys.
#[derive(Clone, Copy)]
enum Work {
    Get,
    Set,
}

fn run(db: &mut Db, keys: &[Key<'_>], work: Work) {
    for key in keys {
        match work {
            Work::Get => black_box(db.find(NOW, key, Touch::Yes, Purpose::Read).is_some()),
            Work::Set => black_box(db.set(NOW, key, NewValue::Bytes(&[b'w'; 64]), Expiry::Clear)),
        };
    }
}

fn reads_and_writes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("keyspace");
    group.throughput(Throughput::Elements(BATCH as u64)).sample_size(30);
    for keys in [100_000, 2_000_000] {
        let mut shard = filled(keys, &[b'v'; 64], Expiry::Clear);
        let mut draw = Draw { state: 1, keys };
        for (label, work) in [("get", Work::Get), ("set", Work::Set)] {
            group.bench_function(BenchmarkId::new(label, keys), |bencher| {
                bencher.iter(|| {
                    let names = draw.batch();
                    names.iter().for_each(|name| run(shard.db(DbIndex(0)), &[HASHER.key(name)], work));
                });
            });
            group.bench_function(BenchmarkId::new(std::format!("{label}, prefetched"), keys), |bencher| {
                bencher.iter(|| {
                    let names = draw.batch();
                    let keys = names.each_ref().map(|name| HASHER.key(name));
                    let db = shard.db(DbIndex(0));
                    keys.iter().for_each(|key| db.prefetch_bucket(key));
                    keys.iter().for_each(|key| db.prefetch_entry(key));
                    run(db, &keys, work);
                });
            });
        }
    }
    group.finish();
}

fn hashing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("hash");
    for len in [8, 16, 40, 128] {
        let bytes = vec![b'k'; len];
        group.bench_function(BenchmarkId::new("slot and hash", len), |bencher| {
            bencher.iter(|| HASHER.key(black_box(&bytes)));
        });
    }
    group.finish();
}

/// Not a time: bytes asked of the allocator per key, printed.
fn memory(_: &mut Criterion) {
    const KEYS: u64 = 1_000_000;
    for value_len in [16, 64] {
        for (label, expiry) in [("", Expiry::Clear), (" with expiry", Expiry::At(NOW.plus_ms(1_000_000)))] {
            let bytes = filled(KEYS, &vec![b'v'; value_len], expiry).used_memory();
            println!("value of {value_len}{label}: {:.1} bytes per key", bytes as f64 / KEYS as f64);
        }
    }
}

criterion_group!(benches, memory, hashing, reads_and_writes);
criterion_main!(benches);
