//! When, or how often, a key was last used: 24 bits per key, as in Redis.
//!
//! Under an LRU policy they are the second of the last access, modulo 2^24 (194 days). Under an LFU policy
//! the high 16 bits are the minute of the last decay and the low 8 bits a logarithmic counter. The
//! arithmetic, the constants and what OBJECT IDLETIME and OBJECT FREQ answer are those of Redis' `evict.c`;
//! chance is the caller's.

use slotway_core::time::UnixMs;

/// What the 24 bits of each key mean. Follows from `maxmemory-policy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ClockPolicy {
    /// The time of the last access.
    #[default]
    Lru,
    /// How often a key is accessed.
    Lfu {
        /// `lfu-log-factor`: how slowly the counter grows.
        log_factor: u32,
        /// `lfu-decay-time`: minutes after which the counter drops by one; 0 never.
        decay_minutes: u32,
    },
}

/// How a key has been used elsewhere, as a snapshot or RESTORE tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// Not for so many seconds: what goes by under [`ClockPolicy::Lru`].
    IdleSecs(u64),
    /// The logarithmic counter, which goes by under [`ClockPolicy::Lfu`].
    Frequency(u8),
}

/// The 24 bits of one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AccessClock(u32);

/// Bits of an [`AccessClock`].
const CLOCK_MASK: u32 = (1 << 24) - 1;
/// A new key's LFU counter, so that it is not evicted before it can prove itself.
const LFU_INITIAL: u32 = 5;
/// The LFU counter's end.
const LFU_MAX: u32 = 255;

impl AccessClock {
    /// From its bits; those above the 24th are dropped.
    pub(super) fn from_bits(bits: u32) -> Self {
        Self(bits & CLOCK_MASK)
    }

    /// The 24 bits.
    pub(super) fn bits(self) -> u32 {
        self.0
    }

    /// The clock of a key made `now`.
    pub(super) fn new(now: UnixMs, policy: ClockPolicy) -> Self {
        match policy {
            ClockPolicy::Lru => Self::second(now),
            ClockPolicy::Lfu { .. } => Self::lfu(minute(now), LFU_INITIAL),
        }
    }

    /// The clock of a key that has been used so, up to `now`; `None` if that says nothing under this policy.
    pub(super) fn of_usage(now: UnixMs, usage: Usage, policy: ClockPolicy) -> Option<Self> {
        match (usage, policy) {
            (Usage::IdleSecs(secs), ClockPolicy::Lru) => {
                Some(Self::from_bits((now.as_secs() as u32).wrapping_sub(secs as u32)))
            }
            (Usage::Frequency(counter), ClockPolicy::Lfu { .. }) => {
                Some(Self::lfu(minute(now), counter.into()))
            }
            (Usage::IdleSecs(_), ClockPolicy::Lfu { .. }) | (Usage::Frequency(_), ClockPolicy::Lru) => None,
        }
    }

    /// The clock after an access `now`. `random` is drawn only where chance decides.
    pub(super) fn touched(self, now: UnixMs, policy: ClockPolicy, random: impl FnOnce() -> u64) -> Self {
        match policy {
            ClockPolicy::Lru => Self::second(now),
            ClockPolicy::Lfu { log_factor, decay_minutes } => {
                let counter = self.lfu_counter(now, decay_minutes);
                Self::lfu(minute(now), increment(counter, log_factor, random))
            }
        }
    }

    /// Milliseconds since the last access, under an LRU policy.
    pub(super) fn idle_ms(self, now: UnixMs) -> u64 {
        u64::from(Self::second(now).0.wrapping_sub(self.0) & CLOCK_MASK) * 1000
    }

    /// The access counter, 0 to 255, decayed up to `now`, under an LFU policy.
    pub(super) fn lfu_counter(self, now: UnixMs, decay_minutes: u32) -> u32 {
        let elapsed = minute(now).wrapping_sub(self.0 >> 8) & 0xffff;
        let periods = elapsed.checked_div(decay_minutes).unwrap_or(0);
        (self.0 & LFU_MAX).saturating_sub(periods)
    }

    fn second(now: UnixMs) -> Self {
        Self::from_bits(now.as_secs() as u32)
    }

    fn lfu(minute: u32, counter: u32) -> Self {
        Self(minute << 8 | counter)
    }
}

fn minute(now: UnixMs) -> u32 {
    (now.as_secs() / 60) as u32 & 0xffff
}

/// One more access: the higher the counter, the less likely it grows.
fn increment(counter: u32, log_factor: u32, random: impl FnOnce() -> u64) -> u32 {
    if counter == LFU_MAX {
        return counter;
    }
    let above = u64::from(counter.saturating_sub(LFU_INITIAL));
    let one_in = above * u64::from(log_factor) + 1;
    counter + u32::from(random().is_multiple_of(one_in))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LFU: ClockPolicy = ClockPolicy::Lfu { log_factor: 10, decay_minutes: 1 };

    fn minutes(count: u64) -> UnixMs {
        UnixMs::from_ms(count * 60_000)
    }

    #[test]
    fn idle_time_counts_seconds_even_across_the_wrap() {
        let clock = AccessClock::new(UnixMs::from_ms(((1 << 24) - 1) * 1000), ClockPolicy::Lru);
        assert_eq!(clock.idle_ms(UnixMs::from_ms(((1 << 24) + 2) * 1000)), 3000);
    }

    #[test]
    fn a_new_key_starts_at_five_and_grows_at_once_when_chance_allows() {
        let clock = AccessClock::new(minutes(7), LFU);
        assert_eq!(clock.lfu_counter(minutes(7), 1), 5);
        let touched = clock.touched(minutes(7), LFU, || u64::MAX);
        assert_eq!(touched.lfu_counter(minutes(7), 1), 6);
        assert_eq!(touched.touched(minutes(7), LFU, || 1).lfu_counter(minutes(7), 1), 6);
        assert_eq!(touched.touched(minutes(7), LFU, || 11).lfu_counter(minutes(7), 1), 7);
    }

    #[test]
    fn the_counter_decays_by_one_a_period_and_never_when_the_period_is_zero() {
        let clock = AccessClock::new(minutes(65_530), LFU);
        assert_eq!(clock.lfu_counter(minutes(65_533), 1), 2);
        assert_eq!(clock.lfu_counter(minutes(65_540), 1), 0);
        assert_eq!(clock.lfu_counter(minutes(65_540), 0), 5);
    }

    #[test]
    fn the_counter_ends_at_255() {
        let mut clock = AccessClock::new(minutes(1), LFU);
        for _ in 0..300 {
            clock = clock.touched(minutes(1), LFU, || 0);
        }
        assert_eq!(clock.lfu_counter(minutes(1), 1), 255);
    }
}
