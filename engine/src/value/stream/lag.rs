//! How far a consumer group is behind: reckoned from counters, since entries have no numbers.
//!
//! The counter of an id is how many entries had ever been added when the entry with that id was. It is known at the ends of the stream, and
//! further on by counting what is read, as long as no entry that is still to be read has been deleted.

use super::group::Group;
use super::id::StreamId;
use super::log::Log;

impl Log {
    /// How many entries `group` has not been given yet; `None` where that cannot be told.
    pub fn lag(&self, group: &Group) -> Option<i64> {
        let read = match group.entries_read() {
            _ if self.marks().entries_added == 0 => Some(0),
            Some(read) if !self.is_holed_from(group.last_id()) => Some(read),
            _ => self.counter_of(group.last_id()),
        };
        read.map(|read| self.marks().entries_added.wrapping_sub(read) as i64)
    }

    /// The counter of a group that stood at `read` when it is given the entry `id`; `None` if that cannot be told.
    pub(super) fn counter_after(&self, read: Option<u64>, id: StreamId) -> Option<u64> {
        match read {
            Some(read) if !self.is_holed_from(id) => Some(read.wrapping_add(1)),
            _ => self.counter_of(id),
        }
    }

    /// The counter of `id`, how many entries had been added when that one was; `None` if that cannot be told.
    pub fn counter_of(&self, id: StreamId) -> Option<u64> {
        let marks = self.marks();
        let added = marks.entries_added;
        let is_whole = !self.is_holed();
        match id {
            _ if added == 0 => Some(0),
            id if id == marks.last_id || (self.len() == 0 && id < marks.last_id) => Some(added),
            id if id > marks.last_id => None,
            id if is_whole && id < marks.first_id => Some(added.wrapping_sub(self.len())),
            id if is_whole && id == marks.first_id => Some(added.wrapping_sub(self.len()).wrapping_add(1)),
            _ => None,
        }
    }

    /// True if an entry from `id` on has been deleted out of the middle of the stream.
    fn is_holed_from(&self, id: StreamId) -> bool {
        self.len() > 0 && self.is_holed() && id <= self.marks().max_deleted_id
    }

    /// True if entries have been deleted behind the first one that is left.
    fn is_holed(&self) -> bool {
        let marks = self.marks();
        marks.max_deleted_id != StreamId::MIN && marks.max_deleted_id >= marks.first_id
    }
}
