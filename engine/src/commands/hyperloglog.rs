//! HyperLogLogs: strings that count distinct elements. What is in them is [`crate::hyperloglog`]'s business.

use alloc::format;
use alloc::vec::Vec;

use slotway_core::resp::args::Args;
use slotway_core::resp::encode::ReplyWriter;
use slotway_core::resp::error::ErrorReply;

use super::args::is;
use super::string::string_of;
use super::{Binding, Data};
use crate::events::Class;
use crate::hyperloglog::{Corrupted, Encoding, HllMut, HllRef, Registers, empty, self_test};
use crate::keyspace::{Entry, ValueRef};
use crate::registry::{Effect, Handler, Outcome};

/// What this family executes.
pub(super) const COMMANDS: &[Binding] = &[
    ("pfadd", Handler::Data(pfadd)),
    ("pfcount", Handler::Data(pfcount)),
    ("pfdebug", Handler::Data(pfdebug)),
    ("pfmerge", Handler::Data(pfmerge)),
    ("pfselftest", Handler::Data(pfselftest)),
];

fn pfadd(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let (key, elements) = (args.at(1), args.skip(2));
    let is_new = data.find(key).map(hll_of).transpose()?.is_none();
    let raised = edit(data, key, |hll| {
        let raised =
            elements.iter().try_fold(0, |raised, element| Ok(raised + u64::from(hll.add(element)?)))?;
        if is_new || raised > 0 {
            hll.invalidate();
        }
        Ok(raised)
    })?;
    let changes = raised + u64::from(is_new);
    if changes > 0 {
        data.changed(Class::String, "pfadd", key);
    }
    reply.integer((changes > 0).into());
    Ok(Effect::changed(changes))
}

fn pfcount(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    if args.len() == 2 {
        return count_one(data, args.at(1), reply);
    }
    let union = union(data, args.skip(1))?;
    reply.integer(union.registers.estimate() as i64);
    Ok(Effect::None)
}

/// The count of one is kept with it: a change, though not of what it counts.
fn count_one(data: &mut Data<'_, '_>, key: &[u8], reply: &mut ReplyWriter<'_>) -> Outcome {
    let Some(hll) = data.look(key).map(hll_of).transpose()? else {
        reply.integer(0);
        return Ok(Effect::None);
    };
    if let Some(count) = hll.cached_count() {
        make_raw(data, key);
        reply.integer(count as i64);
        return Ok(Effect::None);
    }
    let count = hll.estimate().map_err(corrupted)?;
    edit(data, key, |hll| {
        hll.cache_count(count);
        Ok(())
    })?;
    data.signal(data.db_index(), key);
    reply.integer(count as i64);
    Ok(Effect::Changed(1))
}

fn pfmerge(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let (key, union) = (args.at(1), union(data, args.skip(1))?);
    edit(data, key, |hll| {
        if union.encoding == Encoding::Dense {
            hll.make_dense()?;
        }
        hll.merge(&union.registers)?;
        hll.invalidate();
        Ok(())
    })?;
    data.changed(Class::String, "pfadd", key);
    reply.ok();
    Ok(Effect::Changed(1))
}

fn pfdebug(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let (word, key) = (args.at(1), args.at(2));
    data.find(key).map(hll_of).ok_or(ErrorReply::SpecifiedKeyMissing)??;
    make_raw(data, key);
    let hll = data.find(key).map(hll_of).ok_or(ErrorReply::SpecifiedKeyMissing)??;
    match word {
        word if is(word, "getreg") => tell_registers(data, key, reply),
        word if is(word, "todense") => {
            let was_sparse = edit(data, key, |hll| hll.make_dense())?;
            reply.integer(was_sparse.into());
            Ok(Effect::changed(was_sparse.into()))
        }
        word if is(word, "decode") => {
            reply.bulk(hll.decode().ok_or(ErrorReply::HyperLogLogNotSparse)?.as_bytes());
            Ok(Effect::None)
        }
        word if is(word, "encoding") => {
            reply.simple(hll.encoding().name());
            Ok(Effect::None)
        }
        word => Err(ErrorReply::UnknownPfdebugSubcommand(word.into())),
    }
}

/// PFDEBUG GETREG: makes it dense, as in Redis.
fn tell_registers(data: &mut Data<'_, '_>, key: &[u8], reply: &mut ReplyWriter<'_>) -> Outcome {
    let was_sparse = edit(data, key, |hll| hll.make_dense())?;
    let mut registers = Registers::new();
    if let Some(hll) = data.find(key).map(hll_of).transpose()? {
        registers.merge(hll).map_err(corrupted)?;
    }
    reply.array(registers.as_slice().len());
    registers.as_slice().iter().for_each(|value| reply.integer((*value).into()));
    Ok(Effect::changed(was_sparse.into()))
}

fn pfselftest(_: &mut Data<'_, '_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    self_test().map_err(|what| ErrorReply::other(format!("TESTFAILED {what}")))?;
    reply.ok();
    Ok(Effect::None)
}

/// What several HyperLogLogs have counted together, and dense if one of them is.
struct Union {
    registers: Registers,
    encoding: Encoding,
}

/// Merges those of `keys` that exist.
fn union(data: &mut Data<'_, '_>, keys: Args<'_>) -> Result<Union, ErrorReply> {
    let mut union = Union { registers: Registers::new(), encoding: Encoding::Sparse };
    for key in keys.iter() {
        let Some(hll) = data.find_counted(key).map(hll_of).transpose()? else { continue };
        if hll.encoding() == Encoding::Dense {
            union.encoding = Encoding::Dense;
        }
        union.registers.merge(hll).map_err(corrupted)?;
    }
    Ok(union)
}

/// Lets `change` work on the HyperLogLog at `key`, which has been checked; an absent key begins as an empty one.
fn edit<R>(
    data: &mut Data<'_, '_>,
    key: &[u8],
    change: impl FnOnce(&mut HllMut<'_>) -> Result<R, Corrupted>,
) -> Result<R, ErrorReply> {
    let sparse_len_max = data.config().hll_sparse_max_bytes();
    let changed = data.modify(key, |bytes: &mut Vec<u8>| {
        if bytes.is_empty() {
            *bytes = empty();
        }
        change(&mut HllMut::new(bytes, sparse_len_max))
    });
    changed.map_err(corrupted)
}

/// Redis takes a string out of its short form before it looks whether there is anything to change in it.
fn make_raw(data: &mut Data<'_, '_>, key: &[u8]) {
    data.modify(key, |_| ());
}

/// The HyperLogLog of an entry that must be one.
fn hll_of(entry: Entry<'_>) -> Result<HllRef<'_>, ErrorReply> {
    match string_of(entry)? {
        ValueRef::Bytes(bytes) => HllRef::parse(bytes).ok_or(ErrorReply::NotHyperLogLog),
        ValueRef::Int(_) => Err(ErrorReply::NotHyperLogLog),
    }
}

fn corrupted(_: Corrupted) -> ErrorReply {
    ErrorReply::CorruptedHyperLogLog
}
