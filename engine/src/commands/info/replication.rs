//! The replication section of INFO.

use slotway_core::replication::ReplId;

use super::{Lines, Picture};
use crate::node::{LinkState, QuorumState, ReplicaState, ReplicationState, Role};

pub(super) fn lines(picture: &Picture<'_>, lines: &mut Lines) {
    let ReplicationState { role, history, backlog, replicas, failover, .. } = &picture.replication;
    match role {
        Role::Primary => lines.field("role", "master"),
        Role::Replica(link) => {
            lines.field("role", "slave");
            replica(picture, link, lines);
        }
    }
    lines.field("connected_slaves", replicas.len());
    if let min @ 1.. = picture.config.min_replicas_to_write() {
        let max_lag = u64::from(picture.config.min_replicas_max_lag_secs());
        let good = replicas.iter().filter(|replica| replica.is_online && replica.lag_secs <= max_lag).count();
        if picture.config.min_replicas_max_lag_secs() > 0 && min > 0 {
            lines.field("min_slaves_good_slaves", good);
        }
    }
    if let Some(QuorumState { copies, present, majority, committed }) = picture.replication.quorum {
        lines.field("write_quorum_copies", copies);
        lines.field("write_quorum_copies_present", present);
        lines.field("write_quorum_majority", majority);
        lines.field("write_quorum_offset", committed);
    }
    for (number, replica) in replicas.iter().enumerate() {
        let ReplicaState { host, port, is_online, offset, lag_secs, .. } = replica;
        let state = if *is_online { "online" } else { "wait_bgsave" };
        lines.field(
            &alloc::format!("slave{number}"),
            format_args!("ip={host},port={port},state={state},offset={offset},lag={lag_secs}"),
        );
    }
    let (before, parted) = history.before.map_or((ReplId::NONE, -1), |(id, parted)| (id, parted as i64));
    lines.field("master_failover_state", failover.name());
    lines.field("master_replid", history.id);
    lines.field("master_replid2", before);
    lines.field("master_repl_offset", history.offset);
    lines.field("second_repl_offset", parted);
    lines.field("repl_backlog_active", u8::from(backlog.is_some()));
    lines.field("repl_backlog_size", picture.config.repl_backlog_size());
    lines.field("repl_backlog_first_byte_offset", backlog.map_or(0, |backlog| backlog.first));
    lines.field("repl_backlog_histlen", backlog.map_or(0, |backlog| backlog.len));
}

fn replica(picture: &Picture<'_>, link: &LinkState, lines: &mut Lines) {
    lines.field("master_host", &link.host);
    lines.field("master_port", link.port);
    lines.field("master_link_status", if link.phase.is_connected() { "up" } else { "down" });
    lines.field("master_last_io_seconds_ago", link.silent_secs.map_or(-1, |secs| secs as i64));
    lines.field("master_sync_in_progress", u8::from(link.transfer.is_some()));
    let offset = link.offset.map_or(-1, |offset| offset as i64);
    lines.field("slave_read_repl_offset", offset);
    lines.field("slave_repl_offset", offset);
    if let Some((read, total)) = link.transfer {
        let total = total.map_or(-1, |total| total as i64);
        lines.field("master_sync_total_bytes", total.max(0));
        lines.field("master_sync_read_bytes", read);
        lines.field("master_sync_left_bytes", if total < 0 { -1 } else { total - read as i64 });
        let percent = if total > 0 { read as f64 * 100.0 / total as f64 } else { 0.0 };
        lines.field("master_sync_perc", format_args!("{percent:.2}"));
        lines.field("master_sync_last_io_seconds_ago", link.silent_secs.unwrap_or(0));
    }
    if !link.phase.is_connected() {
        lines.field("master_link_down_since_seconds", link.down_secs.map_or(-1, |secs| secs as i64));
    }
    lines.field("slave_priority", picture.config.replica_priority());
    lines.field("slave_read_only", u8::from(picture.config.replica_read_only()));
    lines.field("replica_announced", u8::from(picture.config.replica_announced()));
}
