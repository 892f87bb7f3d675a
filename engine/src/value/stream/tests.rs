//! Behaviour of streams as values.
