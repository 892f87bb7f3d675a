//! Several keys of which the first that is there is served: LMPOP and ZMPOP, BLPOP and its like.

use slotway_core::resp::args::Args;
use slotway_core::resp::error::ErrorReply;
use slotway_core::time::UnixMs;

use crate::commands::Data;
use crate::commands::args::{self, Options};
use crate::events::{Block, NullReply};
use crate::registry::Effect;
use crate::value::{Collection, Kind};

/// Reads `numkeys key [key ...] WHERE [COUNT count]`, `numkeys` being argument `at`: the keys, what `read` makes of WHERE, and
/// the count, which is 1 by default.
pub(in crate::commands) fn keys_and_count<'a, W>(
    args: Args<'a>,
    at: usize,
    read: fn(&[u8]) -> Result<W, ErrorReply>,
) -> Result<(impl Iterator<Item = &'a [u8]> + use<'a, W>, W, usize), ErrorReply> {
    let numkeys = args::numkeys(args.at(at))?;
    let mut words = Options::new(args, numkeys.saturating_add(at + 1));
    let place = read(words.value()?)?;
    let mut count = None;
    while let Some(word) = words.word() {
        if !args::is(word, "count") || count.is_some() {
            return Err(ErrorReply::Syntax);
        }
        count = Some(positive(words.value()?)?);
    }
    Ok((args.iter().skip(at + 1).take(numkeys), place, count.unwrap_or(1)))
}

fn positive(arg: &[u8]) -> Result<usize, ErrorReply> {
    let count = args::integer_or(arg, ErrorReply::CountNotPositive)?;
    usize::try_from(count).ok().filter(|count| *count > 0).ok_or(ErrorReply::CountNotPositive)
}

/// The first key that is there.
///
/// # Errors
/// It holds another type.
pub(in crate::commands) fn first_of<'a, T: Collection>(
    data: &mut Data<'_, '_>,
    keys: impl Iterator<Item = &'a [u8]>,
) -> Result<Option<&'a [u8]>, ErrorReply> {
    for key in keys {
        if data.inspect::<T>(key)?.is_some() {
            return Ok(Some(key));
        }
    }
    Ok(None)
}

/// The client waits until one of the keys of its command is of `kind`.
pub(in crate::commands) fn wait(kind: Kind, deadline: Option<UnixMs>, timeout_reply: NullReply) -> Effect {
    Block { deadline, kind, timeout_reply, changes: 0, args: None }.into()
}
