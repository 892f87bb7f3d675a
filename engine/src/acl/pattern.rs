//! Which keys and which channels: patterns, and what may be done with keys that match.

use alloc::boxed::Box;
use alloc::vec::Vec;

use slotway_core::command::{KeyFlag, KeyFlags};
use slotway_core::resp::error::RuleError;

use crate::glob::{Case, glob_match};

/// What may be done with a key, or what a command does with it. Of what only tells about a key, such as its type, it is neither.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Access {
    pub(super) read: bool,
    pub(super) write: bool,
}

impl Access {
    const BOTH: Access = Access { read: true, write: true };

    /// What a command does with a key of these flags.
    pub(super) fn of(flags: KeyFlags) -> Self {
        const WRITES: KeyFlags = KeyFlags::of(&[KeyFlag::Insert, KeyFlag::Delete, KeyFlag::Update]);
        Self { read: flags.contains(KeyFlag::Access), write: flags.intersects(WRITES) }
    }

    fn covers(self, wanted: Access) -> bool {
        (self.read || !wanted.read) && (self.write || !wanted.write)
    }

    fn prefix(self) -> &'static str {
        match self {
            Access { read: true, write: false } => "%R~",
            Access { read: false, write: true } => "%W~",
            Access { .. } => "~",
        }
    }
}

/// Which keys.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Keys {
    /// All of them.
    All,
    /// Those that match one of these.
    Matching(Vec<KeyPattern>),
}

/// A pattern of keys.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct KeyPattern {
    access: Access,
    pattern: Box<[u8]>,
}

impl Keys {
    pub(super) const NONE: Keys = Keys::Matching(Vec::new());

    /// Adds the pattern of a rule that begins with `~` or `%`.
    pub(super) fn add(&mut self, rule: &[u8]) -> Result<(), RuleError> {
        let Keys::Matching(patterns) = self else { return Err(RuleError::KeysAfterAll) };
        let (access, pattern) = split(rule)?;
        let pattern = without_blanks(pattern)?;
        match patterns.iter_mut().find(|known| known.pattern == pattern) {
            Some(known) => {
                known.access.read |= access.read;
                known.access.write |= access.write;
            }
            None => patterns.push(KeyPattern { access, pattern }),
        }
        Ok(())
    }

    /// Whether a key may be used like this.
    pub(super) fn allow(&self, key: &[u8], access: Access) -> bool {
        match self {
            Keys::All => true,
            Keys::Matching(patterns) => patterns
                .iter()
                .any(|known| known.access.covers(access) && glob_match(&known.pattern, key, Case::Sensitive)),
        }
    }

    /// Whether all keys may be read.
    pub(super) fn all_readable(&self) -> bool {
        match self {
            Keys::All => true,
            Keys::Matching(patterns) => {
                patterns.iter().any(|known| known.access.read && *known.pattern == *b"*")
            }
        }
    }

    /// The rules that make them, with blanks in between.
    pub(super) fn describe(&self) -> Vec<u8> {
        match self {
            Keys::All => b"~*".to_vec(),
            Keys::Matching(patterns) => {
                let rule = |known: &KeyPattern| [known.access.prefix().as_bytes(), &known.pattern].concat();
                patterns.iter().map(rule).collect::<Vec<_>>().join(&b' ')
            }
        }
    }
}

/// What a rule allows, and its pattern: `~p`, `%R~p`, `%W~p`, `%RW~p`, in any case.
fn split(rule: &[u8]) -> Result<(Access, &[u8]), RuleError> {
    let mut rest = match rule {
        [b'~', pattern @ ..] => return Ok((Access::BOTH, pattern)),
        [_, rest @ ..] => rest,
        [] => return Err(RuleError::Syntax),
    };
    let mut access = Access::default();
    loop {
        rest = match rest {
            [b'r' | b'R', rest @ ..] if !access.read => {
                access.read = true;
                rest
            }
            [b'w' | b'W', rest @ ..] if !access.write => {
                access.write = true;
                rest
            }
            [b'~', pattern @ ..] if access != Access::default() => return Ok((access, pattern)),
            // Redis before 7.2.7 took a rule without `~`, and could not describe it afterwards.
            _ => return Err(RuleError::Syntax),
        }
    }
}

/// Which channels.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Channels {
    /// All of them.
    All,
    /// Those that match one of these.
    Matching(Vec<Box<[u8]>>),
}

impl Channels {
    pub(super) const NONE: Channels = Channels::Matching(Vec::new());

    /// Adds a pattern.
    pub(super) fn add(&mut self, pattern: &[u8]) -> Result<(), RuleError> {
        let Channels::Matching(patterns) = self else { return Err(RuleError::ChannelsAfterAll) };
        let pattern = without_blanks(pattern)?;
        if !patterns.contains(&pattern) {
            patterns.push(pattern);
        }
        Ok(())
    }

    /// Whether a channel may be used.
    pub(super) fn allow(&self, channel: &[u8]) -> bool {
        match self {
            Channels::All => true,
            Channels::Matching(patterns) => {
                patterns.iter().any(|known| glob_match(known, channel, Case::Sensitive))
            }
        }
    }

    /// Whether a pattern may be subscribed to: it must be one of these itself.
    pub(super) fn allow_pattern(&self, pattern: &[u8]) -> bool {
        match self {
            Channels::All => true,
            Channels::Matching(patterns) => patterns.iter().any(|known| **known == *pattern),
        }
    }

    /// The rules that make them, with blanks in between.
    pub(super) fn describe(&self) -> Vec<u8> {
        match self {
            Channels::All => b"&*".to_vec(),
            Channels::Matching(patterns) => {
                patterns.iter().map(|known| [b"&", &**known].concat()).collect::<Vec<_>>().join(&b' ')
            }
        }
    }
}

fn without_blanks(text: &[u8]) -> Result<Box<[u8]>, RuleError> {
    if has_blanks(text) { Err(RuleError::Syntax) } else { Ok(text.into()) }
}

/// Whether a name or a pattern cannot stand in a line of rules.
pub(super) fn has_blanks(text: &[u8]) -> bool {
    text.iter().any(|byte| matches!(byte, 0 | b' ' | b'\t'..=b'\r'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;

    fn keys(rules: &[&str]) -> Keys {
        let mut keys = Keys::NONE;
        rules.iter().for_each(|rule| keys.add(rule.as_bytes()).expect("a rule"));
        keys
    }

    fn described(rules: &[&str]) -> String {
        String::from_utf8(keys(rules).describe()).expect("text")
    }

    #[test]
    fn rights_to_one_pattern_add_up() {
        assert_eq!(described(&["%R~a*", "%w~b", "%W~a*", "~c"]), "~a* %W~b ~c");
        assert_eq!(described(&["%rW~x", "%R~"]), "~x %R~");
    }

    #[test]
    fn a_key_needs_one_pattern_that_gives_all_that_is_wanted() {
        let keys = keys(&["%R~a*", "%W~*b"]);
        let access = |read, write| Access { read, write };
        assert!(keys.allow(b"a1", access(true, false)) && !keys.allow(b"a1", access(false, true)));
        assert!(keys.allow(b"1b", access(false, true)) && !keys.allow(b"1b", access(true, false)));
        assert!(!keys.allow(b"ab", access(true, true)) && keys.allow(b"ab", access(false, false)));
        assert!(!keys.allow(b"c", access(false, false)));
    }

    #[test]
    fn a_rule_without_rights_or_tilde_is_none() {
        for wrong in ["%", "%~", "%R", "%RW", "%RR~a", "%RX~a", "% ~a", "~a b", "%R~a\tb", "~\0"] {
            assert_eq!(keys(&[]).add(wrong.as_bytes()), Err(RuleError::Syntax), "{wrong:?}");
        }
        let mut all = Keys::All;
        assert_eq!(all.add(b"~a"), Err(RuleError::KeysAfterAll));
    }

    #[test]
    fn a_pattern_of_channels_is_allowed_only_as_it_stands() {
        let mut channels = Channels::NONE;
        channels.add(b"news.*").expect("a pattern");
        assert!(channels.allow(b"news.art") && !channels.allow(b"news"));
        assert!(channels.allow_pattern(b"news.*") && !channels.allow_pattern(b"news.a*"));
        assert_eq!(channels.describe(), b"&news.*");
    }
}
