use super::super::db::{Purpose, next_random};
use super::super::{ClockPolicy, Expiry, KeyHasher, Layout, NewValue, Touch};
use super::*;
use alloc::format;
use alloc::string::String;

const START: UnixMs = UnixMs::from_ms(1_700_000_000_000);
const ALL_IDLE: Eviction = Eviction { among: Among::All, first: First::Idle };

fn later(secs: u64) -> UnixMs {
    START.plus_ms(secs * 1000)
}

fn shard() -> Shard {
    Shard::new(Layout::new(1, 2).unwrap(), 0, KeyHasher::new(7))
}

fn set(shard: &mut Shard, db: u16, name: &str, expiry: Expiry) {
    let hasher = shard.settings.hasher;
    shard.db(DbIndex(db)).set(START, &hasher.key(name.as_bytes()), NewValue::Bytes(b"value"), expiry);
}

fn touch(shard: &mut Shard, now: UnixMs, name: &str) {
    let hasher = shard.settings.hasher;
    shard.db(DbIndex(0)).find(now, &hasher.key(name.as_bytes()), Touch::Yes, Purpose::Read);
}

/// The keys that go when `count` are evicted, each with its database.
fn evicted(shard: &mut Shard, now: UnixMs, eviction: Eviction, count: usize) -> Vec<(u16, String)> {
    let mut state = 1;
    let mut one = || shard.evict_one(now, eviction, 5, &mut || next_random(&mut state));
    let names = core::iter::from_fn(|| one().map(|(db, key)| (db.0, String::from_utf8(key.into()).unwrap())));
    names.take(count).collect()
}

/// How many of the keys called `hot:...` are among those.
fn hot(evicted: &[(u16, String)]) -> usize {
    evicted.iter().filter(|(_, name)| name.starts_with("hot")).count()
}

#[test]
fn keys_in_use_survive_under_lru() {
    let mut shard = shard();
    for number in 0..1000 {
        set(&mut shard, 0, &format!("cold:{number}"), Expiry::Clear);
        set(&mut shard, 0, &format!("hot:{number}"), Expiry::Clear);
    }
    for number in 0..1000 {
        touch(&mut shard, later(60), &format!("hot:{number}"));
    }
    let gone = evicted(&mut shard, later(61), ALL_IDLE, 700);
    assert_eq!(gone.len(), 700);
    assert!(hot(&gone) < 10, "{}", hot(&gone));
    assert_eq!(shard.counters().evicted, 700);
    assert_eq!(shard.db(DbIndex(0)).len(), 1300);
}

#[test]
fn keys_often_used_survive_under_lfu() {
    let mut shard = shard();
    shard.set_clock_policy(ClockPolicy::Lfu { log_factor: 0, decay_minutes: 1 });
    for number in 0..500 {
        set(&mut shard, 0, &format!("cold:{number}"), Expiry::Clear);
        set(&mut shard, 0, &format!("hot:{number}"), Expiry::Clear);
        for _ in 0..5 {
            touch(&mut shard, START, &format!("hot:{number}"));
        }
    }
    let gone = evicted(&mut shard, START, Eviction { among: Among::All, first: First::Rare }, 350);
    assert!(hot(&gone) < 10, "{}", hot(&gone));
}

#[test]
fn the_key_that_expires_next_goes_first_and_keys_without_expiry_stay() {
    let mut shard = shard();
    for number in 0..100 {
        set(&mut shard, 0, &format!("persistent:{number}"), Expiry::Clear);
        set(&mut shard, 0, &format!("soon:{number}"), Expiry::At(later(100)));
        set(&mut shard, 0, &format!("hot:{number}"), Expiry::At(later(9_000)));
    }
    let volatile = Eviction { among: Among::Volatile, first: First::Expiring };
    let gone = evicted(&mut shard, START, volatile, 90);
    assert!(hot(&gone) < 5, "{}", hot(&gone));
    assert_eq!(evicted(&mut shard, START, volatile, 1000).len(), 110);
    assert_eq!(shard.db(DbIndex(0)).len(), 100);
}

#[test]
fn the_only_key_with_an_expiry_is_found_among_many_of_its_slot() {
    let mut shard = shard();
    for number in 0..3000 {
        set(&mut shard, 0, &format!("{{slot}}{number}"), Expiry::Clear);
    }
    set(&mut shard, 0, "{slot}volatile", Expiry::At(later(1)));
    let any = Eviction { among: Among::Volatile, first: First::Any };
    assert_eq!(evicted(&mut shard, START, any, 5), [(0, "{slot}volatile".into())]);
}

#[test]
fn every_key_of_every_database_has_its_chance() {
    let mut shard = shard();
    for number in 0..300 {
        // One slot with many keys, and many slots with one.
        set(&mut shard, 0, &format!("{{one}}{number}"), Expiry::Clear);
        set(&mut shard, 0, &format!("hot:{number}"), Expiry::Clear);
    }
    set(&mut shard, 1, "other", Expiry::Clear);
    let any = Eviction { among: Among::All, first: First::Any };
    let gone = evicted(&mut shard, START, any, 200);
    assert!((70..130).contains(&hot(&gone)), "{}", hot(&gone));
    assert!(gone.contains(&(1, "other".into())));
    assert_eq!(evicted(&mut shard, START, any, 1000).len(), 401);
}

#[test]
fn a_candidate_that_is_used_while_it_waits_is_spared() {
    let mut shard = shard();
    for number in 0..10 {
        set(&mut shard, 0, &format!("{number}"), Expiry::Clear);
    }
    // All ten are in the pool by now.
    let first = evicted(&mut shard, later(10), ALL_IDLE, 1);
    for number in 0..9 {
        touch(&mut shard, later(20), &format!("{number}"));
    }
    let next = evicted(&mut shard, later(20), ALL_IDLE, 1);
    assert_eq!((first.len(), next), (1, Vec::from([(0, "9".into())])));
}
