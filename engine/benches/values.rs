//! Collections of every type, small (packed) and big: one write and one read of each.
//!
//! Members are drawn at random from those there are, so that a collection keeps its size and its encoding.

use core::hint::black_box;
use criterion::{Criterion, criterion_group, criterion_main};
use slotway_engine::config::Config;
use slotway_engine::keyspace::KeyHasher;
use slotway_engine::value::Limits;
use slotway_engine::value::hash::Hash;
use slotway_engine::value::list::{List, Side};
use slotway_engine::value::listpack::Element;
use slotway_engine::value::set::Set;
use slotway_engine::value::sorted_set::SortedSet;

const HASHER: KeyHasher = KeyHasher::new(1);
/// Members of a small collection, and of a big one.
const SIZES: [usize; 2] = [16, 100_000];

fn name(number: usize) -> Vec<u8> {
    format!("member:{number:06}").into_bytes()
}

/// Numbers below `end`, the same in every run.
fn draw(state: &mut u64, end: usize) -> usize {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) as usize % end
}

fn collections(criterion: &mut Criterion) {
    let config = Config::default();
    let limits = Limits { config: &config, hasher: &HASHER };
    for size in SIZES {
        let names: Vec<Vec<u8>> = (0..size).map(name).collect();
        hashes(criterion, &names, &limits);
        sets(criterion, &names, &limits);
        sorted_sets(criterion, &names, &limits);
        lists(criterion, &names, &limits);
    }
}

fn hashes(criterion: &mut Criterion, names: &[Vec<u8>], limits: &Limits<'_>) {
    let (mut hash, mut state) = (Hash::new(), 1);
    for name in names {
        hash.set(name, b"value", limits);
    }
    criterion.bench_function(&id("hash, set", names), |bencher| {
        bencher.iter(|| hash.set(&names[draw(&mut state, names.len())], b"other", limits));
    });
    criterion.bench_function(&id("hash, get", names), |bencher| {
        bencher.iter(|| black_box(hash.borrow().get(&names[draw(&mut state, names.len())]).is_some()));
    });
}

fn sets(criterion: &mut Criterion, names: &[Vec<u8>], limits: &Limits<'_>) {
    let (mut set, mut state) = (Set::new(), 1);
    for name in names {
        set.insert(Element::Bytes(name), limits);
    }
    criterion.bench_function(&id("set, remove and insert", names), |bencher| {
        bencher.iter(|| {
            let name = &names[draw(&mut state, names.len())];
            set.remove(name);
            set.insert(Element::Bytes(name), limits)
        });
    });
    criterion.bench_function(&id("set, contains", names), |bencher| {
        bencher.iter(|| set.borrow().contains(&names[draw(&mut state, names.len())]));
    });
}

fn sorted_sets(criterion: &mut Criterion, names: &[Vec<u8>], limits: &Limits<'_>) {
    let (mut sorted, mut state) = (SortedSet::new(), 1);
    for (score, name) in names.iter().enumerate() {
        sorted.insert(name, score as f64, limits);
    }
    criterion.bench_function(&id("sorted set, new score", names), |bencher| {
        bencher.iter(|| {
            let score = draw(&mut state, names.len()) as f64;
            sorted.insert(&names[draw(&mut state, names.len())], score, limits)
        });
    });
    criterion.bench_function(&id("sorted set, rank", names), |bencher| {
        bencher.iter(|| sorted.borrow().rank(&names[draw(&mut state, names.len())]));
    });
}

fn lists(criterion: &mut Criterion, names: &[Vec<u8>], limits: &Limits<'_>) {
    let mut list = List::collect(names.iter().map(|name| Element::Bytes(name)), limits);
    let mut state = 1;
    criterion.bench_function(&id("list, push and pop", names), |bencher| {
        bencher.iter(|| {
            list.pop(Side::Left, 1, limits);
            list.push(Side::Right, core::iter::once(&names[0][..]), limits);
        });
    });
    criterion.bench_function(&id("list, get", names), |bencher| {
        bencher.iter(|| black_box(list.borrow().get(draw(&mut state, names.len())).is_some()));
    });
}

fn id(what: &str, names: &[Vec<u8>]) -> String {
    format!("{what} of {}", names.len())
}

criterion_group!(benches, collections);
criterion_main!(benches);
