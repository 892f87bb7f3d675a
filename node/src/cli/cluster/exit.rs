//! Why a task ended before it was done: a sentence for the operator, and an exit code for scripts.

use std::process::ExitCode;

/// The exit codes, as the help of `slotway cluster` tells them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Exit {
    /// Trouble was found, or a time limit passed.
    Trouble,
    /// Asked for wrongly. Nothing was changed.
    Refused,
    /// A node cannot be reached.
    Unreachable,
    /// A node refuses the password.
    Locked,
    /// Stopped midway.
    Interrupted,
    /// Not confirmed.
    Declined,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(match exit {
            Exit::Trouble => 1,
            Exit::Refused => 2,
            Exit::Unreachable | Exit::Locked => 3,
            Exit::Interrupted => 4,
            Exit::Declined => 5,
        })
    }
}

/// The end of a task that is not its success.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Stop {
    exit: Exit,
    text: String,
}

impl Stop {
    /// Trouble was found. What it is has been told; an empty text adds nothing.
    pub(super) fn trouble(text: impl Into<String>) -> Self {
        Self { exit: Exit::Trouble, text: text.into() }
    }

    /// It cannot be done as asked.
    pub(super) fn refused(text: impl Into<String>) -> Self {
        Self { exit: Exit::Refused, text: text.into() }
    }

    /// A node cannot be talked to.
    pub(super) fn unreachable(text: impl Into<String>) -> Self {
        Self { exit: Exit::Unreachable, text: text.into() }
    }

    /// A node can be reached, and lets nobody in who does not know better.
    pub(super) fn locked(text: impl Into<String>) -> Self {
        Self { exit: Exit::Locked, text: text.into() }
    }

    /// Something was done, but not all.
    pub(super) fn interrupted(text: impl Into<String>) -> Self {
        Self { exit: Exit::Interrupted, text: text.into() }
    }

    /// The operator said no.
    pub(super) fn declined(text: impl Into<String>) -> Self {
        Self { exit: Exit::Declined, text: text.into() }
    }

    /// What to tell.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The exit code.
    pub(super) fn exit(&self) -> Exit {
        self.exit
    }

    /// The same trouble after something was changed: `done` says what, and what is left.
    pub(super) fn midway(self, done: &str) -> Self {
        Self { exit: Exit::Interrupted, text: format!("{}\n{done}", self.text) }
    }
}
