//! The words in which commands are described.

use super::super::Version;
use super::{Argument, ArgumentFlag, ArgumentFlags, ArgumentKind, Deprecated, Docs};

/// A command with its summary.
pub(super) const fn docs(name: &'static str, summary: &'static str) -> Docs {
    Docs { name, summary, complexity: None, is_system: false, deprecated: None, history: &[], arguments: &[] }
}

impl Docs {
    pub(super) const fn complexity(mut self, complexity: &'static str) -> Docs {
        self.complexity = Some(complexity);
        self
    }

    pub(super) const fn system(mut self) -> Docs {
        self.is_system = true;
        self
    }

    pub(super) const fn deprecated(mut self, since: &str, replaced_by: &'static str) -> Docs {
        self.deprecated = Some(Deprecated { since: Version::parse(since), replaced_by });
        self
    }

    pub(super) const fn history(mut self, history: &'static [(&'static str, &'static str)]) -> Docs {
        self.history = history;
        self
    }

    pub(super) const fn arguments(mut self, arguments: &'static [Argument]) -> Docs {
        self.arguments = arguments;
        self
    }
}

/// A key that this key spec of the command finds.
pub(super) const fn key(name: &'static str, key_spec_index: u8) -> Argument {
    argument(name, ArgumentKind::Key).key_spec(key_spec_index)
}

pub(super) const fn string(name: &'static str) -> Argument {
    argument(name, ArgumentKind::String)
}

pub(super) const fn integer(name: &'static str) -> Argument {
    argument(name, ArgumentKind::Integer)
}

pub(super) const fn double(name: &'static str) -> Argument {
    argument(name, ArgumentKind::Double)
}

pub(super) const fn pattern(name: &'static str) -> Argument {
    argument(name, ArgumentKind::Pattern)
}

pub(super) const fn unix_time(name: &'static str) -> Argument {
    argument(name, ArgumentKind::UnixTime)
}

/// A word that stands for itself.
pub(super) const fn word(name: &'static str, token: &'static str) -> Argument {
    argument(name, ArgumentKind::PureToken).token(token)
}

pub(super) const fn one_of(name: &'static str, arguments: &'static [Argument]) -> Argument {
    Argument { arguments, ..argument(name, ArgumentKind::OneOf) }
}

pub(super) const fn block(name: &'static str, arguments: &'static [Argument]) -> Argument {
    Argument { arguments, ..argument(name, ArgumentKind::Block) }
}

const fn argument(name: &'static str, kind: ArgumentKind) -> Argument {
    Argument {
        name,
        kind,
        token: None,
        key_spec_index: None,
        since: None,
        deprecated_since: None,
        flags: ArgumentFlags::EMPTY,
        arguments: &[],
        display_text: None,
    }
}

impl Argument {
    /// The word before it.
    pub(super) const fn token(mut self, token: &'static str) -> Argument {
        self.token = Some(token);
        self
    }

    pub(super) const fn key_spec(mut self, index: u8) -> Argument {
        self.key_spec_index = Some(index);
        self
    }

    /// What a synopsis shows, where that is not the name.
    pub(super) const fn shown_as(mut self, text: &'static str) -> Argument {
        self.display_text = Some(text);
        self
    }

    pub(super) const fn since(mut self, version: &str) -> Argument {
        self.since = Some(Version::parse(version));
        self
    }

    pub(super) const fn deprecated_since(mut self, version: &str) -> Argument {
        self.deprecated_since = Some(Version::parse(version));
        self
    }

    pub(super) const fn optional(self) -> Argument {
        self.flag(ArgumentFlag::Optional)
    }

    pub(super) const fn multiple(self) -> Argument {
        self.flag(ArgumentFlag::Multiple)
    }

    pub(super) const fn multiple_token(self) -> Argument {
        self.flag(ArgumentFlag::MultipleToken)
    }

    const fn flag(mut self, flag: ArgumentFlag) -> Argument {
        self.flags = self.flags.with(flag);
        self
    }
}
