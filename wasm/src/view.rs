//! What the page may show: plain data, made from the core's values and from nothing else.
//!
//! Everything crosses as JSON-like objects (no `Map`, `null` for nothing), so that a page can clone, store and
//! compare it, and so that a view drawn in a test is the view drawn from a live cluster.

#[cfg(feature = "routing")]
mod decision;
mod explanation;
#[cfg(feature = "routing")]
mod rebuild;

use std::ops::Range;

use serde::Serialize;
#[cfg(feature = "slots")]
use serde_wasm_bindgen::Serializer;
#[cfg(feature = "slots")]
use wasm_bindgen::JsValue;

#[cfg(feature = "routing")]
pub use decision::{DecisionView, RoutedKey, Verdict};
pub use explanation::{Explanation, Step, TagRule};

/// A part of a key, in bytes, `end` not included.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct ByteRange {
    /// Offset of the first byte.
    pub start: usize,
    /// Offset past the last byte.
    pub end: usize,
}

impl From<Range<usize>> for ByteRange {
    fn from(range: Range<usize>) -> Self {
        Self { start: range.start, end: range.end }
    }
}

#[cfg(feature = "routing")]
pub(crate) use rebuild::topology_of;

/// `view` as a plain JavaScript value.
#[cfg(feature = "slots")]
pub(crate) fn to_js(view: &impl Serialize) -> Result<JsValue, JsValue> {
    view.serialize(&Serializer::json_compatible()).map_err(JsValue::from)
}
