//! What DEBUG switches for tests. A node begins with none of it.

use core::sync::atomic::{AtomicBool, AtomicU64};

/// One of each for a node.
#[derive(Default, Debug)]
pub struct Switches {
    /// Keys stay in memory once they have expired, until somebody asks for them: SET-ACTIVE-EXPIRE 0.
    pub keeps_expired: AtomicBool,
    /// RESTORE takes payloads whatever their checksum: SET-SKIP-CHECKSUM-VALIDATION 1.
    pub skips_checksums: AtomicBool,
    /// Microseconds that each write to the append-only file takes longer: AOF-FLUSH-SLEEP.
    pub aof_flush_sleep_us: AtomicU64,
}
