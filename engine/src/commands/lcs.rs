//! LCS: the longest common subsequence of two strings.
//!
//! The textbook way: a table of the lengths for all pairs of prefixes, then a walk back from its last corner. Which one of
//! several subsequences of that length is found, and in which order its ranges are told, follows from the walk, which is
//! that of Redis: where both ways are as long, it goes back in the second string.

use alloc::vec::Vec;
use core::ops::Range;

use slotway_core::resp::args::Args;
use slotway_core::resp::encode::{Decimal, ReplyWriter};
use slotway_core::resp::error::ErrorReply;

use super::args::{self, Options};
use super::bitmap::text_at;
use super::{Binding, Data};
use crate::registry::{Effect, Handler, Outcome};

/// What this family executes.
pub(super) const COMMANDS: &[Binding] = &[("lcs", Handler::Data(lcs))];

fn lcs(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let (a, b) = (text_of_key(data, args.at(1))?, text_of_key(data, args.at(2))?);
    let options = LcsOptions::read(args)?;
    let table = Table::new(&a, &b, data.config().proto_max_bulk_len())?;
    match options.wanted {
        Wanted::Text => reply.bulk(&table.text()),
        Wanted::Len => reply.integer(table.len()),
        Wanted::Ranges => options.write_ranges(&table, reply),
    }
    Ok(Effect::None)
}

fn text_of_key(data: &mut Data<'_, '_>, key: &[u8]) -> Result<Vec<u8>, ErrorReply> {
    let mut digits = Decimal::new();
    // LCS has words of its own for a key of another type.
    let text = text_at(data, key, &mut digits).map_err(|_| ErrorReply::LcsNotStrings)?;
    Ok(text.unwrap_or_default().to_vec())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Text,
    Len,
    Ranges,
}

struct LcsOptions {
    wanted: Wanted,
    range_len_min: i64,
    with_range_len: bool,
}

impl LcsOptions {
    fn read(args: Args<'_>) -> Result<Self, ErrorReply> {
        let mut options = Self { wanted: Wanted::Text, range_len_min: 0, with_range_len: false };
        let (mut len, mut ranges) = (false, false);
        let mut words = Options::new(args, 3);
        while let Some(word) = words.word() {
            match word {
                word if args::is(word, "len") => len = true,
                word if args::is(word, "idx") => ranges = true,
                word if args::is(word, "withmatchlen") => options.with_range_len = true,
                word if args::is(word, "minmatchlen") => {
                    options.range_len_min = args::integer(words.value()?)?;
                }
                _ => return Err(ErrorReply::Syntax),
            }
        }
        options.wanted = match (len, ranges) {
            (true, true) => return Err(ErrorReply::LcsLenAndIdx),
            (true, false) => Wanted::Len,
            (false, true) => Wanted::Ranges,
            (false, false) => Wanted::Text,
        };
        Ok(options)
    }

    fn write_ranges(&self, table: &Table<'_>, reply: &mut ReplyWriter<'_>) {
        reply.map(2);
        reply.bulk(b"matches");
        let (matches, mut count) = (reply.deferred(), 0);
        table.ranges(|a, b| {
            let len = a.len() as i64;
            if len < self.range_len_min {
                return;
            }
            count += 1;
            reply.array(2 + usize::from(self.with_range_len));
            for range in [a, b] {
                reply.array(2);
                reply.integer(range.start as i64);
                reply.integer(range.end as i64 - 1);
            }
            if self.with_range_len {
                reply.integer(len);
            }
        });
        reply.close(matches, count);
        reply.bulk(b"len");
        reply.integer(table.len());
    }
}

/// The lengths of the longest common subsequences of all prefixes of `a` with all prefixes of `b`, row by row.
struct Table<'a> {
    a: &'a [u8],
    b: &'a [u8],
    lens: Vec<u32>,
}

impl<'a> Table<'a> {
    /// Computes it, in time and memory proportional to the product of both lengths.
    ///
    /// # Errors
    /// It would take more than `bytes_max`, or more than there are.
    fn new(a: &'a [u8], b: &'a [u8], bytes_max: u64) -> Result<Self, ErrorReply> {
        let cells = (a.len() as u64 + 1).saturating_mul(b.len() as u64 + 1);
        if cells.saturating_mul(size_of::<u32>() as u64) > bytes_max {
            return Err(ErrorReply::LcsTooLarge);
        }
        let mut lens = Vec::new();
        lens.try_reserve_exact(cells as usize).map_err(|_| ErrorReply::LcsOutOfMemory)?;
        lens.resize(cells as usize, 0);
        let mut table = Self { a, b, lens };
        table.fill();
        Ok(table)
    }

    fn fill(&mut self) {
        let width = self.b.len() + 1;
        let mut rows = self.lens.chunks_exact_mut(width);
        let mut above = rows.next().expect("the empty prefix has a row");
        for (row, in_a) in rows.zip(self.a) {
            for (at, in_b) in self.b.iter().enumerate() {
                row[at + 1] = if in_a == in_b { above[at] + 1 } else { row[at].max(above[at + 1]) };
            }
            above = row;
        }
    }

    /// Of the first `i` bytes of `a` and the first `j` of `b`.
    fn at(&self, i: usize, j: usize) -> u32 {
        self.lens[i * (self.b.len() + 1) + j]
    }

    /// The length of the longest common subsequence.
    fn len(&self) -> i64 {
        self.at(self.a.len(), self.b.len()).into()
    }

    /// The longest common subsequence.
    fn text(&self) -> Vec<u8> {
        let mut ranges = Vec::new();
        self.ranges(|a, _| ranges.push(a));
        ranges.into_iter().rev().flat_map(|range| &self.a[range]).copied().collect()
    }

    /// Visits the ranges of `a` and of `b` that are the same text, from the last to the first.
    fn ranges(&self, mut visit: impl FnMut(Range<usize>, Range<usize>)) {
        let (mut i, mut j) = (self.a.len(), self.b.len());
        while i > 0 && j > 0 {
            let common =
                self.a[..i].iter().rev().zip(self.b[..j].iter().rev()).take_while(|(a, b)| a == b).count();
            if common > 0 {
                visit(i - common..i, j - common..j);
                (i, j) = (i - common, j - common);
            } else if self.at(i - 1, j) > self.at(i, j - 1) {
                i -= 1;
            } else {
                j -= 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::TestClient;

    #[test]
    fn the_text_its_length_and_its_ranges_are_told() {
        let mut client = TestClient::new();
        client.run("MSET a ohmytext b mynewtext");
        assert_eq!(client.run("LCS a b"), "$6\r\nmytext\r\n");
        assert_eq!(client.run("LCS a b LEN"), ":6\r\n");
        assert_eq!(client.run("LCS a none LEN"), ":0\r\n");
        let both = "*2\r\n*2\r\n:4\r\n:7\r\n*2\r\n:5\r\n:8\r\n*2\r\n*2\r\n:2\r\n:3\r\n*2\r\n:0\r\n:1\r\n";
        assert_eq!(
            client.run("LCS a b IDX"),
            alloc::format!("*4\r\n$7\r\nmatches\r\n*2\r\n{both}$3\r\nlen\r\n:6\r\n")
        );
        assert_eq!(
            client.resp3().run("LCS a b IDX WITHMATCHLEN MINMATCHLEN 3"),
            "%2\r\n$7\r\nmatches\r\n*1\r\n*3\r\n*2\r\n:4\r\n:7\r\n*2\r\n:5\r\n:8\r\n:4\r\n$3\r\nlen\r\n:6\r\n"
        );
    }

    #[test]
    fn a_table_larger_than_the_largest_bulk_is_refused() {
        let mut client = TestClient::with_config("proto-max-bulk-len 1mb");
        client.run(&alloc::format!("SET a {}", "x".repeat(1000)));
        assert_eq!(
            client.run("LCS a a LEN"),
            "-ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len\r\n"
        );
    }
}
