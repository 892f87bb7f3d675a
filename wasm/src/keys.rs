//! Slots of keys: one at a time, many at once, and in words.

use std::ops::Range;

use slotway_core::slot;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::input::{bytes, numbers, range_error};
use crate::view::{self, Explanation};

/// The slot of `key`, 0 to 16383.
#[wasm_bindgen(js_name = keySlot)]
pub fn key_slot(#[wasm_bindgen(unchecked_param_type = "Key")] key: JsValue) -> Result<u16, JsValue> {
    Ok(slot::key_slot(&bytes(&key, "key")?).get())
}

/// Where the hash tag of `key` is that is hashed in its place, in bytes; `null` if the whole key is hashed.
#[wasm_bindgen(js_name = hashTag, unchecked_return_type = "ByteRange | null")]
pub fn hash_tag(#[wasm_bindgen(unchecked_param_type = "Key")] key: JsValue) -> Result<JsValue, JsValue> {
    let tag = slot::hash_tag(&bytes(&key, "key")?);
    view::to_js(&tag.map(view::ByteRange::from))
}

/// The CRC-16/XMODEM of `data`, hash tags not minded.
#[wasm_bindgen]
pub fn crc16(#[wasm_bindgen(unchecked_param_type = "Key")] data: JsValue) -> Result<u16, JsValue> {
    Ok(slotway_core::crc16::crc16(&bytes(&data, "data")?))
}

/// The slots of many keys. `joined` has their bytes one after the other, `ends` where each ends: one crossing for
/// a million keys.
#[wasm_bindgen(js_name = keySlots)]
pub fn key_slots(
    #[wasm_bindgen(unchecked_param_type = "Uint8Array")] joined: JsValue,
    #[wasm_bindgen(unchecked_param_type = "Uint32Array")] ends: JsValue,
) -> Result<Vec<u16>, JsValue> {
    let joined = bytes(&joined, "joined")?;
    let ends = numbers(&ends, "ends")?;
    spans(&ends)
        .map(|span| joined.get(span).map(|key| slot::key_slot(key).get()))
        .collect::<Option<Vec<u16>>>()
        .ok_or_else(|| range_error("ends must ascend and stay within joined"))
}

/// How the slot of `key` is computed, step by step.
#[wasm_bindgen(unchecked_return_type = "Explanation")]
pub fn explain(#[wasm_bindgen(unchecked_param_type = "Key")] key: JsValue) -> Result<JsValue, JsValue> {
    view::to_js(&Explanation::of(&bytes(&key, "key")?))
}

/// From each end to the next. Ends that descend give spans that no slice has.
fn spans(ends: &[u32]) -> impl Iterator<Item = Range<usize>> {
    let starts = std::iter::once(0).chain(ends.iter().copied());
    starts.zip(ends).map(|(start, &end)| start as usize..end as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_follow_each_other() {
        assert_eq!(spans(&[2, 2, 5]).collect::<Vec<_>>(), [0..2, 2..2, 2..5]);
        assert_eq!(spans(&[]).count(), 0);
    }

    #[test]
    fn a_descending_span_is_in_no_slice() {
        let last = spans(&[3, 1]).last().expect("two spans");
        assert_eq!(b"abc".get(last), None);
    }
}
