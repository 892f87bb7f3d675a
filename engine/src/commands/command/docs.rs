//! What COMMAND DOCS tells of a command.

use alloc::string::ToString;

use slotway_core::command::docs::{Argument, ArgumentFlag, Docs};
use slotway_core::command::{Command, Version};
use slotway_core::resp::encode::{Deferred, ReplyWriter};

use super::info::write_words;
use super::served_subcommands;
use crate::registry::Registry;

/// The command's name and its description, a map without what there is nothing to say about.
pub(super) fn write(command: &Command, registry: &Registry, reply: &mut ReplyWriter<'_>) {
    let docs = command.docs();
    reply.bulk(command.name.as_bytes());
    let mut map = Map::open(reply);
    map.text("summary", docs.summary);
    map.text("since", &command.since.to_string());
    map.text("group", command.group.as_str());
    map.text_if_any("complexity", docs.complexity);
    write_standing(docs, &mut map);
    if !docs.history.is_empty() {
        write_history(docs.history, map.field("history"));
    }
    if !docs.arguments.is_empty() {
        write_arguments(docs.arguments, map.field("arguments"));
    }
    if command.is_container() {
        write_subcommands(command, registry, map.field("subcommands"));
    }
    map.close();
}

/// Whether the command is for users, and still recommended.
fn write_standing(docs: &Docs, map: &mut Map<'_, '_>) {
    let words = [(docs.deprecated.is_some(), "deprecated"), (docs.is_system, "syscmd")];
    let count = words.iter().filter(|(applies, _)| *applies).count();
    if count > 0 {
        let shown = words.into_iter().filter(|(applies, _)| *applies).map(|(_, word)| word);
        write_words(count, shown, map.field("doc_flags"));
    }
    if let Some(deprecated) = docs.deprecated {
        map.text("deprecated_since", &deprecated.since.to_string());
        map.text("replaced_by", deprecated.replaced_by);
    }
}

/// A set of `[version, change]`.
fn write_history(history: &[(&str, &str)], reply: &mut ReplyWriter<'_>) {
    reply.set(history.len());
    for (version, change) in history {
        reply.array(2);
        reply.bulk(version.as_bytes());
        reply.bulk(change.as_bytes());
    }
}

fn write_arguments(arguments: &[Argument], reply: &mut ReplyWriter<'_>) {
    reply.array(arguments.len());
    for argument in arguments {
        write_argument(argument, reply);
    }
}

fn write_argument(argument: &Argument, reply: &mut ReplyWriter<'_>) {
    let version = |version: Option<Version>| version.map(|version| version.to_string());
    let mut map = Map::open(reply);
    map.text("name", argument.name);
    map.text("type", argument.kind.as_str());
    map.text_if_any("display_text", argument.display_text());
    if let Some(index) = argument.key_spec_index {
        map.field("key_spec_index").integer(index.into());
    }
    map.text_if_any("token", argument.token);
    map.text_if_any("since", version(argument.since).as_deref());
    map.text_if_any("deprecated_since", version(argument.deprecated_since).as_deref());
    if !argument.flags.is_empty() {
        write_words(
            argument.flags.len(),
            argument.flags.iter().map(ArgumentFlag::as_str),
            map.field("flags"),
        );
    }
    if !argument.arguments.is_empty() {
        write_arguments(argument.arguments, map.field("arguments"));
    }
    map.close();
}

fn write_subcommands(command: &Command, registry: &Registry, reply: &mut ReplyWriter<'_>) {
    reply.map(served_subcommands(command, registry).count());
    served_subcommands(command, registry).for_each(|sub| write(sub, registry, reply));
}

/// A map that is written field by field and counts them.
struct Map<'r, 'o> {
    reply: &'r mut ReplyWriter<'o>,
    header: Deferred,
    fields: usize,
}

impl<'r, 'o> Map<'r, 'o> {
    fn open(reply: &'r mut ReplyWriter<'o>) -> Self {
        let header = reply.deferred_map();
        Self { reply, header, fields: 0 }
    }

    /// Writes a field's name; its value goes to the writer returned.
    fn field(&mut self, name: &str) -> &mut ReplyWriter<'o> {
        self.fields += 1;
        self.reply.bulk(name.as_bytes());
        self.reply
    }

    fn text(&mut self, name: &str, text: &str) {
        self.field(name).bulk(text.as_bytes());
    }

    fn text_if_any(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    fn close(self) {
        self.reply.close(self.header, self.fields);
    }
}
