//! What took longer than `latency-monitor-threshold`: for each kind of event the worst moment of each second, the last 160 of them.
//!
//! Source of the rules: `latency.c` of Redis 7.2.

use alloc::collections::{BTreeMap, VecDeque};

use slotway_core::time::UnixMs;

use crate::config::Config;
use crate::node::Node;

/// Seconds that are remembered of each kind of event.
const SAMPLES_MAX: usize = 160;

/// The kinds of events that a node has.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum LatencyEvent {
    /// The append-only file was written to, or forced to disk before replies went out.
    AofFsyncAlways,
    /// The append-only file was written to.
    AofWrite,
    /// The same, under the name that Redis uses whatever else goes on meanwhile.
    AofWriteAny,
    /// A command that may take long.
    Command,
    /// Keys were evicted before a command.
    EvictionCycle,
    /// A slice of looking for expired keys.
    ExpireCycle,
    /// A command that takes constant or logarithmic time.
    FastCommand,
}

/// The series of all events that there have been.
#[derive(Default, Debug)]
pub struct Latency(BTreeMap<LatencyEvent, Series>);

/// The worst moments of one kind of event.
#[derive(Default, Debug)]
pub struct Series {
    samples: VecDeque<Sample>,
    worst_ms: u64,
}

/// The worst moment of one second.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sample {
    /// When, in seconds.
    pub at_secs: u64,
    /// How long it took.
    pub ms: u64,
}

impl LatencyEvent {
    const ALL: [LatencyEvent; 7] = [
        LatencyEvent::AofFsyncAlways,
        LatencyEvent::AofWrite,
        LatencyEvent::AofWriteAny,
        LatencyEvent::Command,
        LatencyEvent::EvictionCycle,
        LatencyEvent::ExpireCycle,
        LatencyEvent::FastCommand,
    ];

    /// As Redis names it.
    pub fn name(self) -> &'static str {
        match self {
            LatencyEvent::AofFsyncAlways => "aof-fsync-always",
            LatencyEvent::AofWrite => "aof-write-alone",
            LatencyEvent::AofWriteAny => "aof-write",
            LatencyEvent::Command => "command",
            LatencyEvent::EvictionCycle => "eviction-cycle",
            LatencyEvent::ExpireCycle => "expire-cycle",
            LatencyEvent::FastCommand => "fast-command",
        }
    }

    /// The one of that name, in that case.
    pub(crate) fn named(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.name().as_bytes() == name)
    }
}

/// Measures something that may be remembered: see [`Stopwatch::stop`].
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch {
    threshold_ms: u64,
    since_ns: u64,
}

impl Stopwatch {
    /// Begins. Without a `latency-monitor-threshold` nothing is measured.
    pub fn start(node: &dyn Node, config: &Config) -> Option<Self> {
        match config.latency_monitor_threshold_ms() {
            0 => None,
            threshold_ms => Some(Self { threshold_ms, since_ns: node.clock_ns() }),
        }
    }

    /// What was measured is over; it is remembered as these events if it took long. Begins anew.
    pub fn stop(&mut self, node: &dyn Node, events: &[LatencyEvent]) {
        let now_ns = node.clock_ns();
        let ms = now_ns.saturating_sub(self.since_ns) / 1_000_000;
        self.since_ns = now_ns;
        if ms >= self.threshold_ms {
            node.with_journal(&mut |journal| {
                events.iter().for_each(|event| journal.latency.add(*event, node.now(), ms));
            });
        }
    }
}

impl Latency {
    /// Notes that something took long.
    pub fn add(&mut self, event: LatencyEvent, now: UnixMs, ms: u64) {
        let series = self.0.entry(event).or_default();
        series.worst_ms = series.worst_ms.max(ms);
        match series.samples.back_mut() {
            Some(last) if last.at_secs == now.as_secs() => last.ms = last.ms.max(ms),
            _ => {
                if series.samples.len() == SAMPLES_MAX {
                    series.samples.pop_front();
                }
                series.samples.push_back(Sample { at_secs: now.as_secs(), ms });
            }
        }
    }

    /// The series, by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (LatencyEvent, &Series)> {
        self.0.iter().map(|(event, series)| (*event, series))
    }

    /// The series of one kind of event, if there have been any.
    pub fn series(&self, event: LatencyEvent) -> Option<&Series> {
        self.0.get(&event)
    }

    /// Forgets the series whose events are `meant`. Returns how many there were.
    pub(crate) fn reset(&mut self, meant: impl Fn(LatencyEvent) -> bool) -> usize {
        let before = self.0.len();
        self.0.retain(|event, _| !meant(*event));
        before - self.0.len()
    }
}

impl Series {
    /// The oldest first; there is one at least.
    pub fn samples(&self) -> impl ExactSizeIterator<Item = Sample> {
        self.samples.iter().copied()
    }

    /// The last one.
    pub fn latest(&self) -> Sample {
        *self.samples.back().expect("a series begins with a sample")
    }

    /// The longest of all times.
    pub fn worst_ms(&self) -> u64 {
        self.worst_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestClient;

    #[test]
    fn a_second_is_remembered_by_its_worst_moment_and_so_many_seconds_are() {
        let mut latency = Latency::default();
        for (at_ms, ms) in [(1000, 5), (1500, 9), (1999, 7), (2000, 3)] {
            latency.add(LatencyEvent::Command, UnixMs::from_ms(at_ms), ms);
        }
        let series = latency.series(LatencyEvent::Command).unwrap();
        assert!(series.samples().eq([Sample { at_secs: 1, ms: 9 }, Sample { at_secs: 2, ms: 3 }]));
        assert_eq!((series.latest().ms, series.worst_ms()), (3, 9));
        (0..500).for_each(|second| {
            latency.add(LatencyEvent::Command, UnixMs::from_ms(10_000 + second * 1000), 1);
        });
        let series = latency.series(LatencyEvent::Command).unwrap();
        assert_eq!((series.samples().len(), series.worst_ms()), (SAMPLES_MAX, 9));
    }

    #[test]
    fn what_is_measured_is_remembered_when_it_took_long() {
        let mut client = TestClient::new();
        assert!(Stopwatch::start(client.node(), &client.node().config()).is_none());
        client.run("CONFIG SET latency-monitor-threshold 10");
        let node = client.node();
        let mut stopwatch = Stopwatch::start(node, &node.config()).unwrap();
        node.sleep(9_000);
        stopwatch.stop(node, &[LatencyEvent::ExpireCycle]);
        node.sleep(10_000);
        stopwatch.stop(node, &[LatencyEvent::EvictionCycle, LatencyEvent::AofWriteAny]);
        let told = |event| {
            let mut told = None;
            node.with_journal(&mut |journal| told = journal.latency.series(event).map(Series::worst_ms));
            told
        };
        assert_eq!(told(LatencyEvent::ExpireCycle), None);
        assert_eq!([LatencyEvent::EvictionCycle, LatencyEvent::AofWriteAny].map(told), [Some(10), Some(10)]);
    }

    #[test]
    fn every_event_is_found_by_its_name() {
        for event in LatencyEvent::ALL {
            assert_eq!(LatencyEvent::named(event.name().as_bytes()), Some(event));
        }
        assert_eq!(LatencyEvent::named(b"COMMAND"), None);
    }
}
