//! What each command has cost: calls, time, failures, refusals. INFO commandstats and latencystats, LATENCY HISTOGRAM.
//!
//! ```text
//!   dispatch/meter   a batch of requests  -->  the book of its thread     plain loads and stores: nobody else writes there
//!   others           who waited and is answered now  -->  the common book     atomic additions
//! ```
//!
//! A reset begins a new term. A thread sets its book back when it writes into it the next time, and until then the book counts for
//! nothing: so nobody has to wait.

mod histogram;

use alloc::boxed::Box;
use core::sync::atomic::{AtomicU64, Ordering};

use once_cell::race::OnceBox;
use slotway_core::command::{COMMAND_COUNT, CommandId};

use histogram::Histogram;
pub(crate) use histogram::Snapshot;

/// What one command has cost.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CommandCost {
    /// How often it was executed.
    pub calls: u64,
    /// Nanoseconds spent on that.
    pub ns: u64,
    /// How often it was refused before it was executed.
    pub rejected: u64,
    /// How often it answered with an error.
    pub failed: u64,
}

/// One call of a command.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    pub(crate) command: CommandId,
    pub(crate) ns: u64,
    /// It answered with an error.
    pub(crate) failed: bool,
    /// Whether its time goes into the histogram: `latency-tracking`.
    pub(crate) tracked: bool,
}

/// What all commands of a node have cost.
pub struct CommandStats {
    /// One for each data thread.
    books: Box<[Book]>,
    common: Book,
    /// Counts the resets.
    term: AtomicU64,
}

/// A line for each command.
struct Book {
    lines: Box<[Line]>,
    /// The term of what is written in it.
    term: AtomicU64,
}

#[derive(Default)]
struct Line {
    calls: AtomicU64,
    ns: AtomicU64,
    rejected: AtomicU64,
    failed: AtomicU64,
    histogram: OnceBox<Histogram>,
}

impl CommandStats {
    /// Nothing has been counted. Requests are executed by so many threads, numbered from 0.
    pub fn new(threads: u16) -> Self {
        Self {
            books: (0..threads.max(1)).map(|_| Book::new()).collect(),
            common: Book::new(),
            term: AtomicU64::new(0),
        }
    }

    /// Counts a call on data thread `thread`, which is the caller's.
    #[inline]
    pub(crate) fn called_on(&self, thread: u16, call: Call) {
        let Some(line) = self.line(thread, call.command) else { return self.called(call) };
        add(&line.calls, 1);
        add(&line.ns, call.ns);
        if call.failed {
            add(&line.failed, 1);
        }
        if call.tracked {
            line.histogram().add(call.ns);
        }
    }

    /// Counts a call, on whatever thread.
    pub(crate) fn called(&self, call: Call) {
        let line = &self.common.lines[call.command.index()];
        line.calls.fetch_add(1, Ordering::Relaxed);
        line.ns.fetch_add(call.ns, Ordering::Relaxed);
        line.failed.fetch_add(call.failed.into(), Ordering::Relaxed);
        if call.tracked {
            line.histogram().add_shared(call.ns);
        }
    }

    /// Counts a refusal.
    pub(crate) fn rejected(&self, command: CommandId) {
        self.common.lines[command.index()].rejected.fetch_add(1, Ordering::Relaxed);
    }

    /// What a command has cost since the last reset.
    pub fn cost_of(&self, command: CommandId) -> CommandCost {
        self.lines(command).fold(CommandCost::default(), |sum, line| {
            let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
            CommandCost {
                calls: sum.calls + read(&line.calls),
                ns: sum.ns + read(&line.ns),
                rejected: sum.rejected + read(&line.rejected),
                failed: sum.failed + read(&line.failed),
            }
        })
    }

    /// How long its calls have taken, of which there are some.
    pub(crate) fn histogram_of(&self, command: CommandId) -> Option<Snapshot> {
        let mut snapshot = Snapshot::new();
        self.lines(command).filter_map(|line| line.histogram.get()).for_each(|one| snapshot.add(one));
        (snapshot.total > 0).then_some(snapshot)
    }

    /// Counts from zero again.
    pub fn reset(&self) {
        self.term.fetch_add(1, Ordering::Relaxed);
        self.common.clear();
    }

    /// The lines of a command that hold for the present term.
    fn lines(&self, command: CommandId) -> impl Iterator<Item = &Line> {
        let term = self.term.load(Ordering::Relaxed);
        let books = self.books.iter().filter(move |book| book.term.load(Ordering::Relaxed) == term);
        books.chain([&self.common]).map(move |book| &book.lines[command.index()])
    }

    /// The line of a command in the book of the calling thread, if it has one.
    fn line(&self, thread: u16, command: CommandId) -> Option<&Line> {
        let book = self.books.get(usize::from(thread))?;
        let term = self.term.load(Ordering::Relaxed);
        if book.term.load(Ordering::Relaxed) != term {
            book.clear();
            book.term.store(term, Ordering::Relaxed);
        }
        Some(&book.lines[command.index()])
    }
}

impl Book {
    fn new() -> Self {
        Self { lines: (0..COMMAND_COUNT).map(|_| Line::default()).collect(), term: AtomicU64::new(0) }
    }

    fn clear(&self) {
        for line in &self.lines {
            for counter in [&line.calls, &line.ns, &line.rejected, &line.failed] {
                counter.store(0, Ordering::Relaxed);
            }
            line.histogram.get().into_iter().for_each(Histogram::clear);
        }
    }
}

impl Line {
    fn histogram(&self) -> &Histogram {
        self.histogram.get_or_init(|| Box::new(Histogram::new()))
    }
}

/// Where nobody else writes.
fn add(to: &AtomicU64, more: u64) {
    to.store(to.load(Ordering::Relaxed) + more, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;
    use slotway_core::command::id_of;

    const GET: CommandId = id_of("get");

    fn call(ns: u64, failed: bool) -> Call {
        Call { command: GET, ns, failed, tracked: true }
    }

    #[test]
    fn all_threads_and_others_are_summed_and_a_reset_forgets_what_each_of_them_counted() {
        let stats = CommandStats::new(2);
        stats.called_on(0, call(1, false));
        stats.called_on(1, call(10, true));
        // A thread without a book of its own.
        stats.called_on(2, call(100, false));
        stats.called(call(1000, false));
        stats.rejected(GET);
        assert_eq!(stats.cost_of(GET), CommandCost { calls: 4, ns: 1111, rejected: 1, failed: 1 });
        assert_eq!(stats.histogram_of(GET).map(|histogram| histogram.total), Some(4));
        stats.reset();
        assert_eq!(stats.cost_of(GET), CommandCost::default());
        assert!(stats.histogram_of(GET).is_none());
        stats.called_on(1, call(3, false));
        assert_eq!(stats.cost_of(GET), CommandCost { calls: 1, ns: 3, ..CommandCost::default() });
        assert_eq!(stats.histogram_of(GET).map(|histogram| histogram.total), Some(1));
    }
}
