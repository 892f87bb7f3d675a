//! Slots on their way between nodes: the driver of `core::cluster::handoff`.
//!
//! ```text
//!   Bus::carry_out -- HandoffAction --> act: fences, and orders for the tasks; takes no shard
//!     export   a task of the source for each migration: connects, sends keys and changes, says what the machine says
//!     import   the connection at the target that has sent ESTABLISH: executes what comes, as a replica would
//!     cleanup  what a target has of slots that did not become its own goes, slice by slice
//!   Node::propagate --> note: what writes become, to every export (engine/handoff)
//! ```
//!
//! Whoever puts up a fence takes all shards once afterwards: what has been admitted before has been executed, and noted, by then.

mod export;
mod import;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use slotway_core::cluster::{HandoffAction, HandoffInput, Input, Message, Side};
use slotway_core::id::{JobId, NodeId};
use slotway_core::slot::Slot;
use slotway_core::slot_set::SlotSet;
use slotway_engine::handoff::{Export, Progress, words};
use slotway_engine::keyspace::DbIndex;
use slotway_engine::node::Node as _;
use slotway_engine::propagation::Record;
use slotway_engine::shards::{ShardAccess, WholeKeyspace as _};
use slotway_engine::snapshot::Aux;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::{spawn_local, yield_now};

use crate::server::Server;
use crate::shared::Shared;
pub(crate) use export::ask_node;
pub(crate) use import::serve as import;

/// Keys of a slot that is not this node's that go at a time.
const DROPPED_AT_ONCE: usize = 500;
/// A request that waits behind a fence looks again after so long, whatever it is told.
const FENCE_LOOK: Duration = Duration::from_millis(100);
/// Migrations whose figures are kept once they are over.
const FIGURES_MAX: usize = 1000;
/// The one database of a cluster.
const CLUSTER_DB: DbIndex = DbIndex(0);

/// The slots of one node that are on their way.
pub(crate) struct Handoff {
    /// What requests wait for, and by which migration.
    fences: Mutex<BTreeMap<JobId, SlotSet>>,
    fenced: ArcSwap<SlotSet>,
    has_fence: AtomicBool,
    fence_changes: watch::Sender<()>,
    exports: Mutex<BTreeMap<JobId, Arc<Outgoing>>>,
    /// Writes are to be told to the exports. Begins while all shards are in hand.
    records: AtomicBool,
    imports: Mutex<BTreeMap<JobId, Arc<Incoming>>>,
    /// Imports of this node's primary, or of this node in its last life.
    tracked: Mutex<BTreeMap<JobId, SlotSet>>,
    figures: Mutex<BTreeMap<JobId, Progress>>,
    work: mpsc::UnboundedSender<Work>,
    to_do: Mutex<Option<mpsc::UnboundedReceiver<Work>>>,
}

/// A migration from here.
pub(super) struct Outgoing {
    job: JobId,
    source: NodeId,
    slots: SlotSet,
    host: String,
    port: u16,
    export: Mutex<Export>,
    orders: mpsc::UnboundedSender<Order>,
    /// The machine has ended it.
    ended: Notify,
}

/// What the machine wants of an export's task.
enum Order {
    Tell(Message),
    Fence,
}

/// A migration to here.
pub(super) struct Incoming {
    slots: SlotSet,
    tell: mpsc::UnboundedSender<Message>,
    /// How it ended: whether the slots are this node's.
    outcome: Mutex<Option<bool>>,
    ended: Notify,
}

/// What the tasks of the node are to do.
enum Work {
    Export(Arc<Outgoing>, mpsc::UnboundedReceiver<Order>),
    Ask {
        job: JobId,
        target: NodeId,
        slots: Box<SlotSet>,
        host: String,
        port: u16,
    },
    /// The link of an import is no more.
    Finish(JobId),
}

impl Default for Handoff {
    fn default() -> Self {
        let (work, to_do) = mpsc::unbounded_channel();
        Self {
            fences: Mutex::default(),
            fenced: ArcSwap::default(),
            has_fence: AtomicBool::new(false),
            fence_changes: watch::Sender::new(()),
            exports: Mutex::default(),
            records: AtomicBool::new(false),
            imports: Mutex::default(),
            tracked: Mutex::default(),
            figures: Mutex::default(),
            work,
            to_do: Mutex::new(Some(to_do)),
        }
    }
}

impl Handoff {
    /// Whether requests for any slot wait.
    pub(crate) fn has_fence(&self) -> bool {
        self.has_fence.load(Ordering::Acquire)
    }

    /// Whether requests for this one do.
    pub(crate) fn is_fenced(&self, slot: Slot) -> bool {
        self.fenced.load().contains(slot)
    }

    /// Waits until a fence may have gone.
    pub(crate) async fn wait_at_fence(&self) {
        let mut changes = self.fence_changes.subscribe();
        if self.has_fence() {
            // The sender lives as long as this.
            let _ = tokio::time::timeout(FENCE_LOOK, changes.changed()).await;
        }
    }

    fn change_fences(&self, change: impl FnOnce(&mut BTreeMap<JobId, SlotSet>)) {
        let mut fences = self.fences.lock();
        change(&mut fences);
        let all = fences.values().fold(SlotSet::EMPTY, |all, slots| all.union(slots));
        self.has_fence.store(!all.is_empty(), Ordering::Release);
        self.fenced.store(Arc::new(all));
        self.fence_changes.send_replace(());
    }

    /// Whether writes are to be told.
    pub(crate) fn records(&self) -> bool {
        self.records.load(Ordering::Acquire)
    }

    /// What a unit has become, its shards being in hand.
    pub(crate) fn note(&self, record: &Record) {
        if self.records() {
            for outgoing in self.exports.lock().values() {
                outgoing.export.lock().note(record);
            }
        }
    }

    /// How much of a migration has been sent or taken in.
    pub(crate) fn progress(&self, job: JobId) -> Option<Progress> {
        let outgoing = self.exports.lock().get(&job).cloned();
        outgoing
            .map(|outgoing| outgoing.export.lock().progress())
            .or_else(|| self.figures.lock().get(&job).copied())
    }

    fn keep_figures(&self, job: JobId, progress: Progress) {
        let mut figures = self.figures.lock();
        if figures.len() >= FIGURES_MAX && !figures.contains_key(&job) {
            figures.pop_first();
        }
        figures.insert(job, progress);
    }

    /// The primary, or the file, tells of an import, or of its end.
    pub(crate) fn track(&self, job: JobId, slots: Option<&SlotSet>) -> Option<SlotSet> {
        let mut tracked = self.tracked.lock();
        match slots {
            Some(slots) => tracked.insert(job, slots.clone()),
            None => tracked.remove(&job),
        }
    }

    /// Imports under way, as snapshots tell of them: their keys are among the node's, and not the node's own.
    pub(crate) fn tracked_text(&self) -> String {
        let mut all: BTreeMap<JobId, SlotSet> = self.tracked.lock().clone();
        all.extend(self.imports.lock().iter().map(|(job, incoming)| (*job, incoming.slots.clone())));
        words::format_imports(&all)
    }

    /// Reads what a snapshot tells.
    pub(crate) fn track_text(&self, text: &str) {
        self.tracked.lock().extend(words::parse_imports(text));
    }

    /// Whether keys of the slot are on their way here.
    fn imports(&self, slot: Slot) -> bool {
        self.imports.lock().values().any(|incoming| incoming.slots.contains(slot))
    }
}

/// Carries out what the machine wants. The bus is locked: no shard is taken.
pub(crate) fn act(shared: &Shared, action: HandoffAction) {
    let handoff = &shared.handoff;
    let do_later = |work| drop(handoff.work.send(work));
    match action {
        HandoffAction::Export { job, source, slots, host, port } => {
            let (orders, wanted) = mpsc::unbounded_channel();
            let export = Mutex::new(Export::new((*slots).clone(), tells_usage(shared)));
            let slots = *slots;
            let outgoing =
                Arc::new(Outgoing { job, source, slots, host, port, export, orders, ended: Notify::new() });
            handoff.exports.lock().insert(job, Arc::clone(&outgoing));
            do_later(Work::Export(outgoing, wanted));
        }
        HandoffAction::Tell { job, message } => {
            if let Some(outgoing) = handoff.exports.lock().get(&job) {
                let _ = outgoing.orders.send(Order::Tell(message));
            } else if let Some(incoming) = handoff.imports.lock().get(&job) {
                let _ = incoming.tell.send(message);
            }
        }
        HandoffAction::Fence { job, slots } => {
            handoff.change_fences(|fences| {
                fences.insert(job, *slots);
            });
            if let Some(outgoing) = handoff.exports.lock().get(&job) {
                let _ = outgoing.orders.send(Order::Fence);
            }
        }
        HandoffAction::Release { job } => handoff.change_fences(|fences| {
            fences.remove(&job);
        }),
        HandoffAction::Ask { job, target, slots, host, port } => {
            do_later(Work::Ask { job, target, slots, host, port });
        }
        HandoffAction::End { job, side: Side::Source, .. } => {
            if let Some(outgoing) = handoff.exports.lock().get(&job) {
                outgoing.ended.notify_one();
            }
        }
        HandoffAction::End { job, side: Side::Target, success, .. } => {
            if let Some(incoming) = handoff.imports.lock().get(&job) {
                *incoming.outcome.lock() = Some(success);
                incoming.ended.notify_one();
            }
        }
    }
}

/// Whether it is told how keys have been used: a policy goes by it.
fn tells_usage(shared: &Shared) -> bool {
    use slotway_engine::config::MaxmemoryPolicy;
    let policy = shared.config().maxmemory_policy();
    policy.is_lfu() || matches!(policy, MaxmemoryPolicy::AllkeysLru | MaxmemoryPolicy::VolatileLru)
}

/// Tells the machine.
fn tell_machine(shared: &Shared, input: HandoffInput) {
    shared.with_cluster(&mut |now, cluster| cluster.handle(now, Input::Handoff(input.clone())));
}

/// Does what is to be done, until the node stops.
pub(crate) async fn serve<A: ShardAccess + 'static>(server: Arc<Server<A>>) {
    let shared = Arc::clone(&server.shared);
    let Some(mut to_do) = shared.handoff.to_do.lock().take() else { return };
    let (mut stop, mut topology) = (shared.watch_stop(), shared.watch_topology());
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            work = to_do.recv() => match work {
                Some(Work::Export(outgoing, orders)) => {
                    spawn_local(export::run(Arc::clone(&server), outgoing, orders));
                }
                Some(Work::Ask { job, target, slots, host, port }) => {
                    spawn_local(ask(Arc::clone(&shared), (job, target, slots), host, port));
                }
                Some(Work::Finish(job)) => drop(spawn_local(finish_import(Arc::clone(&server), job))),
                None => return,
            },
            changed = topology.changed() => match changed {
                Ok(()) => settle_tracked(&server).await,
                Err(_) => return,
            },
        }
    }
}

async fn ask(
    shared: Arc<Shared>,
    (job, target, slots): (JobId, NodeId, Box<SlotSet>),
    host: String,
    port: u16,
) {
    match export::resolve(&shared, (job, target, &slots), &host, port).await {
        Ok(verdict) => tell_machine(&shared, HandoffInput::Answered(job, verdict)),
        Err(error) => {
            shared
                .log
                .warning(&format!("Migration {job}: its target does not say what became of it: {error:#}"));
        }
    }
}

/// The link of an import has ended, and nothing of it is executed any more: its keys are shown, or go.
async fn finish_import<A: ShardAccess>(server: Arc<Server<A>>, job: JobId) {
    let Server { shared, .. } = &*server;
    let incoming = shared.handoff.imports.lock().get(&job).cloned();
    let Some(incoming) = incoming else { return };
    let success = incoming.outcome.lock().unwrap_or(false);
    if !success && !shared.replication.follows() {
        // Now that it is no import any more, its slots may be dropped.
        let dropped = drop_slots(&server, &incoming.slots, Some(job)).await;
        shared.log.notice(&format!("Migration {job}: {dropped} keys that had come are deleted"));
    }
    hide(&server, &incoming.slots, false);
    // A node that follows another one by now leaves it to that.
    match shared.replication.follows() {
        true => drop(shared.handoff.track(job, Some(&incoming.slots))),
        false => propagate(shared, &words::finish(job, success)),
    }
    shared.handoff.imports.lock().remove(&job);
}

/// Imports that this node, now a primary, has heard of as a replica, or has begun in its last life: nobody goes on with them.
async fn settle_tracked<A: ShardAccess>(server: &Arc<Server<A>>) {
    let shared = &server.shared;
    let is_primary = shared
        .topology()
        .is_some_and(|topology| topology.myself().is_some_and(|myself| !topology.node(myself).is_replica()));
    if !is_primary || shared.replication.follows() || shared.replication.is_loading() {
        return;
    }
    let tracked = std::mem::take(&mut *shared.handoff.tracked.lock());
    for (job, slots) in tracked {
        let dropped = drop_slots(server, &slots, None).await;
        hide(server, &slots, false);
        propagate(shared, &words::finish(job, false));
        shared.log.notice(&format!(
            "Migration {job}, which ended with its target: {dropped} keys that had come are deleted"
        ));
    }
}

fn hide<A: ShardAccess>(server: &Server<A>, slots: &SlotSet, hidden: bool) {
    let shards = server.engine.shards();
    let layout = slotway_engine::shards::WholeKeyspace::layout(shards);
    for slot in slots.iter() {
        shards.one_shard(layout.shard_of(slot), &mut |shard| shard.db(CLUSTER_DB).hide(slot, hidden));
    }
}

/// The keys of slots that have become another's go.
pub(crate) async fn clear<A: ShardAccess>(server: &Arc<Server<A>>, slots: Box<SlotSet>) -> usize {
    let dropped = drop_slots(server, &slots, None).await;
    tell_machine(&server.shared, HandoffInput::Cleared(slots));
    dropped
}

/// Deletes the keys of slots that are another's, slice by slice, clients being served in between. Slots that have become this node's meanwhile stay,
/// and so do those that are on their way here, but by the migration `ended`.
pub(crate) async fn drop_slots<A: ShardAccess>(
    server: &Arc<Server<A>>,
    slots: &SlotSet,
    ended: Option<JobId>,
) -> usize {
    let Server { shared, engine } = &**server;
    let mut dropped = 0;
    for slot in slots.iter() {
        let mut is_to_go = || {
            let topology = shared.topology();
            let is_mine = topology.is_some_and(|topology| {
                topology.myself().is_some_and(|myself| topology.owner(slot) == Some(myself))
            });
            !is_mine && (ended.is_some() || !shared.handoff.imports(slot))
        };
        loop {
            let count = engine.drop_some_keys(&**shared, slot, DROPPED_AT_ONCE, &mut is_to_go);
            dropped += count;
            // Before it is said, or kept in nodes.conf, that they are gone.
            crate::aof::flush(shared);
            if count < DROPPED_AT_ONCE {
                break;
            }
            yield_now().await;
        }
        if dropped > 0 {
            yield_now().await;
        }
    }
    dropped
}

/// Tells replicas and the file.
fn propagate(shared: &Shared, words: &[Vec<u8>]) {
    if shared.records() {
        let mut record = Record::default();
        record.push(CLUSTER_DB, words.iter().map(Vec::as_slice));
        shared.propagate(&record);
        crate::aof::flush(shared);
    }
}

/// What a snapshot tells of imports under way.
pub(crate) fn facts(shared: &Shared) -> Vec<Aux> {
    let text = shared.handoff.tracked_text();
    if text.is_empty() { Vec::new() } else { vec![(words::FACT, text)] }
}

/// The data is another's from now on, who tells of its own imports: what was hidden for others is shown.
pub(crate) fn forget_tracked<A: ShardAccess>(server: &Server<A>) {
    let tracked = std::mem::take(&mut *server.shared.handoff.tracked.lock());
    tracked.values().for_each(|slots| hide(server, slots, false));
}

/// Every slot of these imports, for the start of a node: hidden until it is known what becomes of them.
pub(crate) fn hide_tracked<A: ShardAccess>(server: &Server<A>) {
    let tracked: BTreeSet<Slot> = server
        .shared
        .handoff
        .tracked
        .lock()
        .values()
        .flat_map(|slots| slots.iter().collect::<Vec<_>>())
        .collect();
    hide(server, &tracked.into_iter().collect(), true);
}
