//! The moving itself: batch by batch, with a bar, until all is done, something fails, or the operator has had enough.

use std::cell::Cell;

use indicatif::{HumanBytes, ProgressBar};
use slotway_core::id::NodeId;
use slotway_core::slot::Slot;
use slotway_core::slot_set::SlotSet;

use super::atomic::{self, Ends, Progress};
use super::classic::{self, Slots, move_slots};
use super::{Batch, Group, Moves, Way};
use crate::cli::cluster::client::Access;
use crate::cli::cluster::console::{Console, count};
use crate::cli::cluster::exit::Stop;
use crate::cli::cluster::interrupt;
use crate::cli::cluster::view::View;

/// Moves all, a bar meanwhile. Gives the number of keys that moved. `again` says, of so many slots that are left, how to go on.
///
/// # Errors
/// Something failed, or there was Ctrl-C: what was done and what is left is in the text. No slot is left open unless the text says so.
pub(in crate::cli::cluster) fn carry_out(
    moves: &Moves,
    view: &View,
    access: &Access,
    console: &Console,
    again: impl Fn(usize) -> String,
) -> Result<u64, Stop> {
    interrupt::watch();
    let all = moves.slot_count();
    let work = Work { view, access, done: Done::new(console.bar(all as u64, "slots")) };
    // Only the classic way needs a connection to everybody.
    let mut everybody = None;
    for (group, batch) in moves.in_order() {
        let moved = interrupt::check().and_then(|()| match group.way {
            Way::Atomic => work.at_once(group, batch),
            Way::Classic => work.one_by_one(&mut everybody, group, &batch.slots),
        });
        moved.map_err(|stop| {
            work.done.bar.abandon();
            let done = work.done.slots.get();
            stop.midway(&format!("{done} of {} were moved. {}", count(all, "slot"), again(all - done)))
        })?;
    }
    work.done.bar.finish_and_clear();
    Ok(work.done.keys.get())
}

struct Work<'a> {
    view: &'a View,
    access: &'a Access,
    done: Done,
}

impl Work<'_> {
    fn at_once(&self, group: &Group, batch: &Batch) -> Result<(), Stop> {
        let end = |id: &NodeId| Ok::<_, Stop>((*id, self.view.member(id)?.client.place().clone()));
        let ends = Ends { access: self.access, source: end(&group.from)?, target: end(&group.to)? };
        atomic::move_slots(&ends, &batch.slots, |progress| self.done.show(progress))?;
        self.done.add(batch.slots.len(), batch.keys);
        Ok(())
    }

    fn one_by_one(&self, everybody: &mut Option<Slots>, group: &Group, slots: &SlotSet) -> Result<(), Stop> {
        let nodes = match everybody {
            Some(nodes) => nodes,
            None => everybody.insert(Slots::new(self.view, self.access)?),
        };
        let slots: Vec<Slot> = slots.iter().collect();
        slots.chunks(classic::TOGETHER_MAX).try_for_each(|some| {
            interrupt::check()?;
            move_slots(nodes, some, &group.from, &group.to, |slots, keys| self.done.add(slots, keys))
        })
    }
}

/// What has moved so far, and the bar that shows it.
struct Done {
    bar: ProgressBar,
    slots: Cell<usize>,
    keys: Cell<u64>,
    bytes: Cell<u64>,
    /// Bytes of the migration in hand.
    in_hand: Cell<u64>,
}

impl Done {
    fn new(bar: ProgressBar) -> Self {
        Self {
            bar,
            slots: Cell::default(),
            keys: Cell::default(),
            bytes: Cell::default(),
            in_hand: Cell::default(),
        }
    }

    /// So much is the target's now.
    fn add(&self, slots: usize, keys: u64) {
        self.slots.set(self.slots.get() + slots);
        self.keys.set(self.keys.get() + keys);
        self.bytes.set(self.bytes.get() + self.in_hand.take());
        self.show(Progress::default());
    }

    /// So much more is on its way.
    fn show(&self, progress: Progress) {
        self.in_hand.set(progress.bytes);
        let bytes = match self.bytes.get() + progress.bytes {
            0 => String::new(),
            bytes => format!(", {}", HumanBytes(bytes)),
        };
        self.bar.set_message(format!("{} keys{bytes}", self.keys.get() + progress.keys));
        self.bar.set_position((self.slots.get() + progress.slots) as u64);
    }
}
