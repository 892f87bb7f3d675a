//! Values from JavaScript, checked: what is not of the expected type becomes a `TypeError` in words.

use js_sys::{RangeError, TypeError, Uint8Array, Uint32Array};
use wasm_bindgen::{JsCast, JsValue};

/// The bytes of a key or an argument: a string as UTF-8 (a lone surrogate becomes U+FFFD, as clients send it), or a
/// `Uint8Array`, which Node's `Buffer` is too.
pub(crate) fn bytes(value: &JsValue, what: &str) -> Result<Vec<u8>, JsValue> {
    if let Some(text) = value.as_string() {
        return Ok(text.into_bytes());
    }
    match value.dyn_ref::<Uint8Array>() {
        Some(bytes) => Ok(bytes.to_vec()),
        None => Err(expected(what, "a string or a Uint8Array", value)),
    }
}

/// The numbers of a `Uint32Array`.
pub(crate) fn numbers(value: &JsValue, what: &str) -> Result<Vec<u32>, JsValue> {
    match value.dyn_ref::<Uint32Array>() {
        Some(numbers) => Ok(numbers.to_vec()),
        None => Err(expected(what, "a Uint32Array", value)),
    }
}

/// `what` should have been `type_name` and was something else.
pub(crate) fn expected(what: &str, type_name: &str, found: &JsValue) -> JsValue {
    type_error(&format!("{what} must be {type_name}, not {}", type_of(found)))
}

/// The items of an array.
#[cfg(feature = "routing")]
pub(crate) fn items(value: &JsValue, what: &str) -> Result<Vec<JsValue>, JsValue> {
    match value.dyn_ref::<js_sys::Array>() {
        Some(items) => Ok(items.to_vec()),
        None => Err(expected(what, "an array", value)),
    }
}

/// A `TypeError` with these words.
pub(crate) fn type_error(words: &str) -> JsValue {
    TypeError::new(words).into()
}

/// A `RangeError` with these words.
pub(crate) fn range_error(words: &str) -> JsValue {
    RangeError::new(words).into()
}

fn type_of(value: &JsValue) -> String {
    if value.is_null() {
        return "null".into();
    }
    value.js_typeof().as_string().unwrap_or_default()
}

/// True when property `name` of an object that may be left out is true.
#[cfg(feature = "routing")]
pub(crate) fn is_set(object: &JsValue, name: &str) -> Result<bool, JsValue> {
    property(object, name).map(|value| value.is_truthy())
}

/// Property `name` of an object that may be left out; `undefined` if it is not there.
#[cfg(feature = "routing")]
pub(crate) fn property(object: &JsValue, name: &str) -> Result<JsValue, JsValue> {
    if object.is_undefined() || object.is_null() {
        return Ok(JsValue::UNDEFINED);
    }
    js_sys::Reflect::get(object, &JsValue::from_str(name))
        .map_err(|_| expected("options", "an object", object))
}
