//! Partial or full: the decision, and what it rests on.

use core::fmt;
use core::str;

/// The name of a history: 40 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplId([u8; 40]);

impl ReplId {
    /// No history.
    pub const NONE: Self = Self([b'0'; 40]);

    /// From random bytes.
    pub fn from_random(bytes: [u8; 20]) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 40];
        for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        Self(text)
    }

    /// From its text; `None` unless that is 40 printable characters. As in Redis they need not be hexadecimal digits.
    pub fn parse(text: &[u8]) -> Option<Self> {
        text.try_into().ok().filter(|text: &[u8; 40]| text.iter().all(u8::is_ascii_graphic)).map(Self)
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).expect("only ASCII gets in")
    }
}

impl fmt::Display for ReplId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ReplId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a node's data has gone through.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct History {
    /// Its name.
    pub id: ReplId,
    /// The offset of its last byte; 0 before the first.
    pub offset: u64,
    /// The name that it had before, and the first offset that is not common.
    pub before: Option<(ReplId, u64)>,
}

/// Where a replica wants to go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Resume {
    /// The history that it knows.
    pub id: ReplId,
    /// The offset of the next byte that it needs.
    pub next: u64,
}

/// Why a replica gets a snapshot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FullSync {
    /// It has no data yet.
    NoData,
    /// It knows another history, or parted from this one earlier.
    OtherHistory,
    /// Nothing is kept for replicas that come back.
    NoBacklog,
    /// What it needs has been dropped: it was away for too long.
    TooOld {
        /// The first byte that is still kept.
        first_kept: u64,
    },
    /// It is further than this node.
    TooNew,
    /// As a replica sees it: the history is the same, but its primary does not keep what it needs any more.
    NotKept,
}

impl FullSync {
    /// How many reasons there are.
    pub const COUNT: usize = Self::NAMES.len();

    /// Their names in INFO, each at its [`index`](Self::index).
    pub const NAMES: [&str; 6] = ["no_data", "other_history", "no_backlog", "too_old", "too_new", "not_kept"];

    /// Its place among the reasons.
    pub const fn index(self) -> usize {
        match self {
            FullSync::NoData => 0,
            FullSync::OtherHistory => 1,
            FullSync::NoBacklog => 2,
            FullSync::TooOld { .. } => 3,
            FullSync::TooNew => 4,
            FullSync::NotKept => 5,
        }
    }

    /// Why a primary whose data stands at `told` answers with a snapshot, as the replica that has `asked` can tell.
    pub fn as_told(asked: Option<Resume>, told: &History) -> Self {
        match asked {
            None => FullSync::NoData,
            Some(Resume { id, .. }) if id != told.id => FullSync::OtherHistory,
            Some(Resume { next, .. }) if next > told.offset + 1 => FullSync::TooNew,
            Some(_) => FullSync::NotKept,
        }
    }
}

impl fmt::Display for FullSync {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FullSync::NoData => f.write_str("it has no data yet"),
            FullSync::OtherHistory => f.write_str("its data has another history (replication ID)"),
            FullSync::NoBacklog => f.write_str("there is no replication backlog"),
            FullSync::TooOld { first_kept } => {
                write!(f, "it was away for too long: the backlog begins at offset {first_kept}")
            }
            FullSync::TooNew => f.write_str("it has read more than its primary has written"),
            FullSync::NotKept => f.write_str("its primary does not keep what it needs any more"),
        }
    }
}

impl History {
    /// A new one.
    pub fn new(id: ReplId) -> Self {
        Self { id, offset: 0, before: None }
    }

    /// The node is a primary from now on: its history goes on under another name.
    pub fn branch(&mut self, id: ReplId) {
        self.before = Some((self.id, self.offset + 1));
        self.id = id;
    }

    /// Its primary has given the history another name.
    pub fn rename(&mut self, id: ReplId) {
        if id != self.id {
            self.branch(id);
        }
    }

    /// Where this node would go on as a replica.
    pub fn resume(&self) -> Resume {
        Resume { id: self.id, next: self.offset + 1 }
    }

    /// Whether a replica can go on at `asked`. `first_kept` is the offset of the first byte in the backlog, if there is one.
    ///
    /// # Errors
    /// Why it needs a snapshot.
    pub fn answer(&self, asked: Option<Resume>, first_kept: Option<u64>) -> Result<(), FullSync> {
        let Resume { id, next } = asked.ok_or(FullSync::NoData)?;
        let is_common =
            id == self.id || self.before.is_some_and(|(before, parted)| id == before && next <= parted);
        match first_kept {
            _ if !is_common => Err(FullSync::OtherHistory),
            None => Err(FullSync::NoBacklog),
            Some(first_kept) if next < first_kept => Err(FullSync::TooOld { first_kept }),
            Some(_) if next > self.offset + 1 => Err(FullSync::TooNew),
            Some(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(byte: u8) -> ReplId {
        ReplId::from_random([byte; 20])
    }

    fn asks(byte: u8, next: u64) -> Option<Resume> {
        Some(Resume { id: id(byte), next })
    }

    #[test]
    fn a_replica_goes_on_within_the_backlog() {
        let history = History { offset: 100, ..History::new(id(1)) };
        for (asked, first_kept, answer) in [
            (asks(1, 101), Some(50), Ok(())),
            (asks(1, 50), Some(50), Ok(())),
            (asks(1, 49), Some(50), Err(FullSync::TooOld { first_kept: 50 })),
            (asks(1, 102), Some(50), Err(FullSync::TooNew)),
            (asks(1, 101), None, Err(FullSync::NoBacklog)),
            (asks(2, 101), Some(50), Err(FullSync::OtherHistory)),
            (None, Some(50), Err(FullSync::NoData)),
        ] {
            assert_eq!(history.answer(asked, first_kept), answer, "{asked:?} of {first_kept:?}");
        }
    }

    #[test]
    fn after_a_promotion_fellow_replicas_go_on_up_to_the_point_where_they_parted() {
        let mut history = History { offset: 100, ..History::new(id(1)) };
        history.branch(id(2));
        history.offset = 150;
        assert_eq!(history.answer(asks(1, 101), Some(1)), Ok(()));
        assert_eq!(history.answer(asks(1, 102), Some(1)), Err(FullSync::OtherHistory));
        assert_eq!(history.answer(asks(2, 151), Some(1)), Ok(()));
        history.rename(id(2));
        assert_eq!(history.before, Some((id(1), 101)), "the same name is no change");
    }

    #[test]
    fn a_replica_finds_why_it_gets_a_snapshot() {
        let told = History { offset: 100, ..History::new(id(1)) };
        for (asked, why) in [
            (None, FullSync::NoData),
            (asks(2, 50), FullSync::OtherHistory),
            (asks(1, 50), FullSync::NotKept),
            (asks(1, 102), FullSync::TooNew),
        ] {
            assert_eq!(FullSync::as_told(asked, &told), why, "{asked:?}");
            assert_eq!(
                FullSync::NAMES[why.index()].replace('_', ""),
                alloc::format!("{why:?}").to_lowercase()
            );
        }
    }

    #[test]
    fn an_id_is_forty_characters() {
        assert_eq!(ReplId::parse(ReplId::NONE.as_str().as_bytes()), Some(ReplId::NONE));
        assert_eq!(ReplId::parse(b"?"), None);
        assert_eq!(ReplId::parse(&[b' '; 40]), None);
        assert_eq!(id(0xab).as_str(), "ab".repeat(20));
    }
}
