//! FAILOVER: this node, a primary, hands over to a replica that has everything.
//!
//! ```text
//!   FAILOVER --> writes pause --> a replica has everything, or FORCE and the time is over --> it is followed: PSYNC .. FAILOVER
//!                   |                                                                            |
//!                   `-- the time is over, ABORT: writes go on                                    `-- it refuses, ABORT: a primary again
//! ```
//!
//! Source of the rules: `updateFailoverStatus`, `abortFailover` and `syncWithMaster` of Redis 7.2.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use slotway_core::cluster::Beginning;
use slotway_core::resp::error::ErrorReply;
use slotway_engine::node::{self, FailoverStage, Node as _};
use slotway_engine::shards::{ShardAccess, WholeKeyspace as _};
use tokio::sync::Notify;

use super::{Primary, Replica, follow};
use crate::server::Server;
use crate::shared::Shared;

/// What a node knows of its failover. Where it is locked together with shards, it is locked behind them.
#[derive(Default)]
pub(crate) struct Failover {
    under_way: Mutex<Option<UnderWay>>,
    changed: Notify,
}

#[derive(Clone)]
struct UnderWay {
    wanted: node::Failover,
    is_in_progress: bool,
}

impl Failover {
    /// How far it is.
    pub(super) fn stage(&self) -> FailoverStage {
        match &*self.under_way.lock() {
            None => FailoverStage::Nothing,
            Some(UnderWay { is_in_progress: false, .. }) => FailoverStage::WaitsForSync,
            Some(UnderWay { is_in_progress: true, .. }) => FailoverStage::InProgress,
        }
    }
}

/// Begins: writes pause until it is over.
///
/// # Errors
/// Another one is under way.
pub(crate) fn begin(shared: &Shared, wanted: node::Failover) -> Result<(), ErrorReply> {
    let failover = &shared.replication.failover;
    {
        let mut under_way = failover.under_way.lock();
        if under_way.is_some() {
            return Err(ErrorReply::FailoverUnderWay);
        }
        match &wanted.target {
            Some((host, port)) => shared.log.notice(&format!("FAILOVER requested to {host}:{port}.")),
            None => shared.log.notice("FAILOVER requested."),
        }
        *under_way = Some(UnderWay { wanted, is_in_progress: false });
    }
    shared.pauses.by_failover(true);
    failover.changed.notify_one();
    Ok(())
}

/// FAILOVER ABORT.
///
/// # Errors
/// None is under way.
pub(crate) fn abort(shared: &Shared) -> Result<(), ErrorReply> {
    match give_up(shared, "Failover manually aborted") {
        true => Ok(()),
        false => Err(ErrorReply::NoFailover),
    }
}

/// This node stays a primary, or is one again. False if there was no failover.
pub(super) fn give_up(shared: &Shared, why: &str) -> bool {
    let Some(UnderWay { is_in_progress, .. }) = shared.replication.failover.under_way.lock().take() else {
        return false;
    };
    shared.log.notice(&format!("Aborting failover: {why}"));
    if is_in_progress {
        follow(shared, None, Beginning::GoesOn);
    }
    shared.pauses.by_failover(false);
    shared.replication.failover.changed.notify_one();
    true
}

/// The replica has taken over: those whose writes waited learn that this node is a replica.
pub(super) fn succeeded(shared: &Shared) {
    if shared.replication.failover.under_way.lock().take().is_some() {
        shared.log.notice("Failover target has taken over.");
        shared.pauses.by_failover(false);
    }
}

/// Brings failovers about when they are asked for.
pub(crate) async fn serve<A: ShardAccess>(server: Arc<Server<A>>) {
    let replication = &server.shared.replication;
    let mut stop = server.shared.watch_stop();
    loop {
        let acknowledged = replication.acknowledged.notified();
        let wait = step(&server);
        let over = async {
            match wait {
                Wait::Until(Some(left)) => tokio::time::sleep(left).await,
                Wait::Until(None) | Wait::ForNothing => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = replication.failover.changed.notified() => {}
            () = acknowledged, if wait != Wait::ForNothing => {}
            () = over => {}
        }
    }
}

/// What is waited for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wait {
    /// A failover is asked for.
    ForNothing,
    /// A replica tells how far it is, or so much time is over.
    Until(Option<Duration>),
}

fn step<A: ShardAccess>(server: &Server<A>) -> Wait {
    let shared = &server.shared;
    let under_way = shared.replication.failover.under_way.lock().clone();
    let Some(UnderWay { wanted, is_in_progress: false }) = under_way else { return Wait::ForNothing };
    let is_late = wanted.deadline.is_some_and(|deadline| deadline <= shared.now());
    if is_late && !wanted.force {
        give_up(shared, "Replica never caught up before timeout");
        return Wait::ForNothing;
    }
    let mut is_done = false;
    // With all shards in hand: no write that was admitted before the pause is under way.
    server.engine.shards().all_shards(&mut |_| {
        let target = if is_late { wanted.target.clone() } else { caught_up(shared, &wanted) };
        is_done = target.is_some_and(|target| hand_over(shared, target));
    });
    if is_done {
        return Wait::ForNothing;
    }
    Wait::Until(wanted.deadline.map(|deadline| Duration::from_millis(deadline.ms_since(shared.now()))))
}

/// The replica that is to take over, if it has everything.
fn caught_up(shared: &Shared, wanted: &node::Failover) -> Option<(String, u16)> {
    let written = shared.replication.written();
    let is_wanted = |replica: &&Replica| match &wanted.target {
        Some((host, port)) => replica.host.eq_ignore_ascii_case(host) && replica.port == *port,
        None => true,
    };
    let replicas = shared.replication.replicas.lock();
    let mut replicas = replicas.values().filter(|replica| replica.is_online && replica.offset == written);
    replicas.find(is_wanted).map(|replica| (replica.host.clone(), replica.port))
}

/// Follows the replica, unless the failover has been aborted.
fn hand_over(shared: &Shared, (host, port): (String, u16)) -> bool {
    {
        let mut under_way = shared.replication.failover.under_way.lock();
        let Some(under_way) = under_way.as_mut() else { return false };
        under_way.is_in_progress = true;
    }
    shared.log.notice(&format!("Failing over to {host}:{port}."));
    follow(shared, Some(Primary { host, port, id: None }), Beginning::GoesOn);
    true
}
