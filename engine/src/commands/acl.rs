//! ACL: users, their rules, and what was refused to them. The rules themselves are in [`acl`](crate::acl).

#[cfg(test)]
mod tests;

use alloc::sync::Arc;
use alloc::vec::Vec;

use slotway_core::command::{self, Category};
use slotway_core::resp::args::Args;
use slotway_core::resp::encode::ReplyWriter;
use slotway_core::resp::error::{AclError, ErrorReply};
use slotway_core::time::UnixMs;

use super::{Binding, Connection, Whole, args, help};
use crate::acl::{self, Change, Entry, Gone, Permissions, Rules, User};
use crate::pubsub::{PubSub, Space};
use crate::registry::{Effect, Handler, Outcome};
use crate::session::{After, ClientId, Session};

/// What this family executes.
pub(super) const COMMANDS: &[Binding] = &[
    ("acl|cat", Handler::Session(cat)),
    ("acl|deluser", Handler::Session(deluser)),
    ("acl|dryrun", Handler::Session(dryrun)),
    ("acl|genpass", Handler::Session(genpass)),
    ("acl|getuser", Handler::Session(getuser)),
    ("acl|help", Handler::Node(help)),
    ("acl|list", Handler::Session(list)),
    ("acl|load", Handler::Session(load)),
    ("acl|log", Handler::Session(log)),
    ("acl|save", Handler::Session(save)),
    ("acl|setuser", Handler::Session(setuser)),
    ("acl|users", Handler::Session(users)),
    ("acl|whoami", Handler::Session(whoami)),
];

/// ACL HELP, in Redis' words.
const HELP: &str = "\
CAT [<category>]
    List all commands that belong to <category>, or all command categories
    when no category is specified.
DELUSER <username> [<username> ...]
    Delete a list of users.
DRYRUN <username> <command> [<arg> ...]
    Returns whether the user can execute the given command without executing the command.
GETUSER <username>
    Get the user's details.
GENPASS [<bits>]
    Generate a secure 256-bit user password. The optional `bits` argument can
    be used to specify a different size.
LIST
    Show users details in config file format.
LOAD
    Reload users from the ACL file.
LOG [<count> | RESET]
    Show the ACL log entries.
SAVE
    Save the current config to the ACL file.
SETUSER <username> <attribute> [<attribute> ...]
    Create or modify a user with the specified attributes.
USERS
    List all the registered usernames.
WHOAMI
    Return the current connection username.
HELP
    Print this help.
";

fn help(whole: &mut Whole<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    help::write("acl", HELP, whole.registry, reply);
    Ok(Effect::None)
}

fn setuser(connection: &mut Connection<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let words: Vec<&[u8]> = args.skip(3).iter().collect();
    let channels = connection.config.acl_pubsub_default();
    let change = acl::ask(connection.node, |acl| acl.set_user(args.at(2), &words, channels))?;
    if let Change { user, before: Some(before) } = change {
        close_listeners(connection, &user, &before);
    }
    reply.ok();
    Ok(Effect::None)
}

fn deluser(connection: &mut Connection<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let gone = acl::ask(connection.node, |acl| acl.remove(args.skip(2).iter()))?;
    reply.integer(gone.0.len() as i64);
    close_all_of(connection, &gone);
    Ok(Effect::None)
}

/// Closes the connections of users who are no more.
fn close_all_of(connection: &mut Connection<'_>, gone: &Gone) {
    close(connection, |session| gone.0.iter().any(|user| is_of(session, user)));
}

/// Closes the connections of `user` that listen to what it may listen to no more, or only by other rules than before.
fn close_listeners(connection: &mut Connection<'_>, user: &Arc<User>, before: &Rules) {
    let rules = user.rules();
    if rules.keep_channels_of(before) {
        return;
    }
    let node = connection.node;
    close(connection, |session| {
        let mut listens = false;
        if is_of(session, user) && !session.subscriptions.is_empty() {
            node.with_pubsub(&mut |pubsub| listens = hears_more(pubsub, session.id, &rules));
        }
        listens
    });
}

fn hears_more(pubsub: &PubSub, client: ClientId, rules: &Rules) -> bool {
    Space::ALL
        .into_iter()
        .any(|space| pubsub.names_heard_by(client, space).iter().any(|name| !rules.hear(space, name)))
}

fn is_of(session: &Session, user: &Arc<User>) -> bool {
    session.user.as_ref().is_some_and(|own| Arc::ptr_eq(own, user))
}

/// Closes the connections that are `meant`; the one that asks, after its reply.
fn close(connection: &mut Connection<'_>, is_meant: impl Fn(&Session) -> bool) {
    let me = connection.session.id;
    let others: Vec<_> = connection
        .node
        .clients()
        .into_iter()
        .filter(|card| card.session.id != me && is_meant(&card.session))
        .map(|card| card.session.id)
        .collect();
    connection.node.kill_clients(&others);
    if is_meant(connection.session) {
        let session = &mut *connection.session;
        session.user = Some(acl::ask(connection.node, |acl| acl.default_user()));
        (session.authenticated, session.after) = (false, After::Close);
    }
}

fn getuser(connection: &mut Connection<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    match acl::ask(connection.node, |acl| acl.user(args.at(2)).map(|user| user.rules())) {
        Some(rules) => write_rules(&rules, reply),
        None => reply.null(),
    }
    Ok(Effect::None)
}

fn write_rules(rules: &Rules, reply: &mut ReplyWriter<'_>) {
    reply.map(6);
    reply.bulk(b"flags");
    let flags = rules.flags();
    reply.set(flags.len());
    flags.iter().for_each(|flag| reply.bulk(flag.as_bytes()));
    reply.bulk(b"passwords");
    reply.array(rules.passwords().len());
    rules.passwords().for_each(|hash| reply.bulk(hash));
    let mut permissions = rules.permissions();
    if let Some(own) = permissions.next() {
        write_permissions(&own, reply);
    }
    reply.bulk(b"selectors");
    let selectors: Vec<_> = permissions.collect();
    reply.array(selectors.len());
    for selector in &selectors {
        reply.map(3);
        write_permissions(selector, reply);
    }
}

fn write_permissions(permissions: &Permissions, reply: &mut ReplyWriter<'_>) {
    let Permissions { commands, keys, channels } = permissions;
    for (name, rules) in [("commands", commands), ("keys", keys), ("channels", channels)] {
        reply.bulk(name.as_bytes());
        reply.bulk(rules);
    }
}

fn list(connection: &mut Connection<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    connection.node.with_acl(&mut |acl| {
        reply.array(acl.users().len());
        acl.lines().for_each(|line| reply.bulk(&[b"user ", &*line].concat()));
    });
    Ok(Effect::None)
}

fn users(connection: &mut Connection<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    connection.node.with_acl(&mut |acl| {
        reply.array(acl.users().len());
        acl.users().for_each(|user| reply.bulk(user.name()));
    });
    Ok(Effect::None)
}

fn whoami(connection: &mut Connection<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    reply.bulk_or_null(connection.session.user.as_ref().map(|user| user.name()));
    Ok(Effect::None)
}

fn load(connection: &mut Connection<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let Connection { node, config, .. } = *connection;
    let name = configured_file(connection)?;
    let text = node.read_acl_file().map_err(|why| {
        let what = alloc::format!("Error loading ACLs, opening file '{name}': {why}");
        AclError::NotLoaded(what.into_bytes())
    })?;
    let gone = acl::ask(node, |acl| acl.load(name, &text, config.acl_pubsub_default()));
    let gone = gone.map_err(AclError::NotLoaded)?;
    close_all_of(connection, &gone);
    reply.ok();
    Ok(Effect::None)
}

fn save(connection: &mut Connection<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    configured_file(connection)?;
    let text = acl::ask(connection.node, |acl| acl.text());
    if !connection.node.write_acl_file(&text) {
        return Err(AclError::NotSaved.into());
    }
    reply.ok();
    Ok(Effect::None)
}

fn configured_file<'c>(connection: &Connection<'c>) -> Result<&'c str, AclError> {
    match connection.config.aclfile() {
        "" => Err(AclError::NoFile),
        name => Ok(name),
    }
}

/// All categories, or the commands of one.
fn cat(_: &mut Connection<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    at_most(args, 3)?;
    let Some(word) = args.get(2) else {
        reply.array(Category::ALL.len());
        Category::ALL.iter().for_each(|category| reply.bulk(category.as_str().as_bytes()));
        return Ok(Effect::None);
    };
    let category = Category::parse(word).ok_or_else(|| AclError::UnknownCategory(word.to_vec()))?;
    let array = reply.deferred();
    let members = command::all().iter().filter(|command| command.categories.contains(category));
    let count = members.map(|command| reply.bulk(command.name.as_bytes())).count();
    reply.close(array, count);
    Ok(Effect::None)
}

fn at_most(args: Args<'_>, count: usize) -> Result<(), ErrorReply> {
    match args.len() > count {
        true => Err(ErrorReply::SubcommandSyntax { sent: args.at(1).to_vec(), container: "ACL" }),
        false => Ok(()),
    }
}

const BITS_MAX: i64 = 4096;

fn genpass(connection: &mut Connection<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    at_most(args, 3)?;
    let bits = args.get(2).map_or(Ok(256), args::integer)?;
    if !(1..=BITS_MAX).contains(&bits) {
        return Err(AclError::PasswordBits.into());
    }
    let mut digits = alloc::vec![0; (bits as usize).div_ceil(4)];
    connection.node.fill_with_secrets(&mut digits);
    for digit in &mut digits {
        *digit = b"0123456789abcdef"[usize::from(*digit & 0xf)];
    }
    reply.bulk(&digits);
    Ok(Effect::None)
}

fn log(connection: &mut Connection<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    const DEFAULT_COUNT: i64 = 10;
    at_most(args, 3)?;
    if args.is(2, "reset") {
        connection.node.with_acl(&mut |acl| acl.log.clear());
        reply.ok();
        return Ok(Effect::None);
    }
    let count = args.get(2).map_or(Ok(DEFAULT_COUNT), args::integer)?;
    let (count, now) = (usize::try_from(count).unwrap_or(0), connection.now);
    connection.node.with_acl(&mut |acl| {
        let entries = acl.log.entries();
        reply.array(entries.len().min(count));
        entries.take(count).for_each(|entry| write_entry(entry, now, reply));
    });
    Ok(Effect::None)
}

fn write_entry(entry: &Entry, now: UnixMs, reply: &mut ReplyWriter<'_>) {
    let text = |reply: &mut ReplyWriter<'_>, name: &str, value: &[u8]| {
        reply.bulk(name.as_bytes());
        reply.bulk(value);
    };
    let number = |reply: &mut ReplyWriter<'_>, name: &str, value: u64| {
        reply.bulk(name.as_bytes());
        reply.integer(value as i64);
    };
    reply.map(10);
    number(reply, "count", entry.count);
    text(reply, "reason", entry.event.reason.name().as_bytes());
    text(reply, "context", entry.event.context.name().as_bytes());
    text(reply, "object", &entry.event.object);
    text(reply, "username", &entry.event.user);
    reply.bulk(b"age-seconds");
    reply.double(now.ms_since(entry.updated) as f64 / 1000.0);
    text(reply, "client-info", entry.client.as_bytes());
    number(reply, "entry-id", entry.id);
    number(reply, "timestamp-created", entry.created.as_ms());
    number(reply, "timestamp-last-updated", entry.updated.as_ms());
}

/// Whether a user may do something, without doing it.
fn dryrun(connection: &mut Connection<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let (name, request) = (args.at(2), args.skip(3));
    let user = acl::ask(connection.node, |acl| acl.user(name).cloned());
    let user = user.ok_or_else(|| AclError::NoSuchUser(name.to_vec()))?;
    let command = command::resolve(request).map_err(|_| AclError::NoSuchCommand(request.at(0).to_vec()))?;
    if !command.accepts(request.len()) {
        return Err(ErrorReply::Arity(command.name));
    }
    match user.rules().check(command, request) {
        Ok(()) => reply.ok(),
        Err(denial) => {
            let lack = denial.lack(&user, command);
            reply.bulk(&lack.in_detail(user.name(), request.at(denial.at)));
        }
    }
    Ok(Effect::None)
}
