//! LATENCY DOCTOR: what took long, and what may help, in Redis' words.
//!
//! Of Redis' advice that is given which can be true here: there is no fork, and the figures about huge pages are not asked for.

use alloc::string::String;
use core::fmt::Write as _;

use slotway_core::time::UnixMs;

use crate::config::{AppendFsync, Config};
use crate::journal::{Latency, LatencyEvent, Series};

/// The report.
pub(super) fn report(latency: &Latency, config: &Config, now: UnixMs) -> String {
    if latency.iter().len() == 0 {
        return if config.latency_monitor_threshold_ms() == 0 { OFF } else { QUIET }.into();
    }
    let mut text = String::from(SPIKES);
    for (index, (event, series)) in latency.iter().enumerate() {
        write_event(&mut text, index + 1, event, series, now);
    }
    text.push_str(ADVICE);
    for (advice, events) in ADVICES {
        if latency.iter().any(|(event, _)| events.contains(&event)) {
            advice.write(&mut text, config);
        }
    }
    text
}

/// One line: how many spikes, how long, how often.
fn write_event(text: &mut String, number: usize, event: LatencyEvent, series: &Series, now: UnixMs) {
    let count = series.samples().len() as u64;
    let mean = series.samples().map(|sample| sample.ms).sum::<u64>() / count;
    let deviation = series.samples().map(|sample| sample.ms.abs_diff(mean)).sum::<u64>() / count;
    let oldest = series.samples().map(|sample| sample.at_secs).min().unwrap_or(0);
    let period = (now.as_secs().saturating_sub(oldest)).max(1) as f64 / count as f64;
    let (name, worst) = (event.name(), series.worst_ms());
    writeln!(text, "{number}. {name}: {count} latency spikes (average {mean}ms, mean deviation {deviation}ms, period {period:.2} sec). Worst all time event {worst}ms.")
        .expect("a String takes any text");
}

/// What may help.
#[derive(Clone, Copy)]
enum Advice {
    /// About the thresholds of the slow log.
    SlowLog,
    /// A text.
    Always(&'static str),
    /// A text, if every write is forced to disk.
    IfFsyncAlways(&'static str),
    /// A text, if `hz` is below 100.
    IfSlowHz(&'static str),
}

impl Advice {
    fn write(self, text: &mut String, config: &Config) {
        let threshold_ms = config.latency_monitor_threshold_ms();
        match self {
            Advice::SlowLog => {
                let slower_than_us = config.slowlog_log_slower_than_us();
                let advice = match u64::try_from(slower_than_us) {
                    Err(_) => [ENABLE_SLOW_LOG, ENABLE_SLOW_LOG_BEHIND],
                    Ok(us) if us / 1000 > threshold_ms => [TUNE_SLOW_LOG, TUNE_SLOW_LOG_BEHIND],
                    Ok(_) => return,
                };
                let [before, behind] = advice;
                write!(text, "{before}{}{behind}", threshold_ms * 1000).expect("a String takes any text");
            }
            Advice::IfFsyncAlways(_) if config.appendfsync() != AppendFsync::Always => {}
            Advice::IfSlowHz(_) if config.hz() >= 100 => {}
            Advice::Always(advice) | Advice::IfFsyncAlways(advice) | Advice::IfSlowHz(advice) => {
                text.push_str(advice);
            }
        }
    }
}

/// In the order of the report, with the events that bring it.
const ADVICES: [(Advice, &[LatencyEvent]); 9] = [
    (Advice::SlowLog, &[LatencyEvent::Command]),
    (Advice::Always(INSPECT_SLOW_LOG), &[LatencyEvent::Command]),
    (Advice::Always(SCHEDULER), &[LatencyEvent::FastCommand]),
    (Advice::Always(LOCAL_DISK), &[LatencyEvent::AofWrite]),
    (Advice::Always(SSD), &[LatencyEvent::AofWrite]),
    (Advice::IfFsyncAlways(FSYNC), &[LatencyEvent::AofFsyncAlways]),
    (Advice::IfSlowHz(HZ), &[LatencyEvent::ExpireCycle]),
    (Advice::Always(LARGE_OBJECTS), &[LatencyEvent::Command, LatencyEvent::ExpireCycle]),
    (Advice::Always(MASS_EVICTION), &[LatencyEvent::EvictionCycle]),
];

const OFF: &str = "I'm sorry, Dave, I can't do that. Latency monitoring is disabled in this Redis instance. You may use \"CONFIG SET latency-monitor-threshold <milliseconds>.\" in order to enable it. If we weren't in a deep space mission I'd suggest to take a look at https://redis.io/topics/latency-monitor.\n";
const QUIET: &str = "Dave, no latency spike was observed during the lifetime of this Redis instance, not in the slightest bit. I honestly think you ought to sit down calmly, take a stress pill, and think things over.\n";
const SPIKES: &str = "Dave, I have observed latency spikes in this Redis instance. You don't mind talking about it, do you Dave?\n\n";
const ADVICE: &str = "\nI have a few advices for you:\n\n";
const ENABLE_SLOW_LOG: &str = "- There are latency issues with potentially slow commands you are using. Try to enable the Slow Log Redis feature using the command 'CONFIG SET slowlog-log-slower-than ";
const ENABLE_SLOW_LOG_BEHIND: &str =
    "'. If the Slow log is disabled Redis is not able to log slow commands execution for you.\n";
const TUNE_SLOW_LOG: &str = "- Your current Slow Log configuration only logs events that are slower than your configured latency monitor threshold. Please use 'CONFIG SET slowlog-log-slower-than ";
const TUNE_SLOW_LOG_BEHIND: &str = "'.\n";
const INSPECT_SLOW_LOG: &str = "- Check your Slow Log to understand what are the commands you are running which are too slow to execute. Please check https://redis.io/commands/slowlog for more information.\n";
const SCHEDULER: &str = "- The system is slow to execute Redis code paths not containing system calls. This usually means the system does not provide Redis CPU time to run for long periods. You should try to:\n  1) Lower the system load.\n  2) Use a computer / VM just for Redis if you are running other software in the same system.\n  3) Check if you have a \"noisy neighbour\" problem.\n  4) Check with 'redis-cli --intrinsic-latency 100' what is the intrinsic latency in your system.\n  5) Check if the problem is allocator-related by recompiling Redis with MALLOC=libc, if you are using Jemalloc. However this may create fragmentation problems.\n";
const LOCAL_DISK: &str = "- It is strongly advised to use local disks for persistence, especially if you are using AOF. Remote disks provided by platform-as-a-service providers are known to be slow.\n";
const SSD: &str = "- SSD disks are able to reduce fsync latency, and total time needed for snapshotting and AOF log rewriting (resulting in smaller memory usage and smaller final AOF rewrite buffer flushes). With extremely high write load SSD disks can be a good option. However Redis should perform reasonably with high load using normal disks. Use this advice as a last resort.\n";
const FSYNC: &str = "- Your fsync policy is set to 'always'. It is very hard to get good performances with such a setup, if possible try to relax the fsync policy to 'onesec'.\n";
const HZ: &str = "- In order to make the Redis keys expiring process more incremental, try to set the 'hz' configuration parameter to 100 using 'CONFIG SET hz 100'.\n";
const LARGE_OBJECTS: &str = "- Deleting, expiring or evicting (because of maxmemory policy) large objects is a blocking operation. If you have very large objects that are often deleted, expired, or evicted, try to fragment those objects into multiple smaller objects.\n";
const MASS_EVICTION: &str = "- Sudden changes to the 'maxmemory' setting via 'CONFIG SET', or allocation of large objects via sets or sorted sets intersections, STORE option of SORT, Redis Cluster large keys migrations (RESTORE command), may create sudden memory pressure forcing the server to block trying to evict keys. \n";

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Config {
        let mut config = Config::default();
        config.load("test", text, &mut |_| Ok(alloc::vec::Vec::new())).unwrap();
        config
    }

    #[test]
    fn without_spikes_it_says_whether_anybody_looks() {
        let now = UnixMs::from_ms(1000);
        assert_eq!(report(&Latency::default(), &config(""), now), OFF);
        assert_eq!(report(&Latency::default(), &config("latency-monitor-threshold 5"), now), QUIET);
    }

    #[test]
    fn spikes_are_summed_up_and_bring_their_advice() {
        let mut latency = Latency::default();
        for (second, ms) in [(13, 10), (14, 3), (15, 30), (16, 21)] {
            latency.add(LatencyEvent::Command, UnixMs::from_ms(second * 1000), ms);
        }
        let text = report(&latency, &config("latency-monitor-threshold 1"), UnixMs::from_ms(16_000));
        let line = "1. command: 4 latency spikes (average 16ms, mean deviation 9ms, period 0.75 sec). Worst all time event 30ms.\n";
        let tune = alloc::format!("{TUNE_SLOW_LOG}1000{TUNE_SLOW_LOG_BEHIND}");
        assert_eq!(text, alloc::format!("{SPIKES}{line}{ADVICE}{tune}{INSPECT_SLOW_LOG}{LARGE_OBJECTS}"));
        let off = report(&latency, &config("slowlog-log-slower-than -1"), UnixMs::from_ms(16_000));
        assert!(off.contains(ENABLE_SLOW_LOG));
    }
}
