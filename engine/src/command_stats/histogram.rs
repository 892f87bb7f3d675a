//! How long calls of one command have taken: counts in buckets whose width grows with the time, so that every value is exact to a hundredth.
//!
//! The buckets are those of an HdrHistogram of two significant digits from one nanosecond to one second, which is what Redis keeps, and
//! so the figures of LATENCY HISTOGRAM and of INFO have its granularity. Crates that have such histograms need the standard library.

use alloc::boxed::Box;
use core::sync::atomic::{AtomicU64, Ordering};

/// Values below twice that have a bucket each; of every power of two above, there are so many buckets.
const HALF: u64 = 128;
/// As in Redis, a second and all above are one.
const LONGEST_NS: u64 = 1_000_000_000;
/// Buckets up to the power of two above [`LONGEST_NS`].
const BUCKETS: usize = bucket_of((1 << 30) - 1) + 1;
/// The first level of [`Snapshot::levels`]; each further one is twice the one before.
const FIRST_LEVEL_NS: u64 = 1024;

/// Counts, added to by one thread or by all: see [`add`](Self::add) and [`add_shared`](Self::add_shared).
pub(super) struct Histogram(Box<[AtomicU64]>);

/// The counts of one moment.
pub(crate) struct Snapshot {
    counts: Box<[u64]>,
    /// Their sum.
    pub(crate) total: u64,
}

impl Histogram {
    pub(super) fn new() -> Self {
        Self((0..BUCKETS).map(|_| AtomicU64::new(0)).collect())
    }

    /// Counts a call, where nobody else does at the same time.
    pub(super) fn add(&self, ns: u64) {
        let count = &self.0[bucket_of(ns.clamp(1, LONGEST_NS))];
        count.store(count.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    /// Counts a call, whoever else does.
    pub(super) fn add_shared(&self, ns: u64) {
        self.0[bucket_of(ns.clamp(1, LONGEST_NS))].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn clear(&self) {
        self.0.iter().for_each(|count| count.store(0, Ordering::Relaxed));
    }
}

impl Snapshot {
    pub(super) fn new() -> Self {
        Self { counts: alloc::vec![0; BUCKETS].into(), total: 0 }
    }

    pub(super) fn add(&mut self, histogram: &Histogram) {
        for (sum, count) in self.counts.iter_mut().zip(&histogram.0) {
            let count = count.load(Ordering::Relaxed);
            *sum += count;
            self.total += count;
        }
    }

    /// The time within which that part of the calls ended, in nanoseconds.
    pub(crate) fn percentile_ns(&self, percentile: f64) -> u64 {
        // The nearest rank, as HdrHistogram has it.
        let wanted = ((percentile / 100.0 * self.total as f64 + 0.5) as u64).max(1);
        let mut sum = 0;
        let bucket = self.counts.iter().position(|count| {
            sum += count;
            sum >= wanted
        });
        bucket.map_or(0, last_ns_of)
    }

    /// How many calls took no longer than so many microseconds: about each power of two, where that is more than at the one before.
    pub(crate) fn levels(&self) -> impl Iterator<Item = (u64, u64)> {
        let (mut next, mut told) = (0, 0);
        let mut level_ns = FIRST_LEVEL_NS;
        core::iter::from_fn(move || {
            while told < self.total {
                let end = bucket_of(level_ns).min(BUCKETS - 1);
                let more: u64 = self.counts[next..=end].iter().sum();
                (next, level_ns) = (end + 1, level_ns * 2);
                if more > 0 {
                    told += more;
                    return Some((last_ns_of(end) / 1000, told));
                }
            }
            None
        })
    }
}

const fn bucket_of(ns: u64) -> usize {
    // The lowest 255 values are one power of two.
    let power = (ns | (2 * HALF - 1)).ilog2() as u64 - 7;
    (power * HALF + (ns >> power)) as usize
}

/// The longest time that falls into a bucket.
fn last_ns_of(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    let power = (bucket / HALF).saturating_sub(1);
    let from = (bucket - power * HALF) << power;
    from + (1 << power) - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn snapshot(times_ns: &[u64]) -> Snapshot {
        let histogram = Histogram::new();
        times_ns.iter().for_each(|ns| histogram.add(*ns));
        let mut snapshot = Snapshot::new();
        snapshot.add(&histogram);
        snapshot
    }

    #[test]
    fn every_time_is_in_the_bucket_that_says_so_and_within_a_hundredth() {
        let times = (0..4096).chain((12..30).flat_map(|bit| [(1 << bit) - 1, 1 << bit, (1 << bit) + 1]));
        for ns in times {
            let bucket = bucket_of(ns);
            assert!(last_ns_of(bucket) >= ns && last_ns_of(bucket) - ns <= ns / 128, "{ns}");
            assert!(bucket == 0 || last_ns_of(bucket - 1) < ns, "{ns}");
        }
    }

    /// The figures are redis-server's for the same times.
    #[test]
    fn levels_and_percentiles_are_those_of_redis() {
        let debug = snapshot(&[2_110_000, 3_120_000, 10_097_000, 30_091_000]);
        assert_eq!(debug.levels().collect::<Vec<_>>(), [(2113, 1), (4227, 2), (16908, 3), (33816, 4)]);
        assert_eq!(debug.percentile_ns(50.0), 3_129_343);
        assert_eq!(debug.percentile_ns(99.9), 30_146_559);
        let get = snapshot(&[1000, 127_000]);
        assert_eq!(get.levels().collect::<Vec<_>>(), [(1, 1), (132, 2)]);
        assert_eq!((get.percentile_ns(50.0), get.percentile_ns(99.0)), (1003, 127_487));
    }

    #[test]
    fn nothing_is_longer_than_a_second_nor_shorter_than_a_nanosecond() {
        let ends = snapshot(&[0, u64::MAX]);
        assert_eq!((ends.percentile_ns(0.0), ends.percentile_ns(100.0)), (1, 1_002_438_655));
        assert_eq!(ends.levels().last(), Some((1_073_741, 2)));
        assert_eq!(snapshot(&[]).levels().count(), 0);
    }
}
