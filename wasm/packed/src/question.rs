//! Replies of a server as JavaScript hands them over: a byte for the kind, then numbers, little-endian.
//!
//! | byte | then | is |
//! |---|---|---|
//! | `_` | | null |
//! | `t`, `f` | | a boolean |
//! | `:` | 8 bytes | a whole number |
//! | `$` | length in 4 bytes, bytes | text |
//! | `*` | count in 4 bytes, items | an array |
//! | `%` | count in 4 bytes, names and values in turn | a map |
//!
//! RESP would do too, but its readers take five times the bytes, since servers say the same in many ways.

use alloc::vec::Vec;

use slotway_core::resp::value::Value;

/// Items reserved at once: more are pushed as they come, so that a forged count costs nothing.
const RESERVE_MAX: usize = 1024;
/// Deepest nesting: `wasm/npm/src/resp.js` refuses more.
const DEPTH_MAX: u32 = 32;

/// The value that is all of `bytes`.
pub(crate) fn value_of(mut bytes: &[u8]) -> Option<Value> {
    let value = read(&mut bytes, DEPTH_MAX)?;
    bytes.is_empty().then_some(value)
}

fn read(bytes: &mut &[u8], depth: u32) -> Option<Value> {
    let depth = depth.checked_sub(1)?;
    let [kind] = chunk(bytes)?;
    Some(match kind {
        b'_' => Value::Null,
        b't' => Value::Boolean(true),
        b'f' => Value::Boolean(false),
        b':' => Value::Integer(i64::from_le_bytes(chunk(bytes)?)),
        b'$' => {
            let len = count(bytes)?;
            Value::Bulk(bytes.split_off(..len)?.into())
        }
        b'*' => Value::Array(items(bytes, depth)?),
        b'%' => Value::Map(pairs(bytes, depth)?),
        _ => return None,
    })
}

fn items(bytes: &mut &[u8], depth: u32) -> Option<Vec<Value>> {
    let count = count(bytes)?;
    let mut items = Vec::with_capacity(count.min(RESERVE_MAX));
    for _ in 0..count {
        items.push(read(bytes, depth)?);
    }
    Some(items)
}

fn pairs(bytes: &mut &[u8], depth: u32) -> Option<Vec<(Value, Value)>> {
    let count = count(bytes)?;
    let mut pairs = Vec::with_capacity(count.min(RESERVE_MAX));
    for _ in 0..count {
        pairs.push((read(bytes, depth)?, read(bytes, depth)?));
    }
    Some(pairs)
}

fn count(bytes: &mut &[u8]) -> Option<usize> {
    chunk(bytes).map(|count| u32::from_le_bytes(count) as usize)
}

fn chunk<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    bytes.split_off(..N)?.try_into().ok()
}

/// What `value_of` reads, for tests.
#[cfg(test)]
pub(crate) fn written(value: &Value, bytes: &mut Vec<u8>) {
    let counted = |bytes: &mut Vec<u8>, kind: u8, count: usize| {
        bytes.push(kind);
        bytes.extend((count as u32).to_le_bytes());
    };
    match value {
        Value::Null => bytes.push(b'_'),
        Value::Boolean(truth) => bytes.push(if *truth { b't' } else { b'f' }),
        Value::Integer(number) => {
            bytes.push(b':');
            bytes.extend(number.to_le_bytes());
        }
        Value::Array(items) => {
            counted(bytes, b'*', items.len());
            items.iter().for_each(|item| written(item, bytes));
        }
        Value::Map(pairs) => {
            counted(bytes, b'%', pairs.len());
            pairs.iter().for_each(|(name, value)| [name, value].iter().for_each(|part| written(part, bytes)));
        }
        text => {
            let text = text.as_bytes().expect("no other kind is handed over");
            counted(bytes, b'$', text.len());
            bytes.extend(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    #[test]
    fn what_was_written_is_read() {
        let map = Value::Map(vec![(Value::Bulk(b"a".into()), Value::Integer(-1))]);
        let all = Value::Array(vec![Value::Null, Value::Boolean(true), Value::Boolean(false), map]);
        let mut bytes = Vec::new();
        written(&all, &mut bytes);
        assert_eq!(value_of(&bytes), Some(all));
        assert!((0..bytes.len()).all(|cut| value_of(&bytes[..cut]).is_none()));
        bytes.push(b'_');
        assert_eq!(value_of(&bytes), None);
    }

    #[test]
    fn forged_counts_and_depths_are_refused() {
        assert_eq!(value_of(b"*\xff\xff\xff\xff_"), None);
        assert_eq!(value_of(b"$\xff\xff\xff\xff_"), None);
        let deep = [b"*\x01\0\0\0".repeat(1000), b"_".to_vec()].concat();
        assert_eq!(value_of(&deep), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_value_or_nothing(bytes in proptest::collection::vec(prop_oneof![Just(b'*'), Just(b'$'), Just(0u8), any::<u8>()], 0..60)) {
            if let Some(value) = value_of(&bytes) {
                let mut again = Vec::new();
                written(&value, &mut again);
                prop_assert_eq!(again, bytes);
            }
        }
    }
}
