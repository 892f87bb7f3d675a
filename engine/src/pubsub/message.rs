//! What listeners get to read: pushes, which are arrays in RESP2.

use alloc::vec::Vec;

use slotway_core::resp::encode::{Protocol, ReplyWriter};

use super::Space;

/// A message to many, encoded at most once for each dialect.
pub(super) struct Encoded<W> {
    write: W,
    resp2: Option<Vec<u8>>,
    resp3: Option<Vec<u8>>,
}

impl<W: Fn(&mut ReplyWriter<'_>)> Encoded<W> {
    fn new(write: W) -> Self {
        Self { write, resp2: None, resp3: None }
    }

    /// The message in a dialect.
    pub(super) fn bytes(&mut self, protocol: Protocol) -> &[u8] {
        let Self { write, resp2, resp3 } = self;
        let encoded = match protocol {
            Protocol::Resp2 => resp2,
            Protocol::Resp3 => resp3,
        };
        encoded.get_or_insert_with(|| {
            let mut bytes = Vec::new();
            write(&mut ReplyWriter::new(&mut bytes, protocol));
            bytes
        })
    }
}

impl Encoded<()> {
    /// A message to the listeners of a channel.
    pub(super) fn message(channel: &[u8], text: &[u8]) -> Encoded<impl Fn(&mut ReplyWriter<'_>)> {
        Encoded::new(move |reply| push(reply, &[b"message", channel, text]))
    }

    /// A message to the listeners of a pattern.
    pub(super) fn pattern_message(
        pattern: &[u8],
        channel: &[u8],
        text: &[u8],
    ) -> Encoded<impl Fn(&mut ReplyWriter<'_>)> {
        Encoded::new(move |reply| push(reply, &[b"pmessage", pattern, channel, text]))
    }

    /// A message to the listeners of a shard channel.
    pub(super) fn shard_message(channel: &[u8], text: &[u8]) -> Encoded<impl Fn(&mut ReplyWriter<'_>)> {
        Encoded::new(move |reply| push(reply, &[b"smessage", channel, text]))
    }

    /// The end of a subscription that nobody asked for.
    pub(super) fn unsubscribed(
        space: Space,
        name: &[u8],
        left: usize,
    ) -> Encoded<impl Fn(&mut ReplyWriter<'_>)> {
        Encoded::new(move |reply| write_unsubscribed(reply, space, Some(name), left))
    }
}

/// The reply to a subscription to `name`; `count` is [`Subscriptions::told`](super::Subscriptions::told) after it.
pub fn write_subscribed(reply: &mut ReplyWriter<'_>, space: Space, name: &[u8], count: usize) {
    let word: &[u8] = match space {
        Space::Channels => b"subscribe",
        Space::Patterns => b"psubscribe",
        Space::ShardChannels => b"ssubscribe",
    };
    write_change(reply, word, Some(name), count);
}

/// The reply to the end of a subscription to `name`; without a name to the end of all, when there were none.
pub fn write_unsubscribed(reply: &mut ReplyWriter<'_>, space: Space, name: Option<&[u8]>, count: usize) {
    let word: &[u8] = match space {
        Space::Channels => b"unsubscribe",
        Space::Patterns => b"punsubscribe",
        Space::ShardChannels => b"sunsubscribe",
    };
    write_change(reply, word, name, count);
}

fn write_change(reply: &mut ReplyWriter<'_>, word: &[u8], name: Option<&[u8]>, count: usize) {
    reply.push(3);
    reply.bulk(word);
    reply.bulk_or_null(name);
    reply.integer(count as i64);
}

fn push(reply: &mut ReplyWriter<'_>, parts: &[&[u8]]) {
    reply.push(parts.len());
    parts.iter().for_each(|part| reply.bulk(part));
}
