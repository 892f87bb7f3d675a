//! CLIENT: what connections are called, which there are, and the end of some of them.

mod filter;
mod line;
pub(super) mod tracking;

use alloc::string::String;
use alloc::vec::Vec;

use slotway_core::resp::args::Args;
use slotway_core::resp::encode::ReplyWriter;
use slotway_core::resp::error::ErrorReply;

use super::args::{self, Options};
use super::{Binding, Connection, Whole, help};
use crate::dispatch;
use crate::node::{ClientCard, Pause};
use crate::registry::{Effect, Handler, Outcome};
use crate::session::{After, ClientId, ReplyMode};
use filter::{ClientType, Filter};
pub(crate) use line::line;

/// What this family executes.
pub(super) const COMMANDS: &[Binding] = &[
    ("client|getname", Handler::Session(getname)),
    ("client|help", Handler::Node(help)),
    ("client|id", Handler::Session(id)),
    ("client|info", Handler::Session(info)),
    ("client|kill", Handler::Session(kill)),
    ("client|list", Handler::Session(list)),
    ("client|no-evict", Handler::Session(no_evict)),
    ("client|no-touch", Handler::Session(no_touch)),
    ("client|pause", Handler::Session(pause)),
    ("client|reply", Handler::Session(reply_mode)),
    ("client|setinfo", Handler::Session(setinfo)),
    ("client|setname", Handler::Session(setname)),
    ("client|unblock", Handler::Node(unblock)),
    ("client|unpause", Handler::Session(unpause)),
];

fn help(whole: &mut Whole<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    help::write("client", help::CLIENT, whole.registry, reply);
    Ok(Effect::None)
}

fn id(connection: &mut Connection<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    reply.integer(connection.session.id.0 as i64);
    Ok(Effect::None)
}

/// Lets a client go that waits for keys: as if its time were over, or with an error.
fn unblock(whole: &mut Whole<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    check_len(args, 4)?;
    let with_error = match args.get(3) {
        None => false,
        Some(word) if args::is(word, "timeout") => false,
        Some(word) if args::is(word, "error") => true,
        Some(_) => return Err(ErrorReply::UnblockReason),
    };
    let id = args::integer(args.at(2))?;
    let done = dispatch::unblock(whole.shards, whole.connection.node, id as u64, with_error);
    reply.integer(i64::from(done));
    Ok(Effect::None)
}

/// Refuses more words than a subcommand takes, for those whose arity sets no limit.
fn check_len(args: Args<'_>, len_max: usize) -> Result<(), ErrorReply> {
    match args.len() > len_max {
        true => Err(ErrorReply::SubcommandSyntax { sent: args.at(1).to_vec(), container: "CLIENT" }),
        false => Ok(()),
    }
}

fn getname(connection: &mut Connection<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let name = &connection.session.name;
    reply.bulk_or_null((!name.is_empty()).then_some(name.as_bytes()));
    Ok(Effect::None)
}

/// The empty name takes the name away.
fn setname(connection: &mut Connection<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    connection.session.name = args::client_text(args.at(2)).ok_or(ErrorReply::ClientName)?;
    connection.session.card_changed = true;
    reply.ok();
    Ok(Effect::None)
}

fn setinfo(connection: &mut Connection<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let (attribute, value) = (args.at(2), args.at(3));
    let sent = || attribute.to_vec();
    let session = &mut *connection.session;
    let field = match attribute {
        word if args::is(word, "lib-name") => &mut session.lib_name,
        word if args::is(word, "lib-ver") => &mut session.lib_version,
        _ => return Err(ErrorReply::UnknownClientAttribute(sent())),
    };
    *field = args::client_text(value).ok_or_else(|| ErrorReply::ClientAttribute(sent()))?;
    session.card_changed = true;
    reply.ok();
    Ok(Effect::None)
}

fn no_evict(connection: &mut Connection<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    connection.session.no_evict = on_or_off(args.at(2))?;
    connection.session.card_changed = true;
    reply.ok();
    Ok(Effect::None)
}

fn no_touch(connection: &mut Connection<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    connection.session.no_touch = on_or_off(args.at(2))?;
    connection.session.card_changed = true;
    reply.ok();
    Ok(Effect::None)
}

fn on_or_off(word: &[u8]) -> Result<bool, ErrorReply> {
    match word {
        word if args::is(word, "on") => Ok(true),
        word if args::is(word, "off") => Ok(false),
        _ => Err(ErrorReply::Syntax),
    }
}

/// OFF and SKIP have no reply of their own; dispatch drops those that follow.
fn reply_mode(connection: &mut Connection<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let mode = &mut connection.session.reply_mode;
    match args.at(2) {
        word if args::is(word, "on") => {
            *mode = ReplyMode::On;
            reply.ok();
        }
        word if args::is(word, "off") => *mode = ReplyMode::Off,
        word if args::is(word, "skip") && *mode == ReplyMode::Off => {}
        word if args::is(word, "skip") => *mode = ReplyMode::SkipNext,
        _ => return Err(ErrorReply::Syntax),
    }
    Ok(Effect::None)
}

fn info(connection: &mut Connection<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let own =
        cards(connection, "client|info").into_iter().filter(|card| card.session.id == connection.session.id);
    write_lines(connection, own, reply);
    Ok(Effect::None)
}

fn list(connection: &mut Connection<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let cards = cards(connection, "client|list");
    match args.get(2) {
        None => write_lines(connection, cards, reply),
        Some(word) if args::is(word, "type") && args.len() == 4 => {
            let wanted = ClientType::parse(args.at(3))?;
            let listed = cards.into_iter().filter(|card| ClientType::of(card) == wanted);
            write_lines(connection, listed, reply);
        }
        Some(word) if args::is(word, "id") && args.len() > 3 => {
            let ids: Result<Vec<_>, _> = args.skip(3).iter().map(client_id).collect();
            let listed =
                ids?.into_iter().filter_map(|id| cards.iter().find(|card| Some(card.session.id) == id));
            write_lines(connection, listed.cloned(), reply);
        }
        Some(_) => return Err(ErrorReply::Syntax),
    }
    Ok(Effect::None)
}

/// `None` for numbers that no client can have.
fn client_id(word: &[u8]) -> Result<Option<ClientId>, ErrorReply> {
    let id = args::integer_or(word, ErrorReply::InvalidClientId)?;
    Ok(u64::try_from(id).ok().map(ClientId))
}

fn write_lines(
    connection: &Connection<'_>,
    cards: impl IntoIterator<Item = ClientCard>,
    reply: &mut ReplyWriter<'_>,
) {
    let mut text = String::new();
    for card in cards {
        let (id, mut is_broken) = (card.session.id, false);
        if card.session.tracking.is_some_and(|wish| wish.redirect.is_some()) {
            connection.node.with_tracking(&mut |tracking| is_broken = tracking.is_broken(id));
        }
        text.push_str(&line(&card, connection.now, is_broken));
    }
    reply.verbatim("txt", text.as_bytes());
}

/// All connections; the asking one as it is now, busy with `command`, not as last published.
fn cards(connection: &Connection<'_>, command: &'static str) -> Vec<ClientCard> {
    let mut cards = connection.node.clients();
    if let Some(own) = cards.iter_mut().find(|card| card.session.id == connection.session.id) {
        own.session = connection.session.clone();
        own.modes = own.session.modes();
        own.session.last_command = command;
        own.active_at = connection.now;
    }
    cards
}

/// `CLIENT KILL address`, which is known to be somebody's, or filters, which may match nobody.
fn kill(connection: &mut Connection<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    if args.len() == 3 {
        return match kill_matching(connection, &Filter::address(args.at(2))) {
            0 => Err(ErrorReply::NoSuchClient),
            _ => {
                reply.ok();
                Ok(Effect::None)
            }
        };
    }
    let filter = Filter::read(Options::new(args, 2), connection.node)?;
    reply.integer(kill_matching(connection, &filter) as i64);
    Ok(Effect::None)
}

/// `CLIENT PAUSE timeout-ms [WRITE | ALL]`.
fn pause(connection: &mut Connection<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    check_len(args, 4)?;
    let pause = match args.get(3) {
        None => Pause::Everything,
        Some(word) if args::is(word, "all") => Pause::Everything,
        Some(word) if args::is(word, "write") => Pause::Writes,
        Some(_) => return Err(ErrorReply::other("ERR CLIENT PAUSE mode must be WRITE or ALL")),
    };
    if let Some(until) = args::timeout_ms(args.at(2), connection.now)? {
        connection.node.pause_until(Some((pause, until)));
    }
    reply.ok();
    Ok(Effect::None)
}

fn unpause(connection: &mut Connection<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    connection.node.pause_until(None);
    reply.ok();
    Ok(Effect::None)
}

/// Kills whom the filter matches, the asking connection after its reply. Returns how many there were.
fn kill_matching(connection: &mut Connection<'_>, filter: &Filter<'_>) -> usize {
    let me = connection.session.id;
    let matching = cards(connection, "client|kill").into_iter().filter(|card| filter.matches(card, me));
    let (own, others): (Vec<_>, Vec<_>) = matching.map(|card| card.session.id).partition(|id| *id == me);
    if !own.is_empty() {
        connection.session.after = After::Close;
    }
    connection.node.kill_clients(&others) + own.len()
}

#[cfg(test)]
mod tests;
