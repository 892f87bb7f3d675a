//! Memory limits, eviction, expiry, freeing in the background, defragmentation.

use crate::config::directive::{Directive, INT_MAX, LONG_MAX, int, memory, number, word, yes_no};
use crate::config::number::Unit;
use crate::config::words::MaxmemoryPolicy;

pub(super) const DIRECTIVES: &[Directive] = &[
    memory("maxmemory", 0, u64::MAX as i128, 0),
    number("maxmemory-clients", -100, LONG_MAX, 0, Unit::MemoryOrPercent),
    word("maxmemory-policy", MaxmemoryPolicy::WORDS, MaxmemoryPolicy::NoEviction as u32),
    int("maxmemory-samples", 1, INT_MAX, 5),
    int("maxmemory-eviction-tenacity", 0, 100, 10),
    int("lfu-log-factor", 0, INT_MAX, 10),
    int("lfu-decay-time", 0, INT_MAX, 1),
    int("active-expire-effort", 1, 10, 1),
    yes_no("lazyfree-lazy-eviction", false),
    yes_no("lazyfree-lazy-expire", false),
    yes_no("lazyfree-lazy-server-del", false),
    yes_no("lazyfree-lazy-user-del", false),
    yes_no("lazyfree-lazy-user-flush", false),
    yes_no("activerehashing", true),
    yes_no("activedefrag", false),
    memory("active-defrag-ignore-bytes", 1, LONG_MAX, 100 << 20),
    int("active-defrag-threshold-lower", 0, 1000, 10),
    int("active-defrag-threshold-upper", 0, 1000, 100),
    int("active-defrag-cycle-min", 1, 99, 1),
    int("active-defrag-cycle-max", 1, 99, 25),
    int("active-defrag-max-scan-fields", 1, LONG_MAX, 1000),
    yes_no("jemalloc-bg-thread", true),
];
