//! What must hold when a cluster with clients is at rest: its invariants, each a function with a name, in one table.
//!
//! ```text
//!   world --once, when all faults are over and everything has been read again--> AT_REST --> nothing, or a Violation
//! ```
//!
//! Checkers are apart from workload: they get the [`Evidence`], which is the state of the nodes and what clients recorded,
//! and know neither how it came about nor which faults there were. Each answers one question and says what it found in a
//! sentence; the world adds the seed and the time, and so the line that replays it.
//!
//! To add an invariant: write its function below its neighbours, name it in the table, and plant a bug that breaks it
//! ([`Sabotage`](crate::sabotage::Sabotage)), so that a test proves that some seed finds it. Numbers (S8, L2) are those of the
//! reliability goals. What must hold among control planes is in [`crate::control::check`], what replicas keep (S7) in [`crate::kept`].

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
#[derive(Clone)]
pub struct Evidence<'a> {
    /// The present.
    pub now: Time,
    /// The nodes, as they are now.
    pub nodes: Vec<&'a SimNode>,
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

/// Asks about everything.
type OfCluster = fn(Evidence<'_>) -> Finding;

/// A rule, its name, and the function that checks it.
pub struct Invariant<F> {
    /// Its number among the reliability goals, or `-`, and what it says.
    pub name: &'static str,
    holds: F,
}

/// Checked when faults and changes are over and clients have read everything once more.
pub const AT_REST: &[Invariant<OfCluster>] = &[
    // First what breaks others: replies that are mixed up, clients that are sent astray.
    Invariant { name: "- replies come in order", holds: replies_come_in_order },
    Invariant { name: "S9 redirections lead to members", holds: redirections_lead_to_members },
    Invariant { name: "S9 MOVED does not lead in circles", holds: moved_does_not_lead_in_circles },
    Invariant { name: "L4 every migration has ended", holds: every_migration_has_ended },
    Invariant { name: "S8 keys are where their slots are", holds: keys_are_where_their_slots_are },
    Invariant { name: "L3 replicas have the data of their primary", holds: replicas_have_the_data },
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

/// Checks what must hold when a run is over.
///
/// # Errors
/// The first invariant that does not hold.
pub fn at_rest(evidence: Evidence<'_>) -> Result<(), Violation> {
    AT_REST.iter().try_for_each(|rule| rule.judge(evidence.now, (rule.holds)(evidence.clone())))
}

impl<F> Invariant<F> {
    fn judge(&self, at: Time, finding: Finding) -> Result<(), Violation> {
        finding.map_err(|finding| Violation { invariant: self.name, finding, at })
    }
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
            let myself = topology.as_ref().and_then(|view| Some(view.node(view.myself()?)));
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

fn every_migration_has_ended(evidence: Evidence<'_>) -> Finding {
    evidence.each_view(|view| {
        let open = view.all_migrating().chain(view.all_importing()).next();
        ensure(open.is_none(), || format!("slot {} is still open", open.map_or(Slot::MIN, |(slot, _)| slot)))
    })
}

/// "Readable from exactly one place": every key is on the node that serves its slot, and on no other.
fn keys_are_where_their_slots_are(evidence: Evidence<'_>) -> Finding {
    for node in evidence.primaries() {
        let Some(view) = node.topology() else { continue };
        let stray = node.contents().into_keys().find(|key| view.owner(key_slot(key)) != view.myself());
        if let Some(key) = stray {
            return Err(format!("{} has key {} of a slot that is not its own", node.address, Shown(&key)));
        }
    }
    Ok(())
}

/// Every key, its value and its deadline.
fn replicas_have_the_data(evidence: Evidence<'_>) -> Finding {
    for replica in &evidence.nodes {
        let Some(address) = replica.followed() else { continue };
        let primary = evidence.nodes.iter().find(|node| node.address == address);
        let (own, theirs) = (replica.contents(), primary.map(|node| node.contents()).unwrap_or_default());
        let differs = own.keys().chain(theirs.keys()).find(|key| own.get(*key) != theirs.get(*key));
        if let Some(key) = differs {
            let finding =
                format!("n{} and its primary {address} differ in key {}", replica.number, Shown(key));
            return Err(finding);
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
    fn with_views(&self) -> impl Iterator<Item = (&'a str, Arc<Topology>)> {
        self.nodes.iter().filter_map(|node| Some((node.address.as_str(), node.topology()?)))
    }

    fn primaries(&self) -> impl Iterator<Item = &&'a SimNode> {
        self.nodes.iter().filter(|node| node.followed().is_none())
    }

    /// Asks a question of every node's view; the finding begins with the node's address.
    fn each_view(&self, holds: impl Fn(&Topology) -> Finding) -> Finding {
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
