//! How the slot of one key comes about, for a reader, as JSON.

use alloc::vec::Vec;

use slotway_core::crc16::crc16;
use slotway_core::slot::{hash_tag, key_slot};

use crate::json::Json;

/// Most steps told: a person reads no more, and each costs a checksum of all bytes before it.
const STEPS_MAX: usize = 256;

/// `{"rule", "hashed": {"start", "end"}, "steps": [{"byte", "index", "table", "crc"}, ..], "crc", "slot"}`: which case of the rule of hash tags
/// `key` is, which of its bytes are hashed, what each of the first 256 of them does to the checksum, and what comes of it. In a step
/// `crc = (crc << 8) ^ table`, where `table` stands at `index` of the polynomial's table and `index` is the checksum's upper byte with the
/// key's byte mixed in.
pub(crate) fn told(key: &[u8]) -> Vec<u8> {
    let hashed = hash_tag(key).unwrap_or(0..key.len());
    let bytes = &key[hashed.clone()];
    Json::of(|json| {
        json.object(|json| {
            json.field("rule").text(rule(key));
            json.field("hashed").object(|json| {
                json.field("start").number(hashed.start as u64);
                json.field("end").number(hashed.end as u64);
            });
            let steps = 0..bytes.len().min(STEPS_MAX);
            json.field("steps").array(|json| steps.for_each(|at| write_step(json.item(), bytes, at)));
            json.field("crc").number(crc16(bytes).into());
            json.field("slot").number(key_slot(key).get().into());
        });
    })
}

/// `used`; or why the whole key is hashed: it has no `{`, no `}` after the first one, or nothing between the two.
fn rule(key: &[u8]) -> &'static str {
    if hash_tag(key).is_some() {
        return "used";
    }
    match key.iter().position(|&byte| byte == b'{') {
        None => "none",
        Some(open) if key[open..].contains(&b'}') => "empty",
        Some(_) => "unclosed",
    }
}

fn write_step(json: &mut Json, bytes: &[u8], at: usize) {
    let byte = bytes[at];
    let [high, _] = crc16(&bytes[..at]).to_be_bytes();
    let index = high ^ byte;
    json.object(|json| {
        json.field("byte").number(byte.into());
        json.field("index").number(index.into());
        json.field("table").number(crc16(&[index]).into());
        json.field("crc").number(crc16(&bytes[..=at]).into());
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;

    fn text(key: &[u8]) -> String {
        String::from_utf8(told(key)).expect("JSON is UTF-8")
    }

    #[test]
    fn each_case_of_the_tag_rule_is_told_apart() {
        let rules = ["plain}", "a{b", "foo{}{bar}", "foo{{bar}}zap"].map(|key| rule(key.as_bytes()));
        assert_eq!(rules, ["none", "unclosed", "empty", "used"]);
    }

    #[test]
    fn the_steps_end_at_the_checksum_and_the_slot() {
        let expected = r#"{"rule":"used","hashed":{"start":1,"end":2},"steps":[{"byte":97,"index":97,"table":31879,"crc":31879}],"crc":31879,"slot":15495}"#;
        assert_eq!(text(b"{a}"), expected);
    }

    #[test]
    fn a_very_long_key_has_its_first_steps_told() {
        let told = text(&[b'x'; 10_000]);
        assert_eq!(told.matches("byte").count(), STEPS_MAX);
        assert!(told.contains(r#""end":10000"#));
    }
}
