//! What copying data between nodes comes down to, without sockets and without tasks: node and simulator run this.
//!
//! ```text
//!   primary   write --Node::propagate--> Log: history, backlog, stream --begin / read--> bytes for each replica
//!   replica   PSYNC --Answer--> go on, or load a snapshot (Transfer) first; then bytes --Applier--> Engine::execute, and into its own Log
//! ```
//!
//! The [`Log`] is appended to while the shards that a write has changed are in hand; a snapshot takes its offset while it has all of them. So a
//! replica that has the snapshot and the bytes behind that offset has everything, once. Whether a replica can go on without a snapshot is
//! `core/replication/history.rs`.

mod apply;
mod backlog;
mod link;
mod log;
mod psync;
mod saved;
#[cfg(test)]
mod tests;
mod transfer;

pub use apply::{Applied, Applier, ApplyError};
pub use link::Link;
pub use log::{CutOff, Log};
pub use psync::{Answer, Met};
pub use saved::{Saved, Told};
pub use transfer::{Part, Transfer, TransferError};

use crate::node::Pause;

/// Whether a node may write of its own accord to its replicas: PING, GETACK. Not if it `follows` another one, whose stream it passes on, and not in
/// a pause: a replica that takes over by agreement has been told how far to read.
pub fn may_write_to_replicas(follows: bool, pause: Pause) -> bool {
    !follows && pause == Pause::Nothing
}
