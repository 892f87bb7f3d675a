//! Shards behind small mutexes: how several data threads share the data of one node.

use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use slotway_engine::keyspace::{Layout, Shard};
use slotway_engine::shards::{Held, ShardAccess, ShardSet};

/// A shard is not waited for longer than this without a look at what else is to be done.
const WAIT: Duration = Duration::from_millis(10);

/// The shards of a node whose data several threads visit. A thread that has the data to itself uses
/// [`Owned`](slotway_engine::shards::Owned) instead.
pub(crate) struct Locked {
    layout: Layout,
    shards: Box<[Mutex<Shard>]>,
}

impl Locked {
    /// Shares the shards that `make` makes from their numbers.
    pub(crate) fn new(layout: Layout, make: impl FnMut(u16) -> Shard) -> Self {
        Self { layout, shards: (0..layout.shards()).map(make).map(Mutex::new).collect() }
    }
}

impl ShardAccess for Locked {
    fn layout(&self) -> Layout {
        self.layout
    }

    fn with<R>(&self, set: ShardSet, visit: impl FnOnce(&mut Held<'_>) -> R) -> R {
        match set {
            ShardSet::One(index) => visit(&mut Held::One(&mut lock(&self.shards[usize::from(index)]))),
            ShardSet::All => {
                // Always in ascending order, so that two visits cannot wait for each other.
                let mut guards: Vec<MutexGuard<'_, Shard>> = self.shards.iter().map(lock).collect();
                visit(&mut Held::All(guards.iter_mut().map(|guard| &mut **guard).collect()))
            }
        }
    }
}

/// Waits for a shard. A script of another thread may have it for long: then the connections of this thread are answered meanwhile.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    loop {
        match shard.try_lock_for(WAIT) {
            Some(guard) => return guard,
            None => crate::busy::serve(),
        }
    }
}
