//! The append-only file of a node: a snapshot and the commands behind it, durable up to where it was synced.
//!
//! A process that ends leaves all that it has written. Of what was not synced when a host stops, any beginning may have arrived.

use alloc::vec::Vec;

use slotway_engine::propagation::{Readers, Record, Stream};

use crate::chance::Chance;

/// When what has been written is synced: `appendfsync`, or no file at all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Keeping {
    /// Before anybody hears that it is done.
    Always,
    /// Once a second.
    EverySecond,
    /// There is no file: a node starts without data.
    Nothing,
}

/// The file, as this process has it.
#[derive(Debug)]
pub(super) struct File {
    keeping: Keeping,
    base: Vec<u8>,
    commands: Vec<u8>,
    synced: usize,
    stream: Stream,
}

/// What a node finds when it starts.
#[derive(Debug, Default)]
pub struct Kept {
    /// A snapshot; empty for none.
    pub base: Vec<u8>,
    /// The commands behind it; the last may be cut.
    pub commands: Vec<u8>,
    /// Whether that is all that had been executed.
    pub is_all: bool,
}

impl File {
    pub(super) fn new(keeping: Keeping, kept: Kept) -> Self {
        let synced = kept.commands.len();
        Self { keeping, base: kept.base, commands: kept.commands, synced, stream: Stream::default() }
    }

    pub(super) fn is_on(&self) -> bool {
        self.keeping != Keeping::Nothing
    }

    /// Everything that was written is on disk.
    pub(super) fn is_synced(&self) -> bool {
        self.is_on() && self.synced == self.commands.len()
    }

    pub(super) fn append(&mut self, record: &Record) {
        if self.is_on() {
            self.stream.write(record, Readers::FILE, &mut self.commands);
        }
    }

    /// All data has been replaced by that of a snapshot.
    pub(super) fn restart(&mut self, base: &[u8]) {
        if self.is_on() {
            self.base = base.into();
            self.commands.clear();
            self.synced = 0;
            self.stream.restart();
        }
    }

    /// Replies are about to go out.
    pub(super) fn before_replies(&mut self) {
        if self.keeping == Keeping::Always {
            self.synced = self.commands.len();
        }
    }

    /// A second has passed.
    pub(super) fn sync(&mut self) {
        self.synced = self.commands.len();
    }

    /// The process has ended; the host goes on.
    pub(super) fn outlive(self) -> Kept {
        let is_all = self.is_on();
        Kept { base: self.base, commands: self.commands, is_all }
    }

    /// The host has stopped.
    pub(super) fn crash(mut self, chance: &mut Chance) -> Kept {
        let len = chance.within(self.synced as u64..=self.commands.len() as u64) as usize;
        let is_all = self.is_on() && len == self.commands.len();
        self.commands.truncate(len);
        Kept { base: self.base, commands: self.commands, is_all }
    }
}
