//! DEBUG: for tests and for the curious. Who may use it is `enable-debug-command`.
//!
//! Subcommands of Redis that would show or break what this node does not have are unknown here.

mod digest;
mod protocol;

use alloc::string::String;
use alloc::vec::Vec;

use slotway_core::resp::args::Args;
use slotway_core::resp::encode::ReplyWriter;
use slotway_core::resp::error::ErrorReply;
use slotway_core::time::UnixMs;

use super::{Binding, Whole, args, help};
use crate::keyspace::{DbIndex, Entry, Expiry, NewValue, ValueRef};
use crate::registry::{Effect, Handler, Outcome};
use crate::shards::Held;
use digest::Digest;

/// What this family executes.
pub(super) const COMMANDS: &[Binding] = &[("debug", Handler::Node(debug))];

fn debug(whole: &mut Whole<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let words: Vec<&[u8]> = args.skip(2).iter().collect();
    let subcommand = args.at(1);
    let is = |name| args::is(subcommand, name);
    match words.as_slice() {
        [] if is("help") => help::write_all("debug", help::DEBUG, reply),
        [] if is("digest") => reply.simple(&alloc::format!("{}", dataset_digest(whole))),
        keys if is("digest-value") => digest_values(whole, keys, reply),
        [key] if is("object") => object(whole, key, reply)?,
        [seconds] if is("sleep") => sleep(whole, seconds, reply),
        [on] if is("set-active-expire") => set_active_expire(whole, on, reply),
        [kind] if is("protocol") => protocol::write(kind, reply)?,
        [text] if is("error") => return Err(ErrorReply::other(String::from_utf8_lossy(text))),
        [text] if is("log") => log(whole, text, reply),
        [count, rest @ ..] if is("populate") && rest.len() <= 2 => populate(whole, count, rest, reply)?,
        _ => return Err(ErrorReply::DebugSubcommand(subcommand.to_vec())),
    }
    Ok(Effect::None)
}

/// What is known of a key, in the words of Redis. There is no address to tell, and never more than one reference.
fn object(whole: &Whole<'_>, key: &[u8], reply: &mut ReplyWriter<'_>) -> Result<(), ErrorReply> {
    let now = whole.connection.now;
    let line = with_entry(whole, key, |entry| entry.map(|entry| object_line(now, entry)));
    reply.simple(&line.ok_or(ErrorReply::NoSuchKey)?);
    Ok(())
}

fn object_line(now: UnixMs, entry: Entry<'_>) -> String {
    let idle_secs = entry.idle_ms(now) / 1000;
    alloc::format!(
        "Value at:0x0 refcount:1 encoding:{} serializedlength:{} lru:{} lru_seconds_idle:{idle_secs}",
        entry.encoding().name(),
        entry.string().map_or(0, serialized_len),
        now.as_secs().wrapping_sub(idle_secs) & 0xff_ffff,
    )
}

/// Bytes of the value in a snapshot without compression.
fn serialized_len(value: ValueRef<'_>) -> usize {
    match value {
        ValueRef::Int(-0x80..=0x7f) => 2,
        ValueRef::Int(-0x8000..=0x7fff) => 3,
        ValueRef::Int(-0x8000_0000..=0x7fff_ffff) => 5,
        value => value.len() + [1, 2, 5][usize::from(value.len() >= 64) + usize::from(value.len() >= 16384)],
    }
}

/// Lets `read` look at a key of the selected database, wherever it should be in a cluster.
fn with_entry<R>(whole: &Whole<'_>, key: &[u8], read: impl Fn(Option<Entry<'_>>) -> R) -> R {
    let (db, now, key) = (whole.db(), whole.connection.now, whole.hasher.key(key));
    let shard = whole.shards.layout().shard_of(key.slot());
    let mut result = None;
    whole.shards.one_shard(shard, &mut |shard| result = Some(read(shard.db(db).peek(now, &key))));
    result.expect("one_shard visits the shard")
}

/// The digest of all databases in one moment: equal data has equal digests, on Redis too.
fn dataset_digest(whole: &Whole<'_>) -> Digest {
    let (now, databases) = (whole.connection.now, whole.shards.layout().databases());
    let mut dataset = Digest::default();
    whole.shards.all_shards(&mut |held| {
        for db in (0..databases).map(DbIndex) {
            if let Some(keys) = db_digest(now, held, db) {
                dataset.mix(&u32::from(db.0).to_be_bytes());
                dataset.xor(keys);
            }
        }
    });
    dataset
}

/// The digest of the keys of a database; `None` without any.
fn db_digest(now: UnixMs, held: &mut Held<'_>, db: DbIndex) -> Option<Digest> {
    let mut digest = None;
    held.each(|shard| {
        let keys = shard.db(db);
        keys.for_each_key(now, |entry| digest.get_or_insert_with(Digest::default).xor(Digest::of_key(entry)));
    });
    digest
}

/// The digests of values, zero for keys that are not there.
fn digest_values(whole: &Whole<'_>, keys: &[&[u8]], reply: &mut ReplyWriter<'_>) {
    reply.array(keys.len());
    for key in keys {
        let digest = with_entry(whole, key, |entry| entry.map(Digest::of_value).unwrap_or_default());
        reply.simple(&alloc::format!("{digest}"));
    }
}

/// What is no number, and what is negative, is no time at all.
fn sleep(whole: &Whole<'_>, seconds: &[u8], reply: &mut ReplyWriter<'_>) {
    let seconds: f64 = core::str::from_utf8(seconds).ok().and_then(|text| text.parse().ok()).unwrap_or(0.0);
    whole.connection.node.sleep((seconds * 1e6) as u64);
    reply.ok();
}

/// What is no number is 0.
fn set_active_expire(whole: &Whole<'_>, on: &[u8], reply: &mut ReplyWriter<'_>) {
    whole.connection.node.set_active_expire(args::integer(on).unwrap_or(0) != 0);
    reply.ok();
}

fn log(whole: &Whole<'_>, text: &[u8], reply: &mut ReplyWriter<'_>) {
    whole.connection.node.log(&alloc::format!("DEBUG LOG: {}", String::from_utf8_lossy(text)));
    reply.ok();
}

/// Adds keys `prefix:0` and so on with values `value:0` and so on, cut or filled with NUL to a size if one is given.
/// Keys that there are stay as they are.
fn populate(
    whole: &Whole<'_>,
    count: &[u8],
    rest: &[&[u8]],
    reply: &mut ReplyWriter<'_>,
) -> Result<(), ErrorReply> {
    let prefix = rest.first().copied().unwrap_or(b"key");
    let count = natural(count)?;
    let size = rest.get(1).map_or(Ok(0), |size| natural(size))?;
    for number in 0..count {
        let mut value = alloc::format!("value:{number}").into_bytes();
        if size > 0 {
            value.resize(size as usize, 0);
        }
        add(whole, &[prefix, alloc::format!(":{number}").as_bytes()].concat(), &value);
    }
    reply.ok();
    Ok(())
}

fn natural(word: &[u8]) -> Result<u64, ErrorReply> {
    args::integer(word).ok().and_then(|number| u64::try_from(number).ok()).ok_or(ErrorReply::NotPositive)
}

fn add(whole: &Whole<'_>, key: &[u8], value: &[u8]) {
    let (db, now, key) = (whole.db(), whole.connection.now, whole.hasher.key(key));
    whole.shards.one_shard(whole.shards.layout().shard_of(key.slot()), &mut |shard| {
        let db = shard.db(db);
        if !db.exists(now, &key) {
            db.set(now, &key, NewValue::Bytes(value), Expiry::Clear);
        }
    });
}

#[cfg(test)]
mod tests;
