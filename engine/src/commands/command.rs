//! COMMAND: what this node tells of the commands it serves.
//!
//! A command that has facts but no handler is unknown here too. Only GETKEYS and GETKEYSANDFLAGS know all commands of
//! Redis, since proxies ask them about commands that other nodes execute.

mod docs;
mod info;

use slotway_core::command::{self, Category, Command, KeyFlag, keys};
use slotway_core::resp::args::Args;
use slotway_core::resp::encode::ReplyWriter;
use slotway_core::resp::error::ErrorReply;

use super::{Binding, Whole, args, help};
use crate::glob::{Case, glob_match};
use crate::registry::{Effect, Handler, Outcome, Registry};

/// What this family executes.
pub(super) const COMMANDS: &[Binding] = &[
    ("command", Handler::Node(all)),
    ("command|count", Handler::Node(count)),
    ("command|docs", Handler::Node(docs)),
    ("command|getkeys", Handler::Node(getkeys)),
    ("command|getkeysandflags", Handler::Node(getkeysandflags)),
    ("command|help", Handler::Node(help)),
    ("command|info", Handler::Node(info)),
    ("command|list", Handler::Node(list)),
];

fn help(whole: &mut Whole<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    help::write("command", help::COMMAND, whole.registry, reply);
    Ok(Effect::None)
}

fn count(whole: &mut Whole<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    reply.integer(served(whole.registry).count() as i64);
    Ok(Effect::None)
}

fn all(whole: &mut Whole<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    reply.array(served(whole.registry).count());
    for command in served(whole.registry) {
        info::write(command, whole.registry, reply);
    }
    Ok(Effect::None)
}

/// One item per name, null for what is unknown; without names, all commands.
fn info(whole: &mut Whole<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let names = args.skip(2);
    if names.is_empty() {
        return all(whole, args, reply);
    }
    reply.array(names.len());
    for name in names.iter() {
        match named(name, whole.registry) {
            Some(command) => info::write(command, whole.registry, reply),
            None => reply.null(),
        }
    }
    Ok(Effect::None)
}

/// A map by name; what is unknown is left out.
fn docs(whole: &mut Whole<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let registry = whole.registry;
    let names = args.skip(2);
    let map = reply.deferred_map();
    let written = if names.is_empty() {
        served(registry).map(|command| docs::write(command, registry, reply)).count()
    } else {
        let known = names.iter().filter_map(|name| named(name, registry));
        known.map(|command| docs::write(command, registry, reply)).count()
    };
    reply.close(map, written);
    Ok(Effect::None)
}

/// Names of commands and subcommands; with FILTERBY those only that match.
fn list(whole: &mut Whole<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let filter = NameFilter::read(args)?;
    let array = reply.deferred();
    let listed = served_with_subcommands(whole.registry).filter(|command| filter.matches(command));
    let count = listed.map(|command| reply.bulk(command.name.as_bytes())).count();
    reply.close(array, count);
    Ok(Effect::None)
}

/// FILTERBY of COMMAND LIST.
enum NameFilter<'a> {
    /// No filter.
    All,
    /// Modules bring no commands here, and an unknown category has none.
    Nothing,
    Category(Category),
    Pattern(&'a [u8]),
}

impl<'a> NameFilter<'a> {
    fn read(args: Args<'a>) -> Result<Self, ErrorReply> {
        if args.len() == 2 {
            return Ok(NameFilter::All);
        }
        if args.len() != 5 || !args.is(2, "filterby") {
            return Err(ErrorReply::Syntax);
        }
        match (args.at(3), args.at(4)) {
            (kind, _) if args::is(kind, "module") => Ok(NameFilter::Nothing),
            (kind, word) if args::is(kind, "aclcat") => {
                Ok(Category::parse(word).map_or(NameFilter::Nothing, NameFilter::Category))
            }
            (kind, pattern) if args::is(kind, "pattern") => Ok(NameFilter::Pattern(pattern)),
            _ => Err(ErrorReply::Syntax),
        }
    }

    fn matches(&self, command: &Command) -> bool {
        match self {
            NameFilter::All => true,
            NameFilter::Nothing => false,
            NameFilter::Category(category) => command.categories.contains(*category),
            NameFilter::Pattern(pattern) => glob_match(pattern, command.name.as_bytes(), Case::Ignored),
        }
    }
}

fn getkeys(_: &mut Whole<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let request = args.skip(2);
    let array = reply.deferred();
    let count = each_key(request, |key| reply.bulk(request.at(key.index)))?;
    reply.close(array, count);
    Ok(Effect::None)
}

fn getkeysandflags(_: &mut Whole<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let request = args.skip(2);
    let array = reply.deferred();
    let count = each_key(request, |key| {
        reply.array(2);
        reply.bulk(request.at(key.index));
        info::write_words(key.flags.len(), key.flags.iter().map(KeyFlag::as_str), reply);
    })?;
    reply.close(array, count);
    Ok(Effect::None)
}

/// Calls `found` with each key of `request` and counts them.
fn each_key(request: Args<'_>, mut found: impl FnMut(keys::Key)) -> Result<usize, ErrorReply> {
    let command = command::resolve(request).map_err(|_| ErrorReply::InvalidCommandSpecified)?;
    let mut count = 0;
    keys::keys(command, request, &mut |key| {
        found(key);
        count += 1;
    })?;
    Ok(count)
}

/// The commands of this node, without subcommands.
fn served(registry: &Registry) -> impl Iterator<Item = &'static Command> {
    command::top_level().filter(|command| registry.serves(command))
}

fn served_with_subcommands(registry: &Registry) -> impl Iterator<Item = &'static Command> {
    command::all().iter().filter(|command| registry.serves(command))
}

/// The served subcommands of `command`.
fn served_subcommands<'r>(
    command: &Command,
    registry: &'r Registry,
) -> impl Iterator<Item = &'static Command> + use<'r> {
    command.subcommands().iter().filter(|sub| registry.serves(sub))
}

/// The served command of this full name.
fn named(name: &[u8], registry: &Registry) -> Option<&'static Command> {
    command::lookup_full(name).filter(|command| registry.serves(command))
}

#[cfg(test)]
mod tests {
    use crate::testing::TestClient;

    #[test]
    fn what_does_not_exist_is_unknown() {
        let mut client = TestClient::new();
        assert_eq!(client.run("COMMAND INFO nosuch other"), "*2\r\n$-1\r\n$-1\r\n");
        assert_eq!(client.run("COMMAND DOCS nosuch"), "*0\r\n");
        assert_eq!(client.run("COMMAND LIST FILTERBY PATTERN nosuch*"), "*0\r\n");
        assert_eq!(client.run("COMMAND GETKEYS fcall name 1 k a"), "*1\r\n$1\r\nk\r\n");
    }

    #[test]
    fn info_tells_numbers_flags_and_key_specs() {
        let mut client = TestClient::new().resp3();
        assert_eq!(
            client.run("COMMAND INFO get"),
            "*1\r\n*10\r\n$3\r\nget\r\n:2\r\n~2\r\n+readonly\r\n+fast\r\n:1\r\n:1\r\n:1\r\n\
             ~3\r\n+@read\r\n+@string\r\n+@fast\r\n~0\r\n~1\r\n%3\r\n$5\r\nflags\r\n~2\r\n+RO\r\n+access\r\n\
             $12\r\nbegin_search\r\n%2\r\n$4\r\ntype\r\n$5\r\nindex\r\n$4\r\nspec\r\n%1\r\n$5\r\nindex\r\n:1\r\n\
             $9\r\nfind_keys\r\n%2\r\n$4\r\ntype\r\n$5\r\nrange\r\n$4\r\nspec\r\n\
             %3\r\n$7\r\nlastkey\r\n:0\r\n$7\r\nkeystep\r\n:1\r\n$5\r\nlimit\r\n:0\r\n~0\r\n"
        );
    }

    #[test]
    fn docs_tell_grammar_and_subcommands() {
        let mut client = TestClient::new().resp3();
        assert_eq!(
            client.run("COMMAND DOCS get"),
            "%1\r\n$3\r\nget\r\n%5\r\n$7\r\nsummary\r\n$34\r\nReturns the string value of a key.\r\n\
             $5\r\nsince\r\n$5\r\n1.0.0\r\n$5\r\ngroup\r\n$6\r\nstring\r\n$10\r\ncomplexity\r\n$4\r\nO(1)\r\n\
             $9\r\narguments\r\n*1\r\n%4\r\n$4\r\nname\r\n$3\r\nkey\r\n$4\r\ntype\r\n$3\r\nkey\r\n\
             $12\r\ndisplay_text\r\n$3\r\nkey\r\n$14\r\nkey_spec_index\r\n:0\r\n"
        );
        assert!(
            client.run("COMMAND DOCS config").contains("$11\r\nsubcommands\r\n%5\r\n$10\r\nconfig|get\r\n")
        );
    }

    #[test]
    fn list_filters_by_pattern_and_category() {
        let mut client = TestClient::new();
        assert_eq!(client.run("COMMAND LIST FILTERBY PATTERN CONFIG|g*"), "*1\r\n$10\r\nconfig|get\r\n");
        assert_eq!(client.run("COMMAND LIST FILTERBY MODULE json"), "*0\r\n");
        assert_eq!(client.run("COMMAND LIST FILTERBY ACLCAT nosuch"), "*0\r\n");
        assert!(client.run("COMMAND LIST FILTERBY ACLCAT string").contains("$3\r\nget\r\n"));
        assert_eq!(client.run("COMMAND LIST FILTERBY NAME x"), "-ERR syntax error\r\n");
        assert_eq!(client.run("COMMAND LIST PATTERN"), "-ERR syntax error\r\n");
    }

    #[test]
    fn keys_of_any_request_are_found() {
        let mut client = TestClient::new();
        for (request, reply) in [
            ("GETKEYS mset a 1 b 2", "*2\r\n$1\r\na\r\n$1\r\nb\r\n"),
            ("GETKEYS eval x 0", "*0\r\n"),
            ("GETKEYS memory usage k", "*1\r\n$1\r\nk\r\n"),
            ("GETKEYS ping", "-ERR The command has no key arguments\r\n"),
            ("GETKEYS nosuch", "-ERR Invalid command specified\r\n"),
            ("GETKEYS config nosuch", "-ERR Invalid command specified\r\n"),
            ("GETKEYS get", "-ERR Invalid number of arguments specified for command\r\n"),
            ("GETKEYSANDFLAGS set a b", "*1\r\n*2\r\n$1\r\na\r\n*2\r\n+OW\r\n+update\r\n"),
        ] {
            assert_eq!(client.run(&alloc::format!("COMMAND {request}")), reply, "{request}");
        }
    }
}
