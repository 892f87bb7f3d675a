//! What clients ask for, by seed.
//!
//! Keys come in hash tags, a few keys each, so that commands with several keys find them in one slot. Some names are
//! binary, some tags are empty or broken braces, since those hash in ways of their own. Every value written is written
//! once only: a read then tells which write it saw.

use alloc::format;
use alloc::vec::Vec;

use crate::chance::{Chance, Permille};
use crate::history::{Bytes, Call};

/// Keys of each tag.
const KEYS_PER_TAG: usize = 3;
/// Times to live, in milliseconds: some end within the run.
const TTL_MS: core::ops::RangeInclusive<u64> = 5..=400;

/// What one client asks for.
pub struct Workload {
    chance: Chance,
    keys: Vec<Vec<Bytes>>,
    /// Calls still to come.
    left: usize,
    client: usize,
    values: u64,
    kind: Kind,
}

/// What is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// All calls there are: where nothing may be lost, each reply can be judged by all before it.
    Mixed,
    /// Tokens are appended and read: where writes may be lost, the last value tells which were.
    Tokens,
}

impl Workload {
    /// The `operations` calls of `client`, over `tags` hash tags that all clients of the seed share.
    pub fn new(seed: u64, kind: Kind, client: usize, tags: usize, operations: usize) -> Self {
        let chance = Chance::stream(seed, &format!("workload {client}"));
        Self { chance, keys: keys(seed, tags), left: operations, client, values: 0, kind }
    }

    /// The next call; `None` when all have been asked.
    pub fn next_call(&mut self) -> Option<Call> {
        self.left = self.left.checked_sub(1)?;
        let tag = self.chance.pick(&self.keys).clone();
        let key = self.chance.pick(&tag).clone();
        if self.kind == Kind::Tokens {
            let reads = self.chance.happens(Permille(300));
            return Some(if reads { Call::Get(key) } else { Call::Append(key, self.token()) });
        }
        Some(match self.chance.below(100) {
            0..24 => Call::Get(key),
            24..40 => Call::Set(key, self.value()),
            40..48 => Call::SetFor(key, self.value(), self.chance.within(TTL_MS)),
            48..52 => Call::Expire(key, self.chance.within(TTL_MS)),
            52..66 => Call::Increment(key),
            66..74 => Call::Append(key, self.value()),
            74..80 => Call::Take(key),
            80..88 => Call::SetAll(tag.into_iter().map(|key| (key, self.value())).collect()),
            88..97 => Call::GetAll(tag),
            _ => Call::GetAll([key, self.chance.pick(&self.keys)[0].clone()].into()),
        })
    }

    /// There is nothing more to ask for.
    pub fn stop(&mut self) {
        self.left = 0;
    }

    /// A token never written before.
    fn token(&mut self) -> Bytes {
        self.values += 1;
        format!("{}.{};", self.client, self.values).into_bytes()
    }

    /// A value never written before: sometimes a number, so that INCR finds some.
    fn value(&mut self) -> Bytes {
        self.values += 1;
        let number = self.values * 10 + self.client as u64;
        match self.chance.below(3) {
            0 => format!("{number}").into_bytes(),
            1 => format!("v{number};").into_bytes(),
            _ => [&[0, 0xff, b'\r', b'\n'][..], format!("{number}").as_bytes()].concat(),
        }
    }
}

/// All keys of a seed, by tag.
pub fn keys(seed: u64, tags: usize) -> Vec<Vec<Bytes>> {
    let mut chance = Chance::stream(seed, "keys");
    (0..tags).map(|tag| keys_of_tag(tag, &mut chance)).collect()
}

fn keys_of_tag(tag: usize, chance: &mut Chance) -> Vec<Bytes> {
    let name = chance.next() % 1_000_000;
    match chance.below(4) {
        0 => [format!("{{}}{tag}:{name}").into_bytes()].into(),
        1 => [[&[0xff, 0, b'\n'][..], format!("{tag}:{name}").as_bytes()].concat()].into(),
        _ => (0..KEYS_PER_TAG).map(|key| format!("{key}{{{tag}:{name}}}").into_bytes()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use slotway_core::slot::key_slot;

    #[test]
    fn keys_of_a_tag_lie_in_one_slot_and_are_the_same_for_all_clients() {
        for seed in 0..20 {
            for tag in keys(seed, 5) {
                assert!(tag.iter().all(|key| key_slot(key) == key_slot(&tag[0])));
            }
            assert_eq!(keys(seed, 5), Workload::new(seed, Kind::Mixed, 3, 5, 1).keys);
        }
    }
}
