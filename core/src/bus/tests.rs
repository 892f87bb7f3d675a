//! Frames of real servers, frames made up, and what is refused.

mod vectors;

use alloc::vec::Vec;

use super::*;
use crate::id::{NodeId, ShardId};
use crate::topology::NodeFlags;

fn emitted(frame: &Frame<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    frame.emit(&mut out);
    out
}

fn publish<'a>(channel: &'a [u8], message: &'a [u8]) -> Publish<'a> {
    Publish::new(channel, message).unwrap()
}
