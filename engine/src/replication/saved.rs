//! Where the stream stood when a snapshot was made, told in the snapshot itself: whoever loads it can go on without another one.
//!
//! Source: `rdbSaveInfoAuxFields`, `rdbPopulateSaveInfo` and `loadDataFromDisk` of Redis 7.2.

use alloc::string::ToString as _;
use core::str;

use slotway_core::replication::ReplId;

use crate::keyspace::DbIndex;
use crate::snapshot::Aux;

const STREAM_DB: &str = "repl-stream-db";
const ID: &str = "repl-id";
const OFFSET: &str = "repl-offset";

/// A point of a stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Saved {
    /// The history.
    pub id: ReplId,
    /// The offset of the last byte that the data has.
    pub offset: u64,
    /// The database that the stream has selected.
    pub db: DbIndex,
}

impl Saved {
    /// As facts of a snapshot.
    pub fn facts(self) -> [Aux; 3] {
        [(STREAM_DB, self.db.0.to_string()), (ID, self.id.to_string()), (OFFSET, self.offset.to_string())]
    }
}

/// What the facts of a snapshot have told of it so far.
#[derive(Clone, Copy, Default, Debug)]
pub struct Told {
    id: Option<ReplId>,
    offset: Option<u64>,
    db: Option<u16>,
}

impl Told {
    /// Takes a fact; others are left alone.
    pub fn take(&mut self, name: &[u8], value: &[u8]) {
        let text = str::from_utf8(value).unwrap_or_default();
        match str::from_utf8(name) {
            Ok(ID) => self.id = ReplId::parse(value),
            Ok(OFFSET) => self.offset = text.parse().ok(),
            Ok(STREAM_DB) => self.db = text.parse().ok(),
            _ => {}
        }
    }

    /// The database that the stream has selected: the first one where that is not told.
    pub fn db(&self) -> DbIndex {
        DbIndex(self.db.unwrap_or_default())
    }

    /// The point, if all of it has been told. As in Redis there is none at the offset 0, and none where the stream has selected nothing (-1).
    pub fn saved(&self) -> Option<Saved> {
        let (id, offset, db) = (self.id?, self.offset?, self.db?);
        (offset > 0).then_some(Saved { id, offset, db: DbIndex(db) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_read_as_it_was() {
        let saved = Saved { id: ReplId::from_random([7; 20]), offset: 1234, db: DbIndex(5) };
        let mut told = Told::default();
        for (name, value) in saved.facts() {
            assert_eq!(told.saved(), None, "not all of it is told");
            told.take(name.as_bytes(), value.as_bytes());
        }
        told.take(b"ctime", b"7");
        assert_eq!(told.saved(), Some(saved));
    }

    #[test]
    fn what_makes_no_sense_is_no_point() {
        for (name, value) in
            [("repl-id", "short"), ("repl-offset", "0"), ("repl-offset", "-1"), ("repl-stream-db", "-1")]
        {
            let mut told = Told::default();
            let facts = Saved { id: ReplId::from_random([7; 20]), offset: 1, db: DbIndex(0) }.facts();
            facts.iter().for_each(|(name, value)| told.take(name.as_bytes(), value.as_bytes()));
            told.take(name.as_bytes(), value.as_bytes());
            assert_eq!(told.saved(), None, "{name} {value}");
        }
    }
}
