//! `cluster-write-quorum`: replies wait until a majority of the shard's copies has what they acknowledge.
//!
//! ```text
//!   replica   REPLCONF slotway-copy <its name> --> the primary's term, and where that began   (Label: under whom its data is complete)
//!             REPLCONF ACK after each batch, no further than its promises allow
//!   primary   each ACK --recount--> what a majority has --> connections that hold replies back --> the client
//!             too few copies: writes are refused, as by min-replicas-to-write
//! ```
//!
//! What a majority is, and what a copy may acknowledge, is `core/replication/quorum.rs` and `core/cluster/copies.rs`.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;
use slotway_core::cluster::Cluster;
use slotway_core::epoch::ReplOffset;
use slotway_core::id::NodeId;
use slotway_core::replication::quorum::{Tenure, committed, write_majority};
use slotway_engine::node::{Node as _, QuorumState};
use tokio::sync::watch;

use crate::shared::Shared;

/// What one node knows of the copies of its shard, as a primary.
#[derive(Default)]
pub(crate) struct Quorum {
    /// The term in which it is a primary whose writes count by quorum.
    tenure: Mutex<Option<Tenure>>,
    /// How often that has changed: what was written before a change is not acknowledged after it.
    number: AtomicU64,
    /// How far a majority is. Only grows within a term.
    committed: watch::Sender<u64>,
    lacks_copies: AtomicBool,
    state: Mutex<QuorumState>,
}

/// The term in which a reply was made is over: whether its writes are kept is not known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Deposed;

impl Quorum {
    /// Too few copies follow for any write to be acknowledged.
    pub(crate) fn lacks_copies(&self) -> bool {
        self.lacks_copies.load(Ordering::Relaxed)
    }

    /// The number of the present term: see [`wait`].
    pub(crate) fn term_number(&self) -> u64 {
        self.number.load(Ordering::Acquire)
    }

    /// The term of this node, the last one if it is no primary any more.
    pub(super) fn last_tenure(&self) -> Option<Tenure> {
        *self.tenure.lock()
    }

    /// For INFO: nothing where writes do not count by quorum.
    pub(crate) fn tell(&self) -> Option<QuorumState> {
        let state = *self.state.lock();
        Some(state).filter(|state| state.copies > 0)
    }

    /// Takes note of the term that the control plane tells. Called with its lock in hand.
    fn note_term(&self, tenure: Option<Tenure>) {
        let mut known = self.tenure.lock();
        if tenure.is_some() && *known != tenure {
            *known = tenure;
            self.committed.send_replace(0);
            self.number.fetch_add(1, Ordering::AcqRel);
        }
    }
}

/// Counts anew what a majority of the copies has.
pub(crate) fn recount(shared: &Shared) {
    if shared.counts_by_quorum() {
        // Whoever talks to the control plane has it counted.
        shared.with_cluster(&mut |_, _| {});
    }
}

/// The same, with the control plane in hand: before anything that it has decided is carried out.
pub(crate) fn recount_with(shared: &Shared, cluster: &mut Cluster) {
    let quorum = &shared.replication.quorum;
    let tenure = cluster.tenure();
    quorum.note_term(tenure);
    let Some(tenure) = tenure else {
        quorum.lacks_copies.store(false, Ordering::Relaxed);
        *quorum.state.lock() = QuorumState::default();
        // Those who wait see that they are deposed.
        quorum.committed.send_modify(|_| {});
        return;
    };
    let copies: Vec<NodeId> = cluster.copies().collect();
    let told = acknowledged_by(shared, &copies);
    let own = cluster.fence().cap(tenure.term, ReplOffset::new(shared.replication.log.lock().offset()));
    let mut offsets: Vec<ReplOffset> = told.into_values().chain([own]).collect();
    let majority = write_majority(copies.len());
    quorum.lacks_copies.store(offsets.len() < majority, Ordering::Relaxed);
    if let Some(offset) = committed(copies.len(), &mut offsets) {
        quorum.committed.send_if_modified(|before| {
            let is_more = offset.get() > *before;
            *before = offset.get().max(*before);
            is_more
        });
    }
    let committed = *quorum.committed.borrow();
    *quorum.state.lock() = QuorumState { copies: copies.len(), present: offsets.len(), majority, committed };
}

/// How far the other copies say to be, of those that are there.
fn acknowledged_by(shared: &Shared, copies: &[NodeId]) -> BTreeMap<NodeId, ReplOffset> {
    let mut told = BTreeMap::new();
    for replica in shared.replication.replicas.lock().values().filter(|replica| replica.is_online) {
        // A copy that has come back may still be there by its old link, too.
        if let Some(copy) = replica.copy.filter(|copy| copies.contains(copy)) {
            let offset: &mut ReplOffset = told.entry(copy).or_default();
            *offset = ReplOffset::new(replica.offset).max(*offset);
        }
    }
    told
}

/// Waits until a majority has everything up to `offset`, which was written in the term of that number.
///
/// # Errors
/// That term is over.
pub(crate) async fn wait(shared: &Shared, offset: u64, number: u64) -> Result<(), Deposed> {
    let quorum = &shared.replication.quorum;
    let mut changes = quorum.committed.subscribe();
    if *changes.borrow_and_update() < offset {
        // A primary without replicas is the majority itself.
        recount(shared);
    }
    loop {
        if quorum.term_number() != number || shared.is_replica() {
            return Err(Deposed);
        }
        if *changes.borrow_and_update() >= offset {
            return Ok(());
        }
        // The sender lives as long as this.
        let _ = changes.changed().await;
    }
}
