//! Keys that are held back from writers, because a connection is moving them elsewhere (MIGRATE).
//!
//! A key is held from the moment its value is looked at first until it is removed, or stays. Who wants to write it meanwhile waits in
//! its connection; who reads it does not. What cannot be held back, like a flush or the word of a primary, spoils the hold: then the
//! key is not removed.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;

use crate::keyspace::DbIndex;
use crate::session::ClientId;

/// The keys of a shard that are held.
#[derive(Default)]
pub struct Holds {
    held: BTreeMap<DbIndex, BTreeMap<Box<[u8]>, Hold>>,
}

/// Who holds a key.
struct Hold {
    by: ClientId,
    /// It has been changed all the same.
    is_spoilt: bool,
}

impl Holds {
    /// True if no key is held.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// `by` holds `key` from now on.
    pub fn hold(&mut self, db: DbIndex, key: &[u8], by: ClientId) {
        self.held.entry(db).or_default().insert(key.into(), Hold { by, is_spoilt: false });
    }

    /// Who holds `key`.
    pub fn holder(&self, db: DbIndex, key: &[u8]) -> Option<ClientId> {
        self.get(db, key).map(|hold| hold.by)
    }

    /// Whoever holds any key.
    pub fn any_holder(&self) -> Option<ClientId> {
        self.held.values().flat_map(BTreeMap::values).next().map(|hold| hold.by)
    }

    /// True if `by` holds `key`, and it has not changed since.
    pub fn is_intact(&self, db: DbIndex, key: &[u8], by: ClientId) -> bool {
        self.get(db, key).is_some_and(|hold| hold.by == by && !hold.is_spoilt)
    }

    /// `key` has changed.
    pub(super) fn spoil(&mut self, db: DbIndex, key: &[u8]) {
        if let Some(hold) = self.held.get_mut(&db).and_then(|keys| keys.get_mut(key)) {
            hold.is_spoilt = true;
        }
    }

    /// The keys held of a database.
    pub(super) fn keys(&self, db: DbIndex) -> impl Iterator<Item = &Box<[u8]>> {
        self.held.get(&db).into_iter().flat_map(BTreeMap::keys)
    }

    /// `by` holds `key` no longer.
    pub fn release(&mut self, db: DbIndex, key: &[u8], by: ClientId) {
        if let Some(keys) = self.held.get_mut(&db)
            && keys.get(key).is_some_and(|hold| hold.by == by)
        {
            keys.remove(key);
            if keys.is_empty() {
                self.held.remove(&db);
            }
        }
    }

    /// `by` holds no key any longer.
    pub fn release_all(&mut self, by: ClientId) {
        self.held.retain(|_, keys| {
            keys.retain(|_, hold| hold.by != by);
            !keys.is_empty()
        });
    }

    fn get(&self, db: DbIndex, key: &[u8]) -> Option<&Hold> {
        self.held.get(&db)?.get(key)
    }
}
