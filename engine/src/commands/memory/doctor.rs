//! MEMORY DOCTOR: what is wrong with the memory of this node, in Redis' words.
//!
//! Of Redis' findings those are told that can be true here: the allocator's own figures are not known, and there are neither
//! scripts nor replicas to take memory.

use alloc::string::String;

use super::Memory;

/// Bytes of data below which nothing is worth a look.
const TOO_LITTLE: u64 = 5 << 20;
/// Bytes lost below which fragmentation does not matter.
const LOST_TOO_LITTLE: u64 = 10 << 20;
/// Bytes per client that are too many.
const CLIENT_TOO_MUCH: u64 = 200 << 10;

/// The report.
pub(super) fn report(memory: &Memory, allocator: &str) -> String {
    if memory.used < TOO_LITTLE {
        return EMPTY.into();
    }
    let findings: String = findings(memory, allocator).into_iter().flatten().collect();
    match findings.is_empty() {
        true => FINE.into(),
        false => alloc::format!("{BEFORE}{findings}{BEHIND}"),
    }
}

fn findings(memory: &Memory, allocator: &str) -> [Option<String>; 3] {
    let (factor, lost) = memory.fragmentation();
    let peaked = memory.rss > 0 && memory.rss_peak * 2 > memory.rss * 3;
    let scattered = factor > 1.4 && lost > LOST_TOO_LITTLE;
    let buffered = memory.clients.checked_div(memory.client_count).unwrap_or(0) > CLIENT_TOO_MUCH;
    [
        peaked.then(|| PEAK.into()),
        scattered.then(|| alloc::format!("{RSS_BEFORE}{allocator}{RSS_BEHIND}")),
        buffered.then(|| CLIENTS.into()),
    ]
}

const EMPTY: &str = "Hi Sam, this instance is empty or is using very little memory, my issues detector can't be used in these conditions. Please, leave for your mission on Earth and fill it with some data. The new Sam and I will be back to our programming as soon as I finished rebooting.\n";
const FINE: &str = "Hi Sam, I can't find any memory issue in your instance. I can only account for what occurs on this base.\n";
const BEFORE: &str = "Sam, I detected a few issues in this Redis instance memory implants:\n\n";
const BEHIND: &str = "I'm here to keep you safe, Sam. I want to help you.\n";
const PEAK: &str = " * Peak memory: In the past this instance used more than 150% the memory that is currently using. The allocator is normally not able to release memory after a peak, so you can expect to see a big fragmentation ratio, however this is actually harmless and is only due to the memory peak, and if the Redis instance Resident Set Size (RSS) is currently bigger than expected, the memory will be used as soon as you fill the Redis instance with more data. If the memory peak was only occasional and you want to try to reclaim memory, please try the MEMORY PURGE command, otherwise the only other option is to shutdown and restart the instance.\n\n";
const RSS_BEFORE: &str = " * High total RSS: This instance has a memory fragmentation and RSS overhead greater than 1.4 (this means that the Resident Set Size of the Redis process is much larger than the sum of the logical allocations Redis performed). This problem is usually due either to a large peak memory (check if there is a peak memory entry above in the report) or may result from a workload that causes the allocator to fragment memory a lot. If the problem is a large peak memory, then there is no issue. Otherwise, make sure you are using the Jemalloc allocator and not the default libc malloc. Note: The currently used allocator is \"";
const RSS_BEHIND: &str = "\".\n\n";
const CLIENTS: &str = " * Big client buffers: The clients output buffers in this instance are greater than 200K per client (on average). This may result from different causes, like Pub/Sub clients subscribed to channels bot not receiving data fast enough, so that data piles on the Redis instance output buffer, or clients sending commands with large replies or very large sequences of commands in the same pipeline. Please use the CLIENT LIST command in order to investigate the issue if it causes problems in your instance, or to understand better why certain clients are using a big amount of memory.\n\n";

#[cfg(test)]
mod tests {
    use super::*;

    fn memory() -> Memory {
        Memory { used: 100 << 20, rss: 110 << 20, rss_peak: 120 << 20, client_count: 2, ..Memory::default() }
    }

    #[test]
    fn each_finding_follows_from_its_figure() {
        let report = |memory: Memory| report(&memory, "libc");
        assert_eq!(report(memory()), FINE);
        assert_eq!(report(Memory { used: 1, ..memory() }), EMPTY);
        assert!(report(Memory { rss_peak: 200 << 20, ..memory() }).contains(" * Peak memory: "));
        let scattered = report(Memory { used: 50 << 20, ..memory() });
        assert!(
            scattered.contains(" * High total RSS: ") && scattered.contains(" allocator is \"libc\".\n\n")
        );
        assert!(scattered.starts_with(BEFORE) && scattered.ends_with(BEHIND));
        assert!(report(Memory { clients: 1 << 20, ..memory() }).contains(" * Big client buffers: "));
    }
}
