//! How many elements HRANDFIELD, SRANDMEMBER and ZRANDMEMBER draw.

use slotway_core::random::{Random, below};
use slotway_core::resp::args::Args;
use slotway_core::resp::error::ErrorReply;

use crate::commands::args;

/// The `count` of a command that draws elements.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::commands) enum Draw {
    /// At most so many, each once: a count of 0 or more.
    Distinct(usize),
    /// So many, each drawn from all: a count below 0.
    Repeated(usize),
}

impl Draw {
    /// Reads a count.
    ///
    /// # Errors
    /// It is no 64-bit integer, or is the smallest one, which has no positive counterpart.
    pub(in crate::commands) fn parse(arg: &[u8]) -> Result<Self, ErrorReply> {
        let count = args::integer_between(arg, -i64::MAX, i64::MAX)?;
        let len = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
        Ok(if count < 0 { Draw::Repeated(len) } else { Draw::Distinct(len) })
    }

    /// Reads the count of a command that can tell what belongs to each element, if `option` is asked for: WITHVALUES of HRANDFIELD, WITHSCORES of
    /// ZRANDMEMBER. `None` for no count.
    ///
    /// # Errors
    /// As of [`Self::parse`]; other words than the option; a count with the option of which twice would be too much.
    pub(in crate::commands) fn read(
        args: Args<'_>,
        option: &str,
    ) -> Result<Option<(Self, Told)>, ErrorReply> {
        let Some(count) = args.get(2) else { return Ok(None) };
        let draw = Self::parse(count)?;
        match args.get(3) {
            None => Ok(Some((draw, Told::Names))),
            Some(word) if args.len() > 4 || !args::is(word, option) => Err(ErrorReply::Syntax),
            Some(_) if draw.len() as u64 > i64::MAX as u64 / 2 => Err(ErrorReply::OutOfRange),
            Some(_) => Ok(Some((draw, Told::Pairs))),
        }
    }

    /// The count without its sign.
    pub(in crate::commands) fn len(self) -> usize {
        match self {
            Draw::Distinct(len) | Draw::Repeated(len) => len,
        }
    }
}

/// What is told of each element drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::commands) enum Told {
    /// The field or member.
    Names,
    /// The value or score, too.
    Pairs,
}

/// Random numbers that follow from `seed`: the node is asked for one number a command, and need not be at hand while a
/// collection is.
pub(in crate::commands) fn generator(seed: u64) -> impl FnMut() -> u64 {
    let mut random = Random::new(seed);
    move || random.next()
}

/// `count` of the `len` items, or all if there are fewer, each selection with the same chance; in their order (Knuth, The Art of Computer
/// Programming, 3.4.2, algorithm S).
pub(in crate::commands) fn sample<T>(
    items: impl Iterator<Item = T>,
    mut len: usize,
    mut count: usize,
    rng: &mut impl FnMut() -> u64,
) -> impl Iterator<Item = T> {
    items.filter(move |_| {
        let chosen = below(rng(), len) < count;
        len = len.saturating_sub(1);
        count -= usize::from(chosen);
        chosen
    })
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn a_sample_has_as_many_items_as_asked_for_and_each_its_chance() {
        let mut rng = generator(1);
        let mut hits = [0; 10];
        for _ in 0..10_000 {
            let sample: Vec<usize> = sample(0..10, 10, 3, &mut rng).collect();
            assert!(sample.len() == 3 && sample.is_sorted());
            sample.iter().for_each(|item| hits[*item] += 1);
        }
        assert!(hits.iter().all(|hits| (2800..3200).contains(hits)), "{hits:?}");
        assert_eq!(sample(0..3, 3, 9, &mut rng).count(), 3);
    }
}
