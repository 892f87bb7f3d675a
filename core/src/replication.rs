//! The history of a node's data: a stream of commands with a name and an offset, by which a replica that comes back says where it stopped.
//!
//! ```text
//!   replica: PSYNC <id> <offset of the next byte> --> primary: answer() --> +CONTINUE: the bytes from there on, out of the backlog
//!                                                                       `-> +FULLRESYNC: a snapshot first, and why
//! ```
//!
//! Offsets count bytes from 1. When a replica is promoted its history goes on under a new id; the old one remains good for what it had read
//! by then, so that its fellow replicas need no snapshot. Source of the rules: `masterTryPartialResync` and `shiftReplicationId` of Redis 7.2.

mod history;
pub mod quorum;

pub use history::{FullSync, History, ReplId, Resume};
