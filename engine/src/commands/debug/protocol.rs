//! DEBUG PROTOCOL: one reply of each type, for those who write clients.

use slotway_core::resp::encode::{Protocol, ReplyWriter};
use slotway_core::resp::error::ErrorReply;

use super::args;

/// A type's name, and what writes its sample.
type Sample = (&'static str, fn(&mut ReplyWriter<'_>));

const TYPES: &[Sample] = &[
    ("string", |reply| reply.bulk(b"Hello World")),
    ("integer", |reply| reply.integer(12345)),
    ("double", |reply| reply.double_text("3.141")),
    ("null", |reply| reply.null()),
    ("array", array),
    ("set", set),
    ("map", map),
    ("attrib", attribute),
    ("push", push),
    ("verbatim", |reply| reply.verbatim("txt", b"This is a verbatim\nstring")),
    ("true", |reply| reply.boolean(true)),
    ("false", |reply| reply.boolean(false)),
    ("bignum", big_number),
];

/// Writes the sample of the type called `kind`.
pub(super) fn write(kind: &[u8], reply: &mut ReplyWriter<'_>) -> Result<(), ErrorReply> {
    let known = TYPES.iter().find(|(name, _)| args::is(kind, name));
    let (name, sample) = known.ok_or(ErrorReply::DebugProtocolType)?;
    if *name == "push" && reply.protocol() == Protocol::Resp2 {
        return Err(ErrorReply::Resp2NotSupported);
    }
    sample(reply);
    Ok(())
}

fn array(reply: &mut ReplyWriter<'_>) {
    reply.array(3);
    (0..3).for_each(|number| reply.integer(number));
}

fn set(reply: &mut ReplyWriter<'_>) {
    reply.set(3);
    (0..3).for_each(|number| reply.integer(number));
}

fn map(reply: &mut ReplyWriter<'_>) {
    reply.map(3);
    for number in 0..3 {
        reply.integer(number);
        reply.boolean(number == 1);
    }
}

/// RESP2 has no attributes: there the reply comes without.
fn attribute(reply: &mut ReplyWriter<'_>) {
    if reply.protocol() == Protocol::Resp3 {
        reply.raw(b"|1\r\n");
        reply.bulk(b"key-popularity");
        reply.array(2);
        reply.bulk(b"key:123");
        reply.integer(90);
    }
    reply.bulk(b"Some real reply following the attribute");
}

/// The push comes behind the reply in whose midst it is made.
fn push(reply: &mut ReplyWriter<'_>) {
    reply.bulk(b"Some real reply following the push reply");
    reply.push(2);
    reply.bulk(b"server-cpu-usage");
    reply.integer(42);
}

fn big_number(reply: &mut ReplyWriter<'_>) {
    const DIGITS: &str = "1234567999999999999999999999999999999";
    match reply.protocol() {
        Protocol::Resp2 => reply.bulk(DIGITS.as_bytes()),
        Protocol::Resp3 => reply.raw(alloc::format!("({DIGITS}\r\n").as_bytes()),
    }
}
