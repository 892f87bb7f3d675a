//! What a directive is: name, kind of value, default, and what may be done with it.
//!
//! The tables in [`directives`](super::directives) are lists of the constructors below, one line for each directive.

use super::checks::{Check, anything};
use super::number::{Int, Unit};
use super::words::Vocabulary;

/// One directive of redis.conf.
#[derive(Clone, Copy, Debug)]
pub struct Directive {
    /// Its name, in lower case.
    pub name: &'static str,
    /// An older name that means the same.
    pub alias: Option<&'static str>,
    /// What it holds.
    pub(super) kind: Kind,
    /// CONFIG SET is refused: it counts at start only.
    pub immutable: bool,
    /// Its value must not show in the slow log or MONITOR.
    pub sensitive: bool,
    /// It names a file, which may have changed: to set it to the same value is a change.
    pub names_file: bool,
    /// CONFIG GET shows it only by its full name.
    pub hidden: bool,
    /// CONFIG SET needs the permission that `enable-protected-configs` gives.
    pub protected: bool,
    /// CONFIG SET is refused while data is loaded.
    pub deny_loading: bool,
}

/// What a directive holds; the default is part of it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Bool(bool),
    Int(Int),
    /// One of a few words; the default by its number.
    Word(Vocabulary, u32),
    ShutdownFlags,
    /// UTF-8 text. Without a default an empty text means that the directive is not set.
    Text {
        default: Option<&'static str>,
        check: Check,
    },
    /// Any bytes; empty means not set.
    Secret,
    Save,
    OutputLimits,
    OomScores,
    KeyspaceEvents,
    Bind,
    ReplicaOf,
    Percentiles,
}

impl Directive {
    /// Whether it takes a list of arguments, which in CONFIG SET are one argument with blanks.
    pub(super) fn is_list(&self) -> bool {
        match self.kind {
            Kind::ShutdownFlags
            | Kind::Save
            | Kind::OutputLimits
            | Kind::OomScores
            | Kind::Bind
            | Kind::ReplicaOf
            | Kind::Percentiles => true,
            Kind::Bool(_)
            | Kind::Int(_)
            | Kind::Word(..)
            | Kind::Text { .. }
            | Kind::Secret
            | Kind::KeyspaceEvents => false,
        }
    }

    pub(super) const fn alias(mut self, alias: &'static str) -> Self {
        self.alias = Some(alias);
        self
    }

    pub(super) const fn immutable(mut self) -> Self {
        self.immutable = true;
        self
    }

    pub(super) const fn sensitive(mut self) -> Self {
        self.sensitive = true;
        self
    }

    pub(super) const fn names_file(mut self) -> Self {
        self.names_file = true;
        self
    }

    pub(super) const fn hidden(mut self) -> Self {
        self.hidden = true;
        self
    }

    pub(super) const fn protected(mut self) -> Self {
        self.protected = true;
        self
    }

    pub(super) const fn deny_loading(mut self) -> Self {
        self.deny_loading = true;
        self
    }

    /// For a number: values that are allowed but no use become the nearest of these.
    pub(super) const fn clamped(mut self, low: i128, high: i128) -> Self {
        if let Kind::Int(int) = &mut self.kind {
            int.clamp = Some((low, high));
        }
        self
    }

    /// For a text: what it may be.
    pub(super) const fn checked(mut self, rule: Check) -> Self {
        if let Kind::Text { check, .. } = &mut self.kind {
            *check = rule;
        }
        self
    }
}

/// The largest C `int`.
pub(super) const INT_MAX: i128 = i32::MAX as i128;
/// The largest C `long`, with 64 bits.
pub(super) const LONG_MAX: i128 = i64::MAX as i128;

/// `yes` or `no`.
pub(super) const fn yes_no(name: &'static str, default: bool) -> Directive {
    special(name, Kind::Bool(default))
}

/// An integer from `low` to `high`.
pub(super) const fn int(name: &'static str, low: i128, high: i128, default: i128) -> Directive {
    number(name, low, high, default, Unit::Plain)
}

/// A TCP port; 0 means none.
pub(super) const fn port(name: &'static str, default: i128) -> Directive {
    int(name, 0, 65535, default)
}

/// Bytes, from `low` to `high`.
pub(super) const fn memory(name: &'static str, low: i128, high: i128, default: i128) -> Directive {
    number(name, low, high, default, Unit::Memory)
}

/// A number in a unit of its own.
pub(super) const fn number(
    name: &'static str,
    low: i128,
    high: i128,
    default: i128,
    unit: Unit,
) -> Directive {
    special(name, Kind::Int(Int { low, high, default, unit, clamp: None }))
}

/// One of the words of `vocabulary`.
pub(super) const fn word(name: &'static str, vocabulary: Vocabulary, default: u32) -> Directive {
    special(name, Kind::Word(vocabulary, default))
}

/// Text that is `default` without configuration, and may be empty.
pub(super) const fn text(name: &'static str, default: &'static str) -> Directive {
    special(name, Kind::Text { default: Some(default), check: anything })
}

/// Text that is not set without configuration; setting it to nothing takes it away.
pub(super) const fn unset(name: &'static str) -> Directive {
    special(name, Kind::Text { default: None, check: anything })
}

/// A password: bytes that are not shown where they need not be.
pub(super) const fn secret(name: &'static str) -> Directive {
    special(name, Kind::Secret).sensitive()
}

/// A directive with a type of its own.
pub(super) const fn special(name: &'static str, kind: Kind) -> Directive {
    Directive {
        name,
        alias: None,
        kind,
        immutable: false,
        sensitive: false,
        names_file: false,
        hidden: false,
        protected: false,
        deny_loading: false,
    }
}
