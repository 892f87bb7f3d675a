//! Slots moved from node to node, the one small seam: what is to move, and the way of moving it.
//!
//! ```text
//!   Moves    groups of slots from one node to another, each with its way    plan, table, JSON, room at the target
//!   work     group by group, a bar meanwhile, Ctrl-C in between
//!     atomic   many slots at one moment: CLUSTER MIGRATESLOTS, where both nodes know it
//!     classic  one slot after the other: SETSLOT and MIGRATE, which every server has
//! ```
//!
//! What a plan says is checked before anything moves, and afterwards each slot is on one side.

mod atomic;
mod classic;
mod work;

use serde::Serialize;
use slotway_core::id::NodeId;
use slotway_core::plan::Plan;
use slotway_core::slot_set::SlotSet;

use super::console::table;
use super::exit::Stop;
use super::measure::Measure;
use super::view::View;

pub(super) use classic::{Slots, move_slots};
pub(super) use work::carry_out;

/// Slots of one atomic migration at most: what fails is begun anew, and what is done stays done.
const BATCH_SLOTS_MAX: usize = 1024;
/// Bytes of one, unless a single slot has more.
const BATCH_BYTES_MAX: u64 = 1 << 30;

/// Which way the operator wants.
#[derive(clap::Args, Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Wish {
    /// Move slots one after the other with SETSLOT and MIGRATE, also between nodes that can hand over many at one moment
    #[arg(long)]
    classic: bool,
}

/// Which way slots go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
    /// Many at one moment.
    Atomic,
    /// One after the other.
    Classic,
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Way::Atomic => "atomic",
            Way::Classic => "classic",
        }
    }
}

/// Slots that go from one node to another.
#[derive(Clone, Debug)]
struct Group {
    from: NodeId,
    to: NodeId,
    way: Way,
    slots: SlotSet,
    keys: u64,
    bytes: u64,
    /// The slots, in the pieces in which they go.
    batches: Vec<Batch>,
}

/// Slots that go together.
#[derive(Clone, Debug)]
struct Batch {
    slots: SlotSet,
    keys: u64,
    /// It gives the target its first slot, which makes it a primary that nobody takes for a free node.
    is_seat: bool,
}

/// All that is to move.
#[derive(Clone, Debug)]
pub(super) struct Moves {
    groups: Vec<Group>,
    /// Bytes are estimated.
    is_estimate: bool,
}

/// A group as programs read it.
#[derive(Serialize)]
struct GroupView {
    from: String,
    to: String,
    how: &'static str,
    slots: String,
    slot_count: usize,
    keys: u64,
    bytes: u64,
}

impl Moves {
    /// What `plan` moves from somebody to somebody.
    ///
    /// # Errors
    /// A node does not say what it can.
    pub(super) fn of(plan: &Plan, view: &mut View, measure: &Measure, wish: Wish) -> Result<Self, Stop> {
        let topology = view.topology();
        let parts: Vec<(NodeId, NodeId, SlotSet)> = { plan.moves.iter() }
            .filter_map(|part| {
                Some((topology.node(part.from?).id, topology.node(part.to).id, part.slots.clone()))
            })
            .collect();
        let mut groups = Vec::with_capacity(parts.len());
        for (from, to, slots) in parts {
            let can_be_atomic =
                !wish.classic && atomic::knows(view.client(&from)?)? && atomic::knows(view.client(&to)?)?;
            let way = if can_be_atomic { Way::Atomic } else { Way::Classic };
            let (keys, bytes) = measure.sums(&slots);
            // A free node with `cluster-init` becomes the replica of whoever lacks one, and that is who has just got slots. So each is given one
            // slot before any is given all.
            let is_free = view.member(&to)?.slots().is_empty();
            let has_seat = is_free && groups.iter().all(|group: &Group| group.to != to);
            let batches = batches(&slots, measure, has_seat);
            groups.push(Group { from, to, way, slots, keys, bytes, batches });
        }
        Ok(Self { groups, is_estimate: measure.is_estimate })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    pub(super) fn slot_count(&self) -> usize {
        self.groups.iter().map(|group| group.slots.len()).sum()
    }

    /// The plan as a table.
    pub(super) fn to_table(&self, view: &View) -> String {
        let mark = if self.is_estimate { "~" } else { "" };
        let row = |group: &Group| {
            vec![
                view.name(&group.from),
                view.name(&group.to),
                group.way.name().to_owned(),
                group.slots.len().to_string(),
                group.keys.to_string(),
                format!("{mark}{}", group.bytes),
                group.slots.to_string(),
            ]
        };
        table(
            &["FROM", "TO", "HOW", "SLOTS", "KEYS", "BYTES", "WHICH"],
            &self.groups.iter().map(row).collect::<Vec<_>>(),
        )
    }

    /// The plan for programs.
    pub(super) fn to_json(&self, view: &View) -> serde_json::Value {
        let group = |group: &Group| GroupView {
            from: view.name(&group.from),
            to: view.name(&group.to),
            how: group.way.name(),
            slots: group.slots.to_string(),
            slot_count: group.slots.len(),
            keys: group.keys,
            bytes: group.bytes,
        };
        serde_json::json!({
            "moves": self.groups.iter().map(group).collect::<Vec<_>>(),
            "slots": self.slot_count(),
            "bytes_are_estimated": self.is_estimate,
        })
    }

    /// # Errors
    /// A target has a limit of memory, and less room below it than is to come.
    pub(super) fn check_memory(&self, view: &View) -> Result<(), Stop> {
        for seen in view.primaries() {
            let to_come: u64 =
                self.groups.iter().filter(|group| group.to == seen.id).map(|group| group.bytes).sum();
            let to_go: u64 =
                self.groups.iter().filter(|group| group.from == seen.id).map(|group| group.bytes).sum();
            let limit = seen.number("maxmemory").filter(|limit| *limit > 0);
            let used = seen.number("used_memory").unwrap_or_default();
            if let Some(limit) =
                limit.filter(|limit| to_come > 0 && (used + to_come).saturating_sub(to_go) > *limit)
            {
                return Err(Stop::refused(format!(
                    "{} has not enough memory: it uses {used} of {limit} bytes (maxmemory), and {to_come} are to come. Nothing was moved. \
                     Raise its maxmemory, move fewer slots, or take another target.",
                    view.name(&seen.id)
                )));
            }
        }
        Ok(())
    }

    /// Each batch with its group, in the order in which they go: first those that give a node its first slot.
    fn in_order(&self) -> Vec<(&Group, &Batch)> {
        let mut all: Vec<_> = { self.groups.iter() }
            .flat_map(|group| group.batches.iter().map(move |batch| (group, batch)))
            .collect();
        all.sort_by_key(|(_, batch)| !batch.is_seat);
        all
    }
}

/// `slots` in pieces that are not too large, if that is wished with a single one ahead.
fn batches(slots: &SlotSet, measure: &Measure, has_seat: bool) -> Vec<Batch> {
    let mut batches: Vec<Batch> = Vec::new();
    let mut bytes = 0;
    for slot in slots.iter() {
        let (keys, of_slot) = measure.sums(&SlotSet::from_iter([slot]));
        let is_full = |batch: &Batch| {
            batch.is_seat || batch.slots.len() >= BATCH_SLOTS_MAX || bytes + of_slot > BATCH_BYTES_MAX
        };
        if batches.last().is_none_or(is_full) {
            let is_seat = has_seat && batches.is_empty();
            batches.push(Batch { slots: SlotSet::EMPTY, keys: 0, is_seat });
            bytes = 0;
        }
        if let Some(batch) = batches.last_mut() {
            batch.slots.insert(slot);
            batch.keys += keys;
        }
        bytes += of_slot;
    }
    batches
}

#[cfg(test)]
mod tests {
    use slotway_core::slot::Slot;

    use super::*;

    fn slots(count: u16) -> SlotSet {
        (0..count).filter_map(Slot::new).collect()
    }

    fn lens(batches: &[Batch]) -> Vec<usize> {
        batches.iter().map(|batch| batch.slots.len()).collect()
    }

    #[test]
    fn batches_are_bounded_by_slots_and_by_bytes() {
        let mut measure = Measure::default();
        assert_eq!(lens(&batches(&slots(2500), &measure, false)), [1024, 1024, 452]);
        measure.bytes = slots(5).iter().map(|slot| (slot, BATCH_BYTES_MAX / 2)).collect();
        assert_eq!(lens(&batches(&slots(5), &measure, false)), [2, 2, 1]);
        measure.bytes = slots(2).iter().map(|slot| (slot, 2 * BATCH_BYTES_MAX)).collect();
        assert_eq!(lens(&batches(&slots(2), &measure, false)), [1, 1]);
    }

    #[test]
    fn a_node_without_slots_is_given_one_ahead() {
        assert_eq!(lens(&batches(&slots(2000), &Measure::default(), true)), [1, 1024, 975]);
        assert_eq!(lens(&batches(&slots(1), &Measure::default(), true)), [1]);
    }
}
