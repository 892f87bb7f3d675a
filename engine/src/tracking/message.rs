//! What a client is told of changed keys: a push of RESP3, or in RESP2 a message of a channel, for a connection that others redirect to.

use alloc::boxed::Box;
use alloc::vec::Vec;

use slotway_core::resp::encode::{Protocol, ReplyWriter};

use crate::session::ClientId;

/// The channel that a connection of RESP2 listens to.
const CHANNEL: &[u8] = b"__redis__:invalidate";

/// The keys that have changed; `None` for all. The dialect of the null for all is that of the connection that tracks.
pub(crate) fn invalidated(keys: Option<&[Box<[u8]>]>, told: Protocol, tracks: Protocol) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut reply = ReplyWriter::new(&mut bytes, told);
    match told {
        Protocol::Resp3 => {
            reply.push(2);
            reply.bulk(b"invalidate");
        }
        Protocol::Resp2 => {
            reply.array(3);
            reply.bulk(b"message");
            reply.bulk(CHANNEL);
        }
    }
    match keys {
        Some(keys) => {
            reply.array(keys.len());
            keys.iter().for_each(|key| reply.bulk(key));
        }
        None => {
            reply.set_protocol(tracks);
            reply.null();
        }
    }
    bytes
}

/// For the connection that tracks: the one that was to be told in its place has gone.
pub(crate) fn redirect_broken(redirect: ClientId) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut reply = ReplyWriter::new(&mut bytes, Protocol::Resp3);
    reply.push(2);
    reply.bulk(b"tracking-redir-broken");
    reply.integer(redirect.0 as i64);
    bytes
}
