//! Finds the keys of one key spec in a request.

use super::super::{BeginSearch, FindKeys, KeySpec};
use super::Keys;
use super::word::{integer, is_word};
use crate::resp::args::Args;

/// The spec cannot tell the keys of this request.
pub(super) struct Unreliable;

impl KeySpec {
    /// The keys of this spec; `None` if its keyword is not in the request.
    pub(super) fn locate(&self, args: Args<'_>) -> Result<Option<Keys>, Unreliable> {
        let begin = match self.begin_search {
            BeginSearch::Index(index) => index as usize,
            BeginSearch::Keyword { word, start_from } => match keyword(args, word, start_from) {
                Some(at) => at + 1,
                None => return Ok(None),
            },
            BeginSearch::Unknown => return Err(Unreliable),
        };
        let (first, last, step) = self.find_keys.bounds(begin, args)?;
        if last < first || last >= args.len() {
            return Err(Unreliable);
        }
        Ok(Some(Keys::range(first..last + 1, step, self.flags)))
    }
}

impl FindKeys {
    /// First key, last key and step, when the search began at `begin`. The last can lie anywhere.
    fn bounds(self, begin: usize, args: Args<'_>) -> Result<(usize, usize, usize), Unreliable> {
        match self {
            FindKeys::Range { last, step, limit } => {
                let last = last_of_range(begin, last, limit, args.len()).ok_or(Unreliable)?;
                Ok((begin, last, step as usize))
            }
            FindKeys::KeyNum { number, first, step } => {
                let count = args.get(begin + number as usize).and_then(integer).ok_or(Unreliable)?;
                if count < 0 {
                    return Err(Unreliable);
                }
                // Redis uses the lower half of the number.
                let count = usize::try_from(count as i32).map_err(|_| Unreliable)?;
                let first = begin + first as usize;
                // No key at all counts as unreliable too: the command's own rule then says the same.
                let last = first.saturating_add(count).checked_sub(1).ok_or(Unreliable)?;
                Ok((first, last, step as usize))
            }
            FindKeys::Unknown => Err(Unreliable),
        }
    }
}

fn last_of_range(begin: usize, last: i8, limit: u8, argc: usize) -> Option<usize> {
    match (last, limit) {
        (0.., _) => Some(begin + last as usize),
        (_, 0) => argc.checked_add_signed(last as isize),
        (_, limit) => (begin + argc.saturating_sub(begin) / limit as usize).checked_add_signed(last as isize),
    }
}

/// Position of `word`. Forwards, the last argument is not looked at, since a key must follow; backwards, the
/// search ends before argument 1.
fn keyword(args: Args<'_>, word: &str, start_from: i8) -> Option<usize> {
    let found = |&index: &usize| is_word(&args[index], word);
    if start_from >= 0 {
        (start_from as usize..args.len().saturating_sub(1)).find(found)
    } else {
        let start = args.len().checked_add_signed(start_from as isize)?;
        (2..=start).rev().find(found)
    }
}
