//! Up to what size small values are kept in their compact form.

use crate::config::directive::{Directive, INT_MAX, LONG_MAX, int, memory};

pub(super) const DIRECTIVES: &[Directive] = &[
    int("hash-max-listpack-entries", 0, LONG_MAX, 512).alias("hash-max-ziplist-entries"),
    memory("hash-max-listpack-value", 0, LONG_MAX, 64).alias("hash-max-ziplist-value"),
    int("list-max-listpack-size", i32::MIN as i128, INT_MAX, -2).alias("list-max-ziplist-size"),
    int("list-compress-depth", 0, INT_MAX, 0),
    int("set-max-intset-entries", 0, LONG_MAX, 512),
    int("set-max-listpack-entries", 0, LONG_MAX, 128),
    int("set-max-listpack-value", 0, LONG_MAX, 64),
    int("zset-max-listpack-entries", 0, LONG_MAX, 128).alias("zset-max-ziplist-entries"),
    memory("zset-max-listpack-value", 0, LONG_MAX, 64).alias("zset-max-ziplist-value"),
    memory("hll-sparse-max-bytes", 0, LONG_MAX, 3000),
    memory("stream-node-max-bytes", 0, LONG_MAX, 4096),
    int("stream-node-max-entries", 0, LONG_MAX, 100),
];
