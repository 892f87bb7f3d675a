//! Client-side caching: which connections may have which keys in their caches, and are to be told of changes.
//!
//! ```text
//!   a tracked client reads k  --> remember      k -> clients                          (the table; bounded)
//!   somebody changes k        --> invalidate    those clients, once; and k is forgotten
//!                                               prefixes of k: k is noted             (BCAST)
//!   a batch of requests ends  --> broadcast     each prefix's keys to its clients
//! ```
//!
//! Keys are remembered without their database, as in Redis: a change in another one costs a client a read, and nothing else. A
//! client that has gone is found out when it is to be told.
//!
//! Nothing is sent here: see `dispatch/tracking.rs`. As long as nobody tracks, a change of a key costs one test.
//!
//! Source of the rules: `tracking.c` of Redis 7.2.

pub(crate) mod message;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::ops::Bound;

use crate::session::ClientId;

/// How a connection wants to be told: what CLIENT TRACKING said.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Wish {
    /// Of which keys.
    pub mode: Mode,
    /// Not of its own changes.
    pub no_loop: bool,
    /// Another connection is told in its place.
    pub redirect: Option<ClientId>,
}

/// Of which keys a connection is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Mode {
    /// Those that it has read.
    #[default]
    Default,
    /// Those that it reads after CLIENT CACHING YES.
    OptIn,
    /// Those that it reads, but for what follows CLIENT CACHING NO.
    OptOut,
    /// All with one of its prefixes.
    Broadcast,
}

/// The connections of a node that are told of changes.
#[derive(Default, Debug)]
pub struct Tracking {
    clients: BTreeMap<ClientId, Tracker>,
    /// Who may have a key.
    table: BTreeMap<Box<[u8]>, BTreeSet<ClientId>>,
    /// Sum of the lengths of the table's sets.
    items: usize,
    prefixes: BTreeMap<Box<[u8]>, Prefix>,
    /// Where in the table keys are forgotten next, if there are too many.
    cursor: Box<[u8]>,
}

#[derive(Debug)]
struct Tracker {
    wish: Wish,
    /// The connection that is told in its place has gone.
    is_broken: bool,
    /// In BCAST mode.
    prefixes: BTreeSet<Box<[u8]>>,
}

#[derive(Default, Debug)]
struct Prefix {
    clients: BTreeSet<ClientId>,
    /// Keys that have changed, and who has changed them last; `None` for nobody, they have expired.
    changed: BTreeMap<Box<[u8]>, Option<ClientId>>,
}

/// Somebody is to be told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Notice {
    /// Who tracks.
    pub tracker: ClientId,
    /// Who is told in its place.
    pub redirect: Option<ClientId>,
    /// The keys; `None` for all that there are.
    pub keys: Option<Vec<Box<[u8]>>>,
}

/// Figures for INFO.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TrackingFigures {
    /// Connections that track.
    pub clients: usize,
    /// Keys of the table.
    pub keys: usize,
    /// Clients of all these keys.
    pub items: usize,
    /// Prefixes of BCAST mode.
    pub prefixes: usize,
}

impl Tracking {
    /// `client` tracks from now on, or does so in another way. Prefixes are added to those that it has.
    pub fn begin(&mut self, client: ClientId, wish: Wish, prefixes: &[&[u8]]) {
        let tracker = self.clients.entry(client).or_insert_with(|| Tracker {
            wish,
            is_broken: false,
            prefixes: BTreeSet::new(),
        });
        (tracker.wish, tracker.is_broken) = (wish, false);
        if wish.mode != Mode::Broadcast {
            return;
        }
        let all: &[&[u8]] = &[b""];
        for prefix in if prefixes.is_empty() { all } else { prefixes } {
            tracker.prefixes.insert((*prefix).into());
            self.prefixes.entry((*prefix).into()).or_default().clients.insert(client);
        }
    }

    /// `client` tracks no more.
    pub fn end(&mut self, client: ClientId) {
        let Some(tracker) = self.clients.remove(&client) else { return };
        for prefix in tracker.prefixes {
            let Some(entry) = self.prefixes.get_mut(&prefix) else { continue };
            entry.clients.remove(&client);
            if entry.clients.is_empty() {
                self.prefixes.remove(&prefix);
            }
        }
        if self.clients.is_empty() {
            *self = Self::default();
        }
    }

    /// Whether nobody tracks.
    pub fn is_empty(&self) -> bool {
        self.clients.is_empty()
    }

    /// The prefixes of a client in BCAST mode.
    pub fn prefixes_of(&self, client: ClientId) -> impl Iterator<Item = &[u8]> {
        self.clients
            .get(&client)
            .into_iter()
            .flat_map(|tracker| tracker.prefixes.iter().map(|prefix| &**prefix))
    }

    /// Whether the connection that is told in place of `client` has gone.
    pub fn is_broken(&self, client: ClientId) -> bool {
        self.clients.get(&client).is_some_and(|tracker| tracker.is_broken)
    }

    /// It has.
    pub fn set_broken(&mut self, client: ClientId) {
        if let Some(tracker) = self.clients.get_mut(&client) {
            tracker.is_broken = true;
        }
    }

    /// `client` has read `key`.
    pub fn remember(&mut self, client: ClientId, key: &[u8]) {
        let who = match self.table.get_mut(key) {
            Some(who) => who,
            None => self.table.entry(key.into()).or_default(),
        };
        self.items += usize::from(who.insert(client));
    }

    /// Forgets keys past `keys_max`, unless that is 0: who may have them is told as if they had changed.
    pub fn limit(&mut self, keys_max: u64, notices: &mut Vec<Notice>) {
        let keys_max = usize::try_from(keys_max).unwrap_or(usize::MAX);
        while keys_max > 0 && self.table.len() > keys_max {
            let behind = (Bound::Excluded(&*self.cursor), Bound::Unbounded);
            let next = self.table.range::<[u8], _>(behind).next().or_else(|| self.table.first_key_value());
            let Some(key) = next.map(|(key, _)| key.clone()) else { return };
            self.invalidate_read(&key, None, notices);
            self.cursor = key;
        }
    }

    /// `key` was changed by `changer`, or has expired, while a command of `current` was executed.
    pub fn invalidate(
        &mut self,
        key: &[u8],
        changer: Option<ClientId>,
        current: Option<ClientId>,
        notices: &mut Vec<Notice>,
    ) {
        // An empty map is asked nothing.
        for (prefix, entry) in &mut self.prefixes {
            if key.starts_with(prefix) {
                entry.changed.insert(key.into(), changer);
            }
        }
        self.invalidate_read(key, current, notices);
    }

    fn invalidate_read(&mut self, key: &[u8], current: Option<ClientId>, notices: &mut Vec<Notice>) {
        let Some(who) = self.table.remove(key) else { return };
        self.items -= who.len();
        for client in who {
            let Some(Tracker { wish, .. }) = self.clients.get(&client) else { continue };
            let is_own = wish.no_loop && Some(client) == current;
            if wish.mode != Mode::Broadcast && !is_own {
                let keys = Some(alloc::vec![key.into()]);
                notices.push(Notice { tracker: client, redirect: wish.redirect, keys });
            }
        }
    }

    /// All keys of a database have gone: everybody is told.
    pub fn invalidate_all(&mut self, notices: &mut Vec<Notice>) {
        (self.table, self.items) = (BTreeMap::new(), 0);
        notices.extend(self.clients.iter().map(|(client, tracker)| Notice {
            tracker: *client,
            redirect: tracker.wish.redirect,
            keys: None,
        }));
    }

    /// Whether there is something to broadcast.
    pub fn has_broadcasts(&self) -> bool {
        self.prefixes.values().any(|prefix| !prefix.changed.is_empty())
    }

    /// What has changed below each prefix since the last time.
    pub fn broadcast(&mut self, notices: &mut Vec<Notice>) {
        for prefix in self.prefixes.values_mut() {
            let changed = core::mem::take(&mut prefix.changed);
            for client in prefix.clients.iter().filter(|_| !changed.is_empty()) {
                let Some(Tracker { wish, .. }) = self.clients.get(client) else { continue };
                let is_meant = |changer: &Option<ClientId>| !(wish.no_loop && *changer == Some(*client));
                let keys: Vec<Box<[u8]>> = changed
                    .iter()
                    .filter(|(_, changer)| is_meant(changer))
                    .map(|(key, _)| key.clone())
                    .collect();
                if !keys.is_empty() {
                    notices.push(Notice { tracker: *client, redirect: wish.redirect, keys: Some(keys) });
                }
            }
        }
    }

    /// How much there is.
    pub fn figures(&self) -> TrackingFigures {
        TrackingFigures {
            clients: self.clients.len(),
            keys: self.table.len(),
            items: self.items,
            prefixes: self.prefixes.len(),
        }
    }
}
