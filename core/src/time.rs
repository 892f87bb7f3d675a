//! Points in time, as arguments: nothing in this workspace's pure crates reads a clock.

use core::fmt;

/// A point on the caller's monotonic clock, in milliseconds from an arbitrary start. Deadlines are these.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Instant(u64);

/// Wall-clock time in milliseconds since 1970-01-01 UTC. Expiry times and text formats are these.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct UnixMs(u64);

macro_rules! point_in_time {
    ($name:ident) => {
        impl $name {
            /// The point `ms` milliseconds after the start of this clock.
            pub const fn from_ms(ms: u64) -> Self {
                Self(ms)
            }

            /// Milliseconds since the start of this clock.
            pub const fn as_ms(self) -> u64 {
                self.0
            }

            /// The point `ms` milliseconds later; the clock's end if that is past it.
            pub const fn plus_ms(self, ms: u64) -> Self {
                Self(self.0.saturating_add(ms))
            }

            /// Milliseconds from `earlier` to here; 0 if `earlier` is later.
            pub const fn ms_since(self, earlier: Self) -> u64 {
                self.0.saturating_sub(earlier.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

point_in_time!(Instant);
point_in_time!(UnixMs);

/// Wall-clock time in whole seconds since 1970-01-01 UTC, until 2106: gossip of the cluster bus has these.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct UnixSeconds(u32);

impl UnixSeconds {
    /// The point `secs` seconds after the start of 1970.
    pub const fn from_secs(secs: u32) -> Self {
        Self(secs)
    }

    /// Seconds since the start of 1970.
    pub const fn as_secs(self) -> u32 {
        self.0
    }
}

/// The start of that second.
impl From<UnixSeconds> for UnixMs {
    fn from(time: UnixSeconds) -> Self {
        Self(u64::from(time.0) * 1000)
    }
}

/// The second it is in; the last one for times past 2106.
impl From<UnixMs> for UnixSeconds {
    fn from(time: UnixMs) -> Self {
        Self(u32::try_from(time.as_secs()).unwrap_or(u32::MAX))
    }
}

impl UnixMs {
    /// Whole seconds since 1970, rounded down.
    pub const fn as_secs(self) -> u64 {
        self.0 / 1000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_rounded_down_and_end_in_2106() {
        assert_eq!(UnixSeconds::from(UnixMs::from_ms(7999)), UnixSeconds::from_secs(7));
        assert_eq!(UnixMs::from(UnixSeconds::from_secs(7)), UnixMs::from_ms(7000));
        assert_eq!(UnixSeconds::from(UnixMs::from_ms(u64::MAX)).as_secs(), u32::MAX);
    }
}
