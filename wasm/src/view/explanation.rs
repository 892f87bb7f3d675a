//! How the slot of one key comes about, for a reader.

use serde::Serialize;
use slotway_core::crc16::crc16;
use slotway_core::slot::{hash_tag, key_slot};

use super::ByteRange;

/// Most steps told: a person reads no more, and each costs a checksum of all bytes before it.
const STEPS_MAX: usize = 256;

/// From key to slot.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Explanation {
    /// What the rule of hash tags says of the key.
    pub rule: TagRule,
    /// The bytes of the key that are hashed.
    pub hashed: ByteRange,
    /// One step for each hashed byte, the first 256 of them.
    pub steps: Vec<Step>,
    /// The checksum of the hashed bytes.
    pub crc: u16,
    /// Its lower 14 bits: the slot.
    pub slot: u16,
}

/// Which case of the rule of hash tags a key is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TagRule {
    /// There is no `{`: the whole key is hashed.
    None,
    /// There is no `}` after the first `{`: the whole key is hashed.
    Unclosed,
    /// Nothing is between the first `{` and the next `}`: the whole key is hashed.
    Empty,
    /// What is between the first `{` and the next `}` is hashed.
    Used,
}

/// What one byte does to the checksum: `crc = (crc << 8) ^ table`, where `table` is the entry at `index` of the
/// polynomial's table and `index` the checksum's upper byte with the key's byte mixed in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Step {
    /// The byte of the key.
    pub byte: u8,
    /// Where the table is read.
    pub index: u8,
    /// What stands there.
    pub table: u16,
    /// The checksum after the byte.
    pub crc: u16,
}

impl Explanation {
    /// Explains `key`.
    pub fn of(key: &[u8]) -> Self {
        let hashed = hash_tag(key).unwrap_or(0..key.len());
        let bytes = &key[hashed.clone()];
        Self {
            rule: TagRule::of(key),
            hashed: hashed.into(),
            steps: (0..bytes.len().min(STEPS_MAX)).map(|at| Step::at(bytes, at)).collect(),
            crc: crc16(bytes),
            slot: key_slot(key).get(),
        }
    }
}

impl TagRule {
    fn of(key: &[u8]) -> Self {
        if hash_tag(key).is_some() {
            return Self::Used;
        }
        let Some(open) = key.iter().position(|&byte| byte == b'{') else { return Self::None };
        if key[open..].contains(&b'}') { Self::Empty } else { Self::Unclosed }
    }
}

impl Step {
    fn at(bytes: &[u8], at: usize) -> Self {
        let byte = bytes[at];
        let [high, _] = crc16(&bytes[..at]).to_be_bytes();
        let index = high ^ byte;
        Self { byte, index, table: crc16(&[index]), crc: crc16(&bytes[..=at]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(key: &str) -> TagRule {
        Explanation::of(key.as_bytes()).rule
    }

    #[test]
    fn each_case_of_the_tag_rule_is_told_apart() {
        assert_eq!(rule("plain}"), TagRule::None);
        assert_eq!(rule("a{b"), TagRule::Unclosed);
        assert_eq!(rule("foo{}{bar}"), TagRule::Empty);
        assert_eq!(rule("foo{{bar}}zap"), TagRule::Used);
    }

    #[test]
    fn the_steps_end_at_the_checksum_and_the_slot() {
        let told = Explanation::of(b"foo{{bar}}zap");
        assert_eq!(told.hashed, ByteRange { start: 4, end: 8 });
        assert_eq!(told.steps.last().map(|step| step.crc), Some(told.crc));
        assert_eq!(told.slot, told.crc % 16384);
    }

    #[test]
    fn each_step_follows_from_the_one_before() {
        let told = Explanation::of(b"user:1000");
        let mut crc = 0u16;
        for step in told.steps {
            assert_eq!(u16::from(step.index), (crc >> 8) ^ u16::from(step.byte));
            crc = (crc << 8) ^ step.table;
            assert_eq!(step.crc, crc);
        }
    }

    #[test]
    fn a_very_long_key_has_its_first_steps_told() {
        let told = Explanation::of(&[b'x'; 10_000]);
        assert_eq!(told.steps.len(), STEPS_MAX);
        assert_eq!(told.hashed.end, 10_000);
    }
}
