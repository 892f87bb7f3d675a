//! Listening, connections and their buffers.

use crate::config::directive::{
    Directive, INT_MAX, Kind, LONG_MAX, int, memory, number, port, special, text, unset, yes_no,
};
use crate::config::number::Unit;

pub(super) const DIRECTIVES: &[Directive] = &[
    special("bind", Kind::Bind),
    unset("bind-source-addr"),
    port("port", 6379),
    yes_no("protected-mode", true),
    unset("unixsocket").immutable(),
    number("unixsocketperm", 0, 0o777, 0, Unit::Octal).immutable(),
    int("tcp-backlog", 0, INT_MAX, 511).immutable(),
    int("tcp-keepalive", 0, INT_MAX, 300),
    int("timeout", 0, INT_MAX, 0),
    int("socket-mark-id", 0, u32::MAX as i128, 0).immutable(),
    int("maxclients", 1, u32::MAX as i128, 10000),
    memory("proto-max-bulk-len", 1 << 20, LONG_MAX, 512 << 20),
    memory("client-query-buffer-limit", 1 << 20, LONG_MAX, 1 << 30),
    special("client-output-buffer-limit", Kind::OutputLimits),
    int("tracking-table-max-keys", 0, LONG_MAX, 1_000_000),
    special("notify-keyspace-events", Kind::KeyspaceEvents),
    int("io-threads", 1, 128, 1).immutable(),
    yes_no("io-threads-do-reads", false).immutable(),
    text("proc-title-template", "{title} {listen-addr} {server-mode}")
        .checked(crate::config::checks::title_template),
    yes_no("set-proc-title", true).immutable(),
];
