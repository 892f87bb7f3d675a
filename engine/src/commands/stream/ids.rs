//! Readers of ids.

use alloc::vec::Vec;

use slotway_core::resp::args::Args;
use slotway_core::resp::error::StreamError;

use crate::value::stream::{PartialId, StreamId};

/// An id; without its second part the lowest one of that millisecond.
pub(super) fn id(arg: &[u8]) -> Result<StreamId, StreamError> {
    complete(arg, 0)
}

/// All of these are ids.
pub(super) fn all(args: Args<'_>) -> Result<Vec<StreamId>, StreamError> {
    args.iter().map(id).collect()
}

/// Both ends of a range, as the ids that it begins and ends with.
pub(super) fn range(from: &[u8], to: &[u8]) -> Result<(StreamId, StreamId), StreamError> {
    Ok((range_start(from)?, range_end(to)?))
}

/// The id that a range begins with: `-`, `+`, `id`, or `(id` for the one above.
pub(super) fn range_start(arg: &[u8]) -> Result<StreamId, StreamError> {
    match arg {
        [b'(', rest @ ..] if !rest.is_empty() => id(rest)?.next().ok_or(StreamError::InvalidStart),
        arg => bound(arg, 0),
    }
}

/// The id that a range ends with: `-`, `+`, `id`, which without its second part is the highest one of that millisecond, or `(id` for the one
/// below.
fn range_end(arg: &[u8]) -> Result<StreamId, StreamError> {
    match arg {
        [b'(', rest @ ..] if !rest.is_empty() => {
            complete(rest, u64::MAX)?.prev().ok_or(StreamError::InvalidEnd)
        }
        arg => bound(arg, u64::MAX),
    }
}

/// An id, or `-` for the lowest and `+` for the highest one.
pub(super) fn bound(arg: &[u8], missing: u64) -> Result<StreamId, StreamError> {
    match arg {
        b"-" => Ok(StreamId::MIN),
        b"+" => Ok(StreamId::MAX),
        arg => complete(arg, missing),
    }
}

fn complete(arg: &[u8], missing: u64) -> Result<StreamId, StreamError> {
    PartialId::parse(arg).and_then(|id| id.complete(missing)).ok_or(StreamError::InvalidId)
}
