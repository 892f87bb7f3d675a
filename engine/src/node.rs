//! What the engine asks of the node around it: time, configuration, other connections, process.
//!
//! The tokio node, the simulator and tests implement [`Node`]. Everything here is called on the thread that executes
//! the command; nothing waits, but for [`Node::sleep`], which is DEBUG SLEEP and means it.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use slotway_core::cluster::{Cluster, LinkId, Now};
use slotway_core::id::JobId;
use slotway_core::replication::{FullSync, History, ReplId};
use slotway_core::resp::error::ErrorReply;
use slotway_core::slot::Slot;
use slotway_core::slot_set::SlotSet;
use slotway_core::time::UnixMs;
use slotway_core::topology::Topology;

use crate::acl::Acl;
use crate::command_stats::CommandStats;
use crate::config::{Asker, Config};
use crate::handoff::Progress;
use crate::journal::Journal;
use crate::keyspace::Garbage;
use crate::keyspace::KeyHasher;
use crate::monitor::Monitors;
use crate::propagation::Record;
use crate::pubsub::{PubSub, Subscriptions};
use crate::script::ScriptHost;
use crate::session::{ClientId, Modes, Session};
use crate::shards::WholeKeyspace;
use crate::slot_stats::SlotStats;
use crate::switches::Switches;
use crate::tracking::Tracking;

/// The node as its commands see it.
pub trait Node {
    /// Wall-clock time, as exact as the node has it.
    fn now(&self) -> UnixMs;

    /// The same in microseconds, for TIME.
    fn now_us(&self) -> u64;

    /// Bytes that connections took when that was last looked at: they count as data do where `maxmemory` is concerned.
    fn memory_of_clients(&self) -> u64 {
        0
    }

    /// A random number.
    fn random(&self) -> u64;

    /// The configuration in force.
    fn config(&self) -> Arc<Config>;

    /// Sets directives on behalf of `asker`, all or none, and applies their effects.
    ///
    /// # Errors
    /// Redis' words for the first one that cannot be set.
    fn set_config(&self, pairs: &[(&[u8], &[u8])], asker: Asker) -> Result<(), ErrorReply>;

    /// Writes the configuration back to the file that it came from.
    ///
    /// # Errors
    /// No such file, or it cannot be written.
    fn rewrite_config(&self) -> Result<(), ErrorReply>;

    /// The cluster as this node knows it; `None` without cluster mode.
    fn topology(&self) -> Option<Arc<Topology>>;

    /// Lets `visit` talk to the control plane; what it brings about is under way, and on disk if it must be, when this returns.
    /// False, and `visit` not called, where there is none: without cluster mode, or where the topology is fixed.
    fn with_cluster(&self, visit: &mut dyn FnMut(Now, &mut Cluster)) -> bool {
        let _ = visit;
        false
    }

    /// How many bytes wait to be sent over a connection of the bus.
    fn waiting_on_link(&self, link: LinkId) -> usize {
        let _ = link;
        0
    }

    /// Time since some moment, in nanoseconds: to measure how long something takes.
    fn clock_ns(&self) -> u64 {
        self.now_us() * 1000
    }

    /// What slots have cost; `None` where nobody counts: without cluster mode.
    fn slot_stats(&self) -> Option<&SlotStats> {
        None
    }

    /// What commands have cost; `None` where nobody counts.
    fn command_stats(&self) -> Option<&CommandStats> {
        None
    }

    /// Lets `visit` look at, or add to, what is remembered of commands one by one. Not called where nobody remembers.
    fn with_journal(&self, visit: &mut dyn FnMut(&mut Journal)) {
        let _ = visit;
    }

    /// Whether somebody is shown all commands: asked for each of them.
    fn has_monitors(&self) -> bool {
        false
    }

    /// Lets `visit` look at, or change, who is shown all commands.
    fn with_monitors(&self, visit: &mut dyn FnMut(&mut Monitors)) {
        let _ = visit;
    }

    /// Whether somebody wants to be told of changed keys: asked for each change.
    fn is_tracking(&self) -> bool {
        false
    }

    /// Lets `visit` look at, or change, who is told of changed keys. Nothing is sent from within it.
    fn with_tracking(&self, visit: &mut dyn FnMut(&mut Tracking)) {
        let _ = visit;
    }

    /// What a connection listens to; `None` if there is none of that number.
    fn listener(&self, client: ClientId) -> Option<Arc<Subscriptions>> {
        let _ = client;
        None
    }

    /// How many replicas are sent what is propagated.
    fn replica_count(&self) -> usize {
        0
    }

    /// Figures for INFO, since start or the last CONFIG RESETSTAT.
    fn facts(&self) -> Facts;

    /// Sets the counters of INFO back to 0.
    fn reset_stats(&self);

    /// All connections, as last published, in order of their numbers.
    fn clients(&self) -> Vec<ClientCard>;

    /// Closes the connections given, after the replies under way. Returns how many there were. The caller's own one is
    /// closed through its session.
    fn kill_clients(&self, ids: &[ClientId]) -> usize;

    /// Sends bytes to a connection, behind what is being sent to it: messages of channels, the reply to a command that has waited. A
    /// connection that is gone, or that takes too long to read, gets nothing.
    fn deliver(&self, to: ClientId, bytes: &[u8]);

    /// Lets `visit` look at, or change, who listens to which channel. Must not be called from within `visit`.
    fn with_pubsub(&self, visit: &mut dyn FnMut(&mut PubSub));

    /// Lets `visit` look at, or change, the users. Must not be called from within `visit`.
    fn with_acl(&self, visit: &mut dyn FnMut(&mut Acl));

    /// The text of the file of users: `aclfile`.
    ///
    /// # Errors
    /// It cannot be read, in the system's words.
    fn read_acl_file(&self) -> Result<Vec<u8>, String> {
        Err("No such file or directory".into())
    }

    /// Puts `text` in the place of the file of users. False if that fails: the log tells why.
    fn write_acl_file(&self, text: &[u8]) -> bool {
        let _ = text;
        false
    }

    /// Fills `bytes` with what nobody can guess, where the node has a source of that.
    fn fill_with_secrets(&self, bytes: &mut [u8]) {
        bytes.iter_mut().for_each(|byte| *byte = self.random() as u8);
    }

    /// A connection, as it is published at present.
    fn client(&self, id: ClientId) -> Option<ClientCard> {
        self.clients().into_iter().find(|card| card.session.id == id)
    }

    /// Writes a snapshot of `shards` to its file, and returns once it is on disk.
    ///
    /// # Errors
    /// One is being written in the background, or it cannot be written: the log tells why.
    fn save(&self, shards: &dyn WholeKeyspace) -> Result<(), ErrorReply> {
        let _ = shards;
        Err(ErrorReply::NotSaved)
    }

    /// All keys are gone by FLUSHALL: replaces the snapshot's file by an empty one, where snapshots are taken by themselves. True once that is
    /// on disk.
    fn save_flushed(&self, shards: &dyn WholeKeyspace) -> bool {
        let _ = shards;
        false
    }

    /// Begins to write a snapshot of `shards` as they are now in the background.
    ///
    /// # Errors
    /// One is being written already, or it cannot be written.
    fn save_in_background(&self, shards: &dyn WholeKeyspace, when: When) -> Result<Saving, ErrorReply> {
        let _ = (shards, when);
        Err(ErrorReply::NotSaved)
    }

    /// Puts the keys of the snapshot's file into `shards`, beside those that are there.
    ///
    /// # Errors
    /// The file cannot be read; the log tells why. What has been read before the error stays.
    fn load(&self, shards: &dyn WholeKeyspace, hasher: &KeyHasher, merge: Merge) -> Result<(), ErrorReply> {
        let _ = (shards, hasher, merge);
        Err(ErrorReply::NotLoaded)
    }

    /// What has become of the snapshots so far.
    fn saves(&self) -> Saves {
        Saves::default()
    }

    /// Begins to write the append-only file anew, from `shards` as they are now; [`When::Now`] waits for what forbids it, too.
    ///
    /// # Errors
    /// That is under way already, or cannot be done.
    fn rewrite_aof(&self, shards: &dyn WholeKeyspace, when: When) -> Result<Saving, ErrorReply> {
        let _ = (shards, when);
        Err(ErrorReply::NotSaved)
    }

    /// How the append-only file stands.
    fn aof(&self) -> AofState {
        AofState::default()
    }

    /// Why the last write to the append-only file failed, if it did.
    fn aof_failure(&self) -> Option<String> {
        None
    }

    /// What forbids some commands for the time being.
    fn condition(&self) -> Condition {
        Condition::default()
    }

    /// How the copying of data stands. A node that copies none is told by its topology.
    fn replication(&self) -> ReplicationState {
        ReplicationState::of(self.topology().as_deref())
    }

    /// What has to wait at present.
    fn pause(&self) -> Pause {
        Pause::Nothing
    }

    /// Has clients wait from now until then, as CLIENT PAUSE asks; `None` ends that.
    fn pause_until(&self, pause: Option<(Pause, UnixMs)>) {
        let _ = pause;
    }

    /// Copies the data of the node at this address from now on, and drops its own when that has arrived; `None`: be a primary.
    fn follow(&self, primary: Option<(String, u16)>) {
        let _ = primary;
    }

    /// FAILOVER: hands over to a replica, once one has everything.
    ///
    /// # Errors
    /// A failover is under way, or this node hands nothing over.
    fn begin_failover(&self, failover: Failover) -> Result<(), ErrorReply> {
        let _ = failover;
        Err(ErrorReply::FailoverWithoutReplicas)
    }

    /// FAILOVER ABORT: this node stays a primary.
    ///
    /// # Errors
    /// None is under way.
    fn abort_failover(&self) -> Result<(), ErrorReply> {
        Err(ErrorReply::NoFailover)
    }

    /// Whether it does what a connection can wait for: takes keys to other servers, decodes large payloads. Otherwise MIGRATE is refused, and RESTORE
    /// decodes by itself.
    fn runs_errands(&self) -> bool {
        false
    }

    /// The connection holds keys from now on; those who want to change them wait until it does not. Called with the shards in hand.
    fn holds_keys(&self, client: ClientId) {
        let _ = client;
    }

    /// Whether requests for some slots wait until it is known whose they are: asked for each request.
    fn has_fence(&self) -> bool {
        false
    }

    /// Whether requests for this slot do.
    fn is_fenced(&self, slot: Slot) -> bool {
        let _ = slot;
        false
    }

    /// How much has been sent, or taken in, of a migration of slots; `None` for one that this node moves no data of.
    fn migrated(&self, job: JobId) -> Option<Progress> {
        let _ = job;
        None
    }

    /// This node's primary, or its file, tells that `slots` are on their way to its shard, or, without slots, that they are no longer: then which
    /// they were.
    fn track_import(&self, job: JobId, slots: Option<&SlotSet>) -> Option<SlotSet> {
        let _ = job;
        slots.cloned()
    }

    /// Begins to shut the process down, once what must be saved of `shards` is on disk; and first, unless it is to be now, once replicas have everything:
    /// see [`Node::waits_to_shut_down`].
    ///
    /// # Errors
    /// It cannot, or there is nothing to abort.
    fn shutdown(&self, how: Shutdown, shards: &dyn WholeKeyspace) -> Result<(), ErrorReply>;

    /// A shutdown is under way that waits for others.
    fn waits_to_shut_down(&self) -> bool {
        false
    }

    /// What DEBUG has switched.
    fn switches(&self) -> &Switches;

    /// Frees memory, on another thread if the node has one for that.
    fn discard(&self, garbage: Garbage);

    /// Stops this thread for so many microseconds.
    fn sleep(&self, us: u64);

    /// Whether it is to be told what writes become for replicas. Asked while shards are in hand: whoever begins to want it has all of them in hand.
    fn records(&self) -> bool {
        false
    }

    /// The commands of one unit go to replicas. Called while the shards that they have changed are in hand. Returns the offset of the stream behind
    /// them.
    fn propagate(&self, record: &Record) -> u64 {
        let _ = record;
        0
    }

    /// The history of writes gets another name, and none that it had before counts: DEBUG CHANGE-REPL-ID.
    fn change_history(&self) {}

    /// What runs scripts, if this node has it.
    fn scripts(&self) -> Option<&dyn ScriptHost> {
        None
    }

    /// Whether a script has run for longer than `busy-reply-threshold`, so that others are told BUSY: asked for each request.
    fn is_busy(&self) -> bool {
        false
    }

    /// Answers the other connections of this thread, while a script keeps it busy: with BUSY, or with what ends the script. They must not touch
    /// data.
    fn serve_others(&self) {}

    /// That script is over.
    fn served_others(&self) {}

    /// Whether the node stops now, whatever is under way.
    fn is_stopping(&self) -> bool {
        false
    }

    /// A line for the log, at a level from 0 (debug) to 3 (warning).
    fn log_at(&self, level: u8, line: &str) {
        let _ = level;
        self.log(line);
    }

    /// A line for the log, at notice level.
    fn log(&self, line: &str);
}

/// What forbids some commands for the time being.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Condition {
    /// It copies the data of another node.
    pub follows: bool,
    /// It does, and that node cannot be reached, and `replica-serve-stale-data` forbids to answer all the same.
    pub is_stale: bool,
    /// Its data is being loaded.
    pub is_loading: bool,
    /// Fewer replicas follow than `min-replicas-to-write` asks for.
    pub lacks_replicas: bool,
    /// Snapshots are due and the last one failed, and `stop-writes-on-bgsave-error` has writes refused.
    pub fails_to_save: bool,
    /// The append-only file cannot be written: see [`Node::aof_failure`].
    pub fails_to_append: bool,
}

/// How the append-only file stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct AofState {
    /// Whether there is one.
    pub is_on: bool,
    /// Whether a rewrite waits until it can begin.
    pub is_scheduled: bool,
    /// For how many seconds a rewrite has been under way.
    pub rewriting_secs: Option<u64>,
    /// How long the last one took.
    pub last_rewrite_secs: Option<u64>,
    /// Whether it failed.
    pub last_rewrite_failed: bool,
    /// How many there have been.
    pub rewrites: u64,
    /// Whether the last write failed.
    pub write_failed: bool,
    /// Bytes of all its files.
    pub size: u64,
    /// Bytes at the start, or after the last rewrite.
    pub base_size: u64,
    /// Bytes that have not been written yet.
    pub buffered: u64,
    /// The offset of the replication stream up to which everything is on disk.
    pub fsynced: u64,
}

/// What has to wait: a connection goes on with it when the pause is over.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Pause {
    /// Nothing.
    #[default]
    Nothing,
    /// Commands that write, and whatever else would be propagated. Nothing expires meanwhile.
    Writes,
    /// All commands.
    Everything,
}

/// How the copying of data stands.
#[derive(Clone, Debug)]
pub struct ReplicationState {
    /// Whether this node copies, or is copied from.
    pub role: Role,
    /// What its data has gone through.
    pub history: History,
    /// What is kept for replicas that come back.
    pub backlog: Option<BacklogState>,
    /// Those that copy its data.
    pub replicas: Vec<ReplicaState>,
    /// How many copies count, where writes are acknowledged by quorum.
    pub quorum: Option<QuorumState>,
    /// How many replicas have got a snapshot, and how many could go on without one or had to be refused that.
    pub syncs: Syncs,
    /// Whether FAILOVER is under way.
    pub failover: FailoverStage,
}

/// What FAILOVER asks for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Failover {
    /// The replica that is to take over; otherwise the first that has everything.
    pub target: Option<(String, u16)>,
    /// When it is given up, or forced.
    pub deadline: Option<UnixMs>,
    /// At the deadline the target takes over, whatever it lacks.
    pub force: bool,
}

/// How far a failover is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum FailoverStage {
    /// There is none.
    #[default]
    Nothing,
    /// Writes pause until a replica has everything.
    WaitsForSync,
    /// The replica is asked to take over.
    InProgress,
}

impl FailoverStage {
    /// As INFO names it.
    pub fn name(self) -> &'static str {
        match self {
            FailoverStage::Nothing => "no-failover",
            FailoverStage::WaitsForSync => "waiting-for-sync",
            FailoverStage::InProgress => "failover-in-progress",
        }
    }
}

/// How the copies of a shard stand, where writes are acknowledged once a majority has them: `cluster-write-quorum`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct QuorumState {
    /// The nodes of the shard, dead or alive.
    pub copies: usize,
    /// Those that are there, this one among them.
    pub present: usize,
    /// How many must have a write.
    pub majority: usize,
    /// How far so many are.
    pub committed: u64,
}

/// Counts of how replicas have begun.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Syncs {
    /// With a snapshot.
    pub full: u64,
    /// Without.
    pub partial: u64,
    /// They asked to go on without, and could not.
    pub partial_refused: u64,
    /// Why they got a snapshot: at the [index](slotway_core::replication::FullSync::index) of each reason.
    pub full_because: [u64; FullSync::COUNT],
    /// Why this node got snapshots, as a replica.
    pub taken_because: [u64; FullSync::COUNT],
}

/// What is kept for replicas that come back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BacklogState {
    /// The offset of its first byte.
    pub first: u64,
    /// Its bytes.
    pub len: u64,
}

/// Whether a node copies, or is copied from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Role {
    /// Others copy its data.
    Primary,
    /// It copies.
    Replica(Box<LinkState>),
}

/// A replica's link to its primary.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LinkState {
    /// The primary's address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How far the link is.
    pub phase: LinkPhase,
    /// How far its data is; `None` while it has none of this primary.
    pub offset: Option<u64>,
    /// Seconds since it last heard from the primary; `None` without a link.
    pub silent_secs: Option<u64>,
    /// Seconds since the link was lost; `None` if there has been none yet.
    pub down_secs: Option<u64>,
    /// Bytes of the snapshot that have come, and all of them if that is known, while one is coming.
    pub transfer: Option<(u64, Option<u64>)>,
}

/// How far a replica's link to its primary is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum LinkPhase {
    /// There is none.
    #[default]
    Down,
    /// The primary is being called.
    Connecting,
    /// It answers, and is asked for data.
    Handshake,
    /// A snapshot is coming.
    Sync,
    /// The primary's commands are coming.
    Connected,
}

impl LinkPhase {
    /// As ROLE names it.
    pub fn name(self) -> &'static str {
        match self {
            LinkPhase::Down => "connect",
            LinkPhase::Connecting => "connecting",
            LinkPhase::Handshake => "handshake",
            LinkPhase::Sync => "sync",
            LinkPhase::Connected => "connected",
        }
    }

    /// Whether the primary's commands are coming.
    pub fn is_connected(self) -> bool {
        self == LinkPhase::Connected
    }
}

/// One that copies this node's data.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReplicaState {
    /// Its address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// False while it gets its snapshot.
    pub is_online: bool,
    /// How far it has said to be.
    pub offset: u64,
    /// How far it has said to be on its disk.
    pub fsynced: u64,
    /// Seconds since it said so.
    pub lag_secs: u64,
}

impl ReplicationState {
    /// Of a node that copies nothing, but may stand in for a primary all the same, as `topology` says.
    pub fn of(topology: Option<&Topology>) -> Self {
        let link = topology.and_then(|topology| {
            let myself = topology.node(topology.myself()?);
            let primary = topology.node(myself.primary?);
            Some(Box::new(LinkState {
                host: primary.ip.clone(),
                port: primary.port,
                phase: LinkPhase::Connected,
                offset: Some(myself.repl_offset.unwrap_or_default().get()),
                silent_secs: Some(0),
                down_secs: None,
                transfer: None,
            }))
        });
        Self {
            role: link.map_or(Role::Primary, Role::Replica),
            history: History::new(ReplId::NONE),
            backlog: None,
            replicas: Vec::new(),
            syncs: Syncs::default(),
            quorum: None,
            failover: FailoverStage::Nothing,
        }
    }
}

/// When a snapshot is to begin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum When {
    /// At once, or not at all.
    Now,
    /// At once, or as soon as what forbids it is over.
    Possible,
    /// Once the transaction is over that asks for it: a half of one is no state of the data.
    Later,
}

/// What BGSAVE has brought about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Saving {
    /// A snapshot is being written.
    Started,
    /// It begins when what forbids it now is over.
    Scheduled,
}

/// What is to become of keys that are in the snapshot and in memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Merge {
    /// The snapshot's take their place.
    Replace,
    /// There must be none.
    Refuse,
}

/// What has become of a node's snapshots so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Saves {
    /// Changes of data since the last one.
    pub changes: u64,
    /// When the one that is being written began.
    pub began_at: Option<UnixMs>,
    /// When the last one was complete; the node's start if none was yet.
    pub last_at: UnixMs,
    /// Whether the last one in the background failed.
    pub failed: bool,
    /// How long the last one in the background took, in seconds.
    pub last_secs: Option<u64>,
    /// How many have been written.
    pub count: u64,
    /// Keys loaded at the start, or by the last DEBUG RELOAD.
    pub loaded: u64,
    /// Keys left out then, because their expiry had passed.
    pub expired: u64,
}

/// SHUTDOWN's options.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Shutdown {
    /// Save even without save points; `Some(false)` for NOSAVE.
    pub save: Option<bool>,
    /// Do not wait for replicas.
    pub now: bool,
    /// Shut down although saving fails.
    pub force: bool,
    /// Take a shutdown under way back.
    pub abort: bool,
}

/// A connection, for CLIENT LIST and CLIENT KILL.
#[derive(Clone, Debug)]
pub struct ClientCard {
    /// What the session says of itself.
    pub session: Session,
    /// What of it changes all the time.
    pub modes: Modes,
    /// When it last sent a command.
    pub active_at: UnixMs,
    /// Bytes waiting in its read buffer.
    pub query_len: usize,
    /// Bytes its read buffer could still take.
    pub query_free: usize,
    /// Bytes of memory it takes.
    pub memory: usize,
    /// Bytes that wait to be sent to it.
    pub output_len: usize,
    /// Its file descriptor, for reading logs; -1 if it has none.
    pub fd: i64,
}

impl ClientCard {
    /// That of a connection with nothing in its buffers.
    pub fn new(session: Session, active_at: UnixMs, fd: i64) -> Self {
        let modes = session.modes();
        Self { session, modes, active_at, query_len: 0, query_free: 0, memory: 0, output_len: 0, fd }
    }

    /// Bytes of memory that it takes in all.
    pub fn memory(&self) -> usize {
        self.memory + self.output_len + self.modes.queued_len
    }

    /// Whether it is there to send commands or to listen, and not to copy data: such ones may be closed for their memory or their silence.
    pub fn is_ordinary(&self) -> bool {
        let Session { is_primary_link, is_replica_link, import, .. } = &self.session;
        !is_primary_link && !is_replica_link && import.is_none()
    }
}

/// Figures that INFO shows and that only the node knows.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Random id of this run: 40 hexadecimal digits.
    pub run_id: String,
    /// Process number.
    pub pid: u32,
    /// Operating system, release and architecture.
    pub os: String,
    /// Path of the executable.
    pub executable: String,
    /// Path of the configuration file; empty if none.
    pub config_file: String,
    /// When it started.
    pub started_at: UnixMs,
    /// TCP port served.
    pub port: u16,
    /// Connections open now.
    pub connected_clients: u64,
    /// Connections accepted so far.
    pub connections_received: u64,
    /// Connections refused because of `maxclients`.
    pub connections_rejected: u64,
    /// Commands executed so far.
    pub commands_processed: u64,
    /// Commands executed per second of late.
    pub commands_per_second: u64,
    /// Connections closed because of `maxmemory-clients`.
    pub clients_evicted: u64,
    /// Bytes read from clients.
    pub bytes_in: u64,
    /// Bytes written to clients.
    pub bytes_out: u64,
    /// Values and databases that wait to be freed.
    pub garbage_pending: u64,
    /// Values and databases freed in the background so far.
    pub garbage_freed: u64,
    /// Changes of data since start.
    pub changes: u64,
    /// Connections to the targets of MIGRATE that are kept for the next one.
    pub migrate_cached_sockets: u64,
    /// Clients that wait for anything but keys: for replicas, disks, the end of a pause or of a shutdown.
    pub waiting: usize,
    /// What the connections of the bus take, in bytes.
    pub cluster_links: u64,
    /// Resident memory of the process, in bytes.
    pub rss: u64,
    /// The most memory the process has taken, in bytes.
    pub rss_peak: u64,
    /// The memory allocator of the process.
    pub allocator: &'static str,
    /// Bytes of memory of the machine.
    pub system_memory: u64,
    /// CPU time of the process in the kernel, in microseconds.
    pub cpu_system_us: u64,
    /// CPU time of the process outside the kernel, in microseconds.
    pub cpu_user_us: u64,
}
