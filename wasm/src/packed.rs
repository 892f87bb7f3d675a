//! The entries of the npm package: bytes in; JSON, numbers or shared memory out.
//!
//! ```text
//!   keys      --UTF-8 into Scratch--> slots, in the same memory
//!   replies   --as RESP3------------> {"ok": topology} or {"error": {"at", "problem"}}, as JSON
//!   requests  --arguments in a row--> what the command table says of them, as numbers
//! ```
//!
//! Nothing of JavaScript is looked at here: no imports, so the file is small, and a call crosses once each way. Who calls (`wasm/npm/src`)
//! has checked what a caller gave, and makes classes and errors of what comes back.

mod command;
mod scratch;
mod topology;

pub use command::command_facts;
pub use scratch::Scratch;
pub use topology::{plan, topology};

use serde::Serialize;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::view::Explanation;

/// How the slot of a key comes about, as JSON.
#[wasm_bindgen]
pub fn explain_packed(key: &[u8]) -> String {
    json(&Explanation::of(key))
}

fn json(view: &impl Serialize) -> String {
    serde_json::to_string(view).expect("views are objects with text for names, which JSON can always hold")
}
