//! The engine of one node: keyspace, commands, sessions and dispatch.
//!
//! ```text
//!   requests (core::resp::decode) --> dispatch --admission--> route --> commands --> replies
//!                                        |                                |
//!                                     session                      keyspace (one shard, held)
//! ```
//!
//! Sans-IO: time, randomness, sockets and files are the caller's, offered through [`node::Node`]; the node,
//! the simulator and the browser run this very code.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod acl;
pub mod command_stats;
pub mod commands;
pub mod config;
pub mod dispatch;
pub mod events;
pub mod geohash;
pub mod glob;
pub mod handoff;
pub mod hyperloglog;
pub mod interest;
pub mod journal;
pub mod keyspace;
pub mod migration;
pub mod monitor;
pub mod node;
pub mod number;
pub mod propagation;
pub mod pubsub;
pub mod rdb;
mod redact;
pub mod registry;
pub mod replay;
pub mod replication;
pub mod script;
pub mod session;
pub mod shards;
pub mod slot_stats;
pub mod snapshot;
pub mod switches;
mod table;
#[cfg(test)]
mod testing;
pub mod tracking;
pub mod transaction;
pub mod value;

pub use commands::REDIS_VERSION;
