//! A connection as a line of CLIENT LIST.

use alloc::borrow::Cow;
use alloc::string::String;

use slotway_core::resp::encode::Protocol;
use slotway_core::time::UnixMs;

use crate::node::ClientCard;
use crate::pubsub::Space;
use crate::session::{Modes, Session, Transport};
use crate::tracking;

/// `id=3 addr=...` and a line feed: the fields of Redis 7.2 in its order.
///
/// `is_broken` is true if it tracks keys and the connection that is told in its place has gone. Fields about output buffers of fixed size have
/// the values of a connection without them.
pub(crate) fn line(card: &ClientCard, now: UnixMs, is_broken: bool) -> String {
    let (session, modes) = (&card.session, card.modes);
    alloc::format!(
        "id={} addr={} laddr={} fd={} name={} age={} idle={} flags={} db={} sub={} psub={} ssub={} multi={} \
         qbuf={} qbuf-free={} argv-mem=0 multi-mem={} rbs=0 rbp=0 obl={} oll=0 omem={} tot-mem={} events={} cmd={} \
         user={} redir={} resp={} lib-name={} lib-ver={}\n",
        session.id.0,
        session.address,
        session.local_address,
        card.fd,
        session.name,
        now.ms_since(session.connected_at) / 1000,
        now.ms_since(card.active_at) / 1000,
        flags(session, modes, is_broken),
        modes.db.0,
        session.subscriptions.count(Space::Channels),
        session.subscriptions.count(Space::Patterns),
        session.subscriptions.count(Space::ShardChannels),
        modes.queued.map_or(-1, |queued| queued as i64),
        card.query_len,
        card.query_free,
        modes.queued_len,
        card.output_len,
        card.output_len,
        card.memory(),
        if card.output_len > 0 { "rw" } else { "r" },
        if session.last_command.is_empty() { "NULL" } else { session.last_command },
        user(session),
        match session.tracking {
            None => -1,
            Some(wish) => wish.redirect.map_or(0, |id| id.0 as i64),
        },
        match session.protocol {
            Protocol::Resp2 => 2,
            Protocol::Resp3 => 3,
        },
        session.lib_name,
        session.lib_version,
    )
}

/// The user's name; Redis' word for connections of the node's own.
fn user(session: &Session) -> Cow<'_, str> {
    let user = session.user.as_ref();
    user.map_or(Cow::Borrowed("(superuser)"), |user| String::from_utf8_lossy(user.name()))
}

/// A letter per mode, in Redis' order; `N` for none.
fn flags(session: &Session, modes: Modes, is_broken: bool) -> String {
    let is_broadcast = session.tracking.is_some_and(|wish| wish.mode == tracking::Mode::Broadcast);
    let letters = [
        (session.is_replica_link, 'S'),
        (session.is_monitor, 'O'),
        (session.is_primary_link, 'M'),
        (!session.subscriptions.is_empty(), 'P'),
        (modes.queued.is_some(), 'x'),
        (modes.is_blocked, 'b'),
        (session.tracking.is_some(), 't'),
        (is_broken, 'R'),
        (is_broadcast, 'B'),
        (modes.is_dirty, 'd'),
        (session.transport == Transport::Unix, 'U'),
        (modes.readonly, 'r'),
        (session.no_evict, 'e'),
        (session.no_touch, 'T'),
    ];
    let letters: String = letters.into_iter().filter(|(on, _)| *on).map(|(_, letter)| letter).collect();
    if letters.is_empty() { String::from("N") } else { letters }
}
