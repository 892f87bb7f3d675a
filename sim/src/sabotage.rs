//! Bugs planted on purpose, to test the test: for each, some seed must find a violation.
//!
//! Outside of this crate's own tests nothing can be sabotaged: there is no way to make a [`Plot`] but the harmless one.

/// A rule to break.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sabotage {
    /// A key is lost on its way to another node.
    DropKey,
    /// A key is brought to another node under another value.
    SpoilKey,
    /// A slot's new owner claims it while keys are still to come.
    ClaimEarly,
    /// The taker of a slot is not told that it is importing, so that ASK leads nowhere.
    ForgetToImport,
    /// A node that gives keys away deletes them before the taker has them.
    DropKeysEarly,
    /// A node has its own address down for every other node.
    MovedToItself,
    /// Redirections name a node that is not a member.
    MovedToStranger,
    /// Replies of a pipeline come in the wrong order.
    MixReplies,
    /// A reply of a pipeline never comes.
    LoseReply,
    /// WAIT counts replicas that have been sent a write, not those that have it.
    WaitLies,
    /// A replica says that it is fresh although no data has come yet.
    EmptyStands,
    /// Whoever asks to go on may, whatever history it knows.
    AnyHistory,
    /// A replica loses a key now and then.
    LoseOnReplica,
    /// What was acknowledged had not been written to the disk.
    ForgetToSync,
    /// A source takes requests for slots of which the last change has been sent.
    NoFence,
    /// Some of what a source sends of its slots never leaves it.
    LoseExport,
    /// A primary whose writes count by quorum counts itself only.
    AckAlone,
    /// WAITAOF counts what has not been written to the disk.
    DiskLies,
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
