//! ACL LOG: what was refused of late, the latest first. What is refused again and again within a minute is one entry with a count.

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;

use slotway_core::time::UnixMs;

use super::Denied;

/// Entries that are looked at for one to be counted up.
const LOOKED_AT: usize = 10;
/// How old an entry may be that is counted up.
const GROUPED_MS: u64 = 60_000;

/// What was refused of late.
#[derive(Default, Debug)]
pub struct Log {
    entries: VecDeque<Entry>,
    next_id: u64,
    counts: [u64; Reason::ALL.len()],
}

/// Why something was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reason {
    /// A wrong name or password.
    Auth,
    /// A command.
    Command,
    /// A key.
    Key,
    /// A channel.
    Channel,
}

impl Reason {
    /// All of them, in the order in which INFO counts them.
    pub const ALL: [Reason; 4] = [Reason::Auth, Reason::Command, Reason::Key, Reason::Channel];

    /// As ACL LOG names it.
    pub const fn name(self) -> &'static str {
        match self {
            Reason::Auth => "auth",
            Reason::Command => "command",
            Reason::Key => "key",
            Reason::Channel => "channel",
        }
    }
}

impl From<Denied> for Reason {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Command => Reason::Command,
            Denied::Key => Reason::Key,
            Denied::Channel => Reason::Channel,
        }
    }
}

/// Where it was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Context {
    /// A request by itself.
    TopLevel,
    /// A request after MULTI, or EXEC of it.
    Multi,
    /// A script.
    Lua,
}

impl Context {
    /// As ACL LOG names it.
    pub const fn name(self) -> &'static str {
        match self {
            Context::TopLevel => "toplevel",
            Context::Multi => "multi",
            Context::Lua => "lua",
        }
    }
}

/// Something that was refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// Why.
    pub reason: Reason,
    /// Where.
    pub context: Context,
    /// The command, key or channel; the word that has asked for authentication.
    pub object: Vec<u8>,
    /// The user, or the name that was given.
    pub user: Vec<u8>,
}

/// An event, and how often it has happened.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Which.
    pub id: u64,
    /// What.
    pub event: Event,
    /// How often.
    pub count: u64,
    /// When for the first time.
    pub created: UnixMs,
    /// When for the last time.
    pub updated: UnixMs,
    /// Whose connection that was: a line of CLIENT LIST.
    pub client: String,
}

impl Log {
    /// Notes an event of a connection, and forgets what is older than the last `len_max` entries.
    pub fn note(&mut self, event: Event, client: String, now: UnixMs, len_max: usize) {
        self.counts[event.reason as usize] += 1;
        if len_max > 0 {
            match self.take_similar(&event, now) {
                Some(known) => {
                    let count = known.count + 1;
                    self.entries.push_front(Entry { count, updated: now, client, ..known });
                }
                None => {
                    let id = self.next_id;
                    self.next_id += 1;
                    let entry = Entry { id, event, count: 1, created: now, updated: now, client };
                    self.entries.push_front(entry);
                }
            }
        }
        self.entries.truncate(len_max);
    }

    fn take_similar(&mut self, event: &Event, now: UnixMs) -> Option<Entry> {
        let similar = |entry: &Entry| entry.event == *event && now.ms_since(entry.updated) <= GROUPED_MS;
        let at = self.entries.iter().take(LOOKED_AT).position(similar)?;
        self.entries.remove(at)
    }

    /// The entries, the latest first.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = &Entry> {
        self.entries.iter()
    }

    /// Forgets all of them.
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    /// How often something was refused for this reason, since the start.
    pub fn count(&self, reason: Reason) -> u64 {
        self.counts[reason as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(object: &str) -> Event {
        let (object, user) = (object.as_bytes().to_vec(), b"alice".to_vec());
        Event { reason: Reason::Key, context: Context::TopLevel, object, user }
    }

    fn logged(events: &[(&str, u64)], len_max: usize) -> Vec<(u64, String, u64)> {
        let mut log = Log::default();
        for (object, at) in events {
            log.note(event(object), String::new(), UnixMs::from_ms(*at), len_max);
        }
        let object = |entry: &Entry| String::from_utf8(entry.event.object.clone()).expect("text");
        log.entries().map(|entry| (entry.id, object(entry), entry.count)).collect()
    }

    #[test]
    fn the_same_within_a_minute_is_counted_up_and_comes_first() {
        let seen = logged(&[("a", 0), ("b", 1), ("a", 60_000)], 128);
        assert_eq!(seen, [(0, "a".into(), 2), (1, "b".into(), 1)]);
        let seen = logged(&[("a", 0), ("a", 60_001)], 128);
        assert_eq!(seen, [(1, "a".into(), 1), (0, "a".into(), 1)]);
    }

    #[test]
    fn only_the_latest_ten_are_looked_at() {
        let others: Vec<String> = (0..10).map(|number| alloc::format!("k{number}")).collect();
        let mut events = alloc::vec![("a", 0)];
        events.extend(others.iter().map(|object| (&**object, 0)));
        events.push(("a", 0));
        assert_eq!(logged(&events, 128).len(), 12);
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let seen = logged(&[("a", 0), ("b", 0), ("c", 0)], 2);
        assert_eq!(seen, [(2, "c".into(), 1), (1, "b".into(), 1)]);
        assert!(logged(&[("a", 0)], 0).is_empty());
    }
}
