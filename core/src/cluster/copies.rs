//! `cluster-write-quorum`: a candidate needs the promises of enough copies besides the votes of primaries.
//!
//! ```text
//!   candidate                                   every other copy of the shard, its primary too
//!     epoch + 1, promised to itself, on disk
//!     CANVASS: so far is my data ------------->  weigh? -- no: a named NoPromise, silence
//!     enough copies, itself among them   <-----  PROMISE, on disk before: acknowledges no more to earlier primaries
//!     AUTH_REQUEST to all primaries, by the same epoch: see `election`
//!     no majority in time: RELEASE ----------->  the promise holds no longer
//! ```
//!
//! How many are enough, and how data compares, is [`quorum`](crate::replication::quorum). A promise holds until its candidate says that it has
//! not won, or a primary of that epoch or a later one is there: time alone ends none, since a candidate that wins may be slow to tell. A copy that
//! stays bound to a candidate that is gone sees to it that there is another election, of a later epoch.
//!
//! What it does not do: TAKEOVER asks nobody, by the operator's word. While nodes come to a shard, or leave it, they may count its copies
//! differently for as long as the news takes to spread.

mod message;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::fmt;

use super::Cluster;
use super::event::Event;
use super::input::Now;
use super::manual::ManualFailover;
use super::nodes::{MYSELF, PeerIndex};
use crate::bus::ModuleMessage;
use crate::epoch::{Epoch, ReplOffset};
use crate::id::NodeId;
use crate::replication::quorum::{self, Fence, Standing, Tenure};
use crate::time::Instant;

pub(crate) use message::{Manner, Message};

/// A copy that is bound asks so often whether it still is.
const ASK_TICKS: u64 = 10;
/// So many bytes of a primary's stream are reserved at a time.
const RESERVED_LEN: u64 = 1 << 30;

/// Why this copy promises nothing to a candidate. Nothing is answered then.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoPromise {
    /// It is a node of another shard.
    OtherShard,
    /// The shard has a primary of that epoch or a later one.
    EpochPassed,
    /// Another candidate of that epoch or a later one has this copy's promise.
    PromisedElsewhere,
    /// This copy has no data, so that it cannot tell whether the candidate's is enough.
    NoData,
    /// This copy has data that the candidate may lack.
    MoreDataHere,
}

/// What this copy has promised, and what it has been promised.
#[derive(Clone, Debug, Default)]
pub(crate) struct Copies {
    /// To whom this copy is bound: one promise each, the last. On disk.
    promises: BTreeMap<NodeId, Promise>,
    /// Of promises that were kept: nothing is acknowledged to primaries of earlier terms, whatever is released later.
    floor: Epoch,
    canvass: Option<Canvass>,
    /// The term of this node as a primary, and how it began.
    tenure: Option<Tenure>,
    /// The last candidate that was told no, so that it is told in the log once.
    told: Option<(Epoch, NodeId)>,
    /// Where the stream of this life of the node begins.
    begins_at: ReplOffset,
    /// On disk: the stream does not get further in this life.
    reserved: ReplOffset,
}

/// Nothing is acknowledged to primaries before that epoch.
#[derive(Clone, Copy, Debug)]
struct Promise {
    epoch: Epoch,
    /// How far this copy was.
    offset: ReplOffset,
    since: Instant,
}

/// The promises that this candidate has.
#[derive(Clone, Debug)]
struct Canvass {
    epoch: Epoch,
    promised_by: BTreeSet<NodeId>,
}

impl Cluster {
    /// The copies of this node's shard: its nodes, dead or alive, until they are forgotten. This one is among them.
    pub fn copies(&self) -> impl Iterator<Item = NodeId> {
        self.copy_indices().map(|index| self.nodes[index].id)
    }

    fn copy_indices(&self) -> impl Iterator<Item = PeerIndex> {
        self.nodes.iter().map(|(index, _)| index).filter(|index| self.is_copy(*index))
    }

    /// By the name of the shard, which a primary that has failed keeps; and by whom it follows, should it not know that name yet.
    fn is_copy(&self, index: PeerIndex) -> bool {
        let (peer, myself) = (&self.nodes[index], &self.nodes[MYSELF]);
        let is_near =
            peer.shard_id == myself.shard_id || self.nodes.primary_of(index) == self.nodes.primary_of(MYSELF);
        is_near && !peer.in_handshake()
    }

    /// The term of this node, while it is a primary whose writes count by quorum: what its replicas are told.
    pub fn tenure(&mut self) -> Option<Tenure> {
        let is_primary = self.nodes[MYSELF].is_primary() && !self.withholds();
        (self.config.write_quorum && is_primary).then(|| self.own_tenure())
    }

    fn own_tenure(&mut self) -> Tenure {
        // It stays when the config epoch is raised without an election: those who follow were told this one.
        let term = self.nodes[MYSELF].config_epoch;
        *self.copies.tenure.get_or_insert(Tenure { term, start: ReplOffset::default() })
    }

    /// What this copy may acknowledge, and a primary count of itself. It changes before a promise leaves.
    pub fn fence(&self) -> Fence {
        let promises = || self.copies.promises.values();
        let epoch = promises().map(|promise| promise.epoch).max().unwrap_or_default();
        let offset = promises().map(|promise| promise.offset).min().unwrap_or_default();
        Fence { epoch: epoch.max(self.copies.floor), offset }
    }

    /// The link to the primary begins anew: how far this copy was when it promised means nothing to it.
    pub fn follow_anew(&mut self) {
        self.copies.promises.values_mut().for_each(|promise| promise.offset = ReplOffset::default());
    }

    /// This node is a primary from now on, by an epoch of its own.
    pub(crate) fn begin_tenure(&mut self) {
        let term = self.nodes[MYSELF].config_epoch;
        self.copies.tenure = Some(Tenure { term, start: self.replication.offset });
        self.copies.canvass = None;
        self.reserve_offsets();
    }

    /// Where the stream of this life of a node begins: behind all that its last life can have told.
    ///
    /// A primary that starts again has the config epoch that it had, which is its term. What its copies had of its last life must not pass for more
    /// than what they have of this one: so its offsets never go back, as if it had not ended (seed 1487 of the world with clients).
    pub fn first_offset(&self) -> ReplOffset {
        self.copies.begins_at
    }

    /// The stream of this primary has come further: what it may come to is reserved, on disk, long before.
    pub(crate) fn reserve_offsets(&mut self) {
        let near = self.replication.offset.get().saturating_add(RESERVED_LEN / 2);
        let is_counted = self.config.write_quorum && self.nodes[MYSELF].is_primary();
        if is_counted && near > self.copies.reserved.get() {
            self.copies.reserved = ReplOffset::new(near.saturating_add(RESERVED_LEN / 2));
            self.save_before_anything_leaves();
        }
    }

    /// What is reserved, if anything is.
    pub(crate) fn reserved(&self) -> Option<ReplOffset> {
        Some(self.copies.reserved).filter(|reserved| *reserved > ReplOffset::default())
    }

    pub(crate) fn restore_reserved(&mut self, reserved: ReplOffset) {
        (self.copies.reserved, self.copies.begins_at) = (reserved, reserved);
    }

    pub(crate) fn end_tenure(&mut self) {
        self.copies.tenure = None;
    }

    /// A message of our own came from another node, perhaps about copies.
    pub(crate) fn on_copy_message(&mut self, now: Now, sender: PeerIndex, module: ModuleMessage<'_>) {
        match Message::parse(module) {
            Some(Message::Canvass { epoch, standing }) => self.on_canvass(now, sender, epoch, standing),
            Some(Message::Promise(epoch)) => self.on_promise(now, sender, epoch),
            Some(Message::Ask(epoch)) => self.on_ask(sender, epoch),
            Some(Message::Release(epoch)) => self.on_release(sender, epoch),
            Some(Message::Yield(manner)) => self.on_yield(now, sender, manner),
            None => {}
        }
    }

    pub(crate) fn tell_copy(&mut self, to: PeerIndex, message: Message) {
        self.send_module(to, message.kind(), &message.encoded());
    }

    /// Whether this candidate may ask for votes, and by which epoch: enough copies have promised. Asks those who have not.
    pub(crate) fn canvass(&mut self, now: Now) -> Option<Epoch> {
        let epoch =
            self.copies.canvass.as_ref().map_or_else(|| self.current_epoch.next(), |canvass| canvass.epoch);
        if self.copies.canvass.is_none() {
            self.current_epoch = epoch;
            self.promise(now, epoch, self.id());
            let promised_by = BTreeSet::from([self.id()]);
            self.copies.canvass = Some(Canvass { epoch, promised_by });
            self.note(Event::Canvassing { epoch });
        }
        let promised = self.copies.canvass.as_ref().map_or(0, |canvass| canvass.promised_by.len());
        if promised >= quorum::election_quorum(self.copy_indices().count()) {
            return Some(epoch);
        }
        let message = Message::Canvass { epoch, standing: self.standing() };
        for index in self.copy_indices().collect::<Vec<_>>() {
            let has_promised = self
                .copies
                .canvass
                .as_ref()
                .is_some_and(|canvass| canvass.promised_by.contains(&self.nodes[index].id));
            if !has_promised {
                self.tell_copy(index, message);
            }
        }
        None
    }

    /// This candidate stands no longer by that epoch, and has not won: those who promised may go on as before.
    pub(crate) fn release_canvass(&mut self) {
        let Some(Canvass { epoch, .. }) = self.copies.canvass.take() else { return };
        self.drop_promise(epoch, self.id());
        for index in self.copy_indices().filter(|index| *index != MYSELF).collect::<Vec<_>>() {
            self.tell_copy(index, Message::Release(epoch));
        }
    }

    /// How far this copy's data is.
    fn standing(&mut self) -> Standing {
        let offset = self.replication.offset;
        match self.nodes[MYSELF].is_primary() {
            true => Standing { term: self.own_tenure().term, offset },
            false => Standing { term: self.replication.term, offset },
        }
    }

    fn has_data(&self) -> bool {
        match self.nodes[MYSELF].is_primary() {
            true => !self.withholds(),
            false => self.replication.fresh_at.is_some(),
        }
    }

    fn on_canvass(&mut self, now: Now, sender: PeerIndex, epoch: Epoch, standing: Standing) {
        if !self.config.write_quorum {
            return;
        }
        let to = self.nodes[sender].id;
        if let Err(why) = self.weigh(sender, epoch, standing) {
            if self.copies.told.replace((epoch, to)) != Some((epoch, to)) {
                self.note(Event::PromiseRefused { to, epoch, why });
            }
            return;
        }
        if self.copies.promises.get(&to).is_none_or(|promise| promise.epoch != epoch) {
            // Whoever promises another stands no longer itself.
            self.forget_election();
            self.promise(now, epoch, to);
            self.note(Event::Promised { to, epoch });
        }
        self.tell_copy(sender, Message::Promise(epoch));
    }

    /// May this copy promise to acknowledge to no primary before `epoch`? The candidate's data is at `standing`.
    fn weigh(&mut self, sender: PeerIndex, epoch: Epoch, standing: Standing) -> Result<(), NoPromise> {
        let to = self.nodes[sender].id;
        // Its header was heard before: an epoch that nobody has is no candidate's.
        let is_current = epoch <= self.current_epoch && epoch > self.shard_epoch();
        if !self.is_copy(sender) {
            return Err(NoPromise::OtherShard);
        }
        if !is_current || epoch < self.copies.floor {
            return Err(NoPromise::EpochPassed);
        }
        let is_elsewhere = |(other, promise): (&NodeId, &Promise)| {
            promise.epoch > epoch || (promise.epoch == epoch && *other != to)
        };
        if self.copies.promises.iter().any(is_elsewhere) {
            return Err(NoPromise::PromisedElsewhere);
        }
        if !self.has_data() {
            return Err(NoPromise::NoData);
        }
        if self.standing() > standing { Err(NoPromise::MoreDataHere) } else { Ok(()) }
    }

    /// Since which epoch the shard has its primary, as far as is known here.
    fn shard_epoch(&self) -> Epoch {
        self.nodes[self.nodes.primary_of(MYSELF)].config_epoch.into()
    }

    fn promise(&mut self, now: Now, epoch: Epoch, to: NodeId) {
        let offset = self.replication.offset;
        self.copies.promises.insert(to, Promise { epoch, offset, since: now.instant });
        self.save_before_anything_leaves();
    }

    /// Promises of epochs that have a primary now, or a later one: these were kept, and hold for good.
    fn settle_promises(&mut self) {
        let shard_epoch = self.shard_epoch();
        let Copies { promises, floor, .. } = &mut self.copies;
        promises.retain(|_, promise| {
            let is_kept = promise.epoch <= shard_epoch;
            *floor = if is_kept { promise.epoch.max(*floor) } else { *floor };
            !is_kept
        });
    }

    fn on_promise(&mut self, now: Now, sender: PeerIndex, epoch: Epoch) {
        let (id, is_copy) = (self.nodes[sender].id, self.is_copy(sender));
        if let Some(canvass) =
            self.copies.canvass.as_mut().filter(|canvass| canvass.epoch == epoch && is_copy)
        {
            canvass.promised_by.insert(id);
            self.step_election(now);
        }
    }

    /// Somebody is bound by a promise to this node.
    fn on_ask(&mut self, sender: PeerIndex, epoch: Epoch) {
        let stands = self.copies.canvass.as_ref().is_some_and(|canvass| canvass.epoch == epoch);
        // Where a primary of that epoch or a later one is known, this node may have won: then the promise was kept.
        if !stands && self.shard_epoch() < epoch {
            self.tell_copy(sender, Message::Release(epoch));
        }
    }

    fn on_release(&mut self, sender: PeerIndex, epoch: Epoch) {
        self.drop_promise(epoch, self.nodes[sender].id);
    }

    fn drop_promise(&mut self, epoch: Epoch, to: NodeId) {
        self.settle_promises();
        if self.copies.promises.get(&to).is_some_and(|promise| promise.epoch == epoch) {
            self.copies.promises.remove(&to);
            self.note(Event::PromiseReleased { by: to, epoch });
            self.save_soon();
        }
    }

    /// At each tick: promises whose candidates have neither won nor given them back.
    pub(crate) fn step_promises(&mut self, now: Now) {
        self.settle_promises();
        let age = |promise: Promise| now.instant.ms_since(promise.since);
        let promises: Vec<(NodeId, Promise)> =
            self.copies.promises.iter().map(|(to, promise)| (*to, *promise)).collect();
        for (to, promise) in promises {
            if to == self.id() {
                if self.copies.canvass.is_none() {
                    // From before a restart.
                    self.drop_promise(promise.epoch, to);
                }
            } else if self.ticks.is_multiple_of(ASK_TICKS) && age(promise) > self.election_timeout_ms() {
                let candidate = self.nodes.find(&to);
                candidate
                    .into_iter()
                    .for_each(|candidate| self.tell_copy(candidate, Message::Ask(promise.epoch)));
            }
        }
        let patience = self.election_timeout_ms().saturating_mul(3);
        let is_left = self.copies.promises.values().any(|promise| age(*promise) > patience);
        if is_left && matches!(self.manual, ManualFailover::None) {
            self.replace_who_is_bound_to(now);
        }
    }

    /// The candidate of a promise is gone, and the primary is up: only a primary of a later epoch ends this.
    fn replace_who_is_bound_to(&mut self, now: Now) {
        let primary = self.nodes.primary_of(MYSELF);
        if primary == MYSELF {
            self.ask_best_replica(Manner::Orderly);
        } else if !self.nodes[primary].is_failing()
            && self.has_data()
            && self.rank() == 0
            && !self.config.no_failover
        {
            self.begin_manual_failover(now, primary);
        }
    }

    /// What is kept on disk of promises; of those that were kept, the latest epoch, as if to this node itself.
    pub(crate) fn saved_promises(&self) -> impl Iterator<Item = (Epoch, NodeId)> {
        let floor = Some((self.copies.floor, self.id())).filter(|(floor, _)| *floor > Epoch::default());
        let promises = self.copies.promises.iter().map(|(to, promise)| (promise.epoch, *to));
        floor.into_iter().chain(promises)
    }

    /// A promise that was on disk. What this copy had then, it has no longer.
    pub(crate) fn restore_promise(&mut self, now: Now, epoch: Epoch, to: NodeId) {
        if epoch <= self.shard_epoch() {
            self.copies.floor = self.copies.floor.max(epoch);
        } else {
            let promise = Promise { epoch, offset: ReplOffset::default(), since: now.instant };
            self.copies.promises.insert(to, promise);
        }
    }
}

impl fmt::Display for NoPromise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NoPromise::OtherShard => "it is a node of another shard",
            NoPromise::EpochPassed => "its epoch has passed",
            NoPromise::PromisedElsewhere => "another candidate has this copy's promise",
            NoPromise::NoData => "this copy has no data yet",
            NoPromise::MoreDataHere => "this copy has data that it may lack",
        })
    }
}
