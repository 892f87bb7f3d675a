//! Topologies from what servers answer.

use js_sys::{Array, BigInt, Map, Object, Uint8Array};
use slotway_core::resp::value::Value;
use slotway_core::topology::parse::{self, ParseOptions};
use slotway_core::topology::view::TopologyView;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};

use crate::input::{expected, property, type_error};
use crate::view;

/// Deepest nesting of a reply: far more than any server sends, and a bound for objects that contain themselves.
const DEPTH_MAX: u32 = 16;

/// The topology that `reply` tells: the text of CLUSTER NODES, or the reply of CLUSTER SLOTS or CLUSTER SHARDS as a client got
/// it (arrays, maps or objects; strings or buffers).
#[wasm_bindgen(js_name = parseTopology, unchecked_return_type = "TopologyView")]
pub fn parse_topology(
    #[wasm_bindgen(unchecked_param_type = "unknown")] reply: JsValue,
    #[wasm_bindgen(unchecked_optional_param_type = "ParseOptions")] options: Option<Object>,
) -> Result<JsValue, JsValue> {
    let reply = value(&reply, "reply", DEPTH_MAX)?;
    let options = parse_options(options.as_deref().unwrap_or(&JsValue::UNDEFINED))?;
    let topology = parse::any(&reply, &options).map_err(|error| type_error(&error.to_string()))?;
    view::to_js(&TopologyView::of(&topology))
}

fn parse_options(options: &JsValue) -> Result<ParseOptions, JsValue> {
    let queried_host = property(options, "queriedHost")?;
    if !queried_host.is_undefined() && !queried_host.is_string() {
        return Err(expected("queriedHost", "a string", &queried_host));
    }
    Ok(ParseOptions { queried_host: queried_host.as_string(), ..ParseOptions::default() })
}

/// The reply that clients show as `found`. `at` is its place, for errors; `depth` how much deeper it may nest.
fn value(found: &JsValue, at: &str, depth: u32) -> Result<Value, JsValue> {
    if depth == 0 {
        return Err(type_error(&format!("{at} is nested too deep for a reply")));
    }
    match scalar(found) {
        Some(value) => Ok(value),
        None => aggregate(found, at, depth - 1),
    }
}

fn scalar(found: &JsValue) -> Option<Value> {
    if found.is_null() || found.is_undefined() {
        return Some(Value::Null);
    }
    if let Some(bytes) = found.dyn_ref::<Uint8Array>() {
        return Some(Value::Bulk(bytes.to_vec()));
    }
    let text = || found.as_string().map(|text| Value::Bulk(text.into_bytes()));
    let boolean = || found.as_bool().map(Value::Boolean);
    text().or_else(|| integer(found).map(Value::Integer)).or_else(boolean)
}

/// The whole number that a client shows as a number or a BigInt.
fn integer(found: &JsValue) -> Option<i64> {
    match found.as_f64() {
        Some(number) => (number.fract() == 0.0).then_some(number as i64),
        None => found.dyn_ref::<BigInt>().and_then(|number| i64::try_from(number.clone()).ok()),
    }
}

fn aggregate(found: &JsValue, at: &str, depth: u32) -> Result<Value, JsValue> {
    if let Some(items) = found.dyn_ref::<Array>() {
        let items = items.iter().enumerate();
        let items = items.map(|(index, item)| value(&item, &format!("{at}[{index}]"), depth));
        return items.collect::<Result<_, _>>().map(Value::Array);
    }
    if let Some(map) = found.dyn_ref::<Map>() {
        return pairs(&Array::from(map), at, depth);
    }
    match found.dyn_ref::<Object>() {
        Some(object) if !found.is_function() => pairs(&Object::entries(object), at, depth),
        _ => Err(expected(at, "a part of a reply", found)),
    }
}

/// A map from its `[name, value]` entries.
fn pairs(entries: &Array, at: &str, depth: u32) -> Result<Value, JsValue> {
    let pair = |entry: JsValue| {
        let entry: Array = entry.unchecked_into();
        let name = value(&entry.get(0), at, depth)?;
        let at = format!("{at}.{}", name.as_str().unwrap_or("?"));
        Ok((name, value(&entry.get(1), &at, depth)?))
    };
    entries.iter().map(pair).collect::<Result<_, JsValue>>().map(Value::Map)
}
