//! Where a command goes, as plain data.

use serde::Serialize;
use slotway_core::resp::error::ErrorReply;
use slotway_core::route::{Decision, OpenSlot};
use slotway_core::slot::Slot;
use slotway_core::topology::{NodeIndex, Topology};

/// What becomes of a command.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct DecisionView {
    /// The answer in a word.
    pub verdict: Verdict,
    /// The slot of the keys; null without keys or when they lie in several.
    pub slot: Option<u16>,
    /// The id of the node that serves the command, as far as one does; null if any does, or none.
    pub node: Option<String>,
    /// The keys that decide, each with its place among the arguments.
    pub keys: Vec<RoutedKey>,
    /// The error that the node asked would answer; null if it serves the command, or if its data decides.
    pub reply: Option<String>,
}

/// The answer in a word.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// The node asked serves it.
    Serve,
    /// The slot is being moved: whether the node asked has the keys decides.
    DependsOnPresence,
    /// Another node serves it.
    Moved,
    /// Another node serves it this once.
    Ask,
    /// To be sent again.
    TryAgain,
    /// Its keys are in different slots.
    CrossSlot,
    /// Nobody serves it now.
    Down,
    /// It is no command, or has the wrong number of arguments.
    Refused,
}

/// A key of the command.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct RoutedKey {
    /// Its place among the arguments; the command's name has place 0.
    pub index: usize,
    /// Its slot.
    pub slot: u16,
}

impl DecisionView {
    /// What `decision` means to who asked.
    pub fn of(decision: Decision, keys: Vec<RoutedKey>, topology: &Topology) -> Self {
        let slot = keys.first().map(|key| key.slot).filter(|first| keys.iter().all(|key| key.slot == *first));
        let node = slot.and_then(|slot| serving(decision, slot, topology));
        let refusal = decision.refusal(|node| endpoint(topology, node));
        Self {
            verdict: decision.into(),
            slot,
            node: node.map(|node| topology.node(node).id.into()),
            keys,
            reply: refusal.map(|error| error.to_string()),
        }
    }

    /// A request that does not come as far as having keys.
    pub fn refused(error: ErrorReply) -> Self {
        Self {
            verdict: Verdict::Refused,
            slot: None,
            node: None,
            keys: Vec::new(),
            reply: Some(error.to_string()),
        }
    }
}

impl From<Decision> for Verdict {
    fn from(decision: Decision) -> Self {
        match decision {
            Decision::Serve => Verdict::Serve,
            Decision::DependsOnPresence(_) => Verdict::DependsOnPresence,
            Decision::Moved(..) => Verdict::Moved,
            Decision::Ask(..) => Verdict::Ask,
            Decision::TryAgain => Verdict::TryAgain,
            Decision::CrossSlot => Verdict::CrossSlot,
            Decision::Down(_) => Verdict::Down,
        }
    }
}

fn serving(decision: Decision, slot: u16, topology: &Topology) -> Option<NodeIndex> {
    match decision {
        Decision::Moved(_, node) | Decision::Ask(_, node) => Some(node),
        Decision::DependsOnPresence(OpenSlot::Migrating(..)) => {
            Slot::new(slot).and_then(|slot| topology.owner(slot))
        }
        Decision::Serve | Decision::DependsOnPresence(OpenSlot::Importing) => topology.myself(),
        Decision::TryAgain | Decision::CrossSlot | Decision::Down(_) => None,
    }
}

fn endpoint(topology: &Topology, node: NodeIndex) -> String {
    let node = topology.node(node);
    format!("{}:{}", node.host(), node.port)
}
