//! What all threads of one node share, besides its data: configuration, topology, connections, counters.
//!
//! This is the node as its commands see it: the implementation of [`Node`].

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use parking_lot::Mutex;
use slotway_core::cluster::{Beginning, Cluster, Dataset, Input, LinkId, Now};
use slotway_core::id::JobId;
use slotway_core::resp::error::ErrorReply;
use slotway_core::resp::value::Value;
use slotway_core::slot::Slot;
use slotway_core::slot_set::SlotSet;
use slotway_core::time::UnixMs;
use slotway_core::topology::{self, Topology};
use slotway_engine::acl::Acl;
use slotway_engine::command_stats::CommandStats;
use slotway_engine::config::{Asker, Changes, Config, SetError};
use slotway_engine::handoff::Progress;
use slotway_engine::journal::Journal;
use slotway_engine::keyspace::{Garbage, KeyHasher};
use slotway_engine::monitor::Monitors;
use slotway_engine::node::{
    AofState, ClientCard, Condition, Facts, Failover, Merge, Node, Pause, ReplicationState, Saves, Saving,
    Shutdown, When,
};
use slotway_engine::propagation::Record;
use slotway_engine::pubsub::{PubSub, Subscriptions};
use slotway_engine::script::ScriptHost;
use slotway_engine::session::{ClientId, Session};
use slotway_engine::shards::WholeKeyspace;
use slotway_engine::slot_stats::SlotStats;
use slotway_engine::switches::Switches;
use slotway_engine::tracking::Tracking;
use tokio::sync::watch;

use crate::aof::{self, Aof};
use crate::bus::Bus;
use crate::clients::Clients;
use crate::doors::Doors;
use crate::handoff::Handoff;
use crate::inquiry::Inquiries;
use crate::log::{Form, Level, Log};
use crate::migrate::Migrations;
use crate::pause::Pauses;
use crate::persist::Persist;
use crate::reclaim::Reclaimer;
use crate::replicate::{Primary, Replication};
use crate::shutdown::{self, Ending};
use crate::stats::Stats;
use crate::tls::{self, Tls};
use crate::{busy, persist, process, replicate, server, users};

/// One node, without its data.
pub(crate) struct Shared {
    config: ArcSwap<Config>,
    /// Taken while the configuration is changed, so that two changes do not undo each other.
    changing: Mutex<()>,
    config_file: Option<PathBuf>,
    topology: ArcSwapOption<Topology>,
    /// Tells those who wait for changes of the topology: the HTTP port's streams.
    topology_changes: watch::Sender<Option<Arc<Topology>>>,
    pub(crate) clients: Arc<Clients>,
    pub(crate) pubsub: Mutex<PubSub>,
    acl: Mutex<Acl>,
    reclaimer: Reclaimer,
    pub(crate) stats: Stats,
    /// Of a node in cluster mode.
    slot_stats: Option<SlotStats>,
    command_stats: CommandStats,
    journal: Mutex<Journal>,
    monitors: Mutex<Monitors>,
    has_monitors: AtomicBool,
    tracking: Mutex<Tracking>,
    is_tracking: AtomicBool,
    pub(crate) persist: Persist,
    pub(crate) aof: Aof,
    pub(crate) replication: Replication,
    pub(crate) pauses: Pauses,
    pub(crate) migrations: Migrations,
    pub(crate) ending: Ending,
    pub(crate) handoff: Handoff,
    pub(crate) scripts: slotway_lua::Host,
    pub(crate) log: Log,
    /// True once the node is to stop.
    stop: watch::Sender<bool>,
    /// The control plane, unless the node's topology is fixed.
    bus: OnceLock<Arc<Bus>>,
    /// What other threads want to know of this node.
    pub(crate) inquiries: Inquiries,
    /// Where clients come in.
    pub(crate) doors: Doors,
    tls: ArcSwapOption<Tls>,
    /// What DEBUG has switched.
    pub(crate) switches: Switches,
    run_id: String,
    started_at: UnixMs,
    random: AtomicU64,
}

impl Shared {
    /// A node with `config`, read from `config_file` if there is one.
    pub(crate) fn new(config: Config, config_file: Option<PathBuf>, log: Log) -> Self {
        let run_id = process::random_bytes::<20>().iter().map(|byte| format!("{byte:02x}")).collect();
        let acl = Mutex::new(Acl::new(&config));
        let threads = server::data_threads(&config);
        let slot_stats = config.cluster_enabled().then(|| SlotStats::new(threads));
        let replication = Replication::default();
        replication.count_good_replicas(&config);
        Self {
            config: ArcSwap::from_pointee(config),
            changing: Mutex::new(()),
            config_file,
            topology: ArcSwapOption::empty(),
            topology_changes: watch::Sender::new(None),
            clients: Arc::default(),
            pubsub: Mutex::default(),
            acl,
            reclaimer: Reclaimer::default(),
            stats: Stats::default(),
            slot_stats,
            command_stats: CommandStats::new(threads),
            journal: Mutex::default(),
            monitors: Mutex::default(),
            has_monitors: AtomicBool::new(false),
            tracking: Mutex::default(),
            is_tracking: AtomicBool::new(false),
            persist: Persist::default(),
            aof: Aof::default(),
            replication,
            pauses: Pauses::default(),
            migrations: Migrations::default(),
            ending: Ending::default(),
            handoff: Handoff::default(),
            scripts: slotway_lua::Host::new(script_memory_max()),
            log,
            stop: watch::Sender::new(false),
            bus: OnceLock::new(),
            inquiries: Inquiries::default(),
            doors: Doors::default(),
            tls: ArcSwapOption::empty(),
            switches: Switches::default(),
            run_id,
            started_at: process::unix_ms(),
            random: AtomicU64::new(u64::from_ne_bytes(process::random_bytes())),
        }
    }

    /// Makes `topology` what this node knows, and tells those who wait for changes.
    pub(crate) fn publish(&self, topology: Arc<Topology>) {
        let before = self.topology.swap(Some(Arc::clone(&topology)));
        if let (Some(stats), Some(before)) = (&self.slot_stats, before) {
            let (before, now) = (before.slots_of_my_shard(), topology.slots_of_my_shard());
            if before != now {
                stats.reset(&before.difference(&now).union(&now.difference(&before)));
            }
        }
        self.topology_changes.send_replace(Some(topology));
    }

    /// From now on the control plane says what the topology is.
    pub(crate) fn be_controlled_by(&self, bus: Arc<Bus>) {
        assert!(self.bus.set(bus).is_ok(), "a node has one control plane");
    }

    /// Writes are acknowledged once a majority of the shard's copies has them.
    pub(crate) fn counts_by_quorum(&self) -> bool {
        let config = self.config.load();
        config.cluster_write_quorum() && config.cluster_enabled() && self.bus.get().is_some()
    }

    /// This node copies another, or is about to.
    pub(crate) fn is_replica(&self) -> bool {
        let topology = self.topology.load();
        let myself = topology.as_deref().and_then(|topology| Some(topology.node(topology.myself()?)));
        self.replication.follows() || myself.is_some_and(topology::Node::is_replica)
    }

    /// The process has started, and this is what it has found of its data.
    pub(crate) fn started_with(&self, dataset: Dataset) {
        if let Some(bus) = self.bus.get() {
            bus.input(Input::Started(dataset));
        }
    }

    /// Follows the topology: the present one at once, then each that replaces it.
    pub(crate) fn watch_topology(&self) -> watch::Receiver<Option<Arc<Topology>>> {
        self.topology_changes.subscribe()
    }

    /// Becomes true when the node is to stop.
    pub(crate) fn watch_stop(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }

    /// Stops the node: no more connections, and those that there are end.
    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
        self.clients.kill_all();
    }
}

impl Shared {
    /// A connection has ended: nobody has anything for it any more.
    pub(crate) fn forget(&self, session: &Session) {
        self.pubsub.lock().forget(session.id);
        if session.is_monitor {
            self.with_monitors(&mut |monitors| monitors.end(session.id));
        }
        if session.tracking.is_some() {
            self.with_tracking(&mut |tracking| tracking.end(session.id));
        }
    }

    /// Notes that a client is closed because it does not read.
    pub(crate) fn log_overflow(&self, address: &str) {
        self.log.warning(&format!("Client addr={address} closed for overcoming of output buffer limits."));
    }

    /// What this node answers to a command, as to a client that may do everything; `None` while it serves nobody.
    pub(crate) async fn ask(&self, words: &[&str]) -> Option<Value> {
        self.inquiries.ask(words).await
    }

    /// What TLS needs; `None` where nothing uses it.
    pub(crate) fn tls(&self) -> Option<Arc<Tls>> {
        self.tls.load_full()
    }

    /// Reads certificates and rules anew.
    ///
    /// # Errors
    /// They are unfit; then those before stay, and the log says why.
    pub(crate) fn make_tls(&self, config: &Config) -> anyhow::Result<()> {
        match Tls::of(config) {
            Ok(tls) => self.tls.store(tls.map(Arc::new)),
            Err(error) => {
                self.log.warning(&format!("Failed to configure TLS: {error:#}"));
                return Err(error);
            }
        }
        Ok(())
    }

    /// Listens where `config` says from now on.
    ///
    /// # Errors
    /// A place is taken, or not of this machine: then nothing has changed, and the log says more.
    fn move_doors(&self, config: &Config, argument: &'static str) -> Result<(), ErrorReply> {
        let reason = match argument {
            "bind" => "Failed to bind to specified addresses.",
            _ => "Unable to listen on this port. Check server logs.",
        };
        self.doors.move_to(config).map_err(|error| {
            self.log.warning(&format!("{error:#}"));
            SetError::refused(argument, reason.to_owned()).into()
        })
    }

    /// Brings about what has been set. What is read where it is needed, each time anew, needs nothing here.
    ///
    /// # Errors
    /// It cannot be brought about: then it must not be set.
    fn apply(&self, config: &Config, changes: &Changes) -> Result<(), ErrorReply> {
        let refused = |argument, reason: String| ErrorReply::from(SetError::refused(argument, reason));
        if changes.contains("maxclients") {
            process::reserve_files(config.maxclients())
                .map_err(|allowed| refused("maxclients", format!("The operating system is not able to handle the specified number of clients, try with {allowed}")))?;
        }
        if changes.names().any(tls::concerns) {
            let made = self.make_tls(config);
            made.map_err(|_| {
                refused("tls-port", "Unable to update TLS configuration. Check server logs.".into())
            })?;
        }
        if let Some(moved) = ["port", "tls-port", "bind"].into_iter().find(|name| changes.contains(name)) {
            self.move_doors(config, moved)?;
        }
        if changes.contains("appendonly") {
            self.aof.reconsider();
        }
        if changes.contains("dir") {
            std::env::set_current_dir(config.dir()).map_err(|error| refused("dir", error.to_string()))?;
        }
        self.log.set_level(Level::of(config.loglevel()));
        self.log.set_form(Form::of(config));
        if let Some(bus) = self.bus.get() {
            bus.configure(config).map_err(|error| refused("cluster-port", error.to_string()))?;
        }
        Ok(())
    }
}

impl Node for Shared {
    fn now(&self) -> UnixMs {
        process::unix_ms()
    }

    fn now_us(&self) -> u64 {
        process::unix_us()
    }

    fn memory_of_clients(&self) -> u64 {
        self.clients.recent_memory(self.now())
    }

    /// SplitMix64 over a counter that began at random.
    fn random(&self) -> u64 {
        let mut z = self.random.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn config(&self) -> Arc<Config> {
        self.config.load_full()
    }

    fn topology(&self) -> Option<Arc<Topology>> {
        self.topology.load_full()
    }

    fn with_cluster(&self, visit: &mut dyn FnMut(Now, &mut Cluster)) -> bool {
        let bus = self.bus.get();
        bus.inspect(|bus| bus.visit(visit)).is_some()
    }

    fn waiting_on_link(&self, link: LinkId) -> usize {
        self.bus.get().map_or(0, |bus| bus.waiting(link))
    }

    fn set_config(&self, pairs: &[(&[u8], &[u8])], asker: Asker) -> Result<(), ErrorReply> {
        let _guard = self.changing.lock();
        let mut config = Config::clone(&self.config());
        let changes = config.set(pairs, asker)?;
        self.apply(&config, &changes)?;
        if changes.contains("requirepass") {
            self.acl.lock().set_default_password(config.requirepass());
        }
        self.replication.count_good_replicas(&config);
        self.config.store(Arc::new(config));
        Ok(())
    }

    fn rewrite_config(&self) -> Result<(), ErrorReply> {
        let Some(path) = &self.config_file else {
            return Err(ErrorReply::other("ERR The server is running without a config file"));
        };
        let mut config = Config::clone(&self.config());
        config.set_users(users::for_rewrite(&config, &self.acl.lock()));
        crate::files::rewrite(path, |old| config.rewrite(old))
            .map_err(|error| ErrorReply::other(format!("ERR Rewriting config file: {error}")))
    }

    fn facts(&self) -> Facts {
        let (rss, rss_peak) = process::resident_memory();
        let (cpu_user_us, cpu_system_us) = process::cpu_time_us();
        let path = |path: Option<PathBuf>| path.map_or_else(String::new, |path| path.display().to_string());
        let mut facts = Facts {
            run_id: self.run_id.clone(),
            pid: std::process::id(),
            os: process::os(),
            executable: path(std::env::current_exe().ok()),
            config_file: path(self.config_file.clone()),
            started_at: self.started_at,
            port: self.config().known_port(),
            connected_clients: self.clients.len() as u64,
            rss,
            rss_peak,
            system_memory: process::system_memory(),
            allocator: "mimalloc",
            cpu_user_us,
            cpu_system_us,
            garbage_pending: self.reclaimer.pending(),
            garbage_freed: self.reclaimer.freed(),
            migrate_cached_sockets: self.migrations.kept_connections(),
            waiting: self.clients.waiting(),
            cluster_links: self.bus.get().map_or(0, |bus| bus.links_memory() as u64),
            ..Facts::default()
        };
        self.stats.tell(&mut facts);
        facts
    }

    fn reset_stats(&self) {
        self.stats.reset();
        self.command_stats.reset();
        self.reclaimer.reset();
        self.journal.lock().errors.reset();
        if let Some(stats) = &self.slot_stats {
            stats.reset(&SlotSet::FULL);
        }
    }

    fn clock_ns(&self) -> u64 {
        process::clock_ns()
    }

    fn slot_stats(&self) -> Option<&SlotStats> {
        self.slot_stats.as_ref()
    }

    fn command_stats(&self) -> Option<&CommandStats> {
        Some(&self.command_stats)
    }

    fn with_journal(&self, visit: &mut dyn FnMut(&mut Journal)) {
        visit(&mut self.journal.lock());
    }

    fn has_monitors(&self) -> bool {
        self.has_monitors.load(Ordering::Relaxed)
    }

    fn with_monitors(&self, visit: &mut dyn FnMut(&mut Monitors)) {
        let mut monitors = self.monitors.lock();
        visit(&mut monitors);
        self.has_monitors.store(!monitors.is_empty(), Ordering::Relaxed);
    }

    fn is_tracking(&self) -> bool {
        self.is_tracking.load(Ordering::Relaxed)
    }

    fn with_tracking(&self, visit: &mut dyn FnMut(&mut Tracking)) {
        let mut tracking = self.tracking.lock();
        visit(&mut tracking);
        self.is_tracking.store(!tracking.is_empty(), Ordering::Relaxed);
    }

    fn listener(&self, client: ClientId) -> Option<Arc<Subscriptions>> {
        self.clients.listener(client)
    }

    fn replica_count(&self) -> usize {
        self.replication.replica_count()
    }

    fn clients(&self) -> Vec<ClientCard> {
        self.clients.cards()
    }

    fn kill_clients(&self, ids: &[ClientId]) -> usize {
        self.clients.kill(ids)
    }

    fn deliver(&self, to: ClientId, bytes: &[u8]) {
        let limits = self.config().client_output_buffer_limit();
        if let Some(address) = self.clients.deliver(to, bytes, limits, self.now()) {
            self.log_overflow(&address);
        }
    }

    fn with_pubsub(&self, visit: &mut dyn FnMut(&mut PubSub)) {
        visit(&mut self.pubsub.lock());
    }

    fn with_acl(&self, visit: &mut dyn FnMut(&mut Acl)) {
        visit(&mut self.acl.lock());
    }

    fn read_acl_file(&self) -> Result<Vec<u8>, String> {
        users::read(self.config().aclfile())
    }

    fn write_acl_file(&self, text: &[u8]) -> bool {
        users::write(self, text)
    }

    fn fill_with_secrets(&self, bytes: &mut [u8]) {
        process::fill_with_random(bytes);
    }

    fn client(&self, id: ClientId) -> Option<ClientCard> {
        self.clients.card(id)
    }

    fn save(&self, shards: &dyn WholeKeyspace) -> Result<(), ErrorReply> {
        persist::save(self, shards)
    }

    fn save_flushed(&self, shards: &dyn WholeKeyspace) -> bool {
        persist::save_flushed(self, shards)
    }

    fn save_in_background(&self, shards: &dyn WholeKeyspace, when: When) -> Result<Saving, ErrorReply> {
        persist::begin_save(self, shards, when)
    }

    fn load(&self, shards: &dyn WholeKeyspace, hasher: &KeyHasher, merge: Merge) -> Result<(), ErrorReply> {
        persist::load(self, shards, hasher, merge).map(drop).map_err(|error| {
            self.log.warning(&format!("{error:#}"));
            ErrorReply::NotLoaded
        })
    }

    fn saves(&self) -> Saves {
        self.persist.saves(self.started_at, self.stats.changes())
    }

    fn rewrite_aof(&self, shards: &dyn WholeKeyspace, when: When) -> Result<Saving, ErrorReply> {
        aof::ask_for_rewrite(self, shards, when)
    }

    fn aof(&self) -> AofState {
        self.aof.tell()
    }

    fn aof_failure(&self) -> Option<String> {
        self.aof.failure()
    }

    fn condition(&self) -> Condition {
        let (replication, follows) = (&self.replication, self.replication.follows());
        // Of a node that is well, the configuration need not be asked: this is done for each batch of requests.
        let is_stale = || !self.config.load().replica_serve_stale_data() && replication.is_cut_off();
        let minds_saving = || {
            let config = self.config.load();
            config.stop_writes_on_bgsave_error() && !config.save().is_empty()
        };
        Condition {
            follows,
            is_stale: follows && is_stale(),
            is_loading: replication.is_loading(),
            lacks_replicas: replication.lacks_replicas() || replication.quorum.lacks_copies(),
            fails_to_save: self.persist.fails() && minds_saving(),
            fails_to_append: self.aof.fails(),
        }
    }

    fn replication(&self) -> ReplicationState {
        replicate::state(self)
    }

    fn pause(&self) -> Pause {
        self.pauses.present()
    }

    fn pause_until(&self, pause: Option<(Pause, UnixMs)>) {
        self.pauses.by_client(pause);
    }

    fn follow(&self, primary: Option<(String, u16)>) {
        let primary = primary.map(|(host, port)| Primary { host, port, id: None });
        replicate::follow(self, primary, Beginning::GoesOn);
    }

    fn begin_failover(&self, failover: Failover) -> Result<(), ErrorReply> {
        replicate::begin_failover(self, failover)
    }

    fn abort_failover(&self) -> Result<(), ErrorReply> {
        replicate::abort_failover(self)
    }

    fn runs_errands(&self) -> bool {
        true
    }

    fn holds_keys(&self, client: ClientId) {
        self.migrations.begin(client);
    }

    fn records(&self) -> bool {
        self.replication.records() || self.aof.is_on() || self.handoff.records()
    }

    fn has_fence(&self) -> bool {
        self.handoff.has_fence()
    }

    fn is_fenced(&self, slot: Slot) -> bool {
        self.handoff.is_fenced(slot)
    }

    fn migrated(&self, job: JobId) -> Option<Progress> {
        self.handoff.progress(job)
    }

    fn track_import(&self, job: JobId, slots: Option<&SlotSet>) -> Option<SlotSet> {
        self.handoff.track(job, slots)
    }

    fn change_history(&self) {
        self.replication.change_history();
    }

    fn propagate(&self, record: &Record) -> u64 {
        self.handoff.note(record);
        replicate::propagate(self, record)
    }

    fn shutdown(&self, how: Shutdown, shards: &dyn WholeKeyspace) -> Result<(), ErrorReply> {
        if how.abort {
            return self.ending.abort();
        }
        self.log.warning("User requested shutdown...");
        if shutdown::has_to_wait(self, how) {
            self.ending.ask(how);
            return Ok(());
        }
        persist::shut_down(self, how, shards)
    }

    fn waits_to_shut_down(&self) -> bool {
        self.ending.is_under_way()
    }

    fn sleep(&self, us: u64) {
        std::thread::sleep(Duration::from_micros(us));
    }

    fn discard(&self, garbage: Garbage) {
        self.reclaimer.discard(garbage);
    }

    fn switches(&self) -> &Switches {
        &self.switches
    }

    fn scripts(&self) -> Option<&dyn ScriptHost> {
        Some(&self.scripts)
    }

    fn is_busy(&self) -> bool {
        self.scripts.is_busy()
    }

    fn serve_others(&self) {
        busy::serve();
    }

    fn is_stopping(&self) -> bool {
        *self.stop.borrow()
    }

    fn log_at(&self, level: u8, line: &str) {
        let level = match level {
            0 => Level::Debug,
            1 => Level::Verbose,
            2 => Level::Notice,
            _ => Level::Warning,
        };
        self.log.line(level, line);
    }

    fn log(&self, line: &str) {
        self.log.notice(line);
    }
}

/// What a script may take: more than half of the machine's memory, and the system might end the node for it.
fn script_memory_max() -> usize {
    match process::system_memory() {
        0 => usize::MAX,
        bytes => usize::try_from(bytes / 2).unwrap_or(usize::MAX),
    }
}
