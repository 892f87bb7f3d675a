//! Who owns which slot, in this node's own table.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec;

use super::nodes::{MYSELF, Nodes, PeerIndex};
use crate::slot::{SLOT_COUNT, Slot};
use crate::slot_set::SlotSet;
use crate::time::Instant;

/// The owner of each slot, and the slots on their way. Each owner's [`Peer::slots`](super::peer::Peer::slots) is the same
/// table from the other side; [`SlotTable::bind`] and [`SlotTable::unbind`] keep both.
#[derive(Clone, Debug)]
pub(crate) struct SlotTable {
    owners: Box<[Option<PeerIndex>]>,
    /// Slots whose owner has stopped claiming them: kept for redirections, free for whoever claims them.
    pub(crate) unclaimed: SlotSet,
    /// Slots that this node gives away, and to whom.
    pub(crate) migrating: BTreeMap<Slot, PeerIndex>,
    /// Slots that this node is given, and by whom.
    pub(crate) importing: BTreeMap<Slot, PeerIndex>,
    /// Slots that this node was given, until their giver, or who has taken over from it, is heard not to claim them.
    pub(crate) taken: BTreeMap<Slot, Taken>,
}

/// Whose a slot was that this node was given.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taken {
    pub(crate) giver: PeerIndex,
    /// Later than this, the giver may have taken it back; `None` for what only an operator takes back.
    pub(crate) until: Option<Instant>,
}

impl SlotTable {
    /// Slots that nobody owns.
    pub(crate) fn new() -> Self {
        Self {
            owners: vec![None; usize::from(SLOT_COUNT)].into(),
            unclaimed: SlotSet::EMPTY,
            migrating: BTreeMap::new(),
            importing: BTreeMap::new(),
            taken: BTreeMap::new(),
        }
    }

    /// Who owns `slot`.
    pub(crate) fn owner(&self, slot: Slot) -> Option<PeerIndex> {
        self.owners[slot.index()]
    }

    /// Gives `slot` to `owner`, whoever had it.
    pub(crate) fn bind(&mut self, nodes: &mut Nodes, slot: Slot, owner: PeerIndex) {
        self.unbind(nodes, slot);
        self.owners[slot.index()] = Some(owner);
        nodes[owner].slots.insert(slot);
    }

    /// Gives this node what another had: see [`SlotTable::taken`].
    pub(crate) fn take_over(&mut self, nodes: &mut Nodes, slot: Slot, taken: Option<Taken>) {
        self.bind(nodes, slot, MYSELF);
        self.taken.extend(taken.filter(|taken| taken.giver != MYSELF).map(|taken| (slot, taken)));
    }

    /// Takes `slot` from its owner, who is returned.
    pub(crate) fn unbind(&mut self, nodes: &mut Nodes, slot: Slot) -> Option<PeerIndex> {
        let owner = self.owners[slot.index()].take()?;
        nodes[owner].slots.remove(slot);
        self.unclaimed.remove(slot);
        if owner == MYSELF {
            self.migrating.remove(&slot);
            self.taken.remove(&slot);
        }
        Some(owner)
    }

    /// Takes all slots from `owner`.
    pub(crate) fn unbind_all(&mut self, nodes: &mut Nodes, owner: PeerIndex) {
        for slot in nodes[owner].slots.clone().iter() {
            self.unbind(nodes, slot);
        }
    }

    /// Nothing is on its way from or to a node that is no more.
    pub(crate) fn close_towards(&mut self, peer: PeerIndex) {
        self.migrating.retain(|_, target| *target != peer);
        self.importing.retain(|_, source| *source != peer);
        self.taken.retain(|_, taken| taken.giver != peer);
    }
}
