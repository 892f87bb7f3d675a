//! How a thread gets at the data: by closure, for the length of a command or of a batch, never across a wait.
//!
//! [`ShardAccess`] has two implementations: [`Owned`] here, for one thread that has the data to itself, and the
//! node's locked one, a small mutex per shard. What is held is a [`Held`]: the shards that the command's keys need, no more.

use alloc::vec::Vec;
use core::cell::RefCell;

use slotway_core::slot::Slot;

use crate::keyspace::{Layout, Shard};

/// The shards a command needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ShardSet {
    /// One, by its number: every command with keys in a cluster.
    One(u16),
    /// All of them: keys of several slots without cluster mode.
    All,
}

/// Access to the shards of one node.
pub trait ShardAccess {
    /// How slots lie in shards.
    fn layout(&self) -> Layout;

    /// Runs `visit` with the shards of `set`, taken in ascending order. Must not be called from within `visit`.
    fn with<R>(&self, set: ShardSet, visit: impl FnOnce(&mut Held<'_>) -> R) -> R;
}

/// Shards in hand.
pub enum Held<'a> {
    /// One of them.
    One(&'a mut Shard),
    /// All of them, in order of their numbers.
    All(Vec<&'a mut Shard>),
}

impl Held<'_> {
    /// The shard of `slot`, which must be among those held.
    pub fn shard(&mut self, layout: Layout, slot: Slot) -> &mut Shard {
        match self {
            Held::One(shard) => shard,
            Held::All(shards) => shards[usize::from(layout.shard_of(slot))],
        }
    }

    /// Bytes that the data of the shards held takes.
    pub fn used_memory(&mut self) -> usize {
        let mut bytes = 0;
        self.each(|shard| bytes += shard.used_memory());
        bytes
    }

    /// Visits every shard held, in order.
    pub fn each(&mut self, mut visit: impl FnMut(&mut Shard)) {
        match self {
            Held::One(shard) => visit(shard),
            Held::All(shards) => shards.iter_mut().for_each(|shard| visit(shard)),
        }
    }
}

/// The shards of a node whose data one thread has to itself: no lock is ever taken.
pub struct Owned {
    layout: Layout,
    shard: RefCell<Shard>,
}

impl Owned {
    /// Owns `shard`, the only one of its layout.
    pub fn new(layout: Layout, shard: Shard) -> Self {
        assert_eq!(layout.shards(), 1, "a thread that owns the data needs no more than one shard");
        Self { layout, shard: RefCell::new(shard) }
    }
}

impl ShardAccess for Owned {
    fn layout(&self) -> Layout {
        self.layout
    }

    fn with<R>(&self, _set: ShardSet, visit: impl FnOnce(&mut Held<'_>) -> R) -> R {
        visit(&mut Held::One(&mut self.shard.borrow_mut()))
    }
}

/// [`ShardAccess`] for handlers of whole-node commands, which are not generic.
pub trait WholeKeyspace {
    /// How slots lie in shards.
    fn layout(&self) -> Layout;

    /// Visits every shard in order, one at a time.
    fn each_shard(&self, visit: &mut dyn FnMut(&mut Shard));

    /// Visits the shard with this number.
    fn one_shard(&self, index: u16, visit: &mut dyn FnMut(&mut Shard));

    /// Visits all shards at once, for what must happen to all of them in one moment.
    fn all_shards(&self, visit: &mut dyn FnMut(&mut Held<'_>));
}

impl<A: ShardAccess> WholeKeyspace for A {
    fn layout(&self) -> Layout {
        ShardAccess::layout(self)
    }

    fn each_shard(&self, visit: &mut dyn FnMut(&mut Shard)) {
        for index in 0..ShardAccess::layout(self).shards() {
            self.one_shard(index, visit);
        }
    }

    fn one_shard(&self, index: u16, visit: &mut dyn FnMut(&mut Shard)) {
        self.with(ShardSet::One(index), |held| held.each(&mut *visit));
    }

    fn all_shards(&self, visit: &mut dyn FnMut(&mut Held<'_>)) {
        self.with(ShardSet::All, visit);
    }
}
