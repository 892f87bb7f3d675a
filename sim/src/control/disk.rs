//! The disk of a node: one small file, replaced whole, durable only once it says so.
//!
//! A write that nobody waited for may be lost in a crash, and so may one that is still on its way; any of them may have arrived
//! all the same. A file that is torn is cut anywhere. Disks also rot: a byte is another one. And people put
//! back files that they kept.

use alloc::string::String;
use alloc::vec::Vec;

use crate::chance::{Chance, Permille};

/// Writes that may be lost at a time: older ones have reached the disk by themselves.
const UNSYNCED_MAX: usize = 4;
/// Files of earlier times that somebody may have kept.
const KEPT_MAX: usize = 8;

/// nodes.conf of one node.
#[derive(Debug, Default)]
pub struct Disk {
    durable: String,
    unsynced: Vec<String>,
    syncing: Option<String>,
    /// How many writes have been waited for.
    syncs: u64,
    /// Durable once, the latest last.
    kept: Vec<String>,
}

/// How often a disk gets worse while nobody looks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wear {
    /// A byte of it is another.
    pub rotten: Permille,
    /// It is one of some time ago.
    pub old: Permille,
}

/// What a node finds after a crash.
pub struct Found {
    /// The file.
    pub text: String,
    /// What lies beside it if the file makes no sense: the last copy that was durable.
    pub predecessor: String,
    /// The file, or its predecessor if the file is refused, may be of a time before the last that was durable.
    pub may_be_old: bool,
}

impl Disk {
    /// What has reached the disk for certain.
    pub fn durable(&self) -> &str {
        &self.durable
    }

    /// Writes without waiting.
    pub fn write(&mut self, text: String) {
        self.unsynced.push(text);
        if self.unsynced.len() > UNSYNCED_MAX {
            let durable = self.unsynced.remove(0);
            self.settle(durable);
        }
    }

    /// Begins a write that somebody waits for. Returns its number.
    pub fn begin_sync(&mut self, text: String) -> u64 {
        self.syncing = Some(text);
        self.syncs += 1;
        self.syncs
    }

    /// The number of the write that is being waited for.
    pub fn syncing(&self) -> Option<u64> {
        self.syncing.as_ref().map(|_| self.syncs)
    }

    /// That write has arrived, and with it all before.
    pub fn end_sync(&mut self) {
        if let Some(text) = self.syncing.take() {
            self.settle(text);
            self.unsynced.clear();
        }
    }

    /// The process ends, and the machine goes on: what has been written arrives.
    pub fn outlive(&mut self) -> Found {
        let last = self.syncing.take().or_else(|| self.unsynced.pop());
        self.unsynced.clear();
        let text = last.unwrap_or_else(|| self.durable.clone());
        Found { predecessor: text.clone(), text, may_be_old: false }
    }

    fn settle(&mut self, text: String) {
        let before = core::mem::replace(&mut self.durable, text);
        self.kept.push(before);
        if self.kept.len() > KEPT_MAX {
            self.kept.remove(0);
        }
    }

    /// The machine stops. Of what was not durable, any may have arrived, whole; or torn, if the file system is no better.
    pub fn crash(&mut self, chance: &mut Chance, torn: Permille) -> Found {
        let predecessor = self.durable.clone();
        let mut versions = core::mem::take(&mut self.unsynced);
        versions.extend(self.syncing.take());
        versions.push(predecessor.clone());
        let mut text = versions.swap_remove(chance.below(versions.len()));
        if chance.happens(torn) {
            text.truncate(chance.below(text.len() + 1));
        }
        Found { text, predecessor, may_be_old: false }
    }

    /// What becomes of it until somebody looks.
    pub fn wear_out(&self, found: Found, chance: &mut Chance, wear: Wear) -> Found {
        let draws = [wear.old, wear.rotten].map(|rate| chance.happens(rate));
        match self.kept.first().filter(|kept| !kept.is_empty()).cloned() {
            Some(older) if draws[0] => Found { text: older, may_be_old: true, ..found },
            Some(older) if draws[1] => {
                Found { text: rotten(&found.text, chance), predecessor: older, may_be_old: true }
            }
            _ => found,
        }
    }

    /// What a node goes on with after a crash.
    pub fn go_on_with(&mut self, text: String) {
        self.durable = text;
    }
}

/// The same text but for one bit of one byte, which leaves ASCII what it is.
fn rotten(text: &str, chance: &mut Chance) -> String {
    let at = chance.below(text.len().max(1));
    let bit = 1 << chance.below(7);
    let turned = |(place, byte): (usize, u8)| char::from(if place == at { byte ^ bit } else { byte });
    text.bytes().enumerate().map(turned).collect()
}
