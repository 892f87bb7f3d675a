//! The HyperLogLog encodings of Redis.
