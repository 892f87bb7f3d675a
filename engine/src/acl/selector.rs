//! A set of permissions: some commands, on some keys, with some channels. A user has one, and perhaps more in parentheses; a request must
//! be allowed by one of them as a whole.

use alloc::vec::Vec;

use slotway_core::command::{Command, CommandId, id_of, keys};
use slotway_core::resp::args::Args;
use slotway_core::resp::error::RuleError;
use slotway_core::resp::inline::split_args;

use super::commands::Commands;
use super::pattern::{Access, Channels, Keys};
use super::{Denial, Denied};
use crate::config::AclPubsubDefault;

/// Some commands, keys and channels.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Selector {
    pub(super) commands: Commands,
    pub(super) keys: Keys,
    pub(super) channels: Channels,
}

/// How a command names channels.
enum Naming {
    Channels,
    Patterns,
}

/// Commands whose arguments are channels, other than those that only stop listening, and how many there are: one, or all.
const WITH_CHANNELS: [(CommandId, Naming, usize); 5] = [
    (id_of("publish"), Naming::Channels, 1),
    (id_of("spublish"), Naming::Channels, 1),
    (id_of("subscribe"), Naming::Channels, usize::MAX),
    (id_of("ssubscribe"), Naming::Channels, usize::MAX),
    (id_of("psubscribe"), Naming::Patterns, usize::MAX),
];

impl Selector {
    /// Nothing, but for the channels that `acl-pubsub-default` gives.
    pub(super) fn new(default: AclPubsubDefault) -> Self {
        let channels = match default {
            AclPubsubDefault::AllChannels => Channels::All,
            AclPubsubDefault::ResetChannels => Channels::NONE,
        };
        Self { commands: Commands::NONE, keys: Keys::NONE, channels }
    }

    /// The selector of a rule in parentheses, which are not part of `rules`.
    pub(super) fn parse(rules: &[u8], default: AclPubsubDefault) -> Result<Self, RuleError> {
        let mut selector = Selector::new(default);
        // Redis takes one whose quotes are unbalanced for an empty one.
        for rule in split_args(rules).unwrap_or_default() {
            selector.change(&rule)?;
        }
        Ok(selector)
    }

    /// Obeys a rule about commands, keys or channels.
    pub(super) fn change(&mut self, rule: &[u8]) -> Result<(), RuleError> {
        let is = |word: &str| rule.eq_ignore_ascii_case(word.as_bytes());
        match rule {
            _ if is("allkeys") || is("~*") => self.keys = Keys::All,
            _ if is("resetkeys") => self.keys = Keys::NONE,
            _ if is("allchannels") || is("&*") => self.channels = Channels::All,
            _ if is("resetchannels") => self.channels = Channels::NONE,
            _ if is("allcommands") || is("+@all") => self.commands = Commands::ALL,
            _ if is("nocommands") || is("-@all") => self.commands = Commands::NONE,
            [b'~' | b'%', ..] => self.keys.add(rule)?,
            [b'&', pattern @ ..] => self.channels.add(pattern)?,
            [b'+' | b'-', ..] => self.commands.change(rule)?,
            _ => return Err(RuleError::Syntax),
        }
        Ok(())
    }

    /// Whether every request is allowed.
    pub(super) fn allows_everything(&self) -> bool {
        self.commands.is_all() && self.keys == Keys::All && self.channels == Channels::All
    }

    /// Whether a request is allowed; if not, what is the first that is not.
    pub(super) fn check(&self, command: &Command, args: Args<'_>) -> Result<(), Denial> {
        if !self.commands.allow(command, args) {
            return Err(Denial { what: Denied::Command, at: 0 });
        }
        self.check_keys(command, args)?;
        self.check_channels(command, args)
    }

    fn check_keys(&self, command: &Command, args: Args<'_>) -> Result<(), Denial> {
        if self.keys == Keys::All || !command.has_keys() {
            return Ok(());
        }
        let mut first = None;
        keys::accessed(command, args, &mut |key| {
            if first.is_none() && !self.keys.allow(args.at(key.index), Access::of(key.flags)) {
                first = Some(key.index);
            }
        });
        first.map_or(Ok(()), |at| Err(Denial { what: Denied::Key, at }))
    }

    fn check_channels(&self, command: &Command, args: Args<'_>) -> Result<(), Denial> {
        let named = WITH_CHANNELS.iter().find(|(id, _, _)| *id == command.id);
        let Some((_, naming, count)) = named else { return Ok(()) };
        let allowed = |channel| match naming {
            Naming::Channels => self.channels.allow(channel),
            Naming::Patterns => self.channels.allow_pattern(channel),
        };
        let mut channels = args.skip(1).first(*count).iter();
        match channels.position(|channel| !allowed(channel)) {
            Some(before) => Err(Denial { what: Denied::Channel, at: 1 + before }),
            None => Ok(()),
        }
    }

    /// The rules that make it.
    pub(super) fn describe(&self) -> Vec<u8> {
        let mut text = self.keys.describe();
        if !text.is_empty() {
            text.push(b' ');
        }
        if let Channels::Matching(_) = self.channels {
            text.extend_from_slice(b"resetchannels ");
        }
        let channels = self.channels.describe();
        if !channels.is_empty() {
            text.extend_from_slice(&channels);
            text.push(b' ');
        }
        text.extend_from_slice(&self.commands.describe());
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use slotway_core::command;
    use slotway_core::resp::args::ArgsBuf;

    fn check(rules: &str, request: &str) -> Result<(), Denial> {
        let selector = Selector::parse(rules.as_bytes(), AclPubsubDefault::ResetChannels).expect("rules");
        let args: ArgsBuf = request.split(' ').collect();
        selector.check(command::resolve(args.as_args()).expect("a command"), args.as_args())
    }

    fn denied(what: Denied, at: usize) -> Result<(), Denial> {
        Err(Denial { what, at })
    }

    #[test]
    fn commands_come_before_keys_and_keys_before_channels() {
        assert_eq!(check("~* &*", "GET k"), denied(Denied::Command, 0));
        assert_eq!(check("+@all ~a*", "MSET a 1 b 2"), denied(Denied::Key, 3));
        assert_eq!(check("+@all &a*", "SUBSCRIBE a1 b"), denied(Denied::Channel, 2));
        assert_eq!(check("+@all &a*", "UNSUBSCRIBE b"), Ok(()));
        assert_eq!(check("+@all &a*", "PUBLISH a b"), Ok(()));
    }

    #[test]
    fn what_a_command_does_with_a_key_decides() {
        for request in ["GET k", "SORT k", "BITFIELD k GET u1 0", "COPY k w:1"] {
            assert_eq!(check("+@all %R~k %W~w:*", request), Ok(()), "{request}");
        }
        for request in
            ["SET k v", "DEL k", "SORT k STORE k", "BITFIELD k SET u1 0 1", "COPY w:1 k", "SET w:1 v GET"]
        {
            assert!(check("+@all %R~k %W~w:*", request).is_err(), "{request}");
        }
        // Whether it is there, or how long it is, tells too little to be a read.
        for request in ["EXISTS w:1", "STRLEN w:1", "TYPE w:1", "SET w:1 v", "LPUSH w:1 x"] {
            assert_eq!(check("+@all %W~w:*", request), Ok(()), "{request}");
        }
    }

    #[test]
    fn a_description_makes_the_same_selector() {
        for rules in ["~a %R~b &c +get -@write", "allkeys allchannels +@all -get", "", "&x +config|get"] {
            let selector = Selector::parse(rules.as_bytes(), AclPubsubDefault::ResetChannels);
            let described = selector.clone().expect("rules").describe();
            assert_eq!(Selector::parse(&described, AclPubsubDefault::AllChannels), selector);
        }
    }
}
