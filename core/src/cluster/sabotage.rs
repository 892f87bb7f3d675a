//! Rules that can be broken on purpose, to see whether the simulator notices: the test of the test.
//!
//! Only with the feature `sabotage`, which nothing but tests asks for. Without it [`Cluster::breaks`] is false and costs nothing.

use super::Cluster;

/// A rule to be broken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sabotage {
    /// A voter votes as often as it is asked in one epoch.
    VoteTwice,
    /// One vote wins an election.
    WinByOneVote,
    /// Two primaries with one config epoch keep it.
    CollisionsStay,
    /// Reports of a failure never expire.
    ReportsStay,
    /// A primary in a minority goes on serving.
    MinorityServes,
    /// An older claim to a slot wins if it comes later.
    OlderClaimWins,
    /// Gossip about a node puts off pings to it for ever.
    TrustStays,
    /// An epoch from nowhere is believed.
    AnyEpoch,
    /// A node that answers at another's address leaves that other its address.
    AddressStays,
    /// A ping of a stranger begins a handshake, as in old servers.
    StrangersWelcome,
    /// A node that was forgotten comes back with the next gossip.
    BansForgotten,
}

/// Which rule is broken in this node, if any.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Plot {
    #[cfg(feature = "sabotage")]
    against: Option<Sabotage>,
}

impl Cluster {
    /// Breaks a rule from now on.
    #[cfg(feature = "sabotage")]
    pub fn sabotage(&mut self, rule: Sabotage) {
        self.plot.against = Some(rule);
    }

    /// True when this rule is to be broken.
    #[cfg(feature = "sabotage")]
    pub(crate) fn breaks(&self, rule: Sabotage) -> bool {
        self.plot.against == Some(rule)
    }

    /// True when this rule is to be broken: never.
    #[cfg(not(feature = "sabotage"))]
    pub(crate) const fn breaks(&self, _rule: Sabotage) -> bool {
        let Plot {} = self.plot;
        false
    }
}
