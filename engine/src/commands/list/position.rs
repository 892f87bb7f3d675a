//! LPOS: where an element is.

use slotway_core::resp::args::Args;
use slotway_core::resp::encode::ReplyWriter;
use slotway_core::resp::error::ErrorReply;

use crate::commands::Data;
use crate::commands::args::{self, Options};
use crate::registry::{Effect, Outcome};
use crate::value::listpack::{Element, Needle};
use crate::value::{List, ListRef};

pub(super) fn lpos(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let options = PositionOptions::read(args)?;
    let list = data.read::<List>(args.at(1))?;
    let needle = Needle::new(args.at(2));
    match (options.count, list) {
        (None, list) => match list.and_then(|list| options.positions(list, &needle).next()) {
            Some(position) => reply.integer(position as i64),
            None => reply.null(),
        },
        (Some(_), None) => reply.array(0),
        (Some(count), Some(list)) => {
            let (array, mut found) = (reply.deferred(), 0);
            for position in options.positions(list, &needle).take(count) {
                reply.integer(position as i64);
                found += 1;
            }
            reply.close(array, found);
        }
    }
    Ok(Effect::None)
}

/// RANK, COUNT and MAXLEN.
struct PositionOptions {
    /// How many matches to leave out, seen from the end that is begun at.
    skip: usize,
    from_right: bool,
    /// The most positions to tell, if an array of them is wanted.
    count: Option<usize>,
    /// The most elements to look at.
    len_max: usize,
}

impl PositionOptions {
    fn read(args: Args<'_>) -> Result<Self, ErrorReply> {
        let mut options = Self { skip: 0, from_right: false, count: None, len_max: usize::MAX };
        let mut words = Options::new(args, 3);
        while let Some(word) = words.word() {
            match word {
                word if args::is(word, "rank") => options.set_rank(words.value()?)?,
                word if args::is(word, "count") => options.count = Some(limit(words.value()?, "COUNT")?),
                word if args::is(word, "maxlen") => options.len_max = limit(words.value()?, "MAXLEN")?,
                _ => return Err(ErrorReply::Syntax),
            }
        }
        Ok(options)
    }

    /// 1 is the first match, -1 the last.
    fn set_rank(&mut self, arg: &[u8]) -> Result<(), ErrorReply> {
        let rank = args::integer_between(arg, -i64::MAX, i64::MAX)?;
        let skip = rank.unsigned_abs().checked_sub(1).ok_or(ErrorReply::RankZero)?;
        (self.skip, self.from_right) = (usize::try_from(skip).unwrap_or(usize::MAX), rank < 0);
        Ok(())
    }

    /// The indexes of elements that match.
    fn positions(&self, list: ListRef<'_>, needle: &Needle<'_>) -> impl Iterator<Item = usize> {
        let len = list.len();
        let (forth, back) = match self.from_right {
            false => (Some(list.iter().enumerate()), None),
            true => (None, Some((0..len).rev().zip(list.iter().rev()))),
        };
        let elements = forth.into_iter().flatten().chain(back.into_iter().flatten());
        let is_found = |(_, element): &(usize, Element<'_>)| needle.is(*element);
        elements.take(self.len_max).filter(is_found).map(|(index, _)| index).skip(self.skip)
    }
}

/// A number of which 0 is no limit.
fn limit(arg: &[u8], option: &'static str) -> Result<usize, ErrorReply> {
    match args::integer_or(arg, ErrorReply::OptionNegative(option))? {
        ..0 => Err(ErrorReply::OptionNegative(option)),
        0 => Ok(usize::MAX),
        limit => Ok(usize::try_from(limit).unwrap_or(usize::MAX)),
    }
}
