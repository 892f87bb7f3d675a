//! DEBUG: for tests and for the curious. Who may use it is `enable-debug-command`.
//!
//! Subcommands of Redis that would show or break what this node does not have are unknown here.

mod digest;
mod object;
mod protocol;

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, Ordering};

use slotway_core::resp::args::Args;
use slotway_core::resp::encode::ReplyWriter;
use slotway_core::resp::error::ErrorReply;
use slotway_core::time::UnixMs;

use super::{Binding, Whole, args, help};
use crate::config::parse_memory;
use crate::keyspace::{DbIndex, Entry, Expiry, NewValue};
use crate::node::Merge;
use crate::propagation::Readers;
use crate::registry::{Effect, Handler, Outcome};
use crate::session::After;
use crate::shards::Held;
use crate::switches::Switches;
use digest::Digest;

/// Subcommands that bring Redis down, by crash or by restart. Other nodes may live in this process.
const FATAL: [&str; 6] = ["assert", "crash-and-recover", "oom", "panic", "restart", "segfault"];
const NO_CRASH: &str = "ERR this node does not crash or restart on demand";
const RELOAD_OPTIONS: &str = "ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.";
const PACKED_THRESHOLD_RANGE: &str = "ERR argument must be a memory value bigger than 1 and smaller than 4gb";

/// What this family executes.
pub(super) const COMMANDS: &[Binding] = &[("debug", Handler::Node(debug))];

fn debug(whole: &mut Whole<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let words: Vec<&[u8]> = args.skip(2).iter().collect();
    let subcommand = args.at(1);
    let is = |name| args::is(subcommand, name);
    let switches = whole.connection.node.switches();
    match words.as_slice() {
        [] if is("help") => help::write_all("debug", help::DEBUG, reply),
        [] if is("digest") => reply.simple(&alloc::format!("{}", dataset_digest(whole))),
        keys if is("digest-value") => digest_values(whole, keys, reply),
        [key] | [key, _] if is("htstats-key") => object::table_stats(whole, key, reply)?,
        [key] if is("listpack") => object::listpack(whole, key, reply)?,
        [key] if is("object") => object::object(whole, key, reply)?,
        [key] if is("sdslen") => object::string_lens(whole, key, reply)?,
        [db] | [db, _] if is("htstats") => table_stats(whole, db, reply)?,
        [seconds] if is("sleep") => sleep(whole, seconds, reply),
        [on] if is("set-active-expire") => switch(&switches.keeps_expired, !is_on(on), reply),
        [on] if is("set-skip-checksum-validation") => switch(&switches.skips_checksums, is_on(on), reply),
        [us] if is("aof-flush-sleep") => aof_flush_sleep(switches, us, reply),
        [size] if is("quicklist-packed-threshold") => packed_threshold(size, reply)?,
        options if is("reload") => reload(whole, options, reply)?,
        [] if is("loadaof") => load_aof(whole)?,
        [] if is("change-repl-id") => change_history(whole, reply),
        [_, ..] if is("replicate") => replicate(whole, args.skip(2), reply),
        [kind] if is("protocol") => protocol::write(kind, reply)?,
        [text] if is("error") => return Err(ErrorReply::other(String::from_utf8_lossy(text))),
        [text] if is("log") => log(whole, text, reply),
        [count, rest @ ..] if is("populate") && rest.len() <= 2 => populate(whole, count, rest, reply)?,
        _ if FATAL.iter().any(|name| is(name)) => return Err(ErrorReply::other(NO_CRASH)),
        _ => return Err(ErrorReply::DebugSubcommand(subcommand.to_vec())),
    }
    Ok(Effect::None)
}

/// Sizes from which on an element of a list is a node by itself in Redis, to test that with small elements. No reply depends on it but
/// `ql_nodes` of DEBUG OBJECT, so lists here keep to the default.
fn packed_threshold(size: &[u8], reply: &mut ReplyWriter<'_>) -> Result<(), ErrorReply> {
    match parse_memory(size) {
        Some(bytes) if bytes <= u64::from(u32::MAX) => {
            reply.ok();
            Ok(())
        }
        _ => Err(ErrorReply::other(PACKED_THRESHOLD_RANGE)),
    }
}

/// Saves, flushes and loads; each of them can be left out.
fn reload(whole: &Whole<'_>, options: &[&[u8]], reply: &mut ReplyWriter<'_>) -> Result<(), ErrorReply> {
    let has = |name: &str| options.iter().any(|option| args::is(option, name));
    let is_known = |option: &&[u8]| ["merge", "noflush", "nosave"].iter().any(|name| args::is(option, name));
    if !options.iter().all(is_known) {
        return Err(ErrorReply::other(RELOAD_OPTIONS));
    }
    let node = whole.connection.node;
    if !has("nosave") {
        node.save(whole.shards)?;
    }
    if !has("noflush") {
        whole.shards.each_shard(&mut |shard| {
            shard.flush_all();
        });
        if let Some(host) = node.scripts() {
            host.set_libraries(Arc::default());
        }
    }
    let merge = if has("merge") { Merge::Replace } else { Merge::Refuse };
    node.load(whole.shards, whole.hasher, merge)?;
    reply.ok();
    Ok(())
}

/// The history of writes goes on under another name, and nobody can go on who knows the old one: replicas need a snapshot.
fn change_history(whole: &Whole<'_>, reply: &mut ReplyWriter<'_>) {
    whole.connection.node.log("Changing replication IDs after receiving change-repl-id");
    whole.connection.node.change_history();
    reply.ok();
}

/// Replicas get the words as a command that this node has not executed. In a transaction it keeps its place; Redis sends it at once.
fn replicate(whole: &mut Whole<'_>, words: Args<'_>, reply: &mut ReplyWriter<'_>) {
    let Whole { connection, .. } = whole;
    if connection.node.records() {
        connection.published.push_for(Readers::REPLICAS, connection.session.db, words.iter());
    }
    reply.ok();
}

/// The connection has it done, and answers.
fn load_aof(whole: &mut Whole<'_>) -> Result<(), ErrorReply> {
    match whole.in_transaction {
        true => Err(ErrorReply::NotInTransaction),
        false => {
            whole.connection.session.after = After::LoadAof;
            Ok(())
        }
    }
}

/// How full the tables of a database are. Keys with an expiry have no table of their own: only their number is told. Details of chains
/// (`full`) are not.
fn table_stats(whole: &Whole<'_>, db: &[u8], reply: &mut ReplyWriter<'_>) -> Result<(), ErrorReply> {
    let databases = i64::from(whole.shards.layout().databases());
    let index = Some(args::integer(db)?).filter(|index| (0..databases).contains(index));
    let index = DbIndex(index.ok_or(ErrorReply::other("ERR Out of range database"))? as u16);
    let (mut cells, mut keys, mut volatile) = (0, 0, 0);
    whole.shards.each_shard(&mut |shard| {
        let db = shard.db(index);
        (cells, keys, volatile) = (cells + db.cells(), keys + db.len(), volatile + db.volatile_len());
    });
    let (main, expires) = (object::table_text(cells, keys), object::table_text(cells, volatile));
    reply.verbatim("txt", alloc::format!("[Dictionary HT]\n{main}[Expires HT]\n{expires}").as_bytes());
    Ok(())
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
fn is_on(word: &[u8]) -> bool {
    args::integer(word).unwrap_or(0) != 0
}

fn switch(switch: &AtomicBool, on: bool, reply: &mut ReplyWriter<'_>) {
    switch.store(on, Ordering::Relaxed);
    reply.ok();
}

fn aof_flush_sleep(switches: &Switches, us: &[u8], reply: &mut ReplyWriter<'_>) {
    let us = args::integer(us).ok().and_then(|us| u64::try_from(us).ok());
    switches.aof_flush_sleep_us.store(us.unwrap_or(0), Ordering::Relaxed);
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
