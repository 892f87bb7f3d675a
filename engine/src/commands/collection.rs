//! What families of collections share: reading page by page (HSCAN, SSCAN, ZSCAN), elements drawn by chance,
//! and several keys of which one is served.
//!
//! ```text
//!   SCAN ----------+--> cursor, MATCH, COUNT  (cursor)
//!   HSCAN etc. --> scan --> Page <-- elements, which it filters, counts and writes
//!   HRANDFIELD etc. -------> Draw: how many, distinct or not  (draw)
//!   LMPOP, BLPOP etc. -----> the first of several keys that is there, or wait  (several)
//! ```

mod cursor;
mod draw;
mod several;

use alloc::vec::Vec;
use core::ops::Range;

use slotway_core::resp::args::Args;
use slotway_core::resp::encode::{Decimal, ReplyWriter};

pub(super) use cursor::{Pattern, ScanOptions, Scanned, parse_cursor, write_cursor};
pub(super) use draw::{Draw, Told, generator, sample};
pub(super) use several::{first_of, keys_and_count, wait};

use super::Data;
use crate::registry::{Effect, Outcome};
use crate::value::Collection;
use crate::value::listpack::Element;

/// A page looks at no more than this many buckets for each element asked for: a table may be nearly empty.
const STEPS_PER_ELEMENT: usize = 10;

/// HSCAN, SSCAN or ZSCAN: `fill` is given the collection and the page to put elements on. The cursor is read before the key, the options
/// only once the key is known to be there, as in Redis.
pub(super) fn scan<T: Collection>(
    data: &mut Data<'_, '_>,
    args: Args<'_>,
    reply: &mut ReplyWriter<'_>,
    fill: impl FnOnce(T::Ref<'_>, &mut Page<'_>),
) -> Outcome {
    let cursor = parse_cursor(args.at(2))?;
    let mut page = Page::new(cursor);
    if let Some(collection) = data.read::<T>(args.at(1))? {
        page.options = ScanOptions::read(args, 3, Scanned::Elements)?;
        fill(collection, &mut page);
    } else {
        page.cursor = 0;
    }
    reply.array(2);
    write_cursor(page.cursor, reply);
    reply.array(page.written);
    reply.raw(&page.items);
    Ok(Effect::None)
}

/// The indexes from `start` to `end`, both included and counted from the end if negative, of `len` elements. Unlike that of bytes
/// ([`args::byte_range`](super::args::byte_range)), a range that ends in front of the first element is empty.
pub(super) fn index_range(start: i64, end: i64, len: usize) -> Range<usize> {
    let from_front = |at: i64| if at < 0 { at.saturating_add(len as i64) } else { at };
    let (start, end) = (from_front(start).max(0), from_front(end).min(len as i64 - 1));
    if start > end { 0..0 } else { start as usize..end as usize + 1 }
}

/// The elements of one reply.
pub(super) struct Page<'a> {
    cursor: u64,
    options: ScanOptions<'a>,
    looked_at: usize,
    /// Bulk strings, and how many of them.
    items: Vec<u8>,
    written: usize,
}

impl Page<'_> {
    fn new(cursor: u64) -> Self {
        Self { cursor, options: ScanOptions::default(), looked_at: 0, items: Vec::new(), written: 0 }
    }

    /// Goes through a collection from the cursor on, until enough elements have been looked at. `step` puts those at a position on the page and
    /// gives the next position; `None` is the end, which is also what a small collection says once it has given all it has.
    pub(super) fn walk(&mut self, mut step: impl FnMut(u64, &mut Self) -> Option<u64>) {
        let steps_max = self.options.count.saturating_mul(STEPS_PER_ELEMENT);
        for _ in 0..steps_max {
            self.cursor = step(self.cursor, self).unwrap_or(0);
            if self.cursor == 0 || self.looked_at >= self.options.count {
                break;
            }
        }
    }

    /// Puts an element on the page if it matches.
    pub(super) fn element(&mut self, element: Element<'_>) {
        if self.wants(element) {
            self.write(element);
        }
    }

    /// Puts a field and its value, or a member and its score, on the page if the former matches.
    pub(super) fn pair(&mut self, name: Element<'_>, value: Element<'_>) {
        if self.wants(name) {
            self.write(name);
            self.write(value);
        }
    }

    fn wants(&mut self, element: Element<'_>) -> bool {
        self.looked_at += 1;
        self.options.pattern.is_none_or(|pattern| pattern.matches(element.text(&mut Decimal::new())))
    }

    fn write(&mut self, element: Element<'_>) {
        // Bulk strings are alike in both dialects.
        element.write(&mut ReplyWriter::new(&mut self.items, Default::default()));
        self.written += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_indexes_are_cut_to_what_there_is() {
        for (start, end, range) in [
            (0, -1, 0..5),
            (1, 3, 1..4),
            (-3, -2, 2..4),
            (-100, 100, 0..5),
            (0, -5, 0..1),
            (0, -6, 0..0),
            (5, 9, 0..0),
            (3, 2, 0..0),
            (i64::MIN, i64::MAX, 0..5),
            (i64::MIN, i64::MIN, 0..0),
        ] {
            assert_eq!(index_range(start, end, 5), range, "{start} to {end}");
        }
        assert_eq!(index_range(0, -1, 0), 0..0);
    }
}
