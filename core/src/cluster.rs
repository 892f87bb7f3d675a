//! The control plane of one node: who is in the cluster, who is down, who owns which slot, who takes over.
//!
//! ```text
//!                       now, Input                              Action
//!   driver (tokio, or ------------> Cluster::handle ---------> Cluster::poll_action ----> driver
//!   simulator)                        |  match, one call each        connect, send, close, persist, publish, ...
//!      ^                              v
//!      |        receive --> handshake, address, gossip, health, ownership, epochs, election, manual, handoff, names, forget
//!      |        tick ----> links, pings, suspicion, election, replica migration, state
//!      +---- Cluster::next_deadline
//! ```
//!
//! It does no I/O: it reads no clock and no randomness but what it is given, so a run follows from its inputs, in a simulator as
//! in production. A rule is a file; `receive` has the order in which a frame meets them. What the rules bring about is
//! collected in the outbox, which lets nothing leave before what it depends on is on disk.
//!
//! What it does not do: it has no sockets, resolves no names, copies no data. That its replica has the data is told to it
//! ([`Input::Replication`]).
//!
//! Source of the rules: Redis Cluster specification, Redis 7.2 and Valkey 8; where these differ or leave a hole, the rule's
//! file says what we do and why.

mod action;
mod address;
mod admin;
mod comeback;
mod config;
mod copies;
mod doubts;
mod election;
mod epochs;
mod event;
mod forget;
mod form;
mod gossip;
mod handoff;
mod handshake;
mod health;
mod heartbeat;
mod input;
mod links;
mod manual;
mod names;
mod nodes;
pub mod nodes_conf;
mod orphans;
mod outbox;
mod ownership;
mod peer;
mod picture;
mod profile;
mod receive;
mod sabotage;
mod seeds;
mod slots;
mod state;
mod stats;
mod talk;
#[cfg(test)]
mod tests;
mod tick;

pub use action::{Action, Beginning, ChannelScope, Durability, Source};
pub use admin::{Admin, Done, FailoverMode, SetSlot};
pub use config::{Announced, Config};
pub use copies::NoPromise;
pub use election::Refusal;
pub use epochs::Bump;
pub use event::Event;
pub use form::Shape;
pub use handoff::{HandoffAction, HandoffInput, Job, JobState, Message, Side, Verdict};
pub use input::{Dataset, Input, Loss, Now, Replication};
pub use links::LinkId;
pub use picture::LinkView;
pub use profile::Profile;
pub use sabotage::Sabotage;
pub use seeds::Seed;
pub use stats::Stats;

use crate::epoch::Epoch;
use crate::id::{NodeId, ShardId};
use crate::random::Random;
use crate::time::Instant;
use crate::topology::NodeFlags;

use comeback::Comeback;
use copies::Copies;
use election::Election;
use forget::Bans;
use form::Formation;
use handoff::Handoffs;
use heartbeat::Audience;
use links::Links;
use manual::ManualFailover;
use nodes::{MYSELF, Nodes};
use outbox::Outbox;
use peer::Peer;
use profile::Manners;
use sabotage::Plot;
use seeds::Search;
use slots::SlotTable;
use state::State;

/// The control plane of one node.
#[derive(Clone, Debug)]
pub struct Cluster {
    config: Config,
    random: Random,
    nodes: Nodes,
    links: Links,
    slots: SlotTable,
    current_epoch: Epoch,
    last_vote_epoch: Epoch,
    watch: State,
    election: Election,
    manual: ManualFailover,
    copies: Copies,
    comeback: Comeback,
    /// Pings were left unanswered while this node kept silent.
    owes_answers: bool,
    bans: Bans,
    search: Search,
    formation: Formation,
    handoffs: Handoffs,
    replication: Replication,
    stats: Stats,
    out: Outbox,
    /// Pictures that readers have been given.
    version: u64,
    /// What changes takes slots from this node: readers must know at once.
    serves_less: bool,
    /// Nodes were suspected that others have not been told of.
    has_suspicions_to_tell: bool,
    /// What is to be saved some time is saved now: at each tick, and before an operator is answered.
    saves_are_due: bool,
    ticks: u64,
    next_tick: Instant,
    last_now: Instant,
    /// Nothing, but in tests of the tests.
    plot: Plot,
    /// Its own, but in simulated clusters of mixed kinds.
    manners: Manners,
}

impl Cluster {
    /// A node that is alone, with a new name: a primary without slots.
    pub fn new(now: Now, config: Config, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let (id, shard) = (NodeId::from_random(random.id_bytes()), ShardId::from_random(random.id_bytes()));
        let myself = Peer::new(id, shard, NodeFlags::MYSELF | NodeFlags::PRIMARY, now.instant);
        let mut cluster = Self::with(now, config, random, Nodes::of(myself));
        cluster.save_before_anything_leaves();
        cluster.finish(now);
        cluster
    }

    fn with(now: Now, config: Config, random: Random, nodes: Nodes) -> Self {
        let search = Search::for_seeds(&config.seeds, now.instant);
        let mut cluster = Self {
            config,
            random,
            nodes,
            links: Links::default(),
            slots: SlotTable::new(),
            current_epoch: Epoch::default(),
            last_vote_epoch: Epoch::default(),
            watch: State::default(),
            election: Election::default(),
            manual: ManualFailover::None,
            copies: Copies::default(),
            comeback: Comeback::default(),
            owes_answers: false,
            bans: Bans::default(),
            search,
            formation: Formation::default(),
            handoffs: Handoffs::default(),
            replication: Replication::default(),
            stats: Stats::default(),
            out: Outbox::default(),
            version: 0,
            serves_less: false,
            has_suspicions_to_tell: false,
            saves_are_due: false,
            ticks: 0,
            next_tick: now.instant,
            last_now: now.instant,
            plot: Plot::default(),
            manners: Manners::default(),
        };
        cluster.announce_myself();
        cluster.recheck_state();
        cluster
    }

    /// Takes in what happened. What comes of it is to be [polled](Self::poll_action).
    pub fn handle(&mut self, now: Now, input: Input<'_>) {
        match input {
            Input::Wake => {}
            Input::Accepted { link, remote_ip, local_ip } => {
                self.links.accept(link, remote_ip.into(), local_ip.into(), now.instant);
            }
            Input::Connected { link, remote_ip } => self.on_connected(link, remote_ip),
            Input::Lost { link, why } => self.on_lost(now, link, why),
            Input::Frame { link, frame } => self.on_frame(now, link, frame),
            Input::Persisted => self.out.on_persisted(),
            Input::Publish { scope, channel, message } => self.publish(scope, channel, message),
            Input::Replication(replication) => self.on_replication(now, replication),
            Input::Configure(config) => self.configure(now, *config),
            Input::Started(dataset) => self.on_started(now, dataset),
            Input::Handoff(input) => self.on_handoff(now, input),
        }
        self.run_timers(now);
        self.finish(now);
    }

    /// The next thing for the driver to do; `None` if there is none, or if all else waits for the disk.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.out.poll()
    }

    /// When [`Input::Wake`] is due, if nothing happens before.
    pub fn next_deadline(&self) -> Instant {
        let election = self.election_deadline(self.last_now);
        election.map_or(self.next_tick, |election| election.min(self.next_tick))
    }

    /// The name of this node.
    pub fn id(&self) -> NodeId {
        self.nodes[MYSELF].id
    }

    /// This node copies another.
    pub fn is_replica(&self) -> bool {
        self.nodes[MYSELF].is_replica()
    }

    /// What has been counted.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// The configuration in force.
    pub fn config(&self) -> &Config {
        &self.config
    }

    fn on_replication(&mut self, now: Now, replication: Replication) {
        self.replication = replication;
        self.nodes[MYSELF].offset = replication.offset;
        self.reserve_offsets();
        self.step_manual_failover(now);
    }

    fn configure(&mut self, now: Now, config: Config) {
        let is_news = self.config.announces_otherwise_than(&config);
        self.config = config;
        self.announce_myself();
        if is_news {
            self.pong(now, Audience::All);
        }
        self.recheck_state();
        self.save_soon();
    }

    /// This node's own entry says what the configuration does.
    fn announce_myself(&mut self) {
        let (announced, myself) = (&self.config.announced, &mut self.nodes[MYSELF]);
        if !announced.ip.is_empty() {
            myself.address.ip.clone_from(&announced.ip);
        }
        (myself.address.port, myself.address.tls_port) = (announced.port, announced.tls_port);
        myself.address.bus_port = announced.bus_port;
        myself.hostname.clone_from(&self.config.hostname);
        myself.human_name.clone_from(&self.config.human_name);
        myself.outside.clone_from(&self.config.outside);
        myself.flags.set(NodeFlags::NOFAILOVER, self.config.no_failover);
    }

    /// After each input: the state, the file, the picture, and then what has been collected.
    fn finish(&mut self, now: Now) {
        self.last_now = now.instant;
        self.recheck_handoffs(now);
        if core::mem::take(&mut self.out.recheck_state) {
            self.update_state(now);
        }
        let save = self.out.take_save(core::mem::take(&mut self.saves_are_due));
        let conf = save.map(|durability| (self.conf_text(now), durability));
        let is_stale = core::mem::take(&mut self.out.is_stale);
        let picture = is_stale.then(|| self.next_picture(now));
        self.out.release(conf, picture, core::mem::take(&mut self.serves_less));
    }

    /// Something changed that others could tell this node again.
    fn save_soon(&mut self) {
        self.out.save(Durability::Eventually);
    }

    /// A vote or an epoch changed: nobody hears of it before it is on disk.
    fn save_before_anything_leaves(&mut self) {
        self.out.save(Durability::BeforeTheNextAction);
    }

    fn note(&mut self, event: Event) {
        self.out.note(event);
    }
}
