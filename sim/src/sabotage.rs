//! Bugs planted on purpose, to test the test: for each, some seed must find a violation.
//!
//! Outside of this crate's own tests nothing can be sabotaged: there is no way to make a [`Plot`] but the harmless one.

/// A rule to break.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sabotage {
    /// A node gives the keys of a slot away and goes on serving it: no publishing before the fence.
    ServeWhatIsGone,
    /// A key is lost on its way to another node.
    DropKey,
    /// A key is copied to another node and not removed.
    KeepCopy,
    /// The taker of a slot claims it before the giver has let go.
    ClaimEarly,
    /// The taker is not told that it is importing, so that ASK leads nowhere.
    ForgetToImport,
    /// One node is never told of the last move.
    ForgetToTell,
    /// An older claim wins over a newer one if it comes later.
    LaterClaimWins,
    /// A node has its own address down for every other node.
    MovedToItself,
    /// Redirections name a node that is not a member.
    MovedToStranger,
    /// Replies of a pipeline come in the wrong order.
    MixReplies,
    /// A reply of a pipeline never comes.
    LoseReply,
}

/// Which rule is broken in this world, if any.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Plot(Option<Sabotage>);

impl Plot {
    /// Breaks a rule.
    #[cfg(test)]
    pub(crate) fn against(rule: Sabotage) -> Self {
        Self(Some(rule))
    }

    /// True when this rule is to be broken.
    pub fn breaks(self, rule: Sabotage) -> bool {
        cfg!(test) && self.0 == Some(rule)
    }
}
