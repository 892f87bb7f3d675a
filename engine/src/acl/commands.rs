//! Which commands: a bit for each, and the rules that have set them.
//!
//! The rules are kept besides the bits, in their order, because a description must give them back as they were said: `+@read -get` says
//! something about commands that do not exist yet, which no list of commands could. A rule makes those superfluous that were said of the
//! same command, category or subcommand before, and those leave the list; as in Redis 7.2, no other does.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use slotway_core::command::{self, COMMAND_COUNT, Category, Command, CommandId, Flag};
use slotway_core::resp::args::Args;
use slotway_core::resp::error::RuleError;

use super::pattern::has_blanks;

const WORDS: usize = COMMAND_COUNT.div_ceil(64);

/// The commands that may be run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Commands {
    bits: [u64; WORDS],
    /// What is allowed of commands that are not, by their first argument. Deprecated.
    first_args: BTreeMap<CommandId, Vec<Box<[u8]>>>,
    /// Whether all commands were allowed at the beginning.
    from_all: bool,
    /// Whether none has been taken back since.
    is_all: bool,
    /// `+get`, `-@write`, `+config|get`: what has been said since.
    rules: Vec<Box<[u8]>>,
}

/// Whether a rule allows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Verdict {
    Allow,
    Deny,
}

impl Commands {
    /// None of them: `-@all`.
    pub(super) const NONE: Commands = Commands {
        bits: [0; WORDS],
        first_args: BTreeMap::new(),
        from_all: false,
        is_all: false,
        rules: Vec::new(),
    };
    /// All of them: `+@all`.
    pub(super) const ALL: Commands = Commands {
        bits: [u64::MAX; WORDS],
        first_args: BTreeMap::new(),
        from_all: true,
        is_all: true,
        rules: Vec::new(),
    };

    /// Whether nothing has been taken back from all commands.
    pub(super) fn is_all(&self) -> bool {
        self.is_all
    }

    /// Obeys a rule that begins with `+` or `-`, other than those about all commands.
    pub(super) fn change(&mut self, rule: &[u8]) -> Result<(), RuleError> {
        let (verdict, name) = match rule {
            [b'+', name @ ..] => (Verdict::Allow, name),
            [b'-', name @ ..] => (Verdict::Deny, name),
            _ => return Err(RuleError::Syntax),
        };
        match name {
            [b'@', category @ ..] => self.set_category(category, verdict),
            name if verdict == Verdict::Allow && name.contains(&b'|') => self.allow_part(name),
            name => {
                let command = command::lookup_full(name).ok_or(RuleError::Unknown)?;
                self.set_command(command, verdict);
                self.note(command.name.as_bytes(), verdict);
                Ok(())
            }
        }
    }

    fn set_category(&mut self, word: &[u8], verdict: Verdict) -> Result<(), RuleError> {
        let category = Category::parse(word).ok_or(RuleError::Unknown)?;
        for command in command::all().iter().filter(|command| command.categories.contains(category)) {
            self.set_command(command, verdict);
        }
        self.note(&[b"@", word].concat(), verdict);
        Ok(())
    }

    /// `+config|get`, or `+select|0`, which is deprecated.
    fn allow_part(&mut self, name: &[u8]) -> Result<(), RuleError> {
        let bar = name.iter().rposition(|byte| *byte == b'|').ok_or(RuleError::Syntax)?;
        let (whole, part) = (&name[..bar], &name[bar + 1..]);
        let command = command::lookup_full(whole).ok_or(RuleError::Unknown)?;
        match part {
            _ if command.name.contains('|') => return Err(RuleError::ArgumentOfSubcommand),
            // Redis ends with an assertion when it describes an argument with blanks.
            part if part.is_empty() || has_blanks(part) => return Err(RuleError::Syntax),
            _ if command.is_container() => {
                let subcommand = command.subcommand(part).ok_or(RuleError::Unknown)?;
                self.set_command(subcommand, Verdict::Allow);
            }
            part => {
                let args = self.first_args.entry(command.id).or_default();
                if !args.iter().any(|known| known.eq_ignore_ascii_case(part)) {
                    args.push(part.into());
                }
            }
        }
        self.note(name, Verdict::Allow);
        Ok(())
    }

    /// The command itself, whatever its first argument, and its subcommands.
    fn set_command(&mut self, command: &Command, verdict: Verdict) {
        self.set_bit(command.id, verdict);
        self.first_args.remove(&command.id);
        command.subcommands().iter().for_each(|sub| self.set_bit(sub.id, verdict));
    }

    fn set_bit(&mut self, id: CommandId, verdict: Verdict) {
        let (word, bit) = (&mut self.bits[id.index() / 64], 1 << (id.index() % 64));
        match verdict {
            Verdict::Allow => *word |= bit,
            Verdict::Deny => {
                *word &= !bit;
                self.is_all = false;
            }
        }
    }

    /// Keeps a rule, in the place of those about the same or about a part of it.
    fn note(&mut self, name: &[u8], verdict: Verdict) {
        let name = name.to_ascii_lowercase();
        self.rules.retain(|rule| match rule[1..].strip_prefix(&*name) {
            Some(rest) => !matches!(rest, [] | [b'|', ..]),
            None => true,
        });
        let sign: &[u8] = if verdict == Verdict::Allow { b"+" } else { b"-" };
        self.rules.push([sign, &*name].concat().into());
    }

    /// Whether a request may be run, as far as its command goes.
    pub(super) fn allow(&self, command: &Command, args: Args<'_>) -> bool {
        let has_bit = self.bits[command.id.index() / 64] & (1 << (command.id.index() % 64)) != 0;
        self.is_all || has_bit || command.flags.contains(Flag::NoAuth) || self.allow_argument(command, args)
    }

    fn allow_argument(&self, command: &Command, args: Args<'_>) -> bool {
        let known = self.first_args.get(&command.id);
        args.get(1)
            .is_some_and(|first| known.into_iter().flatten().any(|known| known.eq_ignore_ascii_case(first)))
    }

    /// The rules that make them, with blanks in between.
    pub(super) fn describe(&self) -> Vec<u8> {
        let first: &[u8] = if self.from_all { b"+@all" } else { b"-@all" };
        let all: Vec<&[u8]> = core::iter::once(first).chain(self.rules.iter().map(|rule| &**rule)).collect();
        all.join(&b' ')
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;
    use slotway_core::resp::args::ArgsBuf;

    fn commands(rules: &[&str]) -> Commands {
        let mut commands = Commands::NONE;
        for rule in rules {
            match *rule {
                "+@all" => commands = Commands::ALL,
                rule => commands.change(rule.as_bytes()).unwrap_or_else(|why| panic!("{rule}: {why:?}")),
            }
        }
        commands
    }

    fn described(rules: &[&str]) -> String {
        String::from_utf8(commands(rules).describe()).expect("text")
    }

    fn allow(commands: &Commands, request: &str) -> bool {
        let args: ArgsBuf = request.split(' ').collect();
        commands.allow(command::resolve(args.as_args()).expect("a command"), args.as_args())
    }

    #[test]
    fn a_rule_takes_the_place_of_those_about_the_same_command() {
        assert_eq!(described(&["+get", "-get", "+GET"]), "-@all +get");
        assert_eq!(
            described(&["+@all", "-@Dangerous", "+config|get", "-config"]),
            "+@all -@dangerous -config"
        );
        assert_eq!(described(&["+config", "+config|get"]), "-@all +config +config|get");
        assert_eq!(described(&["+get", "+getset", "-@read", "-get"]), "-@all +getset -@read -get");
        assert_eq!(described(&["+select|0", "+select|1", "+select"]), "-@all +select");
    }

    #[test]
    fn a_container_is_all_of_its_subcommands() {
        let some = commands(&["+config", "-config|set"]);
        assert!(allow(&some, "CONFIG GET x") && !allow(&some, "CONFIG SET x y"));
        let only = commands(&["+config|get"]);
        assert!(allow(&only, "config get x") && !allow(&only, "config resetstat"));
    }

    #[test]
    fn a_category_is_all_of_its_commands() {
        let readers = commands(&["+@read", "-mget"]);
        assert!(allow(&readers, "get k") && !allow(&readers, "mget k") && !allow(&readers, "set k v"));
    }

    #[test]
    fn a_first_argument_can_be_all_that_is_allowed() {
        let some = commands(&["+select|0", "+debug|Sleep"]);
        assert!(allow(&some, "select 0") && !allow(&some, "select 1") && allow(&some, "debug SLEEP 0"));
        assert!(!allow(&commands(&["+select|0", "-select"]), "select 0"));
    }

    #[test]
    fn who_may_not_even_authenticate_could_do_nothing() {
        assert!(allow(&commands(&[]), "auth x") && allow(&commands(&[]), "hello 3"));
    }

    #[test]
    fn all_is_no_longer_all_once_something_was_taken_back() {
        assert!(Commands::ALL.is_all() && !commands(&["+@all", "-get"]).is_all());
        assert!(!commands(&["+@all", "-get", "+get"]).is_all());
    }

    #[test]
    fn rules_about_what_does_not_exist_are_refused() {
        let refused = |rule: &str| commands(&[]).change(rule.as_bytes()).expect_err(rule);
        for rule in
            ["+nosuch", "-nosuch", "+@nosuch", "+", "+nosuch|get", "+config|nosuch", "-get|x", "+a|b|c"]
        {
            assert_eq!(refused(rule), RuleError::Unknown, "{rule}");
        }
        assert_eq!(refused("+config|get|x"), RuleError::ArgumentOfSubcommand);
        assert_eq!(refused("+config|"), RuleError::Syntax);
        assert_eq!(refused("+get|a b"), RuleError::Syntax);
    }
}
