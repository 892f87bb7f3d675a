//! The engine of one node: keyspace, values, commands, sessions and dispatch.
//!
//! Sans-IO: time, randomness and sockets are the caller's; the node, the simulator and the browser run this
//! very code.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod config;
pub mod keyspace;
