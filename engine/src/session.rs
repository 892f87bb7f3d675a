//! What a node remembers of one client connection.
//!
//! Plain data: the connection's task owns it, handlers of connection commands change it, dispatch reads it.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use slotway_core::id::{JobId, NodeId};
use slotway_core::replication::Resume;
use slotway_core::resp::encode::Protocol;
use slotway_core::slot_set::SlotSet;
use slotway_core::time::UnixMs;
use slotway_core::topology::Reach;

use crate::acl::User;
use crate::interest::Waiter;
use crate::keyspace::DbIndex;
use crate::migration::{Arrived, Decoded, Migration};
use crate::pubsub::Subscriptions;
use crate::tracking::Wish;
use crate::transaction::{Transaction, Watch};

/// Number of a connection, never used twice by one node: what CLIENT ID answers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ClientId(pub u64);

/// Whether replies are sent: CLIENT REPLY.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ReplyMode {
    /// All of them.
    #[default]
    On,
    /// None until `CLIENT REPLY ON`.
    Off,
    /// Not the reply to CLIENT REPLY SKIP itself, nor the next one.
    SkipNext,
    /// Not the reply to the command being executed.
    SkipThis,
}

/// What the connection task must do once the batch is answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum After {
    /// Read on.
    #[default]
    Continue,
    /// Send what is written, then close.
    Close,
    /// Close at once, without a word.
    Abort,
    /// Wait until replicas have acknowledged: [`Session::ack_wait`] says what.
    WaitForAcks,
    /// Wait until the shutdown that it has asked for is given up; answer then that it is.
    WaitForShutdown,
    /// Have the data replaced by what the append-only file holds, then answer: DEBUG LOADAOF.
    LoadAof,
    /// Wait until the pause is over, or until the keys are held no longer that [`Session::held_by`] holds, then go on with the request
    /// that has not been executed.
    Hold,
    /// Have the keys of [`Session::migration`] taken to another server, which answers the request.
    Migrate,
    /// Have [`Session::payload`] decoded, then go on with the request that has not been executed.
    Decode,
    /// Be the link of a migration of slots to this node from now on: [`Session::import`] says which.
    Import,
    /// Be a replica's link from now on: [`Session::peer`] says which.
    Replicate,
}

/// Where a client comes from, and how: what it is told of other nodes depends on that.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Origin {
    /// Which addresses it is told.
    pub reach: Reach,
    /// With TLS it is told the ports for TLS.
    pub tls: bool,
}

/// What a connection runs over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transport {
    /// TCP.
    Tcp,
    /// TLS on TCP.
    Tls,
    /// A Unix socket.
    Unix,
}

/// What a replica tells of itself by REPLCONF and PSYNC.
#[derive(Clone, Debug, Default)]
pub struct Peer {
    /// The port it listens on; 0 while it has not said.
    pub port: u16,
    /// The address to name to others; empty for the one it comes from.
    pub host: String,
    /// It takes a snapshot whose length is not told in front.
    pub takes_eof: bool,
    /// It understands that the history gets another id.
    pub takes_psync2: bool,
    /// It is none: it wants a snapshot and no commands.
    pub wants_only_snapshot: bool,
    /// What the snapshot is to tell.
    pub parts: Parts,
    /// It has asked by PSYNC, and not by SYNC, which has no reply but the snapshot.
    pub knows_psync: bool,
    /// Its name as a node of the cluster, if it has told it to count as a copy of the shard: `cluster-write-quorum`.
    pub copy: Option<NodeId>,
    /// Where it wants to go on, if it has data.
    pub resume: Option<Resume>,
}

/// What a snapshot tells: `REPLCONF rdb-filter-only`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Parts {
    /// Everything.
    #[default]
    All,
    /// The libraries of functions, and no keys.
    Functions,
    /// Only facts about the node.
    Facts,
}

/// Where what is waited for has to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reached {
    /// With the replicas: WAIT, which answers how many.
    Memory,
    /// On their disks, and on this node's own too if `local`: WAITAOF, which answers both.
    Disk {
        /// This node must have it.
        local: bool,
    },
}

/// What WAIT and WAITAOF wait for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AckWait {
    /// Where.
    pub reached: Reached,
    /// How far they must be.
    pub offset: u64,
    /// How many of them.
    pub replicas: usize,
    /// When it gives up; `None` for never.
    pub deadline: Option<UnixMs>,
}

/// How much a connection may be answered at a time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReplyRoom {
    /// A batch ends behind the request at whose reply there are so many bytes: the rest waits until they are written.
    pub batch_len_max: usize,
    /// Past so many bytes values are left out of replies: the connection is to be closed.
    pub len_max: usize,
}

impl Default for ReplyRoom {
    /// No end of it.
    fn default() -> Self {
        Self { batch_len_max: usize::MAX, len_max: usize::MAX }
    }
}

/// One client connection.
#[derive(Clone, Debug)]
pub struct Session {
    /// Its number.
    pub id: ClientId,
    /// `host:port` of the client.
    pub address: String,
    /// `host:port` it connected to.
    pub local_address: String,
    /// True when the client is on the same host: protected mode and DEBUG care.
    pub is_local: bool,
    /// What it runs over.
    pub transport: Transport,
    /// Where it comes from: which addresses of other nodes it is told.
    pub reach: Reach,
    /// The data thread that serves it.
    pub thread: u16,
    /// When it connected.
    pub connected_at: UnixMs,
    /// The name given by CLIENT SETNAME or HELLO; empty if none.
    pub name: String,
    /// Library name by CLIENT SETINFO; empty if none.
    pub lib_name: String,
    /// Library version by CLIENT SETINFO; empty if none.
    pub lib_version: String,
    /// The selected database.
    pub db: DbIndex,
    /// The dialect.
    pub protocol: Protocol,
    /// Whose rights it has; `None` for what comes from the node itself, which may do everything.
    pub user: Option<Arc<User>>,
    /// False until AUTH, where a password is required.
    pub authenticated: bool,
    /// ASKING was sent: holds for one command.
    pub asking: bool,
    /// READONLY is on.
    pub readonly: bool,
    /// CLIENT NO-TOUCH is on: reads leave no trace in LRU and LFU clocks.
    pub no_touch: bool,
    /// CLIENT NO-EVICT is on.
    pub no_evict: bool,
    /// It is the link to this node's primary: what comes is executed without question, and nothing expires meanwhile.
    pub is_primary_link: bool,
    /// It is the link of a migration of slots to this node: what comes is executed without question, as long as it is of those slots.
    pub import: Option<Arc<Import>>,
    /// It has sent MONITOR.
    pub is_monitor: bool,
    /// It is the link of a replica of this node.
    pub is_replica_link: bool,
    /// What a replica has told of itself.
    pub peer: Option<Box<Peer>>,
    /// The primary wants to know how far its link has come.
    pub ack_is_wanted: bool,
    /// What WAIT waits for.
    pub ack_wait: Option<AckWait>,
    /// The offset of the replication stream behind its last write: what WAIT waits for.
    pub write_offset: u64,
    /// Who holds the keys that the next request is to change.
    pub held_by: Option<ClientId>,
    /// Where its keys are to go: MIGRATE.
    pub migration: Option<Box<Migration>>,
    /// What of them has arrived.
    pub arrived: Option<Arc<Arrived>>,
    /// The payload that RESTORE needs decoded.
    pub payload: Option<Box<[u8]>>,
    /// The value that it was.
    pub decoded: Decoded,
    /// Which replies are sent.
    pub reply_mode: ReplyMode,
    /// How much of them at a time.
    pub reply_room: ReplyRoom,
    /// The commands queued since MULTI, if it is open.
    pub transaction: Option<Box<Transaction>>,
    /// The keys watched since WATCH, if there are any.
    pub watch: Option<Box<Watch>>,
    /// The command that waits: nothing else is executed before it has its answer.
    pub blocked: Option<Arc<Waiter>>,
    /// Messages of channels that the command being executed has sent to this connection itself: they follow the reply.
    pub pushed: Vec<u8>,
    /// How it wants to be told of changes of keys that it has in its cache, if it does.
    pub tracking: Option<Wish>,
    /// What CLIENT CACHING has said of the next command.
    pub caching: Option<bool>,
    /// How much it listens to; the node's [`PubSub`](crate::pubsub::PubSub) knows what.
    pub subscriptions: Arc<Subscriptions>,
    /// What follows the batch.
    pub after: After,
    /// Full name of the last command, for CLIENT LIST.
    pub last_command: &'static str,
    /// Set by whatever changes what CLIENT LIST shows of the connection; the connection task publishes it and clears this.
    pub card_changed: bool,
}

/// Slots that a connection brings.
#[derive(Clone, Debug)]
pub struct Import {
    /// The migration.
    pub job: JobId,
    /// Who gives them away.
    pub source: NodeId,
    /// Which.
    pub slots: SlotSet,
}

/// What of a session changes so often that it is told apart from the rest.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Modes {
    /// The database selected.
    pub db: DbIndex,
    /// In a transaction: how many requests it has queued.
    pub queued: Option<usize>,
    /// Bytes of these.
    pub queued_len: usize,
    /// It waits for keys, or for replicas.
    pub is_blocked: bool,
    /// A key that it watches has changed.
    pub is_dirty: bool,
    /// It has sent READONLY.
    pub readonly: bool,
}

impl Session {
    /// It has this user's rights from now on.
    pub fn authenticate(&mut self, user: Arc<User>) {
        (self.user, self.authenticated, self.card_changed) = (Some(user), true, true);
    }

    /// Nothing that comes is refused for want of rights: the one test that a request costs.
    pub fn may_do_everything(&self) -> bool {
        self.user.as_ref().is_none_or(|user| user.may_do_everything())
    }

    /// What comes is executed without question: it has been, elsewhere.
    pub fn is_obeyed(&self) -> bool {
        self.is_primary_link || self.import.is_some()
    }

    /// A connection as it begins. It is authenticated if `user` lets anybody in.
    pub fn new(
        id: ClientId,
        address: String,
        local_address: String,
        now: UnixMs,
        user: Option<Arc<User>>,
    ) -> Self {
        let authenticated = user.as_ref().is_none_or(|user| user.rules().let_anyone_in());
        Self {
            id,
            address,
            local_address,
            is_local: true,
            transport: Transport::Tcp,
            reach: Reach::Inside,
            thread: 0,
            connected_at: now,
            name: String::new(),
            lib_name: String::new(),
            lib_version: String::new(),
            db: DbIndex::default(),
            protocol: Protocol::Resp2,
            user,
            authenticated,
            asking: false,
            readonly: false,
            no_touch: false,
            no_evict: false,
            is_primary_link: false,
            import: None,
            is_monitor: false,
            is_replica_link: false,
            peer: None,
            ack_is_wanted: false,
            ack_wait: None,
            write_offset: 0,
            held_by: None,
            migration: None,
            arrived: None,
            payload: None,
            decoded: Decoded::default(),
            reply_mode: ReplyMode::On,
            reply_room: ReplyRoom::default(),
            transaction: None,
            watch: None,
            blocked: None,
            pushed: Vec::new(),
            tracking: None,
            caching: None,
            subscriptions: Arc::default(),
            after: After::Continue,
            last_command: "",
            card_changed: true,
        }
    }

    /// Where the client comes from.
    pub fn origin(&self) -> Origin {
        Origin { reach: self.reach, tls: self.transport == Transport::Tls }
    }

    /// What CLIENT LIST tells of it that commands change all the time.
    pub fn modes(&self) -> Modes {
        Modes {
            db: self.db,
            queued: self.transaction.as_ref().map(|transaction| transaction.queued.len()),
            queued_len: self.transaction.as_ref().map_or(0, |transaction| transaction.bytes),
            is_blocked: self.blocked.is_some()
                || matches!(self.after, After::WaitForAcks | After::WaitForShutdown | After::Hold),
            is_dirty: self.watch.as_ref().is_some_and(|watch| watch.is_changed()),
            readonly: self.readonly,
        }
    }

    /// Back to the state of a new connection of `user`, as RESET does: name and libraries stay empty or go, the number stays.
    pub fn reset(&mut self, user: Option<Arc<User>>) {
        let (id, connected_at) = (self.id, self.connected_at);
        let (is_local, transport) = (self.is_local, self.transport);
        let (reach, thread) = (self.reach, self.thread);
        let address = core::mem::take(&mut self.address);
        let local_address = core::mem::take(&mut self.local_address);
        let (lib_name, lib_version) =
            (core::mem::take(&mut self.lib_name), core::mem::take(&mut self.lib_version));
        // Others know it by this.
        let subscriptions = core::mem::take(&mut self.subscriptions);
        subscriptions.set_protocol(Protocol::Resp2);
        *self = Session::new(id, address, local_address, connected_at, user);
        (self.is_local, self.transport) = (is_local, transport);
        (self.reach, self.thread) = (reach, thread);
        (self.lib_name, self.lib_version) = (lib_name, lib_version);
        self.subscriptions = subscriptions;
    }
}
