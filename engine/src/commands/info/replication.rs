//! The replication section of INFO.

use super::super::server::{Following, following};
use super::{Lines, Picture};

/// The stream that a node without replication has: no replica has read anything of it.
pub(super) fn lines(picture: &Picture<'_>, lines: &mut Lines) {
    match picture.topology.as_deref().and_then(following) {
        None => lines.field("role", "master"),
        Some(link) => {
            lines.field("role", "slave");
            replica(picture, &link, lines);
        }
    }
    lines.field("connected_slaves", 0);
    lines.field("master_failover_state", "no-failover");
    lines.field("master_replid", &picture.facts.run_id);
    lines.field("master_replid2", format_args!("{:040}", 0));
    lines.field("master_repl_offset", 0);
    lines.field("second_repl_offset", -1);
    lines.field("repl_backlog_active", 0);
    lines.field("repl_backlog_size", picture.config.repl_backlog_size());
    lines.zeros(&["repl_backlog_first_byte_offset", "repl_backlog_histlen"]);
}

fn replica(picture: &Picture<'_>, link: &Following, lines: &mut Lines) {
    lines.field("master_host", &link.host);
    lines.field("master_port", link.port);
    lines.field("master_link_status", "up");
    lines.zeros(&["master_last_io_seconds_ago", "master_sync_in_progress"]);
    lines.field("slave_read_repl_offset", link.offset);
    lines.field("slave_repl_offset", link.offset);
    lines.field("slave_priority", picture.config.replica_priority());
    lines.field("slave_read_only", u8::from(picture.config.replica_read_only()));
    lines.field("replica_announced", u8::from(picture.config.replica_announced()));
}
