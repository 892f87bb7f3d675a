//! Facts of the process and of the machine that only the operating system knows.

use std::fs;
use std::sync::LazyLock;
use std::time::{SystemTime, UNIX_EPOCH};

use slotway_core::time::{Instant, UnixMs};

use crate::bus::LINKS_MAX;

/// Microseconds since 1970.
pub(crate) fn unix_us() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64)
}

/// Milliseconds since 1970.
pub(crate) fn unix_ms() -> UnixMs {
    UnixMs::from_ms(unix_us() / 1000)
}

/// Milliseconds on a clock that never jumps, since it was first asked.
pub(crate) fn instant() -> Instant {
    static FIRST: LazyLock<std::time::Instant> = LazyLock::new(std::time::Instant::now);
    Instant::from_ms(u64::try_from(FIRST.elapsed().as_millis()).unwrap_or(u64::MAX))
}

/// Nanoseconds of a clock that only goes forward.
pub(crate) fn clock_ns() -> u64 {
    static FIRST: LazyLock<std::time::Instant> = LazyLock::new(std::time::Instant::now);
    u64::try_from(FIRST.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// `Linux 6.1.0 x86_64`: system, release and architecture.
pub(crate) fn os() -> String {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{} {} {}", capitalised(std::env::consts::OS), release.trim(), std::env::consts::ARCH)
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
}

/// Resident memory of the process and the most it has been, in bytes; 0 where the system does not tell.
pub(crate) fn resident_memory() -> (u64, u64) {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    (kilobytes(&status, "VmRSS:") * 1024, kilobytes(&status, "VmHWM:") * 1024)
}

/// Memory of the machine, in bytes; 0 where the system does not tell.
pub(crate) fn system_memory() -> u64 {
    kilobytes(&fs::read_to_string("/proc/meminfo").unwrap_or_default(), "MemTotal:") * 1024
}

fn kilobytes(text: &str, field: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(field));
    line.and_then(|rest| rest.split_whitespace().next()).and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// CPU time of the process outside and in the kernel, in microseconds; 0 where the system does not tell.
pub(crate) fn cpu_time_us() -> (u64, u64) {
    // Linux tells user space times in units of 1/100 s, whatever the kernel's own tick.
    const TICK_US: u64 = 10_000;
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The second field, the command's name, may hold blanks; it ends with the last parenthesis.
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let field =
        |index: usize| fields.split_whitespace().nth(index).and_then(|ticks| ticks.parse::<u64>().ok());
    (field(11).unwrap_or(0) * TICK_US, field(12).unwrap_or(0) * TICK_US)
}

/// File descriptors that are needed besides those of clients, as in Redis.
const RESERVED_FILES: u64 = 32;

/// Raises the limit of open files so that `clients` can be served, and, where the system allows it, so many links of the bus besides.
///
/// # Errors
/// The system does not allow it: how many clients it does allow.
pub(crate) fn reserve_files(clients: u32) -> Result<(), u32> {
    let wanted = u64::from(clients) + RESERVED_FILES;
    match rlimit::increase_nofile_limit(wanted + LINKS_MAX as u64).unwrap_or(0) {
        allowed if allowed >= wanted => Ok(()),
        allowed => Err(allowed.saturating_sub(RESERVED_FILES).max(1) as u32),
    }
}

/// `N` random bytes from the system.
pub(crate) fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill_with_random(&mut bytes);
    bytes
}

/// Fills `bytes` with random ones from the system.
pub(crate) fn fill_with_random(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the system gives random bytes");
}
