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

impl UnixMs {
    /// Whole seconds since 1970, rounded down.
    pub const fn as_secs(self) -> u64 {
        self.0 / 1000
    }
}
