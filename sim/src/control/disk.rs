//! The disk of a node: one small file, replaced whole, durable only once it says so.
//!
//! A write that nobody waited for may be lost in a crash, and so may one that is still on its way; any of them may have arrived
//! all the same. A file that is torn is cut anywhere.

use alloc::string::String;
use alloc::vec::Vec;

use crate::chance::{Chance, Permille};

/// Writes that may be lost at a time: older ones have reached the disk by themselves.
const UNSYNCED_MAX: usize = 4;

/// nodes.conf of one node.
#[derive(Debug, Default)]
pub struct Disk {
    durable: String,
    unsynced: Vec<String>,
    syncing: Option<String>,
    /// How many writes have been waited for.
    syncs: u64,
}

/// What a node finds after a crash.
pub struct Found {
    /// The file.
    pub text: String,
    /// What lies beside it if the file makes no sense: the last copy that was durable.
    pub predecessor: String,
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
            self.durable = self.unsynced.remove(0);
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
            self.durable = text;
            self.unsynced.clear();
        }
    }

    /// The process ends, and the machine goes on: what has been written arrives.
    pub fn outlive(&mut self) -> Found {
        let last = self.syncing.take().or_else(|| self.unsynced.pop());
        self.unsynced.clear();
        let text = last.unwrap_or_else(|| self.durable.clone());
        Found { predecessor: text.clone(), text }
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
        Found { text, predecessor }
    }

    /// What a node goes on with after a crash.
    pub fn go_on_with(&mut self, text: String) {
        self.durable = text;
    }
}
