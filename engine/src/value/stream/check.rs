//! Whether foreign bytes are a node of a stream.

use super::node::{DELETED, FIXED, SAME_NAMES};
use crate::value::listpack::{self, Iter, ListpackRef};

/// True if `bytes` are a listpack of a master entry and of the entries that it counts, with nothing behind them. What passes can be read
/// without a panic.
pub fn check_node(bytes: &[u8]) -> bool {
    listpack::check(bytes) && entries(ListpackRef::from_bytes(bytes).iter()).is_some()
}

fn entries(mut elements: Iter<'_>) -> Option<()> {
    let (mut present, mut deleted) = (count(&mut elements)?, count(&mut elements)?);
    let names = count(&mut elements)?;
    skip(&mut elements, names)?;
    expect(&mut elements, 0)?;
    while let Some(flags) = elements.next() {
        match flags.integer()? & DELETED {
            0 => present -= 1,
            _ => deleted -= 1,
        }
        entry(flags.integer()?, names, &mut elements)?;
    }
    (present == 0 && deleted == 0).then_some(())
}

/// What follows the flags of an entry.
fn entry(flags: i64, names: i64, elements: &mut Iter<'_>) -> Option<()> {
    // Both parts of the id.
    integer(elements)?;
    integer(elements)?;
    let len = if flags & SAME_NAMES != 0 {
        skip(elements, names)?;
        names
    } else {
        let fields = count(elements)?;
        skip(elements, fields * 2)?;
        fields * 2 + 1
    };
    expect(elements, len + FIXED as i64)
}

fn integer(elements: &mut Iter<'_>) -> Option<i64> {
    elements.next()?.integer()
}

/// A number that is not negative, nor so large that reckoning with it could overflow.
fn count(elements: &mut Iter<'_>) -> Option<i64> {
    integer(elements).filter(|count| (0..=i64::from(u32::MAX)).contains(count))
}

fn expect(elements: &mut Iter<'_>, number: i64) -> Option<()> {
    (integer(elements)? == number).then_some(())
}

fn skip(elements: &mut Iter<'_>, count: i64) -> Option<()> {
    match usize::try_from(count).ok()? {
        0 => Some(()),
        count => elements.nth(count - 1).map(drop),
    }
}
