//! What Redis does not have.

use crate::config::checks::{node_ids, seeds, shape};
use crate::config::directive::{Directive, int, memory, port, text, unset, word, yes_no};
use crate::config::words::{LogFormat, LogTimestamps};

pub(super) const DIRECTIVES: &[Directive] = &[
    // The HTTP port of the playground and its interface; 0 means none.
    port("http-port", 0).immutable(),
    text("http-bind", "127.0.0.1").immutable(),
    // What readers of the HTTP port have to show; empty for nothing.
    text("http-token", "").immutable().sensitive(),
    // Where a health check asks, without a port or a password: a path, or `@name` for one without a file.
    text("health-socket", "").immutable(),
    // The user to go on as when started as root: `user`, `user:group`, by name or number.
    text("run-as-user", "").immutable(),
    // The form of lines of the log, and of the moments in them: as in Valkey 8, which has no `json`.
    word("log-format", LogFormat::WORDS, LogFormat::Legacy as u32),
    word("log-timestamp-format", LogTimestamps::WORDS, LogTimestamps::Legacy as u32),
    // Threads that own connections and data; 0 means as many as there are cores.
    int("data-threads", 0, 1024, 0).immutable(),
    // A write is acknowledged once a majority of the shard's copies has it.
    yes_no("cluster-write-quorum", false).immutable(),
    // A primary that is shut down lets a replica take over first.
    yes_no("cluster-handover-on-shutdown", false),
    // Bytes a second that a migration of slots (CLUSTER MIGRATESLOTS) sends at most; 0: as fast as can be.
    memory("slot-migration-max-rate", 0, u64::MAX as i128, 0),
    // The only nodes that are let into the cluster from now on, by their names; empty for all.
    unset("cluster-allow-ids").checked(node_ids),
    // Where a node looks for its cluster, and how large a cluster it is to form with others.
    unset("cluster-seeds").checked(seeds).immutable(),
    unset("cluster-init").checked(shape).immutable(),
];
