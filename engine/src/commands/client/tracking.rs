//! CLIENT TRACKING and what belongs to it: which keys of its cache a connection is told of.

use alloc::vec::Vec;

use slotway_core::resp::args::Args;
use slotway_core::resp::encode::ReplyWriter;
use slotway_core::resp::error::{ErrorReply, TrackingError};

use super::super::args::{self, Options};
use super::{Binding, Connection};
use crate::registry::{Effect, Handler, Outcome};
use crate::session::ClientId;
use crate::tracking::{Mode, Wish};

/// What this file executes.
pub(in crate::commands) const COMMANDS: &[Binding] = &[
    ("client|caching", Handler::Session(caching)),
    ("client|getredir", Handler::Session(getredir)),
    ("client|tracking", Handler::Session(tracking)),
    ("client|trackinginfo", Handler::Session(trackinginfo)),
];

/// `CLIENT TRACKING ON | OFF` with options.
fn tracking(connection: &mut Connection<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let asked = Asked::read(connection, args)?;
    match args.at(2) {
        word if args::is(word, "on") => begin(connection, &asked)?,
        word if args::is(word, "off") => end(connection),
        _ => return Err(ErrorReply::Syntax),
    }
    reply.ok();
    Ok(Effect::None)
}

/// The options.
#[derive(Default)]
struct Asked<'a> {
    redirect: Option<ClientId>,
    broadcast: bool,
    opt_in: bool,
    opt_out: bool,
    no_loop: bool,
    prefixes: Vec<&'a [u8]>,
}

impl<'a> Asked<'a> {
    fn read(connection: &Connection<'_>, args: Args<'a>) -> Result<Self, ErrorReply> {
        let mut asked = Self::default();
        let mut words = Options::new(args, 3);
        while let Some(word) = words.word() {
            match word {
                word if args::is(word, "redirect") && words.left() > 0 => {
                    if asked.redirect.is_some() {
                        return Err(TrackingError::SecondRedirect.into());
                    }
                    asked.redirect = Some(existing(connection, args::integer(words.value()?)?)?);
                }
                word if args::is(word, "bcast") => asked.broadcast = true,
                word if args::is(word, "optin") => asked.opt_in = true,
                word if args::is(word, "optout") => asked.opt_out = true,
                word if args::is(word, "noloop") => asked.no_loop = true,
                word if args::is(word, "prefix") && words.left() > 0 => asked.prefixes.push(words.value()?),
                _ => return Err(ErrorReply::Syntax),
            }
        }
        Ok(asked)
    }

    /// What it comes to for a connection that tracks by `before` now.
    fn wish(&self, before: Option<Wish>) -> Result<Wish, TrackingError> {
        let mode = before.map(|wish| wish.mode);
        let Asked { broadcast, opt_in, opt_out, no_loop, redirect, .. } = *self;
        match mode {
            _ if !broadcast && !self.prefixes.is_empty() => {
                return Err(TrackingError::PrefixWithoutBroadcast);
            }
            Some(mode) if (mode == Mode::Broadcast) != broadcast => {
                return Err(TrackingError::SwitchBroadcast);
            }
            _ if broadcast && (opt_in || opt_out) => return Err(TrackingError::OptWithBroadcast),
            _ if opt_in && opt_out => return Err(TrackingError::OptInAndOut),
            Some(Mode::OptOut) if opt_in => return Err(TrackingError::SwitchOpt),
            Some(Mode::OptIn) if opt_out => return Err(TrackingError::SwitchOpt),
            _ => {}
        }
        let mode = match (broadcast, opt_in, opt_out) {
            (true, ..) => Mode::Broadcast,
            (_, true, _) => Mode::OptIn,
            (.., true) => Mode::OptOut,
            _ => Mode::Default,
        };
        Ok(Wish { mode, no_loop, redirect })
    }
}

/// The connection of that number.
fn existing(connection: &Connection<'_>, id: i64) -> Result<ClientId, ErrorReply> {
    let id = u64::try_from(id).ok().map(ClientId);
    id.filter(|id| connection.node.listener(*id).is_some()).ok_or(TrackingError::NoRedirect.into())
}

fn begin(connection: &mut Connection<'_>, asked: &Asked<'_>) -> Result<(), ErrorReply> {
    let (session, mut collision) = (&mut *connection.session, Ok(()));
    let wish = asked.wish(session.tracking)?;
    connection.node.with_tracking(&mut |tracking| {
        collision = check_prefixes(&tracking.prefixes_of(session.id).collect::<Vec<_>>(), &asked.prefixes);
        if collision.is_ok() {
            tracking.begin(session.id, wish, &asked.prefixes);
        }
    });
    collision?;
    (session.tracking, session.card_changed) = (Some(wish), true);
    Ok(())
}

/// No prefix may begin with another one: a key would be told of twice.
fn check_prefixes(present: &[&[u8]], asked: &[&[u8]]) -> Result<(), TrackingError> {
    let overlap = |one: &[u8], other: &[u8]| one.starts_with(other) || other.starts_with(one);
    for (index, prefix) in asked.iter().enumerate() {
        if let Some(other) = present.iter().find(|other| overlap(prefix, other)) {
            return Err(TrackingError::PrefixExists(prefix.to_vec(), other.to_vec()));
        }
        if let Some(other) = asked[index + 1..].iter().find(|other| overlap(prefix, other)) {
            return Err(TrackingError::PrefixGiven(prefix.to_vec(), other.to_vec()));
        }
    }
    Ok(())
}

/// The connection tracks no keys from now on.
pub(in crate::commands) fn end(connection: &mut Connection<'_>) {
    let session = &mut *connection.session;
    if session.tracking.take().is_some() {
        connection.node.with_tracking(&mut |tracking| tracking.end(session.id));
        (session.caching, session.card_changed) = (None, true);
    }
}

/// `CLIENT CACHING YES | NO`: of the next command, or transaction.
fn caching(connection: &mut Connection<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let mode = match connection.session.tracking {
        Some(Wish { mode: mode @ (Mode::OptIn | Mode::OptOut), .. }) => mode,
        Some(Wish { mode: Mode::Default | Mode::Broadcast, .. }) | None => {
            return Err(TrackingError::CachingWithoutOpt.into());
        }
    };
    let caching = match (args.at(2), mode) {
        (word, Mode::OptIn) if args::is(word, "yes") => true,
        (word, _) if args::is(word, "yes") => return Err(TrackingError::CachingYes.into()),
        (word, Mode::OptOut) if args::is(word, "no") => false,
        (word, _) if args::is(word, "no") => return Err(TrackingError::CachingNo.into()),
        _ => return Err(ErrorReply::Syntax),
    };
    connection.session.caching = Some(caching);
    reply.ok();
    Ok(Effect::None)
}

/// Who is told: another connection, 0 for this one, -1 for nobody.
fn redirect(connection: &Connection<'_>) -> i64 {
    match connection.session.tracking {
        None => -1,
        Some(wish) => wish.redirect.map_or(0, |id| id.0 as i64),
    }
}

fn getredir(connection: &mut Connection<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    reply.integer(redirect(connection));
    Ok(Effect::None)
}

fn trackinginfo(connection: &mut Connection<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let (session, mut is_broken, mut prefixes) = (&*connection.session, false, Vec::new());
    connection.node.with_tracking(&mut |tracking| {
        is_broken = tracking.is_broken(session.id);
        prefixes = tracking.prefixes_of(session.id).map(<[u8]>::to_vec).collect();
    });
    reply.map(3);
    reply.bulk(b"flags");
    let flags = flags(session.tracking, session.caching.is_some(), is_broken);
    reply.set(flags.len());
    flags.iter().for_each(|flag| reply.bulk(flag.as_bytes()));
    reply.bulk(b"redirect");
    reply.integer(redirect(connection));
    reply.bulk(b"prefixes");
    reply.array(prefixes.len());
    prefixes.iter().for_each(|prefix| reply.bulk(prefix));
    Ok(Effect::None)
}

fn flags(wish: Option<Wish>, caching: bool, is_broken: bool) -> Vec<&'static str> {
    let Some(Wish { mode, no_loop, .. }) = wish else { return alloc::vec!["off"] };
    let by_mode: &[&str] = match (mode, caching) {
        (Mode::Default, _) => &[],
        (Mode::Broadcast, _) => &["bcast"],
        (Mode::OptIn, false) => &["optin"],
        (Mode::OptIn, true) => &["optin", "caching-yes"],
        (Mode::OptOut, false) => &["optout"],
        (Mode::OptOut, true) => &["optout", "caching-no"],
    };
    let mut flags = alloc::vec!["on"];
    flags.extend(by_mode);
    flags.extend(no_loop.then_some("noloop"));
    flags.extend(is_broken.then_some("broken_redirect"));
    flags
}
