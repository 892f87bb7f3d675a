//! Test harness: servers to start, wires to speak, and generators.
//!
//! The suites in `tests/` run our binary beside a real `redis-server` and compare what a client sees. Nothing here
//! knows how either is built: a server is a process with a port.
//!
//! ```text
//! random -> grammar + atoms -> script (steps) --+-> wire -> Slotway --+
//!                                               +-> wire -> Redis ----+-> lockstep -> differences -> shrink
//! ```

pub mod atoms;
pub mod binaries;
pub mod cluster;
pub mod differences;
pub mod grammar;
pub mod lockstep;
pub mod ports;
pub mod random;
pub mod script;
pub mod server;
pub mod shrink;
pub mod wire;
