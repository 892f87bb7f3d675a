//! What each slot costs: time of the processor, bytes of the network. How many keys and bytes it holds, its table knows.
//!
//! ```text
//!   dispatch/meter   a batch of requests  -->  the book of its thread     plain loads and stores: nobody else writes there
//!   others           a reply to one who waited, messages of channels  -->  the common book     atomic additions
//!   cost_of(slot)    the sum of all books, less what it was when the slot was reset last
//! ```
//!
//! A book is never set back, so that a reset has nobody to wait for. Source of the figures: CLUSTER SLOT-STATS of Valkey 8.

use alloc::boxed::Box;
use core::sync::atomic::{AtomicU64, Ordering};

use slotway_core::slot::{SLOT_COUNT, Slot};
use slotway_core::slot_set::SlotSet;

/// What a slot has cost since its last reset.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SlotCost {
    /// Nanoseconds spent on its requests.
    pub cpu_ns: u64,
    /// Bytes of its requests.
    pub bytes_in: u64,
    /// Bytes of the replies, of what replicas are sent, and of messages in its shard channels.
    pub bytes_out: u64,
}

/// What all slots of a node have cost. Lines of slots lie together, so that a request touches one of them.
pub struct SlotStats {
    /// One for each data thread.
    books: Box<[Book]>,
    common: Book,
    /// The sums when the slots were reset.
    before: Book,
}

/// A line for each slot.
type Book = Box<[Line]>;

#[derive(Default)]
struct Line {
    cpu_ns: AtomicU64,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
}

impl SlotStats {
    /// Nothing has been counted. Requests are executed by so many threads, numbered from 0.
    pub fn new(threads: u16) -> Self {
        let book = || (0..SLOT_COUNT).map(|_| Line::default()).collect::<Book>();
        Self { books: (0..threads.max(1)).map(|_| book()).collect(), common: book(), before: book() }
    }

    /// Adds to a slot, on whatever thread.
    pub fn add(&self, slot: Slot, cost: SlotCost) {
        let line = &self.common[slot.index()];
        line.cpu_ns.fetch_add(cost.cpu_ns, Ordering::Relaxed);
        line.bytes_in.fetch_add(cost.bytes_in, Ordering::Relaxed);
        line.bytes_out.fetch_add(cost.bytes_out, Ordering::Relaxed);
    }

    /// Adds to a slot on data thread `thread`, which is the caller's.
    #[inline]
    pub(crate) fn add_on(&self, thread: u16, slot: Slot, cost: SlotCost) {
        let Some(book) = self.books.get(usize::from(thread)) else { return self.add(slot, cost) };
        let line = &book[slot.index()];
        let add = |to: &AtomicU64, more: u64| to.store(to.load(Ordering::Relaxed) + more, Ordering::Relaxed);
        add(&line.cpu_ns, cost.cpu_ns);
        add(&line.bytes_in, cost.bytes_in);
        add(&line.bytes_out, cost.bytes_out);
    }

    /// What a slot has cost since its last reset.
    pub fn cost_of(&self, slot: Slot) -> SlotCost {
        let (sum, before) = (self.sum(slot), self.before[slot.index()].read());
        SlotCost {
            cpu_ns: sum.cpu_ns.saturating_sub(before.cpu_ns),
            bytes_in: sum.bytes_in.saturating_sub(before.bytes_in),
            bytes_out: sum.bytes_out.saturating_sub(before.bytes_out),
        }
    }

    /// Counts from zero again: the slots have come or gone, or CONFIG RESETSTAT is asked for.
    pub fn reset(&self, slots: &SlotSet) {
        for slot in slots.iter() {
            let (sum, before) = (self.sum(slot), &self.before[slot.index()]);
            before.cpu_ns.store(sum.cpu_ns, Ordering::Relaxed);
            before.bytes_in.store(sum.bytes_in, Ordering::Relaxed);
            before.bytes_out.store(sum.bytes_out, Ordering::Relaxed);
        }
    }

    fn sum(&self, slot: Slot) -> SlotCost {
        let common = self.common[slot.index()].read();
        self.books.iter().map(|book| book[slot.index()].read()).fold(common, |sum, line| SlotCost {
            cpu_ns: sum.cpu_ns + line.cpu_ns,
            bytes_in: sum.bytes_in + line.bytes_in,
            bytes_out: sum.bytes_out + line.bytes_out,
        })
    }
}

impl Line {
    fn read(&self) -> SlotCost {
        SlotCost {
            cpu_ns: self.cpu_ns.load(Ordering::Relaxed),
            bytes_in: self.bytes_in.load(Ordering::Relaxed),
            bytes_out: self.bytes_out.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_threads_and_others_add_is_summed_and_a_reset_is_of_its_slots_only() {
        let stats = SlotStats::new(2);
        let (a, b) = (Slot::new(5).unwrap(), Slot::new(16383).unwrap());
        let cost = |n| SlotCost { cpu_ns: n, bytes_in: 2 * n, bytes_out: 3 * n };
        stats.add_on(0, a, cost(1));
        stats.add_on(1, a, cost(10));
        // A thread without a book of its own.
        stats.add_on(2, a, cost(100));
        stats.add(a, cost(1000));
        stats.add_on(1, b, cost(7));
        assert_eq!((stats.cost_of(a), stats.cost_of(b)), (cost(1111), cost(7)));
        stats.reset(&SlotSet::from_iter([slotway_core::slot::SlotRange::new(a, a).unwrap()]));
        assert_eq!((stats.cost_of(a), stats.cost_of(b)), (SlotCost::default(), cost(7)));
        stats.add_on(0, a, cost(3));
        assert_eq!(stats.cost_of(a), cost(3));
    }
}
