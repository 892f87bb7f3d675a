//! Test harness: servers to start, wires to speak, and generators.
//!
//! The suites in `tests/` run our binary beside a real `redis-server` and compare what a client sees. Nothing here
//! knows how either is built: a server is a process with a port.
//!
//! ```text
//! random -> themes (grammar: families of forms) -> script (steps) --+-> line -> Slotway --+
//!                                                                   +-> line -> Redis ----+-> lockstep -> shrink
//!                                                     comparison, differences, keyspace --^
//! ```

pub mod acl;
pub mod binaries;
pub mod cluster;
pub mod command_table;
pub mod comparison;
pub mod dataset;
pub mod differences;
pub mod docs;
pub mod facts;
pub mod grammar;
pub mod http;
mod keyspace;
mod line;
pub mod load;
pub mod lockstep;
pub mod nodes;
pub mod operator;
pub mod patience;
pub mod ports;
pub mod prometheus;
pub mod proxy;
pub mod random;
pub mod script;
pub mod server;
pub mod shrink;
pub mod spoil;
pub mod themes;
pub mod wire;
pub mod workload;
