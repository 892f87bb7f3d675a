//! What DEBUG tells of one key: how its value is kept.

use alloc::string::String;
use core::fmt::Write as _;

use slotway_core::resp::encode::ReplyWriter;
use slotway_core::resp::error::ErrorReply;
use slotway_core::time::UnixMs;

use super::{Whole, with_entry};
use crate::config::Config;
use crate::keyspace::{Entry, ValueRef};
use crate::rdb::dump::value_len;
use crate::value::ObjectRef;
use crate::value::hash::HashRef;
use crate::value::list::{ListRef, Quicklist};
use crate::value::listpack::ListpackRef;
use crate::value::set::SetRef;
use crate::value::sorted_set::SortedSetRef;

/// DEBUG OBJECT: what is known of a key, in the words of Redis. There is no address to tell, and never more than one reference.
pub(super) fn object(whole: &Whole<'_>, key: &[u8], reply: &mut ReplyWriter<'_>) -> Result<(), ErrorReply> {
    let (now, config) = (whole.connection.now, whole.connection.config);
    let mut line = of_key(whole, key, |entry| Ok(object_line(now, entry)))?;
    line.push_str(&of_key(whole, key, |entry| Ok(quicklist_part(config, entry)))?);
    reply.simple(&line);
    Ok(())
}

fn object_line(now: UnixMs, entry: Entry<'_>) -> String {
    let idle_secs = entry.idle_ms(now) / 1000;
    alloc::format!(
        "Value at:0x0 refcount:1 encoding:{} serializedlength:{} lru:{} lru_seconds_idle:{idle_secs}",
        entry.encoding().name(),
        value_len(entry.value()),
        now.as_secs().wrapping_sub(idle_secs) & 0xff_ffff,
    )
}

/// What follows for a long list. Its nodes are never compressed.
fn quicklist_part(config: &Config, entry: Entry<'_>) -> String {
    let Some(ObjectRef::List(ListRef::Quick(list))) = entry.collection() else { return String::new() };
    alloc::format!(
        " ql_nodes:{} ql_avg_node:{:.2} ql_listpack_max:{} ql_compressed:0 ql_uncompressed_size:{}",
        list.nodes().len(),
        list.len() as f64 / list.nodes().len() as f64,
        config.list_max_listpack_size(),
        uncompressed_size(list),
    )
}

fn uncompressed_size(list: &Quicklist) -> usize {
    list.nodes().map(|(bytes, _)| bytes.len()).sum()
}

/// DEBUG SDSLEN: lengths of key and value. Both lie in one allocation without room to grow, so that the memory of the value is that of
/// the whole but for the key.
pub(super) fn string_lens(
    whole: &Whole<'_>,
    key: &[u8],
    reply: &mut ReplyWriter<'_>,
) -> Result<(), ErrorReply> {
    let line = of_key(whole, key, |entry| match entry.string() {
        Some(ValueRef::Bytes(value)) => Ok(alloc::format!(
            "key_sds_len:{key}, key_sds_avail:0, key_zmalloc: {key}, val_sds_len:{}, val_sds_avail:0, val_zmalloc: {}",
            value.len(),
            entry.footprint() - entry.key().len(),
            key = entry.key().len(),
        )),
        Some(ValueRef::Int(_)) | None => Err(ErrorReply::other("ERR Not an sds encoded string.")),
    })?;
    reply.simple(&line);
    Ok(())
}

/// DEBUG LISTPACK: the elements of a small collection, which go to the log.
pub(super) fn listpack(whole: &Whole<'_>, key: &[u8], reply: &mut ReplyWriter<'_>) -> Result<(), ErrorReply> {
    let text = of_key(whole, key, |entry| match entry.collection().and_then(listpack_of) {
        Some(listpack) => Ok(listpack_text(listpack)),
        None => Err(ErrorReply::other("ERR Not a listpack encoded object.")),
    })?;
    whole.connection.node.log(&text);
    reply.simple("Listpack structure printed on stdout");
    Ok(())
}

fn listpack_of(collection: ObjectRef<'_>) -> Option<ListpackRef<'_>> {
    match collection {
        ObjectRef::List(ListRef::Packed(listpack))
        | ObjectRef::Set(SetRef::Packed(listpack))
        | ObjectRef::SortedSet(SortedSetRef::Packed(listpack))
        | ObjectRef::Hash(HashRef::Packed(listpack)) => Some(listpack),
        ObjectRef::List(ListRef::Quick(_))
        | ObjectRef::Set(SetRef::Intset(_) | SetRef::Big(_))
        | ObjectRef::SortedSet(SortedSetRef::Big(_))
        | ObjectRef::Hash(HashRef::Big(_))
        | ObjectRef::Stream(_) => None,
    }
}

fn listpack_text(listpack: ListpackRef<'_>) -> String {
    let mut text =
        alloc::format!("{{total bytes {}}} {{num entries {}}}", listpack.byte_len(), listpack.len());
    for element in listpack.iter() {
        // A String takes any text.
        let _ = write!(text, " [{}]", String::from_utf8_lossy(&element.to_vec()));
    }
    text
}

/// DEBUG HTSTATS-KEY: how full the table of a big collection is.
pub(super) fn table_stats(
    whole: &Whole<'_>,
    key: &[u8],
    reply: &mut ReplyWriter<'_>,
) -> Result<(), ErrorReply> {
    let text = of_key(whole, key, |entry| {
        let collection = entry.collection().and_then(|collection| Some((collection, cells_of(collection)?)));
        let (collection, cells) = collection.ok_or(ErrorReply::other(NO_TABLE))?;
        Ok(table_text(cells, collection.len()))
    })?;
    reply.verbatim("txt", text.as_bytes());
    Ok(())
}

fn cells_of(collection: ObjectRef<'_>) -> Option<usize> {
    match collection {
        ObjectRef::Set(SetRef::Big(table)) | ObjectRef::Hash(HashRef::Big(table)) => Some(table.cells()),
        ObjectRef::SortedSet(SortedSetRef::Big(set)) => Some(set.cells()),
        ObjectRef::Set(SetRef::Intset(_) | SetRef::Packed(_))
        | ObjectRef::Hash(HashRef::Packed(_))
        | ObjectRef::SortedSet(SortedSetRef::Packed(_))
        | ObjectRef::List(_)
        | ObjectRef::Stream(_) => None,
    }
}

const NO_TABLE: &str = "ERR The value stored at the specified key is not represented using an hash table";

/// Redis' text on a hash table.
pub(super) fn table_text(cells: usize, len: usize) -> String {
    let head = "Hash table 0 stats (main hash table):\n";
    match len {
        0 => alloc::format!("{head}No stats available for empty dictionaries\n"),
        _ => alloc::format!("{head} table size: {cells}\n number of elements: {len}\n"),
    }
}

/// Lets `read` look at a key that must be there.
fn of_key<R>(
    whole: &Whole<'_>,
    key: &[u8],
    read: impl Fn(Entry<'_>) -> Result<R, ErrorReply>,
) -> Result<R, ErrorReply> {
    with_entry(whole, key, |entry| entry.map(&read)).unwrap_or(Err(ErrorReply::NoSuchKey))
}
