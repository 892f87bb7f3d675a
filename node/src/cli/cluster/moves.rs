//! Slots moved from node to node, the one small seam: what is to move, and the way of moving it.
//!
//! What a plan says is checked before anything moves, and afterwards each slot is on one side. This module knows one way, the classic one,
//! which every server has.

mod classic;

use serde::Serialize;
use slotway_core::id::NodeId;
use slotway_core::plan::Plan;
use slotway_core::slot_set::SlotSet;
use slotway_core::topology::Topology;

use super::client::Access;
use super::console::{Console, count, table};
use super::exit::Stop;
use super::interrupt;
use super::measure::Measure;
use super::view::View;

pub(super) use classic::{Slots, move_slot};

/// Slots that go from one node to another.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) from: NodeId,
    pub(super) to: NodeId,
    pub(super) slots: SlotSet,
    keys: u64,
    bytes: u64,
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
    slots: String,
    slot_count: usize,
    keys: u64,
    bytes: u64,
}

impl Moves {
    /// What `plan` moves from somebody to somebody.
    pub(super) fn of(plan: &Plan, topology: &Topology, measure: &Measure) -> Self {
        let group = |part: &slotway_core::plan::Move| {
            let (from, to) = (topology.node(part.from?).id, topology.node(part.to).id);
            let (keys, bytes) = measure.sums(&part.slots);
            Some(Group { from, to, slots: part.slots.clone(), keys, bytes })
        };
        Self { groups: plan.moves.iter().filter_map(group).collect(), is_estimate: measure.is_estimate }
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
            let bytes = format!("{mark}{}", group.bytes);
            vec![
                view.name(&group.from),
                view.name(&group.to),
                group.slots.len().to_string(),
                group.keys.to_string(),
                bytes,
                group.slots.to_string(),
            ]
        };
        table(
            &["FROM", "TO", "SLOTS", "KEYS", "BYTES", "WHICH"],
            &self.groups.iter().map(row).collect::<Vec<_>>(),
        )
    }

    /// The plan for programs.
    pub(super) fn to_json(&self, view: &View) -> serde_json::Value {
        let group = |group: &Group| GroupView {
            from: view.name(&group.from),
            to: view.name(&group.to),
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
}

/// Moves all, slot by slot, a bar meanwhile. Gives the number of keys that moved.
///
/// # Errors
/// Something failed, or there was Ctrl-C: what was done and what is left is in the text. No slot is left open unless the text says so.
pub(super) fn carry_out(
    moves: &Moves,
    view: &mut View,
    access: &Access,
    console: &Console,
) -> Result<u64, Stop> {
    interrupt::watch();
    let bar = console.bar(moves.slot_count() as u64, "slots");
    let mut nodes = Slots::new(view, access)?;
    let (mut slots_moved, mut keys_moved) = (0, 0);
    for group in &moves.groups {
        for slot in group.slots.iter() {
            let moved = interrupt::check().and_then(|()| move_slot(&mut nodes, slot, &group.from, &group.to));
            let keys = moved.map_err(|stop| {
                bar.abandon();
                stop.midway(&format!(
                    "{} of {} were moved. Say the same again to go on.",
                    slots_moved,
                    count(moves.slot_count(), "slot")
                ))
            })?;
            slots_moved += 1;
            keys_moved += keys;
            bar.set_message(format!("{keys_moved} keys"));
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    Ok(keys_moved)
}
