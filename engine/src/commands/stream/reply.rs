//! How ids and entries are told.

use slotway_core::resp::encode::ReplyWriter;

use crate::value::stream::{Entry, StreamId};

/// An id: `1526919030474-55`.
pub(super) fn id(id: StreamId, reply: &mut ReplyWriter<'_>) {
    reply.bulk(id.text().as_bytes());
}

/// An entry: its id, and an array of names and values.
pub(super) fn entry(entry: Entry<'_>, reply: &mut ReplyWriter<'_>) {
    reply.array(2);
    id(entry.id(), reply);
    reply.array(2 * entry.len());
    for (name, value) in entry.fields() {
        name.write(reply);
        value.write(reply);
    }
}

/// An array of entries.
pub(super) fn entries<'a>(entries: impl Iterator<Item = Entry<'a>>, reply: &mut ReplyWriter<'_>) {
    let array = reply.deferred();
    let count = entries.map(|one| entry(one, reply)).count();
    reply.close(array, count);
}

/// An entry that is pending and not in the stream any more: its id, and null.
pub(super) fn gone(gone: StreamId, reply: &mut ReplyWriter<'_>) {
    reply.array(2);
    id(gone, reply);
    reply.null_array();
}
