//! Slotway for JavaScript: which slot a key lives in, what a cluster looks like, where a command goes.
//!
//! Bindings and no logic: each function turns its arguments into values of `slotway-core`, asks the core, and turns the answer
//! into a plain object. What the page may show is in [`view`]; nothing else of the core crosses.
//!
//! This is for who wants objects of JavaScript, as the page does. The npm package, which has a JavaScript side of its own and counts bytes,
//! is made of `slotway-packed` (`wasm/packed`).
//!
//! Bad input throws a `TypeError` that says what was expected; nothing here panics on it. The TypeScript side of
//! each type is written by hand in `types.d.ts`, because the generated one would say `any`.
#![forbid(unsafe_code)]

#[cfg(feature = "slots")]
mod input;
#[cfg(feature = "slots")]
mod keys;
#[cfg(feature = "routing")]
mod plan;
#[cfg(feature = "routing")]
mod route;
#[cfg(feature = "simulator")]
pub mod simulator;
#[cfg(feature = "routing")]
mod topology;
pub mod view;

#[cfg(feature = "slots")]
use wasm_bindgen::prelude::wasm_bindgen;

#[cfg(feature = "slots")]
pub use keys::{crc16, explain, hash_tag, key_slot, key_slots};
#[cfg(feature = "routing")]
pub use plan::{plan_add, plan_rebalance, plan_remove, spread};
#[cfg(feature = "routing")]
pub use route::route;
#[cfg(feature = "routing")]
pub use topology::parse_topology;

#[cfg(feature = "slots")]
#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = include_str!("types.d.ts");
