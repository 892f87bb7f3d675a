//! Strings as arrays of bits: bit 0 is the highest bit of the first byte. Fields of several bits are in
//! [`bitfield`](super::bitfield).

mod bits;

use alloc::vec::Vec;
use core::ops::Range;

use slotway_core::resp::args::Args;
use slotway_core::resp::encode::{Decimal, ReplyWriter};
use slotway_core::resp::error::ErrorReply;

use super::string::{string_of, text_of};
use super::{Binding, Data, args};
use crate::config::Config;
use crate::events::Class;
use crate::registry::{Effect, Handler, Outcome};
use bits::{count, place, position};

/// What this family executes.
pub(super) const COMMANDS: &[Binding] = &[
    ("bitcount", Handler::Data(bitcount)),
    ("bitop", Handler::Data(bitop)),
    ("bitpos", Handler::Data(bitpos)),
    ("getbit", Handler::Data(getbit)),
    ("setbit", Handler::Data(setbit)),
];

/// What BITPOS answers when there is no such bit.
const NO_BIT: i64 = -1;

/// The string becomes `raw` even if nothing changes, as in Redis; it is a change only if a bit or the length differs.
fn setbit(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let at = checked_offset(args::integer_or(args.at(2), ErrorReply::BitOffset)?, data.config())?;
    let on = match args::integer_or(args.at(3), ErrorReply::BitValue)? {
        0 => false,
        1 => true,
        _ => return Err(ErrorReply::BitValue),
    };
    let key = args.at(1);
    data.find(key).map(string_of).transpose()?;
    let (byte, mask) = place(at);
    let (grown, was_on) = data.modify(key, |text| {
        let grown = grow(text, byte + 1);
        let was_on = text[byte] & mask != 0;
        text[byte] = if on { text[byte] | mask } else { text[byte] & !mask };
        (grown, was_on)
    });
    let changed = grown || was_on != on;
    if changed {
        data.changed(Class::String, "setbit", key);
    }
    reply.integer(i64::from(was_on));
    Ok(Effect::changed(u64::from(changed)))
}

fn getbit(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let at = checked_offset(args::integer_or(args.at(2), ErrorReply::BitOffset)?, data.config())?;
    let ((byte, mask), mut digits) = (place(at), Decimal::new());
    let text = text_at(data, args.at(1), &mut digits)?.unwrap_or_default();
    let on = text.get(byte).is_some_and(|byte| byte & mask != 0);
    reply.integer(i64::from(on));
    Ok(Effect::None)
}

fn bitcount(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let mut digits = Decimal::new();
    let Some(text) = text_at(data, args.at(1), &mut digits)? else {
        // Redis does not look at the arguments when there is nothing to count.
        reply.integer(0);
        return Ok(Effect::None);
    };
    let bits = match args.len() {
        2 => Unit::Byte.range(0, -1, text.len()),
        4 | 5 => {
            let (start, end) = (args::integer(args.at(2))?, args::integer(args.at(3))?);
            match start < 0 && end < 0 && start > end {
                true => 0..0,
                false => Unit::read(args.get(4))?.range(start, end, text.len()),
            }
        }
        _ => return Err(ErrorReply::Syntax),
    };
    reply.integer(count(text, bits) as i64);
    Ok(Effect::None)
}

fn bitpos(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let wanted = match args::integer(args.at(2))? {
        0 => false,
        1 => true,
        _ => return Err(ErrorReply::BitArgument),
    };
    let mut digits = Decimal::new();
    let Some(text) = text_at(data, args.at(1), &mut digits)? else {
        // As if the absent string went on with zeros for ever; the other arguments are not looked at.
        reply.integer(if wanted { NO_BIT } else { 0 });
        return Ok(Effect::None);
    };
    let bits = position_range(args, text.len())?;
    // Without an end, zeros follow the string.
    let behind = (!wanted && args.len() < 5 && !bits.is_empty()).then_some(bits.end);
    reply.integer(position(text, bits, wanted).or(behind).map_or(NO_BIT, |at| at as i64));
    Ok(Effect::None)
}

/// Where BITPOS searches a string of `len` bytes.
fn position_range(args: Args<'_>, len: usize) -> Result<Range<u64>, ErrorReply> {
    if args.len() > 6 {
        return Err(ErrorReply::Syntax);
    }
    let start = args.get(3).map_or(Ok(0), args::integer)?;
    let unit = Unit::read(args.get(5))?;
    let end = args.get(4).map_or(Ok(-1), args::integer)?;
    Ok(unit.range(start, end, len))
}

fn bitop(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let (operation, target, sources) = (Operation::parse(args.at(1))?, args.at(2), args.skip(3));
    if operation == Operation::Not && sources.len() != 1 {
        return Err(ErrorReply::BitopNot);
    }
    let result = combined(data, operation, sources)?;
    let len = result.len();
    let changed = match len {
        0 => {
            let removed = data.remove_unseen(target);
            if removed {
                data.changed(Class::Generic, "del", target);
            }
            removed
        }
        _ => {
            data.put_raw(target, result);
            data.changed(Class::String, "set", target);
            true
        }
    };
    reply.integer(len as i64);
    Ok(Effect::changed(u64::from(changed)))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    And,
    Or,
    Xor,
    Not,
}

impl Operation {
    fn parse(word: &[u8]) -> Result<Self, ErrorReply> {
        match word {
            word if args::is(word, "and") => Ok(Operation::And),
            word if args::is(word, "or") => Ok(Operation::Or),
            word if args::is(word, "xor") => Ok(Operation::Xor),
            word if args::is(word, "not") => Ok(Operation::Not),
            _ => Err(ErrorReply::Syntax),
        }
    }

    /// Makes `result` the outcome with one source more. The shorter one counts as if zeros followed it.
    fn fold(self, result: &mut Vec<u8>, source: &[u8]) {
        grow(result, source.len());
        let (common, rest) = result.split_at_mut(source.len());
        // Plain loops over bytes: the compiler makes them loops over the widest words there are.
        let pairs = common.iter_mut().zip(source);
        match self {
            Operation::And => {
                pairs.for_each(|(byte, other)| *byte &= other);
                rest.fill(0);
            }
            Operation::Or => pairs.for_each(|(byte, other)| *byte |= other),
            Operation::Xor => pairs.for_each(|(byte, other)| *byte ^= other),
            Operation::Not => unreachable!("NOT has one source"),
        }
    }
}

/// The outcome of `operation` on the strings of all `sources`, as long as the longest of them.
fn combined(data: &mut Data<'_, '_>, operation: Operation, sources: Args<'_>) -> Result<Vec<u8>, ErrorReply> {
    let mut digits = Decimal::new();
    let mut result = text_at(data, sources.at(0), &mut digits)?.unwrap_or_default().to_vec();
    for key in sources.skip(1).iter() {
        let mut digits = Decimal::new();
        operation.fold(&mut result, text_at(data, key, &mut digits)?.unwrap_or_default());
    }
    if operation == Operation::Not {
        result.iter_mut().for_each(|byte| *byte = !*byte);
    }
    Ok(result)
}

/// What the ends of a range count.
#[derive(Clone, Copy)]
enum Unit {
    Byte,
    Bit,
}

impl Unit {
    fn read(word: Option<&[u8]>) -> Result<Self, ErrorReply> {
        match word {
            None => Ok(Unit::Byte),
            Some(word) if args::is(word, "byte") => Ok(Unit::Byte),
            Some(word) if args::is(word, "bit") => Ok(Unit::Bit),
            Some(_) => Err(ErrorReply::Syntax),
        }
    }

    /// The bits from `start` to `end`, both included and counted from the end if negative, of a text of `len` bytes.
    fn range(self, start: i64, end: i64, len: usize) -> Range<u64> {
        let bits = match self {
            Unit::Byte => 8,
            Unit::Bit => 1,
        };
        let total = len as i64 * 8 / bits;
        let from_front = |at: i64| if at < 0 { at.saturating_add(total).max(0) } else { at };
        let (start, end) = (from_front(start), from_front(end).min(total - 1));
        if start > end { 0..0 } else { (start * bits) as u64..((end + 1) * bits) as u64 }
    }
}

/// The string at `key`, counted as read, `digits` lending the room for one that is kept as an integer.
pub(super) fn text_at<'a>(
    data: &'a mut Data<'_, '_>,
    key: &[u8],
    digits: &'a mut Decimal,
) -> Result<Option<&'a [u8]>, ErrorReply> {
    let value = data.find_counted(key).map(string_of).transpose()?;
    Ok(value.map(|value| text_of(value, digits)))
}

/// An offset in bits, if a string may become as long.
pub(super) fn checked_offset(offset: i64, config: &Config) -> Result<u64, ErrorReply> {
    u64::try_from(offset)
        .ok()
        .filter(|offset| offset / 8 < config.proto_max_bulk_len())
        .ok_or(ErrorReply::BitOffset)
}

/// Appends zeros up to `len` bytes. True if there was need to.
pub(super) fn grow(text: &mut Vec<u8>, len: usize) -> bool {
    let is_short = text.len() < len;
    if is_short {
        text.resize(len, 0);
    }
    is_short
}

#[cfg(test)]
mod tests {
    use crate::testing::TestClient;

    #[test]
    fn setbit_grows_with_zeros_and_returns_the_bit_before() {
        let mut client = TestClient::new();
        assert_eq!(client.run("SETBIT a 17 1"), ":0\r\n");
        assert_eq!(client.run("GET a"), "$3\r\n\0\0@\r\n");
        assert_eq!(client.run("SETBIT a 17 0"), ":1\r\n");
        assert_eq!(client.run("GETBIT a 1000"), ":0\r\n");
        assert_eq!(client.node().changes.get(), 2);
        assert_eq!(client.run("SETBIT a 17 0"), ":0\r\n");
        assert_eq!(client.node().changes.get(), 2);
        assert_eq!(client.run("SETBIT a -1 0"), "-ERR bit offset is not an integer or out of range\r\n");
        assert_eq!(client.run("SETBIT a 0 2"), "-ERR bit is not an integer or out of range\r\n");
    }

    #[test]
    fn zeros_follow_a_string_whose_end_is_not_given() {
        let mut client = TestClient::new();
        client.run("SET a \"\\xff\\xff\"");
        assert_eq!(client.run("BITPOS a 0"), ":16\r\n");
        assert_eq!(client.run("BITPOS a 0 1"), ":16\r\n");
        assert_eq!(client.run("BITPOS a 0 0 -1"), ":-1\r\n");
        assert_eq!(client.run("BITPOS a 0 2"), ":-1\r\n");
        assert_eq!(client.run("BITPOS none 0 x"), ":0\r\n");
        assert_eq!(client.run("BITPOS a 1 -2 -3 BIT"), ":-1\r\n");
    }

    #[test]
    fn bitcount_counts_bytes_or_bits_from_either_end() {
        let mut client = TestClient::new();
        client.run("SET a foobar");
        assert_eq!(client.run("BITCOUNT a"), ":26\r\n");
        assert_eq!(client.run("BITCOUNT a 1 1"), ":6\r\n");
        assert_eq!(client.run("BITCOUNT a 5 30 BIT"), ":17\r\n");
        assert_eq!(client.run("BITCOUNT a -2 -1"), ":7\r\n");
        assert_eq!(client.run("BITCOUNT a -1 -2 nonsense"), ":0\r\n");
        assert_eq!(client.run("BITCOUNT a 1"), "-ERR syntax error\r\n");
    }

    #[test]
    fn bitop_takes_short_sources_as_if_zeros_followed() {
        let mut client = TestClient::new();
        client.run("MSET a abc b \"\\xff\" n 12");
        assert_eq!(client.run("BITOP AND t a b"), ":3\r\n");
        assert_eq!(client.run("GET t"), "$3\r\na\0\0\r\n");
        assert_eq!(client.run("BITOP OR t none a"), ":3\r\n");
        assert_eq!(client.run("GET t"), "$3\r\nabc\r\n");
        assert_eq!(client.run("OBJECT ENCODING t"), "$3\r\nraw\r\n");
        assert_eq!(client.run("BITOP XOR t n a n"), ":3\r\n");
        assert_eq!(client.run("GET t"), "$3\r\nabc\r\n");
        assert_eq!(client.run("BITOP NOT t none"), ":0\r\n");
        assert_eq!(client.run("EXISTS t"), ":0\r\n");
    }
}
