//! What COMMAND and COMMAND INFO tell of a command: numbers, flags and where its keys are.

use slotway_core::command::{BeginSearch, Category, Command, FindKeys, Flag, KeyFlag, KeySpec, Tip};
use slotway_core::resp::encode::ReplyWriter;

use super::served_subcommands;
use crate::registry::Registry;

/// Ten items: name, arity, flags, first key, last key, step, ACL categories, tips, key specs, subcommands.
pub(super) fn write(command: &Command, registry: &Registry, reply: &mut ReplyWriter<'_>) {
    reply.array(10);
    reply.bulk(command.name.as_bytes());
    reply.integer(command.arity.into());
    write_words(command.flags.listed().count(), command.flags.listed().map(Flag::as_str), reply);
    for number in [command.first_key.into(), command.last_key.into(), command.key_step.into()] {
        reply.integer(number);
    }
    write_categories(command, reply);
    reply.set(command.tips.len());
    for tip in command.tips.iter().copied().map(Tip::as_str) {
        reply.bulk(tip.as_bytes());
    }
    reply.set(command.key_specs.len());
    for spec in command.key_specs {
        write_key_spec(spec, reply);
    }
    write_subcommands(command, registry, reply);
}

/// A set of `len` words.
pub(super) fn write_words<'w>(len: usize, words: impl Iterator<Item = &'w str>, reply: &mut ReplyWriter<'_>) {
    reply.set(len);
    words.for_each(|word| reply.simple(word));
}

fn write_categories(command: &Command, reply: &mut ReplyWriter<'_>) {
    reply.set(command.categories.len());
    for category in command.categories.iter().map(Category::as_str) {
        reply.simple(&alloc::format!("@{category}"));
    }
}

/// An array, though the absence of subcommands is an empty set: so does Redis.
fn write_subcommands(command: &Command, registry: &Registry, reply: &mut ReplyWriter<'_>) {
    match served_subcommands(command, registry).count() {
        0 => reply.set(0),
        count => reply.array(count),
    }
    served_subcommands(command, registry).for_each(|sub| write(sub, registry, reply));
}

fn write_key_spec(spec: &KeySpec, reply: &mut ReplyWriter<'_>) {
    reply.map(3 + usize::from(spec.notes.is_some()));
    if let Some(notes) = spec.notes {
        reply.bulk(b"notes");
        reply.bulk(notes.as_bytes());
    }
    reply.bulk(b"flags");
    write_words(spec.flags.len(), spec.flags.iter().map(KeyFlag::as_str), reply);
    reply.bulk(b"begin_search");
    write_begin_search(spec.begin_search, reply);
    reply.bulk(b"find_keys");
    write_find_keys(spec.find_keys, reply);
}

fn write_begin_search(search: BeginSearch, reply: &mut ReplyWriter<'_>) {
    match search {
        BeginSearch::Index(index) => write_step("index", &[("index", index.into())], reply),
        BeginSearch::Keyword { word, start_from } => {
            write_type("keyword", reply);
            reply.map(2);
            reply.bulk(b"keyword");
            reply.bulk(word.as_bytes());
            reply.bulk(b"startfrom");
            reply.integer(start_from.into());
        }
        BeginSearch::Unknown => write_step("unknown", &[], reply),
    }
}

fn write_find_keys(find: FindKeys, reply: &mut ReplyWriter<'_>) {
    match find {
        FindKeys::Range { last, step, limit } => write_step(
            "range",
            &[("lastkey", last.into()), ("keystep", step.into()), ("limit", limit.into())],
            reply,
        ),
        FindKeys::KeyNum { number, first, step } => write_step(
            "keynum",
            &[("keynumidx", number.into()), ("firstkey", first.into()), ("keystep", step.into())],
            reply,
        ),
        FindKeys::Unknown => write_step("unknown", &[], reply),
    }
}

/// A step of the search whose parameters are numbers.
fn write_step(kind: &str, parameters: &[(&str, i64)], reply: &mut ReplyWriter<'_>) {
    write_type(kind, reply);
    reply.map(parameters.len());
    for (name, value) in parameters {
        reply.bulk(name.as_bytes());
        reply.integer(*value);
    }
}

/// The beginning of a step, up to its parameters.
fn write_type(kind: &str, reply: &mut ReplyWriter<'_>) {
    reply.map(2);
    reply.bulk(b"type");
    reply.bulk(kind.as_bytes());
    reply.bulk(b"spec");
}
