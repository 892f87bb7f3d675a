//! An orderly end: what replicas lack is waited for, and in a cluster one of them may take over first.
//!
//! ```text
//!   SIGTERM, SHUTDOWN --> hand over (cluster-handover-on-shutdown): the best replica becomes the primary, as by CLUSTER FAILOVER
//!                    `--> or writes pause until all replicas have everything, up to shutdown-timeout --> save, stop
//!   SHUTDOWN ABORT: writes go on
//! ```
//!
//! Source of the rules: `prepareForShutdown`, `isReadyToShutdown` and `abortShutdown` of Redis 7.2; handing over is ours.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use slotway_core::id::NodeId;
use slotway_core::resp::error::ErrorReply;
use slotway_engine::node::{Node as _, Shutdown};
use slotway_engine::shards::ShardAccess;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout, timeout_at};

use crate::handoff;
use crate::persist;
use crate::replicate;
use crate::server::Server;
use crate::shared::Shared;

/// How often a replica is asked to take over, and replicas are asked how far they are.
const RETRY: Duration = Duration::from_secs(1);
/// Those whose writes waited are told where to go within this time, before the node stops.
const FAREWELL: Duration = Duration::from_millis(100);

/// The end of one node, as far as it is under way.
#[derive(Default)]
pub(crate) struct Ending {
    asked: Mutex<Option<Shutdown>>,
    wanted: Notify,
    aborted: Notify,
    under_way: watch::Sender<bool>,
}

impl Ending {
    /// The process is to end.
    pub(crate) fn ask(&self, how: Shutdown) {
        *self.asked.lock() = Some(how);
        self.under_way.send_replace(true);
        self.wanted.notify_one();
    }

    /// Replicas are waited for.
    pub(crate) fn is_under_way(&self) -> bool {
        *self.under_way.borrow()
    }

    /// SHUTDOWN ABORT.
    ///
    /// # Errors
    /// There is nothing to abort.
    pub(crate) fn abort(&self) -> Result<(), ErrorReply> {
        if !self.is_under_way() {
            return Err(ErrorReply::NoShutdown);
        }
        self.aborted.notify_one();
        Ok(())
    }

    /// Waits until nothing is under way any more; if the node ends, for ever.
    pub(crate) async fn wait_until_given_up(&self) {
        let mut under_way = self.under_way.subscribe();
        // The sender lives as long as this.
        let _ = under_way.wait_for(|under_way| !*under_way).await;
    }
}

/// Whether somebody has to be waited for, who would lose something otherwise.
pub(crate) fn has_to_wait(shared: &Shared, how: Shutdown) -> bool {
    let waits = !how.now && shared.config().shutdown_timeout_secs() > 0 && !shared.is_replica();
    waits && (hands_over(shared) || !replicate::all_replicas_have_everything(shared))
}

fn hands_over(shared: &Shared) -> bool {
    let config = shared.config();
    let replicas = !shared.replication().replicas.is_empty();
    config.cluster_enabled() && config.cluster_handover_on_shutdown() && replicas
}

/// Ends the node when that is asked for.
pub(crate) async fn serve<A: ShardAccess>(server: Arc<Server<A>>) {
    let shared = &server.shared;
    let mut stop = shared.watch_stop();
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = shared.ending.wanted.notified() => {}
        }
        let Some(how) = shared.ending.asked.lock().take() else { continue };
        let goes_on = tokio::select! {
            () = prepare(shared, how) => persist::shut_down(shared, how, server.engine.shards()).is_err(),
            () = shared.ending.wanted.notified() => {
                // Asked again, perhaps otherwise.
                shared.ending.wanted.notify_one();
                continue;
            }
            () = shared.ending.aborted.notified() => {
                shared.log.warning("Shutdown manually aborted.");
                true
            }
        };
        if goes_on {
            shared.pauses.by_shutdown(false);
            shared.ending.under_way.send_replace(false);
        }
    }
}

/// Until nobody lacks anything, or the time is over.
async fn prepare(shared: &Shared, how: Shutdown) {
    if !has_to_wait(shared, how) {
        return;
    }
    let patience = Duration::from_secs(u64::from(shared.config().shutdown_timeout_secs()));
    let deadline = Instant::now() + patience;
    if hands_over(shared) {
        match timeout_at(deadline, hand_over(shared)).await {
            Ok(()) => {
                shared.log.notice("A replica has taken over: this node ends.");
                return tokio::time::sleep(FAREWELL).await;
            }
            Err(_) => shared.log.warning("No replica has taken over in time: this node ends as a primary."),
        }
    }
    shared.pauses.by_shutdown(true);
    shared.log.notice(&format!(
        "Waiting for replicas before shutting down, for {} seconds at most.",
        patience.as_secs()
    ));
    if timeout_at(deadline, replicate::until_replicas_have_everything(shared, RETRY)).await.is_err() {
        tell_laggards(shared);
    }
}

/// Asks the best replica to take over until one has.
async fn hand_over(shared: &Shared) {
    let mut topology = shared.watch_topology();
    loop {
        let mut asked = None;
        shared.with_cluster(&mut |now, cluster| asked = cluster.hand_over(now));
        match asked {
            Some(replica) => {
                shared.log.notice(&format!("Shutting down: replica {replica} is asked to take over."))
            }
            None => shared.log.notice("Shutting down: no replica can take over yet."),
        }
        if timeout(RETRY, topology.wait_for(|_| shared.is_replica())).await.is_ok() {
            return;
        }
        // It may have come to nothing, and is asked again; or it is a Redis server, which does not know the message.
        if let Some(replica) = asked {
            ask_as_operator(shared, replica).await;
        }
    }
}

/// Asks a replica to take over by the command that operators use.
async fn ask_as_operator(shared: &Shared, replica: NodeId) {
    let Some(topology) = shared.topology() else { return };
    let Some(node) = topology.find(&replica).map(|index| topology.node(index)) else { return };
    let words = ["CLUSTER", "FAILOVER"].map(|word| word.as_bytes().to_vec());
    let refused = match handoff::ask_node(shared, &node.ip, node.port, &words).await {
        Ok(answer) if answer.starts_with('+') => return,
        Ok(answer) => answer,
        Err(error) => format!("{error:#}"),
    };
    shared.log.notice(&format!("Shutting down: replica {replica} does not take over: {refused}"));
}

fn tell_laggards(shared: &Shared) {
    let state = shared.replication();
    for replica in state.replicas.iter().filter(|replica| replica.offset != state.history.offset) {
        shared.log.notice(&format!(
            "Lagging replica {}:{} reported offset {} behind master, lag={}.",
            replica.host,
            replica.port,
            state.history.offset.saturating_sub(replica.offset),
            replica.lag_secs
        ));
    }
}
