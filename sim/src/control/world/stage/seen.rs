//! What follows from a node's picture, made once for each picture: they are large, and change seldom.

use alloc::sync::Arc;
use alloc::vec::Vec;

use slotway_core::topology::Topology;

/// Per node, the last picture and what was made of it.
pub(super) struct Seen<T> {
    by_node: Vec<Option<(Arc<Topology>, T)>>,
}

impl<T> Seen<T> {
    pub(super) fn new(nodes: usize) -> Self {
        Self { by_node: (0..nodes).map(|_| None).collect() }
    }

    /// What `make` makes of the picture that `node` has now.
    pub(super) fn of(&mut self, node: usize, view: &Arc<Topology>, make: impl FnOnce() -> T) -> &T {
        let place = &mut self.by_node[node];
        if !place.as_ref().is_some_and(|(known, _)| Arc::ptr_eq(known, view)) {
            *place = Some((Arc::clone(view), make()));
        }
        place.as_ref().map(|(_, made)| made).expect("it was made just now, if not before")
    }
}
