//! The id of an entry: when it was added, and which of that millisecond's entries it is.
//!
//! Ids are compared by time, then by number, and are written `1526919030474-55`. Parts are read as Redis reads them, which is as
//! C does where the text is no plain number: ` 007` is 7.

use arrayvec::ArrayVec;
use slotway_core::resp::decode::parse_integer;
use slotway_core::resp::encode::Decimal;
use slotway_core::time::UnixMs;

/// The id of an entry of a stream.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Hash)]
pub struct StreamId {
    /// Milliseconds, of Unix time where the server chose them.
    pub ms: u64,
    /// Number among the entries of the same millisecond.
    pub seq: u64,
}

/// What a client writes for an id; what it leaves out is `None`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PartialId {
    /// The time.
    pub ms: u64,
    /// The number, if it is given.
    pub seq: Option<Sequence>,
}

/// The second part of an id.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sequence {
    /// A number.
    Number(u64),
    /// `*`: the next one that is free.
    Next,
}

/// An id as it is written, on the stack.
pub struct IdText(ArrayVec<u8, 41>);

/// Redis reads no id of more bytes.
const TEXT_LEN_MAX: usize = 127;

impl StreamId {
    /// The lowest id, which no entry has.
    pub const MIN: Self = Self { ms: 0, seq: 0 };
    /// The highest id.
    pub const MAX: Self = Self { ms: u64::MAX, seq: u64::MAX };

    /// An id by its parts.
    pub const fn new(ms: u64, seq: u64) -> Self {
        Self { ms, seq }
    }

    /// The id right above; `None` above the highest.
    pub fn next(self) -> Option<Self> {
        match self.seq.checked_add(1) {
            Some(seq) => Some(Self { seq, ..self }),
            None => self.ms.checked_add(1).map(|ms| Self { ms, seq: 0 }),
        }
    }

    /// The id right below; `None` below the lowest.
    pub fn prev(self) -> Option<Self> {
        match self.seq.checked_sub(1) {
            Some(seq) => Some(Self { seq, ..self }),
            None => self.ms.checked_sub(1).map(|ms| Self { ms, seq: u64::MAX }),
        }
    }

    /// The id that the server gives at `now` to what follows the entry `self`; `None` if there is none left.
    pub fn following(self, now: UnixMs) -> Option<Self> {
        if now.as_ms() > self.ms { Some(Self::new(now.as_ms(), 0)) } else { self.next() }
    }

    /// 16 bytes that compare as ids do: the key of a node in Redis' radix tree, and in its files.
    pub fn to_bytes(self) -> [u8; 16] {
        ((u128::from(self.ms) << 64) | u128::from(self.seq)).to_be_bytes()
    }

    /// The id of which these are the [bytes](Self::to_bytes).
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        let number = u128::from_be_bytes(bytes);
        Self { ms: (number >> 64) as u64, seq: number as u64 }
    }

    /// The id as it is written.
    pub fn text(self) -> IdText {
        let (mut text, mut digits) = (ArrayVec::new(), Decimal::new());
        text.extend(digits.format_unsigned(self.ms).iter().copied());
        text.push(b'-');
        text.extend(digits.format_unsigned(self.seq).iter().copied());
        IdText(text)
    }

    /// How far the id lies above `origin`, part by part: so ids are kept within a node. A part that lies below wraps around.
    pub(super) fn delta(self, origin: Self) -> (i64, i64) {
        (self.ms.wrapping_sub(origin.ms) as i64, self.seq.wrapping_sub(origin.seq) as i64)
    }

    /// The id that lies so far above this one.
    pub(super) fn at(self, (ms, seq): (i64, i64)) -> Self {
        Self { ms: self.ms.wrapping_add(ms as u64), seq: self.seq.wrapping_add(seq as u64) }
    }
}

impl IdText {
    /// The text.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl PartialId {
    /// Reads `ms`, `ms-seq` or `ms-*`.
    pub fn parse(text: &[u8]) -> Option<Self> {
        if text.len() > TEXT_LEN_MAX {
            return None;
        }
        let mut parts = up_to_nul(text).splitn(2, |byte| *byte == b'-');
        let ms = parse_part(parts.next()?)?;
        let seq = match parts.next() {
            None => None,
            Some(b"*") => Some(Sequence::Next),
            Some(number) => Some(Sequence::Number(parse_part(number)?)),
        };
        Some(Self { ms, seq })
    }

    /// The id, `missing` standing for the number that is not given; `None` if that is left to the server.
    pub fn complete(self, missing: u64) -> Option<StreamId> {
        match self.seq {
            None => Some(StreamId::new(self.ms, missing)),
            Some(Sequence::Number(seq)) => Some(StreamId::new(self.ms, seq)),
            Some(Sequence::Next) => None,
        }
    }
}

/// What C sees of a text.
fn up_to_nul(text: &[u8]) -> &[u8] {
    text.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// A number of 64 bits: Redis' `string2ull`, which refuses what is plainly negative and has `strtoull` read the rest.
fn parse_part(text: &[u8]) -> Option<u64> {
    match parse_integer(text) {
        Some(number) => u64::try_from(number).ok(),
        None => parse_as_c(text),
    }
}

/// Blanks, a sign and digits, as `strtoull` reads them: what is below zero wraps around.
fn parse_as_c(text: &[u8]) -> Option<u64> {
    let blanks = text.iter().take_while(|byte| matches!(byte, b' ' | b'\t'..=b'\r')).count();
    let (negative, digits) = match &text[blanks..] {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] | digits => (false, digits),
    };
    let number = digits.iter().try_fold(0_u64, |number, digit| match digit {
        b'0'..=b'9' => number.checked_mul(10)?.checked_add(u64::from(digit - b'0')),
        _ => None,
    });
    let number = number.filter(|_| !digits.is_empty())?;
    Some(if negative { number.wrapping_neg() } else { number })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<StreamId> {
        PartialId::parse(text.as_bytes())?.complete(7)
    }

    #[test]
    fn ids_are_read_as_c_reads_numbers() {
        for (text, ms, seq) in [
            ("5", 5, 7),
            ("5-3", 5, 3),
            (" 05-+3", 5, 3),
            ("0-18446744073709551615", 0, u64::MAX),
            ("1--03", 1, u64::MAX - 2),
            ("1-1\0junk", 1, 1),
        ] {
            assert_eq!(parsed(text), Some(StreamId::new(ms, seq)), "{text:?}");
        }
        for text in
            ["", "-", "+", "-1", "1-", "1--3", "a", "1 -1", "1-1-1", "18446744073709551616", "*", "1-*"]
        {
            assert_eq!(parsed(text), None, "{text:?}");
        }
        assert_eq!(parsed(&"0".repeat(TEXT_LEN_MAX)), Some(StreamId::new(0, 7)));
        assert_eq!(parsed(&"0".repeat(TEXT_LEN_MAX + 1)), None);
    }

    #[test]
    fn neighbours_cross_the_millisecond_and_end_at_the_ends() {
        assert_eq!(StreamId::new(1, u64::MAX).next(), Some(StreamId::new(2, 0)));
        assert_eq!(StreamId::new(2, 0).prev(), Some(StreamId::new(1, u64::MAX)));
        assert_eq!((StreamId::MAX.next(), StreamId::MIN.prev()), (None, None));
        assert_eq!(StreamId::new(5, 9).following(UnixMs::from_ms(5)), Some(StreamId::new(5, 10)));
        assert_eq!(StreamId::new(5, 9).following(UnixMs::from_ms(6)), Some(StreamId::new(6, 0)));
    }

    #[test]
    fn texts_bytes_and_deltas_lead_back() {
        let (low, high) = (StreamId::new(3, u64::MAX), StreamId::new(4, 1));
        assert_eq!(low.text().as_bytes(), b"3-18446744073709551615");
        assert_eq!(StreamId::MAX.text().as_bytes().len(), 41);
        assert_eq!(StreamId::from_bytes(low.to_bytes()), low);
        assert!(low.to_bytes() < high.to_bytes());
        assert_eq!(low.at(high.delta(low)), high);
    }
}
