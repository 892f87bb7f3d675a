//! What must always hold: the invariants of the cluster, each a function with a name, in two tables.
//!
//! ```text
//!   world --after every change of who owns what--> AFTER_EVERY_CHANGE --+
//!         --once, when all faults are over-------> AT_REST -------------+--> nothing, or a Violation
//! ```
//!
//! Checkers are apart from workload: they get the [`Evidence`], which is the state of the nodes and what clients recorded,
//! and know neither how it came about nor which faults there were. Each answers one question and says what it found in a
//! sentence; the world adds the seed and the time, and so the line that replays it.
//!
//! To add an invariant: write its function below its neighbours, name it in the table, and plant a bug that breaks it
//! ([`Sabotage`](crate::sabotage::Sabotage)), so that a test proves that some seed finds it. Numbers (S8, L2) are those of the
//! reliability goals. What is not here yet needs a cluster bus: elections (S1 to S6), membership (S10), disks (S11).

mod linear;
mod model;

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use slotway_core::resp::value::Value;
use slotway_core::slot::{Slot, key_slot};
use slotway_core::topology::{NodeFlags, Topology};

use crate::history::{History, Operation, Outcome, RedirectKind};
use crate::node::SimNode;
use crate::timeline::Time;
use crate::trace::Shown;
pub use linear::Verdict;

/// MOVED redirections that an operation may meet in a quiet cluster.
const MOVED_CHAIN_MAX: usize = 3;

/// All that checkers may look at.
#[derive(Clone, Copy)]
pub struct Evidence<'a> {
    /// The present.
    pub now: Time,
    /// The nodes, as they are now.
    pub nodes: &'a [SimNode],
    /// What clients did and were told.
    pub history: &'a History,
    /// Whether that can be explained, slot by slot; empty as long as nobody has [searched](search).
    pub verdicts: &'a Verdicts,
}

/// For each slot, whether an order of its operations explains all replies.
pub type Verdicts = BTreeMap<Slot, Verdict>;

/// Searches an order of operations for each slot: the one check that takes its time.
pub fn search(history: &History) -> Verdicts {
    linear::by_slot(history).into_iter().map(|(slot, ids)| (slot, linear::linearize(history, &ids))).collect()
}

/// Why an invariant does not hold: a sentence.
type Finding = Result<(), String>;

/// Asks about one slot.
type OfSlot = fn(Evidence<'_>, Slot) -> Finding;

/// Asks about everything.
type OfCluster = fn(Evidence<'_>) -> Finding;

/// A rule, its name, and the function that checks it.
pub struct Invariant<F> {
    /// Its number among the reliability goals, or `-`, and what it says.
    pub name: &'static str,
    holds: F,
}

/// Checked after each change of who owns `slot`, faults or no faults.
pub const AFTER_EVERY_CHANGE: &[Invariant<OfSlot>] = &[
    Invariant { name: "S2 no two nodes serve one slot", holds: no_two_nodes_serve_one_slot },
    Invariant { name: "S8 ASK leads to an importing node", holds: ask_leads_to_an_importing_node },
    Invariant { name: "S8 a key is in one place", holds: a_key_is_in_one_place },
];

/// Checked when faults and changes are over and clients have read everything once more.
pub const AT_REST: &[Invariant<OfCluster>] = &[
    // First what breaks others: replies that are mixed up, clients that are sent astray.
    Invariant { name: "- replies come in order", holds: replies_come_in_order },
    Invariant { name: "S9 redirections lead to members", holds: redirections_lead_to_members },
    Invariant { name: "S9 MOVED does not lead in circles", holds: moved_does_not_lead_in_circles },
    Invariant { name: "L1 every slot is served", holds: every_slot_is_served },
    Invariant { name: "L2 all views are equal", holds: all_views_are_equal },
    Invariant { name: "L4 every migration has ended", holds: every_migration_has_ended },
    Invariant { name: "S8 keys are where their slots are", holds: keys_are_where_their_slots_are },
    Invariant { name: "S8 every reply can be explained", holds: every_reply_can_be_explained },
    Invariant { name: "- several slots are refused", holds: several_slots_are_refused },
    Invariant { name: "- every operation is answered", holds: every_operation_is_answered },
];

/// An invariant that does not hold, and when that was seen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// The invariant's name.
    pub invariant: &'static str,
    /// What was found.
    pub finding: String,
    /// When.
    pub at: Time,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} (at {})", self.invariant, self.finding, self.at)
    }
}

impl core::error::Error for Violation {}

/// Checks what must hold after a change of who owns `slot`.
///
/// # Errors
/// The first invariant that does not hold.
pub fn after_change(evidence: Evidence<'_>, slot: Slot) -> Result<(), Violation> {
    AFTER_EVERY_CHANGE.iter().try_for_each(|rule| rule.judge(evidence.now, (rule.holds)(evidence, slot)))
}

/// Checks what must hold when a run is over.
///
/// # Errors
/// The first invariant that does not hold.
pub fn at_rest(evidence: Evidence<'_>) -> Result<(), Violation> {
    AT_REST.iter().try_for_each(|rule| rule.judge(evidence.now, (rule.holds)(evidence)))
}

impl<F> Invariant<F> {
    fn judge(&self, at: Time, finding: Finding) -> Result<(), Violation> {
        finding.map_err(|finding| Violation { invariant: self.name, finding, at })
    }
}

/// A node serves a slot when it owns it in its own view and is not giving it away: only then does it take writes of keys
/// that it does not have. (A node that is giving a slot away sends these to the taker, so both may own it for a while.)
fn no_two_nodes_serve_one_slot(evidence: Evidence<'_>, slot: Slot) -> Finding {
    let serves =
        |topology: &Topology| topology.owner(slot) == topology.myself() && topology.migrating(slot).is_none();
    let serving: Vec<&str> =
        evidence.with_views().filter(|(_, view)| serves(view)).map(|(at, _)| at).collect();
    ensure(serving.len() <= 1, || format!("slot {slot} is served by {}", serving.join(" and ")))
}

/// Whoever gives a slot away key by key names a node that takes it: is importing it, or has it already.
fn ask_leads_to_an_importing_node(evidence: Evidence<'_>, slot: Slot) -> Finding {
    for (giver, view) in evidence.with_views() {
        let Some(taker) = view.migrating(slot).map(|taker| view.node(taker).id) else { continue };
        let takes = |(_, view): (&str, Arc<Topology>)| {
            let is_taker = view.myself().is_some_and(|myself| view.node(myself).id == taker);
            is_taker && (view.importing(slot).is_some() || view.owner(slot) == view.myself())
        };
        ensure(evidence.with_views().any(takes), || {
            format!("{giver} moves slot {slot} to {taker}, which does not take it")
        })?;
    }
    Ok(())
}

/// No key has a second copy, not even while its slot moves. (It may have none for a moment: on its way.)
fn a_key_is_in_one_place(evidence: Evidence<'_>, slot: Slot) -> Finding {
    let mut places = BTreeMap::new();
    for node in evidence.nodes {
        // A key that has expired and has not been removed yet is in no place: another one may already have been made.
        for key in node.living_keys_of(evidence.now, slot) {
            if let Some(other) = places.insert(key.clone(), &node.address) {
                return Err(format!("key {} is on {other} and on {}", Shown(&key), node.address));
            }
        }
    }
    Ok(())
}

/// Each request has its reply, in order, and there is no other. Clients send ECHO in between, so that replies that are
/// exchanged show even where they look alike.
fn replies_come_in_order(evidence: Evidence<'_>) -> Finding {
    let first = evidence.history.oddities.first();
    first.map_or(Ok(()), |(link, oddity)| Err(format!("on connection {link}, {oddity}")))
}

/// Never an address of a node still in handshake, or of none at all.
fn redirections_lead_to_members(evidence: Evidence<'_>) -> Finding {
    let is_member = |address: &str| {
        evidence.nodes.iter().any(|node| {
            let topology = node.topology();
            let myself = topology.myself().map(|myself| topology.node(myself));
            node.address == address && myself.is_some_and(|node| !node.flags.intersects(NodeFlags::HANDSHAKE))
        })
    };
    let redirects = evidence.history.operations.iter().flat_map(|operation| &operation.redirects);
    redirects.into_iter().try_for_each(|redirect| {
        ensure(is_member(&redirect.to), || format!("{} leads to {:?}", redirect.from, redirect.to))
    })
}

fn moved_does_not_lead_in_circles(evidence: Evidence<'_>) -> Finding {
    let quiet = evidence.history.operations.iter().filter(|operation| operation.at_rest);
    quiet.into_iter().try_for_each(|operation| {
        let moved = operation.redirects.iter().filter(|redirect| redirect.kind == RedirectKind::Moved);
        let way: Vec<&str> = moved.map(|redirect| redirect.to.as_str()).collect();
        ensure(way.len() <= MOVED_CHAIN_MAX, || {
            format!("MOVED led to {}, for {}", way.join(", then "), describe(operation))
        })
    })
}

fn every_slot_is_served(evidence: Evidence<'_>) -> Finding {
    evidence.each_view(|view| {
        ensure(view.uncovered().is_empty(), || format!("slots {:?} have no owner", view.uncovered()))
    })
}

/// Owners, roles, epochs, state. Only version and `myself` are each node's own, so all are compared from one place.
fn all_views_are_equal(evidence: Evidence<'_>) -> Finding {
    let common = |view: &Topology| view.nodes().next().map(|(place, _)| view.as_seen_by(place, 0));
    let first = evidence.nodes.first().and_then(|node| common(&node.topology()));
    evidence.each_view(|view| {
        ensure(common(view) == first, || format!("the views differ:\n{first:?}{:?}", common(view)))
    })
}

fn every_migration_has_ended(evidence: Evidence<'_>) -> Finding {
    evidence.each_view(|view| {
        let open = view.all_migrating().chain(view.all_importing()).next();
        ensure(open.is_none(), || format!("slot {} is still open", open.map_or(Slot::MIN, |(slot, _)| slot)))
    })
}

/// "Readable from exactly one place": every key is on the node that serves its slot, and on no other.
fn keys_are_where_their_slots_are(evidence: Evidence<'_>) -> Finding {
    for node in evidence.nodes {
        let view = node.topology();
        let stray =
            node.keys(evidence.now).into_iter().find(|key| view.owner(key_slot(key)) != view.myself());
        if let Some(key) = stray {
            return Err(format!("{} has key {} of a slot that is not its own", node.address, Shown(&key)));
        }
    }
    Ok(())
}

/// "No key lost or doubled": for each slot there is an order of operations, each at one moment between its beginning and
/// its end, in which a single store would have given the very replies that clients got.
fn every_reply_can_be_explained(evidence: Evidence<'_>) -> Finding {
    evidence.verdicts.values().try_for_each(|verdict| match verdict {
        // What could not be decided is counted, and tests bound how much that may be.
        Verdict::Linearizable | Verdict::Undecided => Ok(()),
        Verdict::Impossible(id) => {
            Err(format!("no order of operations explains {}", describe(&evidence.history.operations[id.0])))
        }
    })
}

/// And has then no effect, which is for [`every_reply_can_be_explained`] to see.
fn several_slots_are_refused(evidence: Evidence<'_>) -> Finding {
    let crossing = evidence.history.operations.iter().filter(|operation| operation.call.crosses_slots());
    crossing.into_iter().try_for_each(|operation| {
        let refused = match &operation.outcome {
            Outcome::Replied(Value::Error(text)) => text.starts_with("CROSSSLOT "),
            Outcome::Replied(_) => false,
            Outcome::Pending | Outcome::Unknown | Outcome::GaveUp => true,
        };
        ensure(refused, || describe(operation))
    })
}

/// A quiet cluster answers: no operation is left without a reply, none that began at rest has an unknown outcome.
fn every_operation_is_answered(evidence: Evidence<'_>) -> Finding {
    evidence.history.operations.iter().try_for_each(|operation| {
        let answered = match operation.outcome {
            Outcome::Replied(_) => true,
            Outcome::Unknown | Outcome::GaveUp => !operation.at_rest,
            Outcome::Pending => false,
        };
        ensure(answered, || describe(operation))
    })
}

impl<'a> Evidence<'a> {
    fn with_views(self) -> impl Iterator<Item = (&'a str, Arc<Topology>)> {
        self.nodes.iter().map(|node| (node.address.as_str(), node.topology()))
    }

    /// Asks a question of every node's view; the finding begins with the node's address.
    fn each_view(self, holds: impl Fn(&Topology) -> Finding) -> Finding {
        self.with_views()
            .try_for_each(|(at, view)| holds(&view).map_err(|finding| format!("for {at}, {finding}")))
    }
}

fn ensure(holds: bool, finding: impl FnOnce() -> String) -> Finding {
    if holds { Ok(()) } else { Err(finding()) }
}

/// An operation as one line: what was asked, when, and what came of it.
fn describe(operation: &Operation) -> String {
    let words: Vec<String> = operation.call.words().iter().map(|word| Shown(word).to_string()).collect();
    let Operation { began, ended, outcome, .. } = operation;
    format!("{}, which from {began} to {ended} {outcome}", words.join(" "))
}

#[cfg(test)]
mod tests;
