//! What code reads: one line for each directive, checked at compile time to exist and, by the tests, to be of its type.

use alloc::string::String;

use crate::session::Origin;
use slotway_core::route::DownPolicy;
use slotway_core::topology::{EndpointType, View};

use super::Config;
use super::address::ReplicaOf;
use super::directives::Id;
use super::keyspace_events::KeyspaceEvents;
use super::output_limit::OutputLimits;
use super::save_point::SavePoint;
use super::value::Value;
use super::words::*;

/// How a value is read as a type of Rust.
trait Read<'a>: Sized {
    fn read(value: &'a Value) -> Option<Self>;
}

macro_rules! read {
    ($($type:ty: $pattern:pat => $result:expr;)+) => {
        $(impl<'a> Read<'a> for $type {
            fn read(value: &'a Value) -> Option<Self> {
                match value {
                    $pattern => Some($result),
                    _ => None,
                }
            }
        })+
    };
}

// Numbers are within the range of their directive, which the tests compare with the type read.
read! {
    bool: Value::Bool(yes) => *yes;
    u16: Value::Int(number) => u16::try_from(*number).ok()?;
    u32: Value::Int(number) => u32::try_from(*number).ok()?;
    u64: Value::Int(number) => u64::try_from(*number).ok()?;
    i64: Value::Int(number) => i64::try_from(*number).ok()?;
    &'a str: Value::Text(text) => text;
    &'a [u8]: Value::Secret(bytes) => bytes;
    &'a [String]: Value::Bind(addresses) => addresses;
    &'a [SavePoint]: Value::Save(points) => points;
    &'a [f64]: Value::Percentiles(percentiles) => percentiles;
    OutputLimits: Value::OutputLimits(limits) => *limits;
    KeyspaceEvents: Value::Events(events) => *events;
    Option<&'a ReplicaOf>: Value::ReplicaOf(primary) => primary.as_ref();
    MaxmemoryPolicy: Value::Word(word) => MaxmemoryPolicy::from_value(*word);
    LogFormat: Value::Word(word) => LogFormat::from_value(*word);
    LogLevel: Value::Word(word) => LogLevel::from_value(*word);
    LogTimestamps: Value::Word(word) => LogTimestamps::from_value(*word);
    ProtectedAction: Value::Word(word) => ProtectedAction::from_value(*word);
    EndpointType: Value::Word(word) => endpoint_type(*word);
    AppendFsync: Value::Word(word) => AppendFsync::from_value(*word);
    DisklessLoad: Value::Word(word) => DisklessLoad::from_value(*word);
    SanitizeDumpPayload: Value::Word(word) => SanitizeDumpPayload::from_value(*word);
    PropagationError: Value::Word(word) => PropagationError::from_value(*word);
    Supervised: Value::Word(word) => Supervised::from_value(*word);
    TlsAuthClients: Value::Word(word) => TlsAuthClients::from_value(*word);
    OomScoreAdj: Value::Word(word) => OomScoreAdj::from_value(*word);
    AclPubsubDefault: Value::Word(word) => AclPubsubDefault::from_value(*word);
    SyslogFacility: Value::Word(word) => SyslogFacility::from_value(*word);
    ShutdownFlags: Value::Word(set) => ShutdownFlags::from_value(*set);
}

macro_rules! accessors {
    ($($accessor:ident: $type:ty = $name:literal, $doc:literal;)+) => {
        impl Config {
            $(
                #[doc = concat!("`", $name, "`: ", $doc)]
                pub fn $accessor(&self) -> $type {
                    const ID: Id = Id::of($name);
                    Read::read(self.value(ID)).expect(concat!($name, " has the type that its accessor reads"))
                }
            )+

            /// What is read.
            #[cfg(test)]
            pub(super) const READ: &'static [&'static str] = &[$($name),+];

            /// Reads everything, which fails if a type does not fit its directive.
            #[cfg(test)]
            pub(super) fn read_all(&self) {
                $(let _ = self.$accessor();)+
            }
        }
    };
}

accessors! {
    bind: &[String] = "bind", "the addresses to listen on; one that begins with `-` may be missing.";
    port: u16 = "port", "the TCP port for clients; 0 for none.";
    protected_mode: bool = "protected-mode", "without a password, only clients of this machine are served.";
    unixsocket: &str = "unixsocket", "the path of the Unix socket to listen on; empty for none.";
    unixsocketperm: u32 = "unixsocketperm", "the mode of the Unix socket; 0 to leave it.";
    tcp_backlog: u32 = "tcp-backlog", "connections that wait to be accepted.";
    tcp_keepalive: u32 = "tcp-keepalive", "seconds between probes of silent clients; 0 for none.";
    timeout_secs: u32 = "timeout", "seconds after which an idle client is closed; 0 for never.";
    maxclients: u32 = "maxclients", "connections served at a time.";
    proto_max_bulk_len: u64 = "proto-max-bulk-len", "the longest argument, in bytes.";
    client_query_buffer_limit: u64 = "client-query-buffer-limit", "the longest unfinished request, in bytes.";
    client_output_buffer_limit: OutputLimits = "client-output-buffer-limit", "when a client that does not read is closed.";
    tracking_table_max_keys: u64 = "tracking-table-max-keys", "keys remembered for client side caching; 0 for no limit.";
    notify_keyspace_events: KeyspaceEvents = "notify-keyspace-events", "the changes of keys that are published.";
    tls_port: u16 = "tls-port", "the TCP port for clients with TLS; 0 for none.";
    tls_cluster: bool = "tls-cluster", "the cluster bus uses TLS.";
    tls_replication: bool = "tls-replication", "replication uses TLS.";
    tls_cert_file: &str = "tls-cert-file", "this node's certificate, in PEM.";
    tls_key_file: &str = "tls-key-file", "the key of that.";
    tls_key_file_pass: &str = "tls-key-file-pass", "the passphrase of that; empty for none.";
    tls_client_cert_file: &str = "tls-client-cert-file", "the certificate shown to other servers; empty for the same.";
    tls_client_key_file: &str = "tls-client-key-file", "the key of that.";
    tls_client_key_file_pass: &str = "tls-client-key-file-pass", "the passphrase of that; empty for none.";
    tls_ca_cert_file: &str = "tls-ca-cert-file", "who is trusted, in PEM.";
    tls_ca_cert_dir: &str = "tls-ca-cert-dir", "a folder of such files.";
    tls_protocols: &str = "tls-protocols", "versions of TLS; empty for all that are safe.";
    tls_ciphers: &str = "tls-ciphers", "ciphers of TLS 1.2; empty for all that are safe.";
    tls_ciphersuites: &str = "tls-ciphersuites", "ciphers of TLS 1.3; empty for all.";
    tls_prefer_server_ciphers: bool = "tls-prefer-server-ciphers", "this node's order of ciphers counts, and not the client's.";
    tls_session_caching: bool = "tls-session-caching", "clients that come back need no full handshake.";
    tls_session_cache_size: u64 = "tls-session-cache-size", "how many of them are remembered; 0 for no limit.";
    bind_source_addr: &str = "bind-source-addr", "the address that connections to other servers come from; empty for any.";
    tls_auth_clients: TlsAuthClients = "tls-auth-clients", "whether clients must show a certificate.";
    daemonize: bool = "daemonize", "run in the background.";
    supervised: Supervised = "supervised", "the process manager to tell of readiness.";
    pidfile: &str = "pidfile", "the file for the process number; empty for none.";
    databases: u64 = "databases", "how many databases there are; one in a cluster.";
    dir: &str = "dir", "the folder of all files with relative paths; empty until the node says where it is.";
    loglevel: LogLevel = "loglevel", "how much is logged.";
    log_format: LogFormat = "log-format", "the form of its lines.";
    log_timestamp_format: LogTimestamps = "log-timestamp-format", "the form of the moments in them.";
    logfile: &str = "logfile", "the file for the log; empty for standard output.";
    hz: u32 = "hz", "background turns per second, 1 to 500.";
    slowlog_log_slower_than_us: i64 = "slowlog-log-slower-than", "microseconds past which a command is slow; below 0 for never.";
    slowlog_max_len: u64 = "slowlog-max-len", "slow commands remembered.";
    latency_monitor_threshold_ms: u64 = "latency-monitor-threshold", "milliseconds past which an event is remembered; 0 for none.";
    latency_tracking: bool = "latency-tracking", "count how long commands take.";
    latency_tracking_info_percentiles: &[f64] = "latency-tracking-info-percentiles", "the percentiles that INFO shows.";
    busy_reply_threshold_ms: u64 = "busy-reply-threshold", "milliseconds of a script after which others are told BUSY; 0 for never.";
    shutdown_timeout_secs: u32 = "shutdown-timeout", "seconds that a shutdown waits for replicas.";
    shutdown_on_sigint: ShutdownFlags = "shutdown-on-sigint", "how an interrupt shuts down.";
    shutdown_on_sigterm: ShutdownFlags = "shutdown-on-sigterm", "how a termination signal shuts down.";
    requirepass: &[u8] = "requirepass", "the password of the default user; empty for none.";
    aclfile: &str = "aclfile", "the file of users; empty for none.";
    acllog_max_len: u64 = "acllog-max-len", "refusals remembered.";
    acl_pubsub_default: AclPubsubDefault = "acl-pubsub-default", "the channels of a new user.";
    enable_debug_command: ProtectedAction = "enable-debug-command", "who may use DEBUG.";
    enable_module_command: ProtectedAction = "enable-module-command", "who may use MODULE.";
    enable_protected_configs: ProtectedAction = "enable-protected-configs", "who may set `dir` and `dbfilename`.";
    maxmemory: u64 = "maxmemory", "bytes of data allowed; 0 for no limit.";
    maxmemory_policy: MaxmemoryPolicy = "maxmemory-policy", "what to evict at that limit.";
    maxmemory_samples: u32 = "maxmemory-samples", "keys compared to find one to evict.";
    maxmemory_eviction_tenacity: u32 = "maxmemory-eviction-tenacity", "from 0, evict quickly, to 100, evict at any price.";
    lfu_log_factor: u32 = "lfu-log-factor", "how slowly the use counter of a key grows.";
    lfu_decay_time_mins: u32 = "lfu-decay-time", "minutes after which the use counter of a key falls by one.";
    active_expire_effort: u32 = "active-expire-effort", "from 1 to 10, how eagerly expired keys are looked for.";
    lazyfree_lazy_user_del: bool = "lazyfree-lazy-user-del", "DEL is UNLINK.";
    lazyfree_lazy_user_flush: bool = "lazyfree-lazy-user-flush", "FLUSHALL and FLUSHDB are ASYNC.";
    lazyfree_lazy_expire: bool = "lazyfree-lazy-expire", "expired values are freed in the background.";
    lazyfree_lazy_eviction: bool = "lazyfree-lazy-eviction", "evicted values are freed in the background.";
    lazyfree_lazy_server_del: bool = "lazyfree-lazy-server-del", "overwritten values are freed in the background.";
    save: &[SavePoint] = "save", "when snapshots are due.";
    dbfilename: &str = "dbfilename", "the file name of the snapshot.";
    stop_writes_on_bgsave_error: bool = "stop-writes-on-bgsave-error", "refuse writes after a snapshot failed.";
    rdbcompression: bool = "rdbcompression", "compress strings in snapshots.";
    rdb_key_save_delay: i64 = "rdb-key-save-delay", "microseconds that a snapshot waits between slices, for tests.";
    rdbchecksum: bool = "rdbchecksum", "end snapshots with a checksum.";
    appendonly: bool = "appendonly", "keep an append-only file.";
    appendfilename: &str = "appendfilename", "the base name of the append-only files.";
    appenddirname: &str = "appenddirname", "the folder of the append-only files.";
    appendfsync: AppendFsync = "appendfsync", "when the append-only file is forced to disk.";
    aof_load_truncated: bool = "aof-load-truncated", "a missing end of the append-only file is no error.";
    auto_aof_rewrite_percentage: u32 = "auto-aof-rewrite-percentage", "growth that makes a rewrite due, in per cent; 0 for never.";
    auto_aof_rewrite_min_size: u64 = "auto-aof-rewrite-min-size", "bytes below which no rewrite is due.";
    aof_timestamp_enabled: bool = "aof-timestamp-enabled", "tell in the append-only file when what was written.";
    aof_use_rdb_preamble: bool = "aof-use-rdb-preamble", "begin the append-only file with a snapshot.";
    replicaof: Option<&ReplicaOf> = "replicaof", "the primary to follow.";
    masteruser: &str = "masteruser", "the user to be on the primary; empty for the default one.";
    masterauth: &[u8] = "masterauth", "the password for the primary; empty for none.";
    replica_announce_ip: &str = "replica-announce-ip", "the address to name to the primary; empty for the real one.";
    replica_announce_port: u16 = "replica-announce-port", "the port to name to the primary; 0 for the real one.";
    replica_announced: bool = "replica-announced", "be listed as a replica.";
    replica_priority: u32 = "replica-priority", "the lowest is promoted first, 0 never.";
    replica_read_only: bool = "replica-read-only", "a replica refuses writes.";
    replica_serve_stale_data: bool = "replica-serve-stale-data", "a replica without its primary answers.";
    replica_ignore_maxmemory: bool = "replica-ignore-maxmemory", "a replica evicts nothing by itself.";
    repl_timeout_secs: u32 = "repl-timeout", "seconds of silence after which a replication link is dead.";
    repl_ping_replica_period_secs: u32 = "repl-ping-replica-period", "seconds between pings to replicas.";
    repl_backlog_size: u64 = "repl-backlog-size", "bytes of replication stream kept for replicas that come back.";
    repl_backlog_ttl_secs: u64 = "repl-backlog-ttl", "seconds that the backlog outlives the last replica; 0 for ever.";
    repl_disable_tcp_nodelay: bool = "repl-disable-tcp-nodelay", "fewer, larger packets to replicas.";
    min_replicas_to_write: u32 = "min-replicas-to-write", "replicas without which writes are refused.";
    min_replicas_max_lag_secs: u32 = "min-replicas-max-lag", "seconds of silence after which a replica does not count.";
    cluster_enabled: bool = "cluster-enabled", "be a node of a cluster.";
    cluster_config_file: &str = "cluster-config-file", "the file of the cluster's state.";
    cluster_port: u16 = "cluster-port", "the port of the cluster bus; 0 for the client port plus 10000.";
    cluster_ping_interval_ms: u64 = "cluster-ping-interval", "milliseconds after which an answer is old; 0 for half the node timeout.";
    cluster_node_timeout_ms: u64 = "cluster-node-timeout", "milliseconds of silence after which a node is suspected.";
    cluster_announce_ip: &str = "cluster-announce-ip", "the address to name; empty for the real one.";
    cluster_announce_port: u16 = "cluster-announce-port", "the client port to name; 0 for the real one.";
    cluster_announce_tls_port: u16 = "cluster-announce-tls-port", "the client port with TLS to name; 0 for the real one.";
    cluster_announce_bus_port: u16 = "cluster-announce-bus-port", "the bus port to name; 0 for the real one.";
    cluster_announce_hostname: &str = "cluster-announce-hostname", "the host name to announce; empty for none.";
    cluster_announce_human_nodename: &str = "cluster-announce-human-nodename", "the name to show in logs; empty for none.";
    cluster_preferred_endpoint_type: EndpointType = "cluster-preferred-endpoint-type", "what clients are told to connect to.";
    cluster_seeds: &str = "cluster-seeds", "where other nodes may be found: host:port,...; empty for nowhere.";
    cluster_allow_ids: &str = "cluster-allow-ids", "the names of the only nodes that are let in, with blanks between; empty for all.";
    cluster_init: &str = "cluster-init", "the cluster to form: primaries=3,replicas=1; empty for none.";
    availability_zone: &str = "availability-zone", "what falls together with this node; empty for its address alone.";
    cluster_announce_client_ipv4: &str = "cluster-announce-client-ipv4", "the address for clients of the outside that come by IPv4; empty for none.";
    cluster_announce_client_ipv6: &str = "cluster-announce-client-ipv6", "the address for clients of the outside that come by IPv6; empty for none.";
    cluster_announce_client_hostname: &str = "cluster-announce-client-hostname", "the name for clients of the outside; empty for none.";
    cluster_announce_client_port: u16 = "cluster-announce-client-port", "the port for clients of the outside; 0 for the port of all.";
    cluster_client_port: u16 = "cluster-client-port", "a second port, whose clients are of the outside; 0 for none.";
    cluster_inside_networks: &str = "cluster-inside-networks", "the networks whose clients are inside; empty for no such rule.";
    cluster_slot_stats_enabled: bool = "cluster-slot-stats-enabled", "what each slot costs is counted.";
    cluster_require_full_coverage: bool = "cluster-require-full-coverage", "the cluster is down while a slot has no node.";
    cluster_allow_reads_when_down: bool = "cluster-allow-reads-when-down", "reads go on while the cluster is down.";
    cluster_allow_pubsubshard_when_down: bool = "cluster-allow-pubsubshard-when-down", "sharded channels go on while the cluster is down.";
    cluster_allow_replica_migration: bool = "cluster-allow-replica-migration", "replicas move to primaries without one.";
    cluster_migration_barrier: u32 = "cluster-migration-barrier", "replicas that a primary keeps when one moves away.";
    cluster_replica_no_failover: bool = "cluster-replica-no-failover", "this replica never takes over.";
    cluster_replica_validity_factor: u32 = "cluster-replica-validity-factor", "node timeouts of silence after which a replica is too old to take over; 0 for never.";
    slot_migration_max_rate: u64 = "slot-migration-max-rate", "bytes a second that a migration of slots sends at most; 0 for no limit.";
    cluster_link_sendbuf_limit: u64 = "cluster-link-sendbuf-limit", "bytes waiting on a bus link past which it is closed; 0 for no limit.";
    hash_max_listpack_entries: u64 = "hash-max-listpack-entries", "fields of a compact hash.";
    hash_max_listpack_value: u64 = "hash-max-listpack-value", "bytes of a field or value of a compact hash.";
    list_max_listpack_size: i64 = "list-max-listpack-size", "entries of a compact list, or below 0 a class of bytes.";
    set_max_intset_entries: u64 = "set-max-intset-entries", "members of a compact set of integers.";
    set_max_listpack_entries: u64 = "set-max-listpack-entries", "members of a compact set.";
    set_max_listpack_value: u64 = "set-max-listpack-value", "bytes of a member of a compact set.";
    zset_max_listpack_entries: u64 = "zset-max-listpack-entries", "members of a compact sorted set.";
    zset_max_listpack_value: u64 = "zset-max-listpack-value", "bytes of a member of a compact sorted set.";
    hll_sparse_max_bytes: u64 = "hll-sparse-max-bytes", "bytes of a sparse HyperLogLog.";
    stream_node_max_bytes: u64 = "stream-node-max-bytes", "bytes of a node of a stream; 0 for no limit.";
    stream_node_max_entries: u64 = "stream-node-max-entries", "entries of a node of a stream; 0 for no limit.";
    cluster_write_quorum: bool = "cluster-write-quorum", "a write is acknowledged once a majority of the shard's copies has it.";
    cluster_handover_on_shutdown: bool = "cluster-handover-on-shutdown", "a primary that is shut down lets a replica take over first.";
    no_appendfsync_on_rewrite: bool = "no-appendfsync-on-rewrite", "the disk is left to a rewrite of the append-only file while that lasts.";
    http_port: u16 = "http-port", "the HTTP port of the playground; 0 for none.";
    http_token: &str = "http-token", "what readers of the HTTP port have to show; empty for nothing.";
    http_bind: &str = "http-bind", "the address of the HTTP port.";
    health_socket: &str = "health-socket", "the socket of health checks: a path or `@name`; empty for none.";
    run_as_user: &str = "run-as-user", "the user to go on as when started as root; empty to stay root.";
    data_threads: u32 = "data-threads", "threads that own connections and data; 0 for as many as cores.";
}

/// The limit of `maxmemory-clients`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClientMemory {
    /// None.
    Unlimited,
    /// So many bytes for all clients together.
    Bytes(u64),
    /// So many hundredths of `maxmemory`.
    Percent(u8),
}

impl Config {
    /// How much memory clients may take: `maxmemory-clients`.
    pub fn maxmemory_clients(&self) -> ClientMemory {
        const ID: Id = Id::of("maxmemory-clients");
        let limit: i64 = Read::read(self.value(ID)).expect("maxmemory-clients is a number");
        match limit {
            0 => ClientMemory::Unlimited,
            1.. => ClientMemory::Bytes(limit.unsigned_abs()),
            // The directive's range ends at 100%.
            _ => ClientMemory::Percent(limit.unsigned_abs() as u8),
        }
    }

    /// For whom replies that name nodes are written: a client that comes from there.
    pub fn view(&self, Origin { reach, tls }: Origin) -> View {
        View { endpoint_type: self.cluster_preferred_endpoint_type(), tls, reach }
    }

    /// What is served while the cluster is down.
    pub fn down_policy(&self) -> DownPolicy {
        DownPolicy {
            allow_reads: self.cluster_allow_reads_when_down(),
            allow_shard_channels: self.cluster_allow_pubsubshard_when_down(),
        }
    }

    /// The port that names this node where one number must do: that for clients without TLS, or with it where there is no other.
    pub fn known_port(&self) -> u16 {
        if self.port() == 0 { self.tls_port() } else { self.port() }
    }

    /// Says in which folder the node works, when `dir` has not.
    pub fn set_dir(&mut self, dir: &str) {
        self.put(const { Id::of("dir") }, Value::Text(dir.into()));
    }

    /// Says what the snapshot's file is called, where several nodes share a folder.
    pub fn set_dbfilename(&mut self, name: &str) {
        self.put(const { Id::of("dbfilename") }, Value::Text(name.into()));
    }

    /// Lowers (or raises) `maxclients` to what the system allows.
    pub fn set_maxclients(&mut self, maxclients: u32) {
        self.put(const { Id::of("maxclients") }, Value::Int(maxclients.max(1).into()));
    }

    /// Says which port the node listens on, where that was left to the system or to its starter.
    pub fn set_port(&mut self, port: u16) {
        self.put(const { Id::of("port") }, Value::Int(port.into()));
    }

    /// Says at which port clients come in with TLS.
    pub fn set_tls_port(&mut self, port: u16) {
        self.put(const { Id::of("tls-port") }, Value::Int(port.into()));
    }
}
