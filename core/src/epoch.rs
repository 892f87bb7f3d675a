//! The logical clocks of a cluster.
//!
//! A cluster has one current epoch, raised by every election; each primary owns its slots since some epoch, its
//! config epoch, and the higher one wins. They are compared with each other in few places only, hence two types.
//!
//! Source of the rule: Redis Cluster specification, "Configuration handling, propagation, and failovers".

use core::fmt;

macro_rules! counter {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
        pub struct $name(u64);

        impl $name {
            /// From its number.
            pub const fn new(number: u64) -> Self {
                Self(number)
            }

            /// Its number.
            pub const fn get(self) -> u64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

counter! {
    /// The cluster's logical time: `currentEpoch`.
    Epoch
}

counter! {
    /// Since when a primary owns its slots: `configEpoch`. The higher claim to a slot wins.
    ConfigEpoch
}

counter! {
    /// How far a node has written, or read, its shard's stream of changes, in bytes.
    ReplOffset
}

impl Epoch {
    /// The epoch after this one. The last one stays: a forged epoch from the bus must not start anew at 0.
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// Whoever wins an election owns its slots since the epoch of that election.
impl From<Epoch> for ConfigEpoch {
    fn from(epoch: Epoch) -> Self {
        Self(epoch.0)
    }
}

/// No config epoch is past the current epoch: seeing a higher one raises it.
impl From<ConfigEpoch> for Epoch {
    fn from(epoch: ConfigEpoch) -> Self {
        Self(epoch.0)
    }
}
