//! What INFO tells of the cluster: whether there is one, and the slots that are on their way.

use alloc::vec::Vec;

use slotway_core::cluster::{Job, Side};

use super::{Lines, Picture};
use crate::handoff::Progress;
use crate::node::Node;

/// A migration of slots that is not over, and how far it is where this node moves the data.
pub(super) struct Move {
    job: Job,
    progress: Option<Progress>,
}

/// The migrations of a node that are not over.
pub(super) fn moves(node: &dyn Node) -> Vec<Move> {
    let mut jobs = Vec::new();
    node.with_cluster(&mut |_, cluster| {
        jobs = cluster.jobs().iter().filter(|job| !job.state.is_over()).cloned().collect();
    });
    jobs.into_iter().map(|job| Move { progress: node.migrated(job.id), job }).collect()
}

/// Without a migration it is Redis' section. The first of the other lines has the name that Redis 8.4 gives it.
pub(super) fn lines(picture: &Picture<'_>, lines: &mut Lines) {
    lines.field("cluster_enabled", u8::from(picture.config.cluster_enabled()));
    if picture.moves.is_empty() {
        return;
    }
    lines.field("cluster_slot_migration_active_tasks", picture.moves.len());
    for (number, Move { job, progress }) in picture.moves.iter().enumerate() {
        let peer = match job.side {
            Side::Source => &job.target,
            Side::Target => &job.source,
        };
        let Progress { slots, keys, bytes } = progress.unwrap_or_default();
        let text = format_args!(
            "name={},operation={},node={peer},state={},slots_total={},slots_done={slots},keys_done={keys},\
             bytes_done={bytes}",
            job.id,
            job.side,
            job.state.name(),
            job.slots.len()
        );
        lines.field(&alloc::format!("cluster_slot_migration{number}"), text);
    }
}
