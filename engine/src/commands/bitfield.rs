//! BITFIELD: integers of any width up to 64 bits, at any bit of a string.

use alloc::vec::Vec;
use core::ops::RangeInclusive;

use slotway_core::resp::args::Args;
use slotway_core::resp::decode::parse_integer;
use slotway_core::resp::encode::{Decimal, ReplyWriter};
use slotway_core::resp::error::ErrorReply;

use super::args::{self, Options};
use super::bitmap::{checked_offset, grow, text_at};
use super::string::string_of;
use super::{Binding, Data};
use crate::config::Config;
use crate::events::Class;
use crate::registry::{Effect, Handler, Outcome};

/// What this family executes.
pub(super) const COMMANDS: &[Binding] =
    &[("bitfield", Handler::Data(bitfield)), ("bitfield_ro", Handler::Data(bitfield_ro))];

fn bitfield(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let operations = read_operations(args, data.config())?;
    match operations
        .iter()
        .filter(|operation| operation.writes())
        .map(|operation| operation.field.end())
        .max()
    {
        None => get_all(data, args.at(1), &operations, reply),
        Some(len) => execute_all(data, args.at(1), &operations, len, reply),
    }
}

fn bitfield_ro(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let operations = read_operations(args, data.config())?;
    if operations.iter().any(Operation::writes) {
        return Err(ErrorReply::BitfieldReadOnly);
    }
    get_all(data, args.at(1), &operations, reply)
}

fn get_all(
    data: &mut Data<'_, '_>,
    key: &[u8],
    operations: &[Operation],
    reply: &mut ReplyWriter<'_>,
) -> Outcome {
    let mut digits = Decimal::new();
    let text = text_at(data, key, &mut digits)?.unwrap_or_default();
    reply.array(operations.len());
    operations.iter().for_each(|operation| reply.integer(operation.field.get(text)));
    Ok(Effect::None)
}

/// The string first grows to `len` bytes, to hold all fields that are written, even if none of them is in the end.
fn execute_all(
    data: &mut Data<'_, '_>,
    key: &[u8],
    operations: &[Operation],
    len: usize,
    reply: &mut ReplyWriter<'_>,
) -> Outcome {
    data.find(key).map(string_of).transpose()?;
    reply.array(operations.len());
    let changes = data.modify(key, |text| {
        let grown = grow(text, len);
        operations.iter().filter(|operation| operation.execute(text, grown, reply)).count()
    });
    if changes > 0 {
        data.changed(Class::String, "setbit", key);
    }
    Ok(Effect::changed(changes as u64))
}

/// One of the operations of a BITFIELD.
struct Operation {
    field: Field,
    action: Action,
    overflow: Overflow,
}

enum Action {
    Get,
    Set(i64),
    IncrBy(i64),
}

/// What becomes of a value that its field cannot hold.
#[derive(Clone, Copy)]
enum Overflow {
    /// Its low bits are kept.
    Wrap,
    /// The nearest value that the field can hold takes its place.
    Sat,
    /// The field stays as it is.
    Fail,
}

fn read_operations(args: Args<'_>, config: &Config) -> Result<Vec<Operation>, ErrorReply> {
    let mut operations = Vec::new();
    let (mut words, mut overflow) = (Options::new(args, 2), Overflow::Wrap);
    while let Some(word) = words.word() {
        let left = words.left();
        if args::is(word, "overflow") {
            overflow = Overflow::parse(words.value()?)?;
        } else if args::is(word, "get") && left >= 2 {
            let field = Field::read(&mut words, config)?;
            operations.push(Operation { field, action: Action::Get, overflow });
        } else if args::is(word, "set") && left >= 3 {
            let (field, n) = (Field::read(&mut words, config)?, args::integer(words.value()?)?);
            operations.push(Operation { field, action: Action::Set(n), overflow });
        } else if args::is(word, "incrby") && left >= 3 {
            let (field, n) = (Field::read(&mut words, config)?, args::integer(words.value()?)?);
            operations.push(Operation { field, action: Action::IncrBy(n), overflow });
        } else {
            return Err(ErrorReply::Syntax);
        }
    }
    Ok(operations)
}

impl Operation {
    fn writes(&self) -> bool {
        match self.action {
            Action::Get => false,
            Action::Set(_) | Action::IncrBy(_) => true,
        }
    }

    /// Executes and replies. True if it counts as a change: it wrote, and either another value or to a string that has just
    /// `grown`.
    fn execute(&self, text: &mut [u8], grown: bool, reply: &mut ReplyWriter<'_>) -> bool {
        let before = self.field.get(text);
        let wanted = match self.action {
            Action::Get => {
                reply.integer(before);
                return false;
            }
            Action::Set(n) => self.field.taken(n),
            Action::IncrBy(n) => i128::from(before) + i128::from(n),
        };
        let Some(after) = self.field.fit(wanted, self.overflow) else {
            reply.null();
            return false;
        };
        self.field.set(text, after);
        reply.integer(if matches!(self.action, Action::Set(_)) { before } else { after });
        grown || before != after
    }
}

impl Overflow {
    fn parse(word: &[u8]) -> Result<Self, ErrorReply> {
        match word {
            word if args::is(word, "wrap") => Ok(Overflow::Wrap),
            word if args::is(word, "sat") => Ok(Overflow::Sat),
            word if args::is(word, "fail") => Ok(Overflow::Fail),
            _ => Err(ErrorReply::BitfieldOverflow),
        }
    }
}

/// An integer in a string, highest bit first. What it holds always fits an `i64`: there is no `u64`.
#[derive(Clone, Copy)]
struct Field {
    signed: bool,
    /// Its width: 1 to 64 if signed, else 1 to 63.
    bits: u32,
    /// Where its highest bit is.
    offset: u64,
}

impl Field {
    /// Reads a type and an offset. `#3` stands for the fourth field of this width, in an array of them.
    fn read(words: &mut Options<'_>, config: &Config) -> Result<Self, ErrorReply> {
        let (signed, bits) = parse_type(words.value()?).ok_or(ErrorReply::BitfieldType)?;
        let place = words.value()?;
        let offset = match place {
            // Redis multiplies in 64 bits, whatever comes of it.
            [b'#', nth @ ..] => parse_integer(nth).map(|nth| nth.wrapping_mul(bits.into())),
            place => parse_integer(place),
        };
        let offset = checked_offset(offset.ok_or(ErrorReply::BitOffset)?, config)?;
        Ok(Self { signed, bits, offset })
    }

    /// The value in `text`, which goes on with zeros behind its end.
    fn get(self, text: &[u8]) -> i64 {
        let byte = |at: usize| u128::from(text.get(at).copied().unwrap_or(0));
        let window = self.window().fold(0, |window, at| window << 8 | byte(at));
        self.extended((window >> self.shift()) as u64)
    }

    /// Writes a value that fits into a `text` that is long enough.
    fn set(self, text: &mut [u8], value: i64) {
        let bytes = &mut text[self.window()];
        let mask = (u128::from(self.mask()) << self.shift()).to_be_bytes();
        let value = (u128::from(value as u64 & self.mask()) << self.shift()).to_be_bytes();
        let skipped = mask.len() - bytes.len();
        for (byte, (mask, value)) in bytes.iter_mut().zip(mask.iter().zip(&value).skip(skipped)) {
            *byte = *byte & !mask | value;
        }
    }

    /// The bytes, at most nine, that the field has bits in.
    fn window(self) -> RangeInclusive<usize> {
        (self.offset / 8) as usize..=self.end() - 1
    }

    /// How many bytes a text must have to hold the field.
    fn end(self) -> usize {
        (self.offset + u64::from(self.bits)).div_ceil(8) as usize
    }

    /// Bits of the window behind the field.
    fn shift(self) -> u32 {
        (self.end() as u64 * 8 - self.offset) as u32 - self.bits
    }

    fn mask(self) -> u64 {
        u64::MAX >> (64 - self.bits)
    }

    /// The value whose low bits are those of `raw`.
    fn extended(self, raw: u64) -> i64 {
        let unused = 64 - self.bits;
        let high = raw << unused;
        if self.signed { high as i64 >> unused } else { (high >> unused) as i64 }
    }

    fn max(self) -> i64 {
        (self.mask() >> u32::from(self.signed)) as i64
    }

    fn min(self) -> i64 {
        if self.signed { -self.max() - 1 } else { 0 }
    }

    /// The number that SET means by `n`. Redis takes a negative one for 2^64 more where the field has no sign, and also
    /// where its distance from the field's maximum is no `i64`: it then saturates at the wrong end.
    fn taken(self, n: i64) -> i128 {
        let is_far_below = self.bits < 64 && self.max().checked_sub(n).is_none();
        if self.signed && !is_far_below { i128::from(n) } else { i128::from(n as u64) }
    }

    /// The value to be stored where `wanted` is asked for; `None` if it does not fit and that is a failure.
    fn fit(self, wanted: i128, overflow: Overflow) -> Option<i64> {
        let (min, max) = (i128::from(self.min()), i128::from(self.max()));
        match overflow {
            _ if (min..=max).contains(&wanted) => Some(wanted as i64),
            Overflow::Wrap => Some(self.extended(wanted as u64)),
            Overflow::Sat => Some(wanted.clamp(min, max) as i64),
            Overflow::Fail => None,
        }
    }
}

/// `i1` to `i64`, or `u1` to `u63`. As in C, a NUL ends the text.
fn parse_type(text: &[u8]) -> Option<(bool, u32)> {
    let text = text.split(|byte| *byte == 0).next()?;
    let (signed, bits) = match text {
        [b'i', bits @ ..] => (true, bits),
        [b'u', bits @ ..] => (false, bits),
        _ => return None,
    };
    let widest = if signed { 64 } else { 63 };
    let bits = parse_integer(bits).filter(|bits| (1..=widest).contains(bits))?;
    Some((signed, bits as u32))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestClient;
    use alloc::vec;

    #[test]
    fn what_is_set_can_be_got_and_leaves_the_rest_alone() {
        for signed in [true, false] {
            for bits in 1..=if signed { 64 } else { 63 } {
                for offset in 0..16 {
                    let field = Field { signed, bits, offset };
                    for value in [field.min(), field.max(), 0, -1, 1].map(|n| field.extended(n as u64)) {
                        let mut text = vec![0xa5; 12];
                        field.set(&mut text, value);
                        assert_eq!(field.get(&text), value, "{bits} bits at {offset}");
                        field.set(&mut text, field.get(&[0xa5; 12]));
                        assert_eq!(text, [0xa5; 12], "{bits} bits at {offset}");
                    }
                }
            }
        }
    }

    #[test]
    fn overflow_wraps_saturates_or_fails() {
        let mut client = TestClient::new();
        assert_eq!(client.run("BITFIELD a SET u8 #1 250 INCRBY u8 #1 10"), "*2\r\n:0\r\n:4\r\n");
        assert_eq!(client.run("BITFIELD a OVERFLOW SAT INCRBY u8 8 300"), "*1\r\n:255\r\n");
        assert_eq!(client.run("BITFIELD a OVERFLOW FAIL INCRBY u8 8 1"), "*1\r\n$-1\r\n");
        assert_eq!(client.run("BITFIELD a INCRBY i8 0 -129 GET u8 8"), "*2\r\n:127\r\n:255\r\n");
        assert_eq!(client.run("BITFIELD a OVERFLOW SAT SET i8 0 -300 GET i8 0"), "*2\r\n:127\r\n:-128\r\n");
        assert_eq!(client.run("BITFIELD a OVERFLOW SAT SET u8 0 -1 GET u8 0"), "*2\r\n:128\r\n:255\r\n");
    }

    #[test]
    fn reading_makes_no_key_and_writing_grows_it_even_if_it_fails() {
        let mut client = TestClient::new();
        assert_eq!(client.run("BITFIELD a GET i64 1000"), "*1\r\n:0\r\n");
        assert_eq!(client.run("EXISTS a"), ":0\r\n");
        assert_eq!(client.run("BITFIELD a OVERFLOW FAIL INCRBY u1 80 5"), "*1\r\n$-1\r\n");
        assert_eq!(client.run("STRLEN a"), ":11\r\n");
        assert_eq!(client.run("BITFIELD a"), "*0\r\n");
    }

    #[test]
    fn all_operations_are_read_before_any_is_executed() {
        let mut client = TestClient::new();
        for (line, error) in [
            ("BITFIELD a SET u8 0 1 GET u8", "ERR syntax error"),
            ("BITFIELD a SET u8 0 1 OVERFLOW no", "ERR Invalid OVERFLOW type specified"),
            ("BITFIELD a SET u8 0 1 GET u8 -1", "ERR bit offset is not an integer or out of range"),
            ("BITFIELD_RO a SET u8 0 1", "ERR BITFIELD_RO only supports the GET subcommand"),
        ] {
            assert_eq!(client.run(line), alloc::format!("-{error}\r\n"));
        }
        assert!(client.run("BITFIELD a GET u64 0").starts_with("-ERR Invalid bitfield type."));
        assert_eq!(client.run("EXISTS a"), ":0\r\n");
    }
}
