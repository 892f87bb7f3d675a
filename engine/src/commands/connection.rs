//! The connection: greeting, authentication, modes, the way out. CLIENT is in [`client`](super::client).

use alloc::string::String;

use slotway_core::resp::args::Args;
use slotway_core::resp::encode::{Protocol, ReplyWriter};
use slotway_core::resp::error::ErrorReply;
use slotway_core::time::UnixMs;

use super::Binding;
use super::args::{self, Options};
use crate::acl::{self, Context, Event, Reason};
use crate::config::Config;
use crate::dispatch::Asker;
use crate::node::Node;
use crate::propagation::Record;
use crate::registry::{Effect, Handler, Outcome};
use crate::session::{After, Session};

/// The version of Redis whose behaviour this node has: what HELLO and INFO answer.
pub const REDIS_VERSION: &str = "7.2.4";

/// What a command on the connection may touch.
pub struct Connection<'a> {
    /// The connection that asks.
    pub session: &'a mut Session,
    /// Whether it is one of the commands of a transaction, which wait for nothing.
    pub in_transaction: bool,
    /// The node around it.
    pub node: &'a dyn Node,
    /// The configuration in force.
    pub config: &'a Config,
    /// The time of this command.
    pub now: UnixMs,
    /// What is to be propagated of it, in its place among the commands of its unit.
    pub published: &'a mut Record,
}

/// What this family executes.
pub(super) const COMMANDS: &[Binding] = &[
    ("asking", Handler::Session(asking)),
    ("auth", Handler::Session(auth)),
    ("echo", Handler::Session(echo)),
    ("hello", Handler::Session(hello)),
    ("ping", Handler::Session(ping)),
    ("quit", Handler::Session(quit)),
    ("readonly", Handler::Session(readonly)),
    ("readwrite", Handler::Session(readwrite)),
    ("reset", Handler::Session(reset)),
    ("select", Handler::Session(select)),
];

/// The reply has the form of a message where nothing else may come: in RESP2 while listening to channels.
fn ping(connection: &mut Connection<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    if args.len() > 2 {
        return Err(ErrorReply::Arity("ping"));
    }
    let among_messages = reply.protocol() == Protocol::Resp2 && !connection.session.subscriptions.is_empty();
    match args.get(1) {
        text if among_messages => {
            reply.array(2);
            reply.bulk(b"pong");
            reply.bulk(text.unwrap_or_default());
        }
        Some(text) => reply.bulk(text),
        None => reply.simple("PONG"),
    }
    Ok(Effect::None)
}

fn echo(_: &mut Connection<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    reply.bulk(args.at(1));
    Ok(Effect::None)
}

fn quit(connection: &mut Connection<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    connection.session.after = After::Close;
    reply.ok();
    Ok(Effect::None)
}

fn select(connection: &mut Connection<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let index = args::integer_between(args.at(1), i32::MIN.into(), i32::MAX.into())?;
    if connection.config.cluster_enabled() && index != 0 {
        return Err(ErrorReply::SelectInCluster);
    }
    connection.session.db = args::db_index(index, connection.config)?;
    connection.session.card_changed = true;
    reply.ok();
    Ok(Effect::None)
}

fn reset(connection: &mut Connection<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let client = connection.session.id;
    connection.node.with_pubsub(&mut |pubsub| pubsub.forget(client));
    if connection.session.is_monitor {
        connection.node.with_monitors(&mut |monitors| monitors.end(client));
    }
    super::client::tracking::end(connection);
    connection.session.reset(Some(acl::ask(connection.node, |acl| acl.default_user())));
    reply.set_protocol(Protocol::Resp2);
    reply.simple("RESET");
    Ok(Effect::None)
}

fn asking(connection: &mut Connection<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    cluster_only(connection)?;
    connection.session.asking = true;
    reply.ok();
    Ok(Effect::None)
}

fn readonly(connection: &mut Connection<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    cluster_only(connection)?;
    connection.session.readonly = true;
    reply.ok();
    Ok(Effect::None)
}

fn readwrite(connection: &mut Connection<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    cluster_only(connection)?;
    connection.session.readonly = false;
    reply.ok();
    Ok(Effect::None)
}

fn cluster_only(connection: &Connection<'_>) -> Result<(), ErrorReply> {
    if connection.config.cluster_enabled() { Ok(()) } else { Err(ErrorReply::ClusterDisabled) }
}

/// AUTH password, for the default user, or AUTH user password.
fn auth(connection: &mut Connection<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let (user, password) = match args.len() {
        2 if default_needs_no_password(connection) => return Err(ErrorReply::AuthNotConfigured),
        2 => (acl::DEFAULT_USER, args.at(1)),
        3 => (args.at(1), args.at(2)),
        _ => return Err(ErrorReply::Syntax),
    };
    authenticate(connection, args, user, password)?;
    reply.ok();
    Ok(Effect::None)
}

fn default_needs_no_password(connection: &Connection<'_>) -> bool {
    acl::ask(connection.node, |acl| acl.default_user().rules().needs_no_password())
}

/// Makes the connection one of `user`, as a request with these `args` asks for.
fn authenticate(
    connection: &mut Connection<'_>,
    args: Args<'_>,
    user: &[u8],
    password: &[u8],
) -> Result<(), ErrorReply> {
    if let Some(user) = acl::ask(connection.node, |acl| acl.authenticate(user, password)) {
        connection.session.authenticate(user);
        return Ok(());
    }
    let Connection { node, config, session, in_transaction, .. } = connection;
    let context = if *in_transaction { Context::Multi } else { Context::TopLevel };
    let (object, user) = (args.at(0).to_vec(), user.to_vec());
    let command = if args.is(0, "hello") { "hello" } else { "auth" };
    let event = Event { reason: Reason::Auth, context, object, user };
    Asker::new(*node, config, session).note(command, event);
    Err(ErrorReply::WrongPass)
}

fn hello(connection: &mut Connection<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let version =
        args.get(1).map(|word| args::integer_or(word, ErrorReply::ProtocolNotAnInteger)).transpose()?;
    let protocol = match version {
        None => connection.session.protocol,
        Some(2) => Protocol::Resp2,
        Some(3) => Protocol::Resp3,
        Some(_) => return Err(ErrorReply::UnsupportedProtocol),
    };
    let options = HelloOptions::read(args)?;
    if let Some((user, password)) = options.auth {
        authenticate(connection, args, user, password)?;
    }
    if !connection.session.authenticated {
        return Err(ErrorReply::HelloNeedsAuth);
    }
    if let Some(name) = options.name {
        connection.session.name = name;
    }
    let client = connection.session.id;
    connection.node.with_pubsub(&mut |pubsub| pubsub.set_protocol(client, protocol));
    connection.session.protocol = protocol;
    connection.session.subscriptions.set_protocol(protocol);
    connection.session.card_changed = true;
    reply.set_protocol(protocol);
    greet(connection, reply);
    Ok(Effect::None)
}

struct HelloOptions<'a> {
    auth: Option<(&'a [u8], &'a [u8])>,
    name: Option<String>,
}

impl<'a> HelloOptions<'a> {
    fn read(args: Args<'a>) -> Result<Self, ErrorReply> {
        let mut options = Self { auth: None, name: None };
        let mut words = Options::new(args, 2);
        while let Some(word) = words.word() {
            let left = words.left();
            if args::is(word, "auth") && left >= 2 {
                options.auth = Some((words.value()?, words.value()?));
            } else if args::is(word, "setname") && left >= 1 {
                options.name = Some(args::client_text(words.value()?).ok_or(ErrorReply::ClientName)?);
            } else {
                return Err(ErrorReply::HelloOption(word.to_vec()));
            }
        }
        Ok(options)
    }
}

fn greet(connection: &Connection<'_>, reply: &mut ReplyWriter<'_>) {
    let mode = if connection.config.cluster_enabled() { "cluster" } else { "standalone" };
    let version = match reply.protocol() {
        Protocol::Resp2 => 2,
        Protocol::Resp3 => 3,
    };
    let replica = connection
        .node
        .topology()
        .is_some_and(|topology| topology.myself().is_some_and(|me| topology.node(me).is_replica()));
    reply.map(7);
    for (field, value) in [("server", "redis"), ("version", REDIS_VERSION)] {
        reply.bulk(field.as_bytes());
        reply.bulk(value.as_bytes());
    }
    for (field, value) in [("proto", version), ("id", connection.session.id.0 as i64)] {
        reply.bulk(field.as_bytes());
        reply.integer(value);
    }
    for (field, value) in [("mode", mode), ("role", if replica { "replica" } else { "master" })] {
        reply.bulk(field.as_bytes());
        reply.bulk(value.as_bytes());
    }
    reply.bulk(b"modules");
    reply.array(0);
}
