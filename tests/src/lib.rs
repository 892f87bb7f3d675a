//! Test harness: servers to start, wires to speak, and generators.
