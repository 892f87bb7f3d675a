//! INFO: what this node is and how it does, in the fields of Redis 7.2 and in its order.
//!
//! A field about something that this node does not have (scripts, background saving, defragmentation) has the value that an
//! idle Redis shows, since programs look fields up by name.

mod cluster;
mod commands;
mod keyspace;
mod lines;
mod memory;
mod replication;

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use slotway_core::replication::FullSync;
use slotway_core::resp::args::Args;
use slotway_core::resp::encode::ReplyWriter;
use slotway_core::time::UnixMs;

use super::connection::REDIS_VERSION;
use super::memory::Memory;
use super::{Binding, Whole, args};
use crate::acl::{self, Reason};
use crate::config::Config;
use crate::dispatch::{all_waiters, awaited_keys};
use crate::interest::Waiter;
use crate::node::{AofState, Facts, ReplicationState, Saves, Syncs};
use crate::pubsub::Space;
use crate::registry::{Effect, Handler, Outcome};
use crate::script::ScriptFigures;
use crate::tracking::TrackingFigures;
use cluster::Move;
use commands::Commands;
use keyspace::Keyspace;
use lines::Lines;

/// What this family executes.
pub(super) const COMMANDS: &[Binding] = &[("info", Handler::Node(info))];

/// The name in a request, the heading, and what writes the lines below it.
type Section = (&'static str, &'static str, fn(&Picture<'_>, &mut Lines));

/// In the order of the reply, whatever the order of the request.
const SECTIONS: &[Section] = &[
    ("server", "Server", server),
    ("clients", "Clients", clients),
    ("memory", "Memory", memory::lines),
    ("persistence", "Persistence", persistence),
    ("stats", "Stats", stats),
    ("replication", "Replication", replication::lines),
    ("cpu", "CPU", cpu),
    ("modules", "Modules", |_, _| {}),
    ("commandstats", "Commandstats", commands::commandstats),
    ("errorstats", "Errorstats", commands::errorstats),
    ("latencystats", "Latencystats", commands::latencystats),
    ("cluster", "Cluster", cluster::lines),
    ("keyspace", "Keyspace", keyspace::lines),
];

/// Words that ask for all sections.
const ALL: [&str; 2] = ["all", "everything"];
/// Sections that come only where they, or all, are asked for.
const NOT_BY_DEFAULT: [&str; 2] = ["commandstats", "latencystats"];

/// The node at one moment.
struct Picture<'a> {
    facts: Facts,
    config: &'a Config,
    saves: Saves,
    aof: AofState,
    replication: ReplicationState,
    keyspace: Keyspace,
    memory: Memory,
    /// Names that somebody listens to, by [`Space`].
    pubsub: [usize; Space::ALL.len()],
    /// How often something was refused to users, by [`Reason`].
    denied: [u64; Reason::ALL.len()],
    /// The clients that wait for keys.
    waiters: Vec<Arc<Waiter>>,
    /// One each way with every other node, as Redis counts them.
    bus_connections: usize,
    /// Slots on their way.
    moves: Vec<Move>,
    /// What runs scripts.
    scripts: ScriptFigures,
    commands: Commands<'a>,
    tracking: TrackingFigures,
    now_us: u64,
}

/// INFO, or INFO section...: unknown sections are left out.
fn info(whole: &mut Whole<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let node = whole.connection.node;
    let mut pubsub = Default::default();
    node.with_pubsub(&mut |listeners| pubsub = Space::ALL.map(|space| listeners.active_len(space)));
    let mut tracking = TrackingFigures::default();
    node.with_tracking(&mut |all| tracking = all.figures());
    let picture = Picture {
        facts: node.facts(),
        config: whole.connection.config,
        saves: node.saves(),
        aof: node.aof(),
        replication: node.replication(),
        keyspace: Keyspace::of(whole.shards),
        memory: Memory::of(whole),
        pubsub,
        denied: acl::ask(node, |acl| Reason::ALL.map(|reason| acl.log.count(reason))),
        waiters: all_waiters(whole.shards),
        bus_connections: node.topology().map_or(0, |topology| (topology.node_count() - 1) * 2),
        moves: cluster::moves(node),
        scripts: node.scripts().map_or_else(ScriptFigures::default, |host| host.figures()),
        commands: Commands::of(node),
        tracking,
        now_us: node.now_us(),
    };
    let mut text = String::new();
    for (_, title, write) in SECTIONS.iter().filter(|(name, _, _)| is_wanted(args, name)) {
        write(&picture, &mut Lines::begin(&mut text, title));
    }
    reply.verbatim("txt", text.as_bytes());
    Ok(Effect::None)
}

fn is_wanted(args: Args<'_>, section: &str) -> bool {
    let by_default = !NOT_BY_DEFAULT.contains(&section);
    let asks = |word: &[u8]| {
        args::is(word, section)
            || ALL.iter().any(|all| args::is(word, all))
            || by_default && args::is(word, "default")
    };
    args.len() == 1 && by_default || args.skip(1).iter().any(asks)
}

fn server(picture: &Picture<'_>, lines: &mut Lines) {
    let Picture { facts, config, now_us, .. } = picture;
    let uptime = (now_us / 1000).saturating_sub(facts.started_at.as_ms()) / 1000;
    lines.field("redis_version", REDIS_VERSION);
    lines.field("server_name", "slotway");
    lines.field("slotway_version", env!("CARGO_PKG_VERSION"));
    lines.field("redis_git_sha1", "00000000");
    lines.field("redis_git_dirty", 0);
    lines.field("redis_build_id", 0);
    lines.field("redis_mode", if config.cluster_enabled() { "cluster" } else { "standalone" });
    lines.field("os", &facts.os);
    lines.field("arch_bits", usize::BITS);
    lines.field("monotonic_clock", "POSIX clock_gettime");
    lines.field("multiplexing_api", "epoll");
    lines.field("atomicvar_api", "c11-builtin");
    lines.field("gcc_version", "0.0.0");
    lines.field("process_id", facts.pid);
    lines.field("process_supervised", config.supervised().as_str());
    lines.field("run_id", &facts.run_id);
    lines.field("tcp_port", facts.port);
    lines.field("server_time_usec", now_us);
    lines.field("uptime_in_seconds", uptime);
    lines.field("uptime_in_days", uptime / (24 * 3600));
    lines.field("hz", config.hz());
    lines.field("configured_hz", config.hz());
    lines.field("lru_clock", (now_us / 1_000_000) & 0xff_ffff);
    lines.field("executable", &facts.executable);
    lines.field("config_file", &facts.config_file);
    if !config.availability_zone().is_empty() {
        lines.field("availability_zone", config.availability_zone());
    }
    lines.field("io_threads_active", 0);
    let binds: String = config.bind().iter().map(|address| alloc::format!(",bind={address}")).collect();
    lines.field("listener0", format_args!("name=tcp{binds},port={}", facts.port));
}

fn clients(picture: &Picture<'_>, lines: &mut Lines) {
    lines.field("connected_clients", picture.facts.connected_clients);
    lines.field("cluster_connections", picture.bus_connections);
    lines.field("maxclients", picture.config.maxclients());
    lines.zeros(&["client_recent_max_input_buffer", "client_recent_max_output_buffer"]);
    let waiters = &picture.waiters;
    lines.field("blocked_clients", waiters.len() + picture.facts.waiting);
    lines.field("tracking_clients", picture.tracking.clients);
    let timed = waiters.iter().filter(|waiter| waiter.block.deadline.is_some()).count();
    lines.field("clients_in_timeout_table", timed);
    let keys: BTreeSet<_> = waiters.iter().flat_map(|waiter| awaited_keys(waiter)).collect();
    lines.field("total_blocking_keys", keys.len());
    let groups = waiters.iter().filter(|waiter| waiter.waits_for_anything());
    let keys: BTreeSet<_> = groups.flat_map(|waiter| awaited_keys(waiter)).collect();
    lines.field("total_blocking_keys_on_nokey", keys.len());
}

fn snapshots(Picture { saves, now_us, .. }: &Picture<'_>, lines: &mut Lines) {
    let secs = |secs: Option<u64>| secs.map_or(-1, |secs| secs as i64);
    let now = UnixMs::from_ms(now_us / 1000);
    lines.field("rdb_changes_since_last_save", saves.changes);
    lines.field("rdb_bgsave_in_progress", u8::from(saves.began_at.is_some()));
    lines.field("rdb_last_save_time", saves.last_at.as_secs());
    lines.field("rdb_last_bgsave_status", if saves.failed { "err" } else { "ok" });
    lines.field("rdb_last_bgsave_time_sec", secs(saves.last_secs));
    lines.field("rdb_current_bgsave_time_sec", secs(saves.began_at.map(|at| now.ms_since(at) / 1000)));
    lines.field("rdb_saves", saves.count);
    // Old values are written at once, instead of being kept.
    lines.zeros(&["rdb_last_cow_size"]);
    lines.field("rdb_last_load_keys_expired", saves.expired);
    lines.field("rdb_last_load_keys_loaded", saves.loaded);
}

fn persistence(picture: &Picture<'_>, lines: &mut Lines) {
    lines.zeros(&[
        "loading",
        "async_loading",
        "current_cow_peak",
        "current_cow_size",
        "current_cow_size_age",
    ]);
    lines.field("current_fork_perc", "0.00");
    lines.zeros(&["current_save_keys_processed", "current_save_keys_total"]);
    snapshots(picture, lines);
    append_only_file(&picture.aof, lines);
}

fn append_only_file(aof: &AofState, lines: &mut Lines) {
    let secs = |secs: Option<u64>| secs.map_or(-1, |secs| secs as i64);
    let status = |failed| if failed { "err" } else { "ok" };
    lines.field("aof_enabled", u8::from(aof.is_on));
    lines.field("aof_rewrite_in_progress", u8::from(aof.rewriting_secs.is_some()));
    lines.field("aof_rewrite_scheduled", u8::from(aof.is_scheduled));
    lines.field("aof_last_rewrite_time_sec", secs(aof.last_rewrite_secs));
    lines.field("aof_current_rewrite_time_sec", secs(aof.rewriting_secs));
    lines.field("aof_last_bgrewrite_status", status(aof.last_rewrite_failed));
    lines.field("aof_rewrites", aof.rewrites);
    lines.field("aof_rewrites_consecutive_failures", u8::from(aof.last_rewrite_failed));
    lines.field("aof_last_write_status", status(aof.write_failed));
    lines.zeros(&["aof_last_cow_size", "module_fork_in_progress", "module_fork_last_cow_size"]);
    if aof.is_on {
        lines.field("aof_current_size", aof.size);
        lines.field("aof_base_size", aof.base_size);
        lines.zeros(&["aof_pending_rewrite"]);
        lines.field("aof_buffer_length", aof.buffered);
        lines.zeros(&["aof_pending_bio_fsync", "aof_delayed_fsync"]);
    }
}

fn stats(picture: &Picture<'_>, lines: &mut Lines) {
    let Picture { facts, keyspace, .. } = picture;
    lines.field("total_connections_received", facts.connections_received);
    lines.field("total_commands_processed", facts.commands_processed);
    lines.field("instantaneous_ops_per_sec", facts.commands_per_second);
    lines.field("total_net_input_bytes", facts.bytes_in);
    lines.field("total_net_output_bytes", facts.bytes_out);
    lines.zeros(&["total_net_repl_input_bytes", "total_net_repl_output_bytes"]);
    for name in ["input", "output", "input_repl", "output_repl"] {
        lines.field(&alloc::format!("instantaneous_{name}_kbps"), "0.00");
    }
    lines.field("rejected_connections", facts.connections_rejected);
    let Syncs { full, partial, partial_refused, full_because, taken_because } = picture.replication.syncs;
    lines.field("sync_full", full);
    lines.field("sync_partial_ok", partial);
    lines.field("sync_partial_err", partial_refused);
    // Not of Redis: why replicas got snapshots, and why this node did.
    for (counts, side) in [(full_because, "given"), (taken_because, "taken")] {
        for (name, count) in FullSync::NAMES.iter().zip(counts).filter(|(_, count)| *count > 0) {
            lines.field(&alloc::format!("sync_full_{side}_{name}"), count);
        }
    }
    lines.field("expired_keys", keyspace.counters.expired);
    lines.field("expired_stale_perc", "0.00");
    lines.zeros(&["expired_time_cap_reached_count", "expire_cycle_cpu_milliseconds"]);
    lines.field("evicted_keys", keyspace.counters.evicted);
    lines.field("evicted_clients", facts.clients_evicted);
    lines.zeros(&["total_eviction_exceeded_time", "current_eviction_exceeded_time"]);
    lines.field("keyspace_hits", keyspace.counters.hits);
    lines.field("keyspace_misses", keyspace.counters.misses);
    for (name, count) in PUBSUB_FIELDS.into_iter().zip(picture.pubsub) {
        lines.field(name, count);
    }
    lines.zeros(&["latest_fork_usec", "total_forks"]);
    lines.field("migrate_cached_sockets", facts.migrate_cached_sockets);
    lines.zeros(STATS_NOT_KEPT);
    lines.field("tracking_total_keys", picture.tracking.keys);
    lines.field("tracking_total_items", picture.tracking.items);
    lines.field("tracking_total_prefixes", picture.tracking.prefixes);
    lines.zeros(&["unexpected_error_replies"]);
    lines.field("total_error_replies", picture.commands.error_replies());
    lines.zeros(&["dump_payload_sanitizations"]);
    lines.zeros(STATS_OF_REDIS_EVENT_LOOP);
    for (name, count) in ["auth", "cmd", "key", "channel"].into_iter().zip(picture.denied) {
        lines.field(&alloc::format!("acl_access_denied_{name}"), count);
    }
}

/// In the order of [`Space::ALL`].
const PUBSUB_FIELDS: [&str; 3] = ["pubsub_channels", "pubsub_patterns", "pubsubshard_channels"];

/// Of defragmentation.
const STATS_NOT_KEPT: &[&str] = &[
    "slave_expires_tracked_keys",
    "active_defrag_hits",
    "active_defrag_misses",
    "active_defrag_key_hits",
    "active_defrag_key_misses",
    "total_active_defrag_time",
    "current_active_defrag_time",
];

const STATS_OF_REDIS_EVENT_LOOP: &[&str] = &[
    "total_reads_processed",
    "total_writes_processed",
    "io_threaded_reads_processed",
    "io_threaded_writes_processed",
    "reply_buffer_shrinks",
    "reply_buffer_expands",
    "eventloop_cycles",
    "eventloop_duration_sum",
    "eventloop_duration_cmd_sum",
    "instantaneous_eventloop_cycles_per_sec",
    "instantaneous_eventloop_duration_usec",
];

/// The data threads are all there is, so what Redis tells of its main thread is told of the process.
fn cpu(picture: &Picture<'_>, lines: &mut Lines) {
    let (system, user) = (picture.facts.cpu_system_us, picture.facts.cpu_user_us);
    for (name, us) in [
        ("used_cpu_sys", system),
        ("used_cpu_user", user),
        ("used_cpu_sys_children", 0),
        ("used_cpu_user_children", 0),
        ("used_cpu_sys_main_thread", system),
        ("used_cpu_user_main_thread", user),
    ] {
        lines.field(name, format_args!("{}.{:06}", us / 1_000_000, us % 1_000_000));
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{TestClient, three_nodes};

    #[test]
    fn sections_come_in_their_own_order_and_unknown_ones_not_at_all() {
        let mut client = TestClient::new();
        assert_eq!(client.run("INFO nosuch"), "$0\r\n\r\n");
        assert_eq!(client.run("INFO Cluster"), "$30\r\n# Cluster\r\ncluster_enabled:0\r\n\r\n");
        let two = client.run("INFO keyspace cluster nosuch keyspace");
        assert_eq!(two, "$44\r\n# Cluster\r\ncluster_enabled:0\r\n\r\n# Keyspace\r\n\r\n");
        let all = client.run("INFO");
        assert_eq!(all.matches("\r\n# ").count(), 11);
        assert_eq!(client.run("INFO default").matches("\r\n# ").count(), 11);
        assert_eq!(client.run("INFO everything").matches("\r\n# ").count(), 13);
    }

    #[test]
    fn keyspace_has_a_line_for_each_database_with_keys() {
        let mut client = TestClient::new();
        client.run("MSET a 1 b 2");
        client.run("SELECT 3");
        client.run("SET c 3 EX 100");
        let text = client.run("INFO keyspace");
        assert!(
            text.contains("# Keyspace\r\ndb0:keys=2,expires=0,avg_ttl=0\r\ndb3:keys=1,expires=1,avg_ttl="),
            "{text}"
        );
    }

    #[test]
    fn replication_tells_a_replica_from_a_primary() {
        let topology = three_nodes().build().unwrap();
        let (c, _) = topology.nodes().last().unwrap();
        let mut replica = TestClient::in_cluster(topology.as_seen_by(c, 1));
        assert!(
            replica
                .run("INFO replication")
                .contains("role:slave\r\nmaster_host:127.0.0.1\r\nmaster_port:7000\r\n")
        );
        let mut primary = TestClient::in_cluster(topology);
        assert!(primary.run("INFO replication").contains("role:master\r\nconnected_slaves:0\r\n"));
        assert!(primary.run("INFO server").contains("redis_mode:cluster\r\n"));
    }

    #[test]
    fn every_line_is_a_field_a_heading_or_blank() {
        let text = TestClient::new().run("INFO");
        for line in text.split("\r\n").skip(1) {
            assert!(line.is_empty() || line.starts_with("# ") || line.contains(':'), "{line}");
        }
        assert!(text.contains("\r\nloading:0\r\n"));
    }
}
