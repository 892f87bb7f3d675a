//! Primaries and replicas. The aliases are the names of Redis before version 5.

use crate::config::directive::{
    Directive, INT_MAX, Kind, LONG_MAX, int, memory, port, secret, special, unset, word, yes_no,
};
use crate::config::words::{DisklessLoad, PropagationError};

/// The smallest replication backlog, in bytes.
const BACKLOG_MIN: i128 = 16 << 10;

pub(super) const DIRECTIVES: &[Directive] = &[
    special("replicaof", Kind::ReplicaOf).alias("slaveof").immutable(),
    unset("masteruser").sensitive(),
    secret("masterauth"),
    unset("replica-announce-ip").alias("slave-announce-ip"),
    port("replica-announce-port", 0).alias("slave-announce-port"),
    yes_no("replica-announced", true),
    int("replica-priority", 0, INT_MAX, 100).alias("slave-priority"),
    yes_no("replica-read-only", true).alias("slave-read-only"),
    yes_no("replica-serve-stale-data", true).alias("slave-serve-stale-data"),
    yes_no("replica-ignore-maxmemory", true).alias("slave-ignore-maxmemory"),
    yes_no("replica-lazy-flush", false).alias("slave-lazy-flush"),
    yes_no("replica-ignore-disk-write-errors", false),
    int("repl-timeout", 1, INT_MAX, 60),
    int("repl-ping-replica-period", 1, INT_MAX, 10).alias("repl-ping-slave-period"),
    // Redis raises smaller values too, when it comes to allocate the backlog.
    memory("repl-backlog-size", 1, LONG_MAX, 1 << 20).clamped(BACKLOG_MIN, LONG_MAX),
    int("repl-backlog-ttl", 0, LONG_MAX, 3600),
    yes_no("repl-disable-tcp-nodelay", false),
    yes_no("repl-diskless-sync", true),
    int("repl-diskless-sync-delay", 0, INT_MAX, 5),
    int("repl-diskless-sync-max-replicas", 0, INT_MAX, 0),
    word("repl-diskless-load", DisklessLoad::WORDS, DisklessLoad::Disabled as u32).deny_loading(),
    int("min-replicas-to-write", 0, INT_MAX, 0).alias("min-slaves-to-write"),
    int("min-replicas-max-lag", 0, INT_MAX, 10).alias("min-slaves-max-lag"),
    word("propagation-error-behavior", PropagationError::WORDS, PropagationError::Ignore as u32),
];
