//! How servers of other kinds speak and decide: for simulated clusters in which not every node is Slotway.
//!
//! Only with the feature `profiles`, which nothing but the simulator asks for. Without it every node is [`Profile::Slotway`],
//! and the compiler removes the rest. What is told apart here is what others can observe on the bus; each habit is a question
//! that the rule asks at its place.
//!
//! Source of the habits: the public behaviour of those servers, `cluster-bus.md`, sections 7, 14 and 29.

use super::Cluster;
use crate::bus::Extension;

/// Whose habits a node has.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Profile {
    /// Its own.
    #[default]
    Slotway,
    /// Of Redis 7.0.
    Redis70,
    /// Of Redis 7.2, before 7.2.7.
    Redis72,
    /// Of Valkey 8.0.
    Valkey8,
}

/// The profile of one node.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Manners {
    #[cfg(feature = "profiles")]
    profile: Profile,
}

impl Cluster {
    /// Behaves as such a server from now on.
    #[cfg(feature = "profiles")]
    pub fn play(&mut self, profile: Profile) {
        self.manners.profile = profile;
    }

    /// Whose habits this node has.
    #[cfg(feature = "profiles")]
    pub(crate) fn profile(&self) -> Profile {
        self.manners.profile
    }

    /// Whose habits this node has: its own.
    #[cfg(not(feature = "profiles"))]
    pub(crate) const fn profile(&self) -> Profile {
        let Manners {} = self.manners;
        Profile::Slotway
    }
}

impl Profile {
    /// Extensions go to whoever is pinged, whether it has shown that it reads them (Redis 7.0: if there is a host name).
    pub(crate) fn tells_extensions(self, to_who_reads_them: bool) -> bool {
        match self {
            Profile::Slotway | Profile::Valkey8 => to_who_reads_them,
            Profile::Redis70 | Profile::Redis72 => true,
        }
    }

    /// It knows this extension: sends it, and reads it.
    pub(crate) fn knows_extension(self, extension: &Extension<'_>) -> bool {
        match self {
            Profile::Slotway => true,
            Profile::Redis70 => matches!(extension, Extension::Hostname(_)),
            Profile::Redis72 => is_of_redis_72(extension),
            Profile::Valkey8 => {
                is_of_redis_72(extension)
                    || matches!(extension, Extension::ClientIpv4(_) | Extension::ClientIpv6(_))
            }
        }
    }

    /// It says of itself that it reads extensions even where it sends none.
    pub(crate) fn admits_extensions(self) -> bool {
        self != Profile::Redis70
    }

    /// It reads PUBLISH frames without a header.
    pub(crate) fn reads_light_frames(self) -> bool {
        matches!(self, Profile::Slotway | Profile::Valkey8)
    }

    /// It tells nobody of itself in gossip.
    pub(crate) fn leaves_out_receiver(self) -> bool {
        matches!(self, Profile::Slotway | Profile::Valkey8)
    }

    /// Of two replicas with as much data, the one with the smaller name stands first.
    pub(crate) fn breaks_ties_by_name(self) -> bool {
        matches!(self, Profile::Slotway | Profile::Valkey8)
    }

    /// It takes the config epoch in a replica's header, its primary's, for the replica's own.
    pub(crate) fn hears_epochs_of_replicas(self) -> bool {
        matches!(self, Profile::Redis70 | Profile::Redis72)
    }

    /// What is ours alone: suspicion on refused connections, suspicions told at once, distrust of gossip that puts off
    /// pings and of epochs from nowhere, suspicion of who has no address.
    pub(crate) fn is_wary(self) -> bool {
        self == Profile::Slotway
    }
}

fn is_of_redis_72(extension: &Extension<'_>) -> bool {
    matches!(
        extension,
        Extension::Hostname(_)
            | Extension::HumanNodename(_)
            | Extension::ForgottenNode { .. }
            | Extension::ShardId(_)
    )
}
