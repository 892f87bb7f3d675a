//! Behaviour of commands on streams.
