//! Redis Cluster as values: slots, routing, topology, command facts and the wire.
//!
//! Nothing in this crate reads a clock, a socket, a file or a random source: whatever changes from run to run
//! is an argument. It is compiled natively into the node, into the simulator, and to WASM.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod bus;
pub mod cluster;
pub mod command;
pub mod crc16;
pub mod epoch;
pub mod id;
pub mod ordered;
pub mod plan;
pub mod random;
pub mod replication;
pub mod resp;
pub mod route;
pub mod slot;
pub mod slot_set;
pub mod time;
pub mod topology;
pub mod words;
