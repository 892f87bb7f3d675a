//! Copies that a failed MIGRATE has left behind, and that come to life: the one hole of classic migration that is not looked into.
//!
//! ```text
//!   source   MIGRATE key ...  no answer: the key stays          DEL key by a client          the slot goes
//!   target   RESTORE key      has a copy, shown to nobody                                    the copy is there again
//! ```
//!
//! In Redis, and so here, nobody knows of that copy once the key is deleted: the source asks about no key that it has not, and the target cannot
//! tell a copy from a key that came in good order. Nothing on the wire could tell it. So what clients are told of a slot is not judged if exactly
//! this happened: a key was sent, was not known to have arrived, had arrived, and was deleted at the source before it was sent again. Atomic
//! migration has no such hole: what a target has of a job that failed goes before another one begins.

use alloc::collections::{BTreeMap, BTreeSet};

use slotway_core::slot::{Slot, key_slot};

use crate::history::Bytes;

/// Keys that were sent and have not been heard of, and slots in which one of them has come to life.
#[derive(Debug, Default)]
pub struct Ghosts {
    doubtful: BTreeMap<Bytes, Doubt>,
    haunted: BTreeSet<Slot>,
}

#[derive(Clone, Copy, Debug)]
struct Doubt {
    from: usize,
    to: usize,
    /// The target has been seen to have it.
    is_there: bool,
}

impl Ghosts {
    /// These keys are sent from one node to another.
    pub fn sent(&mut self, keys: &[Bytes], from: usize, to: usize) {
        let doubt = Doubt { from, to, is_there: false };
        self.doubtful.extend(keys.iter().map(|key| (key.clone(), doubt)));
    }

    /// These have arrived, and are gone where they came from.
    pub fn arrived(&mut self, keys: &[Bytes]) {
        keys.iter().for_each(|key| _ = self.doubtful.remove(key));
    }

    /// What the others are like now. `has` says whether a node has a key; `None` while the node is down.
    pub fn look(&mut self, has: impl Fn(usize, &Bytes) -> Option<bool>) {
        let haunted = &mut self.haunted;
        self.doubtful.retain(|key, doubt| {
            doubt.is_there |= has(doubt.to, key) == Some(true);
            let is_deleted = has(doubt.from, key) == Some(false);
            if is_deleted && doubt.is_there {
                haunted.insert(key_slot(key));
            }
            !is_deleted
        });
    }

    /// Slots that are not judged.
    pub fn haunted(&self) -> &BTreeSet<Slot> {
        &self.haunted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A key is sent from node 0 to node 1; then each of these pictures is looked at: whether both have it.
    fn haunted(pictures: &[[bool; 2]]) -> bool {
        let (mut ghosts, key) = (Ghosts::default(), Bytes::from(b"k"));
        ghosts.sent(core::slice::from_ref(&key), 0, 1);
        pictures.iter().for_each(|picture| ghosts.look(|node, _| Some(picture[node])));
        !ghosts.haunted().is_empty()
    }

    #[test]
    fn a_copy_haunts_a_slot_once_the_key_that_it_is_of_is_deleted() {
        assert!(haunted(&[[true, true], [false, true]]));
        assert!(
            haunted(&[[true, true], [false, false]]),
            "somebody has deleted the copy, too, having met it"
        );
    }

    #[test]
    fn what_never_arrived_haunts_nothing() {
        assert!(!haunted(&[[true, false], [false, false]]), "it is lost, and that is to be found");
        assert!(!haunted(&[[true, true], [true, true]]));
    }

    #[test]
    fn what_is_sent_again_and_arrives_haunts_nothing() {
        let (mut ghosts, key) = (Ghosts::default(), Bytes::from(b"k"));
        ghosts.sent(core::slice::from_ref(&key), 0, 1);
        ghosts.look(|_, _| Some(true));
        ghosts.arrived(core::slice::from_ref(&key));
        ghosts.look(|node, _| Some(node == 1));
        assert!(ghosts.haunted().is_empty());
    }
}
