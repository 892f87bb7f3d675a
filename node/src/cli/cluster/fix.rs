//! `slotway cluster fix`: each repair is explained, then asked for, then done.
//!
//! The order matters: first all must agree who owns what, then each slot must have an owner, then open slots are closed, forwards wherever
//! a key has moved already.

use std::collections::{BTreeMap, BTreeSet};

use slotway_core::id::NodeId;
use slotway_core::slot::Slot;
use slotway_core::slot_set::SlotSet;

use super::check::{Trouble, facts, troubles};
use super::client::Access;
use super::console::{Console, count};
use super::exit::Stop;
use super::info::tell;
use super::moves::{Slots, move_slots};
use super::place::Place;
use super::view::{Seen, View};
use super::wait;

/// Mend open slots, slots that nobody serves, and views that disagree.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  slotway cluster fix 10.0.0.5:7000 --dry-run
  slotway cluster fix 10.0.0.5:7000

Each repair is explained and asked for. What needs a node that is down is left, and said.")]
pub(super) struct Options {
    /// A node of the cluster
    #[arg(value_name = "HOST:PORT")]
    node: Place,
    /// Tell the repairs, and do none
    #[arg(long)]
    dry_run: bool,
}

/// Something that can be done about a slot.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Repair {
    /// Views differ about the owner: all are told who it is. It says so itself, or nobody does.
    Settle { owner: NodeId, claims: bool },
    /// Nobody serves it: this node is to, and others give it the keys that they have.
    Serve { owner: NodeId, holders: Vec<NodeId> },
    /// Nothing has moved: it is closed where it was opened.
    Close { at: Vec<NodeId> },
    /// Some keys have moved: the move is ended.
    End { from: NodeId, to: NodeId },
}

pub(super) fn run(options: &Options, access: &Access, console: &Console) -> Result<(), Stop> {
    let mut done = Vec::new();
    for stage in [settlements, services, closings] {
        // Each stage begins with what all say after the one before.
        let view = View::load(access, &options.node)?;
        let mut nodes = Slots::new(&view, access)?;
        let repairs = stage(&view, &mut nodes)?;
        for (repair, slots) in grouped(repairs) {
            console.say(explained(&view, &repair, &slots));
            done.push(serde_json::json!({ "repair": name(&repair), "slots": slots.to_string() }));
            if options.dry_run {
                continue;
            }
            console.confirm("Do this?")?;
            for slot in slots.iter() {
                mend(&mut nodes, slot, &repair)
                    .map_err(|stop| stop.midway("Say the same again to go on."))?;
            }
        }
    }
    if options.dry_run {
        console.data(&serde_json::json!({ "dry_run": true, "repairs": done }));
        return Ok(());
    }
    if done.is_empty() {
        console.say("Nothing to mend that this can mend.");
    } else {
        // What is left after that is told below.
        let _ = wait::until_ready(access, &options.node, wait::PATIENCE, |_| None);
    }
    let found: Vec<Trouble> = troubles(&View::load(access, &options.node)?);
    tell(&found, &options.node, console)
}

/// Repairs that are the same but for their slot, together.
fn grouped(repairs: Vec<(Slot, Repair)>) -> Vec<(Repair, SlotSet)> {
    let mut groups: Vec<(Repair, SlotSet)> = Vec::new();
    for (slot, repair) in repairs {
        match groups.iter_mut().find(|(known, _)| *known == repair) {
            Some((_, slots)) => drop(slots.insert(slot)),
            None => groups.push((repair, [slot].into_iter().collect())),
        }
    }
    groups
}

/// Slots whose owner is not the same for all: it is the claimant with the greatest config epoch; where nobody claims the slot, the heir.
fn settlements(view: &View, nodes: &mut Slots) -> Result<Vec<(Slot, Repair)>, Stop> {
    let all: Vec<_> = view.seen().map(|seen| facts(&seen.topology)).collect();
    if all.windows(2).all(|pair| pair[0] == pair[1]) {
        return Ok(Vec::new());
    }
    let mut repairs = Vec::new();
    for slot in Slot::all() {
        let owners: BTreeSet<Option<NodeId>> = view.seen().map(|seen| owner_in(seen, slot)).collect();
        let claimants = view.primaries().filter(|seen| owner_in(seen, slot) == Some(seen.id));
        let claimant = claimants.max_by_key(|seen| (seen.node().config_epoch, seen.id)).map(|seen| seen.id);
        if owners.len() < 2 {
            continue;
        }
        let owner = match claimant {
            Some(id) => Some((id, true)),
            None => heir(view, nodes, slot, &owners)?.map(|id| (id, false)),
        };
        repairs.extend(owner.map(|(owner, claims)| (slot, Repair::Settle { owner, claims })));
    }
    Ok(repairs)
}

/// Who is to have a slot that nobody claims, though others call somebody its owner: an interrupted move has told the source already that it is
/// the target's, and not yet the target. That one waits for the slot, and has its keys.
fn heir(
    view: &View,
    nodes: &mut Slots,
    slot: Slot,
    named: &BTreeSet<Option<NodeId>>,
) -> Result<Option<NodeId>, Stop> {
    let mut best = None;
    for seen in view.primaries().filter(|seen| named.contains(&Some(seen.id))) {
        let fitness = (seen.topology.importing(slot).is_some(), nodes.keys(&seen.id, slot)?, seen.id);
        best = best.max(Some(fitness));
    }
    Ok(best.map(|(_, _, id)| id))
}

fn owner_in(seen: &Seen, slot: Slot) -> Option<NodeId> {
    seen.topology.owner(slot).map(|owner| seen.topology.node(owner).id)
}

/// Slots of nobody: for who has most of their keys, or, where nobody has any, for who has fewest slots.
fn services(view: &View, nodes: &mut Slots) -> Result<Vec<(Slot, Repair)>, Stop> {
    let mut sizes: BTreeMap<NodeId, usize> =
        view.primaries().map(|seen| (seen.id, seen.slots().len())).collect();
    let uncovered: Vec<Slot> = view.topology().uncovered().iter().collect();
    let mut repairs = Vec::new();
    for slot in uncovered {
        let mut holders = Vec::new();
        for id in sizes.keys() {
            let keys = nodes.keys(id, slot)?;
            if keys > 0 {
                holders.push((keys, *id));
            }
        }
        holders.sort_unstable();
        let fewest = sizes.iter().min_by_key(|(_, slots)| **slots).map(|(id, _)| *id);
        let Some(owner) = holders.pop().map(|(_, id)| id).or(fewest) else { return Ok(repairs) };
        *sizes.entry(owner).or_default() += 1;
        repairs
            .push((slot, Repair::Serve { owner, holders: holders.into_iter().map(|(_, id)| id).collect() }));
    }
    Ok(repairs)
}

/// Open slots: closed where nothing has moved, else moved on.
fn closings(view: &View, nodes: &mut Slots) -> Result<Vec<(Slot, Repair)>, Stop> {
    let mut open: BTreeMap<Slot, (Vec<NodeId>, BTreeSet<NodeId>)> = BTreeMap::new();
    for seen in view.primaries() {
        for (slot, peer) in seen.topology.all_migrating() {
            let entry = open.entry(slot).or_default();
            entry.0.push(seen.id);
            entry.1.insert(seen.topology.node(peer).id);
        }
        for (slot, _) in seen.topology.all_importing() {
            let entry = open.entry(slot).or_default();
            entry.0.push(seen.id);
            entry.1.insert(seen.id);
        }
    }
    let mut repairs = Vec::new();
    for (slot, (at, targets)) in open {
        let Some(owner) = view.topology().owner(slot).map(|owner| view.topology().node(owner).id) else {
            continue;
        };
        let mut holders = Vec::new();
        for target in targets.iter().filter(|target| **target != owner) {
            if nodes.keys(target, slot)? > 0 {
                holders.push(*target);
            }
        }
        match holders.as_slice() {
            [] => repairs.push((slot, closing(owner, at))),
            // Keys of one slot on three nodes: one of them first, the others when this is run again.
            [to, ..] => repairs.push((slot, Repair::End { from: owner, to: *to })),
        }
    }
    Ok(repairs)
}

/// The owner first: nobody is sent on from then, so that nothing more can come to the others.
fn closing(owner: NodeId, mut at: Vec<NodeId>) -> Repair {
    at.sort_unstable_by_key(|id| (*id != owner, *id));
    Repair::Close { at }
}

fn name(repair: &Repair) -> &'static str {
    match repair {
        Repair::Settle { .. } => "settle",
        Repair::Serve { .. } => "serve",
        Repair::Close { .. } => "close",
        Repair::End { .. } => "end-move",
    }
}

fn explained(view: &View, repair: &Repair, slots: &SlotSet) -> String {
    let which = format!("{} ({slots})", count(slots.len(), "slot"));
    match repair {
        Repair::Settle { owner, claims: true } => format!(
            "Nodes disagree who serves {which}. {} claims it with the greatest epoch, so all others are told that it is the owner.",
            view.name(owner)
        ),
        Repair::Settle { owner, claims: false } => format!(
            "A move of {which} was interrupted when its old owner had given it up and {} did not know yet: that one is told that it is the owner, then all others.",
            view.name(owner)
        ),
        Repair::Serve { owner, holders } if holders.is_empty() => {
            format!("Nobody serves {which}. {} is to serve it.", view.name(owner))
        }
        Repair::Serve { owner, holders } => format!(
            "Nobody serves {which}. {} has most of its keys and is to serve it; {} gives it the others.",
            view.name(owner),
            holders.iter().map(|id| view.name(id)).collect::<Vec<_>>().join(", ")
        ),
        Repair::Close { at } => format!(
            "A move of {which} was begun and no key has moved: it is closed again at {}.",
            at.iter().map(|id| view.name(id)).collect::<Vec<_>>().join(", ")
        ),
        Repair::End { from, to } => format!(
            "A move of {which} from {} to {} was interrupted when keys had moved: it is ended, and no key is lost.",
            view.name(from),
            view.name(to)
        ),
    }
}

fn mend(nodes: &mut Slots, slot: Slot, repair: &Repair) -> Result<(), Stop> {
    match repair {
        Repair::Settle { owner, claims: _ } => nodes.assign(&[slot], None, owner),
        Repair::Serve { owner, holders } => serve(nodes, slot, owner, holders),
        Repair::Close { at } => at.iter().try_for_each(|id| nodes.set(id, slot, &["STABLE"])),
        // Who has it open already may open it again.
        Repair::End { from, to } => move_slots(nodes, &[slot], from, to, |_, _| {}),
    }
}

fn serve(nodes: &mut Slots, slot: Slot, owner: &NodeId, holders: &[NodeId]) -> Result<(), Stop> {
    nodes.client(owner)?.order(&["CLUSTER", "ADDSLOTS", &slot.get().to_string()])?;
    for holder in holders {
        // Only who fetches a slot, or sends it, may send its keys.
        nodes.set(holder, slot, &["IMPORTING", owner.as_str()])?;
        nodes.send_keys(slot, holder, owner)?;
        nodes.set(holder, slot, &["STABLE"])?;
    }
    Ok(())
}
