//! Copying data between nodes: what this node's replicas are sent, and what its primary sends it.
//!
//! ```text
//!   write --Node::propagate--> Log (backlog, history) --wakes--> feed: a task for each replica, the connection that sent PSYNC
//!                                ^                                 first a snapshot, if it needs one:  sync, one walk for all who wait
//!   link: a task, if this node ---+-- raw bytes of the primary's stream, once they are executed
//!         follows another
//! ```
//!
//! What needs no sockets and no tasks, the [`Log`] first of all, is `engine/replication`.

mod failover;
mod feed;
mod link;
pub(crate) mod quorum;
mod sync;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicUsize, Ordering};
use std::time::Instant;

use parking_lot::{Mutex, ReentrantMutex, ReentrantMutexGuard};
use slotway_core::cluster::{self, Beginning};
use slotway_core::epoch::ReplOffset;
use slotway_core::id::NodeId;
use slotway_core::replication::{FullSync, History, ReplId, Resume};
use slotway_core::time::UnixMs;
use slotway_engine::config::{Config, ReplicaOf};
use slotway_engine::keyspace::DbIndex;
use slotway_engine::node::{LinkState, Node as _, ReplicaState, ReplicationState, Role};
use slotway_engine::propagation::{Record, deletion};
use slotway_engine::replication::{Link, Log, Saved, may_write_to_replicas};
use slotway_engine::session::{AckWait, ClientId, Peer, Reached};
use slotway_engine::snapshot::Aux;
use tokio::sync::{Notify, watch};

use crate::process;
use crate::shared::Shared;

use failover::Failover;
pub(crate) use failover::{abort as abort_failover, begin as begin_failover, serve as fail_over};
pub(crate) use feed::feed;
pub(crate) use link::serve as follow_primary;
use quorum::Quorum;
pub(crate) use sync::serve as make_snapshots;

/// The copying of one node's data, as all its threads see it.
pub(crate) struct Replication {
    log: Mutex<Log>,
    /// Whether writes are to be told. Changes only while all shards are in hand.
    records: AtomicBool,
    /// The offset of the log, for those who send it on.
    written: watch::Sender<u64>,
    /// A replica has told how far it is.
    acknowledged: Notify,
    replicas: Mutex<BTreeMap<ClientId, Replica>>,
    /// How many there are: asked for each write.
    replica_count: AtomicUsize,
    /// Replicas that wait for a snapshot.
    waiting: Mutex<Vec<sync::Wanted>>,
    waits: Notify,
    link: Mutex<Link>,
    /// The primary to follow.
    primary: watch::Sender<Option<Primary>>,
    /// Whether there is one: asked for each command.
    follows: AtomicBool,
    /// The database that the primary's stream has selected last.
    stream_db: AtomicU16,
    /// Held while a batch of the primary's commands is executed and counted.
    batch: ReentrantMutex<()>,
    loading: AtomicBool,
    lacks_replicas: AtomicBool,
    pub(crate) quorum: Quorum,
    pub(crate) failover: Failover,
}

/// The address of a primary.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Primary {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Its name in the cluster: nobody else is followed at that address. `None` for whoever is there.
    pub(crate) id: Option<NodeId>,
}

/// A replica of this node.
#[derive(Clone)]
struct Replica {
    host: String,
    port: u16,
    /// Its name, if it is a copy that counts: see `quorum`.
    copy: Option<NodeId>,
    is_online: bool,
    offset: u64,
    /// How far its disk is.
    fsynced: u64,
    acknowledged_at: Instant,
}

impl Default for Replication {
    fn default() -> Self {
        Self {
            log: Mutex::new(Log::new(new_id())),
            records: AtomicBool::new(false),
            written: watch::Sender::new(0),
            acknowledged: Notify::new(),
            replicas: Mutex::default(),
            replica_count: AtomicUsize::new(0),
            waiting: Mutex::default(),
            waits: Notify::new(),
            link: Mutex::default(),
            primary: watch::Sender::new(None),
            follows: AtomicBool::new(false),
            stream_db: AtomicU16::new(0),
            batch: ReentrantMutex::default(),
            loading: AtomicBool::new(false),
            lacks_replicas: AtomicBool::new(false),
            quorum: Quorum::default(),
            failover: Failover::default(),
        }
    }
}

fn new_id() -> ReplId {
    ReplId::from_random(process::random_bytes())
}

impl Replication {
    /// The history of writes gets another name, and nobody can go on who knows the old one.
    pub(crate) fn change_history(&self) {
        self.log.lock().rename(new_id());
    }

    /// Whether writes are to be told.
    pub(crate) fn records(&self) -> bool {
        self.records.load(Ordering::Acquire)
    }

    /// How many replicas are sent the stream.
    pub(crate) fn replica_count(&self) -> usize {
        self.replica_count.load(Ordering::Relaxed)
    }

    /// Whether this node copies the data of another one.
    pub(crate) fn follows(&self) -> bool {
        self.follows.load(Ordering::Acquire)
    }

    /// Whether this node's data is that of a primary that cannot be reached.
    pub(crate) fn is_cut_off(&self) -> bool {
        self.follows() && !self.link.lock().phase.is_connected()
    }

    pub(crate) fn is_loading(&self) -> bool {
        self.loading.load(Ordering::Relaxed)
    }

    /// Judges anew whether the replicas suffice for `min-replicas-to-write`.
    pub(crate) fn count_good_replicas(&self, config: &Config) {
        let max_lag = u64::from(config.min_replicas_max_lag_secs());
        let is_good =
            |replica: &&Replica| replica.is_online && replica.acknowledged_at.elapsed().as_secs() <= max_lag;
        let min = config.min_replicas_to_write() as usize;
        let lacks = min > 0 && max_lag > 0 && self.replicas.lock().values().filter(is_good).count() < min;
        self.lacks_replicas.store(lacks, Ordering::Relaxed);
    }

    pub(crate) fn lacks_replicas(&self) -> bool {
        self.lacks_replicas.load(Ordering::Relaxed)
    }

    /// What somebody may wait for has come: an acknowledgement, or an fsync.
    pub(crate) fn tell_waiters(&self) {
        self.acknowledged.notify_waiters();
    }

    /// The offset of the last byte of the stream.
    pub(crate) fn written(&self) -> u64 {
        self.log.lock().offset()
    }

    /// While it is held, and no shard before it, the data is what the offset says: of a batch of the primary's commands all has been executed and
    /// counted, or nothing. (A command of the batch itself that saves is the exception: executed again from the batch's beginning, it gives the same.)
    pub(crate) fn between_batches(&self) -> ReentrantMutexGuard<'_, ()> {
        self.batch.lock()
    }

    /// Begins with data that other nodes begin with too, all at once: whoever follows another of them need not ask for it.
    pub(crate) fn begin_together(&self, history: History) {
        self.log.lock().adopt(history);
        self.records.store(true, Ordering::Release);
    }

    /// The stream of a primary is read.
    pub(crate) fn is_linked(&self) -> bool {
        self.link.lock().is_linked()
    }

    /// Waits until this node follows another one.
    pub(crate) async fn until_follows(&self) {
        // The sender lives as long as this.
        let _ = self.watch_primary().wait_for(Option::is_some).await;
    }

    /// Whom this node follows, whenever that changes.
    fn watch_primary(&self) -> watch::Receiver<Option<Primary>> {
        self.primary.subscribe()
    }
}

/// Sends the commands of a unit to the replicas. Returns the offset behind them.
pub(crate) fn propagate(shared: &Shared, record: &Record) -> u64 {
    let replication = &shared.replication;
    let second = || shared.config().aof_timestamp_enabled().then(|| shared.now().as_secs());
    let mut log = replication.log.lock();
    if !replication.records() {
        if !replication.follows() && shared.aof.is_on() {
            log.count_unread();
        }
        let offset = log.offset();
        shared.aof.append(record, offset, second);
        return offset;
    }
    let offset = log.write(record, shared.config().repl_backlog_size());
    shared.aof.append(record, offset, second);
    drop(log);
    replication.written.send_replace(offset);
    offset
}

/// Appends what is no write to the stream: PING, GETACK.
fn append_command(shared: &Shared, words: &[&str]) {
    let mut bytes = Vec::new();
    slotway_engine::propagation::write_command(&mut bytes, words.iter().map(|word| word.as_bytes()));
    append_raw(shared, &bytes);
}

/// Appends bytes to the stream.
fn append_raw(shared: &Shared, bytes: &[u8]) {
    let offset = shared.replication.log.lock().append(bytes, shared.config().repl_backlog_size());
    shared.replication.written.send_replace(offset);
}

/// With `cluster-write-quorum` the stream goes on behind where it may have come to in the last life of this node.
pub(crate) fn begin_stream(shared: &Shared) {
    let mut first = 0;
    shared.with_cluster(&mut |_, cluster| first = cluster.first_offset().get());
    if first > 0 && !shared.replication.follows() {
        let mut log = shared.replication.log.lock();
        log.begin_at(first);
        shared.replication.written.send_replace(log.offset());
    }
}

/// Follows whom `replicaof` names.
pub(crate) fn follow_by_config(shared: &Shared) {
    if let Some(ReplicaOf { host, port }) = shared.config().replicaof() {
        let primary = Primary { host: host.clone(), port: *port, id: None };
        follow(shared, Some(primary), Beginning::GoesOn);
    }
}

/// Follows another primary, or none. `beginning` is what the present data is to that primary.
pub(crate) fn follow(shared: &Shared, primary: Option<Primary>, beginning: Beginning) {
    let replication = &shared.replication;
    if *replication.primary.borrow() == primary {
        return;
    }
    let followed = replication.follows();
    match &primary {
        Some(Primary { host, port, .. }) => {
            shared.log.notice(&format!("REPLICAOF {host}:{port} enabled"));
            let (mut link, now) = (replication.link.lock(), process::instant());
            match followed {
                true => link.turn(now),
                false => {
                    let mut log = replication.log.lock();
                    log.be_replica();
                    // Where that is another one, the primary says so first.
                    replication.stream_db.store(log.stream_db().0, Ordering::Relaxed);
                    link.be_replica(now, &log, replication.quorum.last_tenure());
                }
            }
            match beginning {
                Beginning::GoesOn => {}
                Beginning::Anew => link.begin_anew(),
            }
        }
        None => {
            let mut log = replication.log.lock();
            log.lead(new_id());
            // Before the first write is taken: see `Condition`.
            replication.records.store(log.backlog().is_some(), Ordering::Release);
            shared.log.notice(&format!(
                "Discarding previously cached master state; this node is a primary now, its history goes on as {}",
                log.history().id
            ));
            *replication.link.lock() = Link::default();
            drop(log);
            dismiss_replicas(shared);
        }
    }
    replication.follows.store(primary.is_some(), Ordering::Release);
    shared.log.set_replica(primary.is_some());
    replication.primary.send_replace(primary);
}

/// The history has another name (and its writes are of another term): replicas hear of it when they come back, which they do at once.
fn dismiss_replicas(shared: &Shared) {
    let ids: Vec<ClientId> = shared.replication.replicas.lock().keys().copied().collect();
    shared.clients.kill(&ids);
}

/// Where the stream stands, for a snapshot that begins with all shards in hand: nothing where nobody could go on from there.
pub(crate) fn facts(shared: &Shared) -> Vec<Aux> {
    let replication = &shared.replication;
    let follows = replication.follows();
    let has_data = replication.link.lock().has_data;
    let log = replication.log.lock();
    if if follows { !has_data } else { log.backlog().is_none() } {
        return Vec::new();
    }
    let followed = DbIndex(replication.stream_db.load(Ordering::Relaxed));
    let db = if follows { followed } else { log.stream_db() };
    let History { id, offset, .. } = log.history();
    Saved { id, offset, db }.facts().to_vec()
}

/// The node starts with data that was saved there.
pub(crate) fn restore(shared: &Shared, saved: Saved) {
    let replication = &shared.replication;
    let (mut link, mut log) = (replication.link.lock(), replication.log.lock());
    if replication.follows() {
        log.restore_as_replica(saved);
        replication.stream_db.store(saved.db.0, Ordering::Relaxed);
        link.restore();
    } else {
        log.restore_as_primary(process::instant(), saved);
        replication.records.store(true, Ordering::Release);
    }
    replication.written.send_replace(saved.offset);
}

/// A key has not been loaded, since its time has come meanwhile: replicas that go on hear of it.
pub(crate) fn expired_at_start(shared: &Shared, db: DbIndex, key: &[u8]) {
    if shared.replication.records() {
        let mut record = Record::default();
        record.push(db, [deletion(shared.config().lazyfree_lazy_expire()), key].into_iter());
        propagate(shared, &record);
    }
}

/// What INFO and ROLE tell.
pub(crate) fn state(shared: &Shared) -> ReplicationState {
    let replication = &shared.replication;
    let secs = |at: Instant| at.elapsed().as_secs();
    let secs_since = |at| process::instant().ms_since(at) / 1000;
    let replicas = replication.replicas.lock();
    let replicas = replicas.values().map(|replica| ReplicaState {
        host: replica.host.clone(),
        port: replica.port,
        is_online: replica.is_online,
        offset: replica.offset,
        fsynced: replica.fsynced,
        lag_secs: secs(replica.acknowledged_at),
    });
    let replicas = replicas.collect();
    let primary = replication.primary.borrow().clone();
    let link = replication.link.lock();
    let log = replication.log.lock();
    let role = primary.map_or(Role::Primary, |Primary { host, port, .. }| {
        Role::Replica(Box::new(LinkState {
            host,
            port,
            phase: link.phase,
            offset: link.has_data.then_some(log.offset()),
            silent_secs: link.heard_at.map(secs_since),
            down_secs: link.down_since.map(secs_since),
            transfer: link.transfer,
        }))
    });
    let (history, backlog, syncs) = (log.history(), log.backlog(), log.syncs());
    let (quorum, failover) = (replication.quorum.tell(), replication.failover.stage());
    ReplicationState { role, history, backlog, replicas, syncs, quorum, failover }
}

/// What the control plane is told, where `now` is its own time.
pub(crate) fn for_cluster(shared: &Shared, now: slotway_core::time::Instant) -> cluster::Replication {
    let replication = &shared.replication;
    let ago = |at| now.as_ms().saturating_sub(process::instant().ms_since(at));
    let mut link = replication.link.lock();
    let fresh_at = link.fresh_at().map(ago).map(slotway_core::time::Instant::from_ms);
    // What is there of another history, or half loaded, is nothing.
    let is_whole = !replication.follows() || link.has_data;
    let offset = ReplOffset::new(if is_whole { replication.log.lock().offset() } else { 0 });
    let (is_linked, term) = (link.is_linked(), link.label.standing(offset).term);
    cluster::Replication { offset, fresh_at, is_linked, term }
}

/// Periodic work: pings, replicas that fall silent, the backlog that nobody needs.
pub(crate) fn tick(shared: &Shared, ticks: u64) {
    /// Calls of this function in a second.
    const PER_SECOND: u64 = 10;
    if !ticks.is_multiple_of(PER_SECOND) {
        return;
    }
    let (config, replication) = (shared.config(), &shared.replication);
    let has_replicas = {
        let mut replicas = replication.replicas.lock();
        let timeout = u64::from(config.repl_timeout_secs());
        replicas.retain(|id, replica| {
            let is_silent = replica.is_online && replica.acknowledged_at.elapsed().as_secs() > timeout;
            if is_silent {
                shared.log.warning(&format!(
                    "Disconnecting timedout replica (streaming sync): {}:{}",
                    replica.host, replica.port
                ));
                shared.clients.kill(&[*id]);
            }
            !is_silent
        });
        !replicas.is_empty()
    };
    replication.count_good_replicas(&config);
    if has_replicas && may_write_to_replicas(replication.follows(), shared.pause()) {
        let period = u64::from(config.repl_ping_replica_period_secs()).max(1);
        if (ticks / PER_SECOND).is_multiple_of(period) {
            append_command(shared, &["PING"]);
        }
    }
}

/// Drops the backlog once nobody has needed it for `repl-backlog-ttl`. All shards are in hand.
pub(crate) fn drop_old_backlog(shared: &Shared) {
    let ttl = shared.config().repl_backlog_ttl_secs();
    let replication = &shared.replication;
    if ttl == 0 || replication.follows() {
        return;
    }
    if replication.log.lock().forget(process::instant(), ttl * 1000, new_id) {
        replication.records.store(false, Ordering::Release);
    }
}

/// No replica lacks anything that was written.
pub(crate) fn all_replicas_have_everything(shared: &Shared) -> bool {
    let written = shared.replication.written();
    shared.replication.replicas.lock().values().all(|replica| replica.offset == written)
}

/// Waits until that is so; asks them, and again after so long.
pub(crate) async fn until_replicas_have_everything(shared: &Shared, again: std::time::Duration) {
    loop {
        append_command(shared, &["REPLCONF", "GETACK", "*"]);
        let asked_at = tokio::time::Instant::now();
        loop {
            let acknowledged = shared.replication.acknowledged.notified();
            if all_replicas_have_everything(shared) {
                return;
            }
            if tokio::time::timeout_at(asked_at + again, acknowledged).await.is_err() {
                break;
            }
        }
    }
}

/// Who has what is waited for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Acks {
    /// This node's own disk.
    pub(crate) local: bool,
    /// How many replicas.
    pub(crate) replicas: usize,
}

/// Waits until enough have what is waited for, or the time is over. Returns who has.
pub(crate) async fn wait_for_acks(shared: &Shared, wait: AckWait) -> Acks {
    let _counted = shared.clients.note_waiting();
    if wait.replicas > 0 && may_write_to_replicas(shared.replication.follows(), shared.pause()) {
        append_command(shared, &["REPLCONF", "GETACK", "*"]);
    }
    let left = |at: UnixMs| std::time::Duration::from_millis(at.ms_since(shared.now()));
    let deadline = wait.deadline.map(|at| tokio::time::Instant::now() + left(at));
    loop {
        let acknowledged = shared.replication.acknowledged.notified();
        let acks = count_acks(shared, wait);
        let is_local_wanted = wait.reached == Reached::Disk { local: true };
        if acks.replicas >= wait.replicas && acks.local >= is_local_wanted {
            return acks;
        }
        match deadline {
            None => acknowledged.await,
            Some(deadline) => {
                if tokio::time::timeout_at(deadline, acknowledged).await.is_err() {
                    return count_acks(shared, wait);
                }
            }
        }
    }
}

fn count_acks(shared: &Shared, wait: AckWait) -> Acks {
    let has = |replica: &&Replica| match wait.reached {
        Reached::Memory => replica.offset >= wait.offset,
        Reached::Disk { .. } => replica.fsynced >= wait.offset,
    };
    let replicas = shared.replication.replicas.lock();
    let replicas = replicas.values().filter(|replica| replica.is_online).filter(has).count();
    Acks { local: shared.aof.is_on() && shared.aof.fsynced() >= wait.offset, replicas }
}

/// Decides how a replica begins, and notes why it needs a snapshot. One that goes on is registered with its position, and told the history's name.
fn begin(shared: &Shared, id: ClientId, address: &str, resume: Option<Resume>) -> Result<ReplId, FullSync> {
    let mut log = shared.replication.log.lock();
    match log.begin(id, resume) {
        Ok(history) => {
            let next = resume.map_or(0, |resume| resume.next);
            shared.log.notice(&format!(
                "Partial resynchronization request from {address} accepted. Sending {} bytes of backlog starting from offset {next}.",
                log.offset() + 1 - next
            ));
            Ok(history)
        }
        Err(why) => {
            shared.log.notice(&format!("Full resync requested by replica {address}: {why}"));
            Err(why)
        }
    }
}

/// A replica's connection, for as long as it lasts.
struct Registration {
    shared: Arc<Shared>,
    id: ClientId,
}

impl Registration {
    fn new(shared: &Arc<Shared>, id: ClientId, host: String, peer: &Peer) -> Self {
        let (port, copy) = (peer.port, peer.copy);
        let replica = Replica {
            host,
            port,
            copy,
            is_online: false,
            offset: 0,
            fsynced: 0,
            acknowledged_at: Instant::now(),
        };
        shared.replication.replicas.lock().insert(id, replica);
        shared.replication.replica_count.fetch_add(1, Ordering::Relaxed);
        Self { shared: Arc::clone(shared), id }
    }

    fn change(&self, change: impl FnOnce(&mut Replica)) {
        if let Some(replica) = self.shared.replication.replicas.lock().get_mut(&self.id) {
            change(replica);
        }
        self.recount();
    }

    fn recount(&self) {
        self.shared.replication.count_good_replicas(&self.shared.config());
        quorum::recount(&self.shared);
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.shared.replication.replicas.lock().remove(&self.id);
        self.shared.replication.replica_count.fetch_sub(1, Ordering::Relaxed);
        self.shared.replication.log.lock().leave(process::instant(), self.id);
        self.recount();
    }
}
