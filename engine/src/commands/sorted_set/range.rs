//! ZRANGE in all its forms, and the commands that count or remove what it would show.

use core::ops::Range;

use slotway_core::resp::args::Args;
use slotway_core::resp::encode::ReplyWriter;
use slotway_core::resp::error::ErrorReply;

use super::super::args::{self, Options};
use super::super::collection::Told;
use super::bound::Selection;
use super::{Data, Direction, store, write_all};
use crate::events::Class;
use crate::registry::{Effect, Outcome};
use crate::value::{SortedSet, SortedSetRef};

use Direction::{Ascending, Descending};

pub(super) fn zrange(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    show(data, args, Form::ANY, reply)
}

pub(super) fn zrevrange(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    show(data, args, Form::of(By::Rank, Descending), reply)
}

pub(super) fn zrangebyscore(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    show(data, args, Form::of(By::Score, Ascending), reply)
}

pub(super) fn zrevrangebyscore(
    data: &mut Data<'_, '_>,
    args: Args<'_>,
    reply: &mut ReplyWriter<'_>,
) -> Outcome {
    show(data, args, Form::of(By::Score, Descending), reply)
}

pub(super) fn zrangebylex(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    show(data, args, Form::of(By::Member, Ascending), reply)
}

pub(super) fn zrevrangebylex(
    data: &mut Data<'_, '_>,
    args: Args<'_>,
    reply: &mut ReplyWriter<'_>,
) -> Outcome {
    show(data, args, Form::of(By::Member, Descending), reply)
}

fn show(data: &mut Data<'_, '_>, args: Args<'_>, form: Form, reply: &mut ReplyWriter<'_>) -> Outcome {
    let query = Query::read(args, 2, form, Purpose::Reply)?;
    let Some(set) = data.read::<SortedSet>(args.at(1))? else {
        reply.array(0);
        return Ok(Effect::None);
    };
    let members = set.range(query.ranks(set));
    match query.direction {
        Ascending => write_all(members, query.told, reply),
        Descending => write_all(members.rev(), query.told, reply),
    }
    Ok(Effect::None)
}

pub(super) fn zrangestore(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let query = Query::read(args, 3, Form::ANY, Purpose::Store)?;
    let limits = data.limits();
    let members = data.read::<SortedSet>(args.at(2))?.map_or_else(SortedSet::new, |set| {
        let members = set.range(query.ranks(set)).map(|(member, score)| (member.to_vec(), score));
        // Redis makes room for what it finds, and only knows how much that will be when it goes by rank.
        match query.selection {
            Selection::Ranks(..) => SortedSet::from_scores(members.collect(), &limits),
            Selection::Scores(..) | Selection::Members(..) => {
                SortedSet::big_from_scores(members.collect(), &limits)
            }
        }
    });
    store(data, args.at(1), members, "zrangestore", reply)
}

pub(super) fn zcount(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    count(data, args, Selection::scores(args.at(2), args.at(3))?, reply)
}

pub(super) fn zlexcount(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    count(data, args, Selection::members(args.at(2), args.at(3))?, reply)
}

fn count(
    data: &mut Data<'_, '_>,
    args: Args<'_>,
    selection: Selection<'_>,
    reply: &mut ReplyWriter<'_>,
) -> Outcome {
    let set = data.read::<SortedSet>(args.at(1))?;
    reply.integer(set.map_or(0, |set| selection.find(set, Ascending).len()) as i64);
    Ok(Effect::None)
}

pub(super) fn zremrangebyrank(
    data: &mut Data<'_, '_>,
    args: Args<'_>,
    reply: &mut ReplyWriter<'_>,
) -> Outcome {
    remove(data, args, Selection::ranks(args.at(2), args.at(3))?, "zremrangebyrank", reply)
}

pub(super) fn zremrangebyscore(
    data: &mut Data<'_, '_>,
    args: Args<'_>,
    reply: &mut ReplyWriter<'_>,
) -> Outcome {
    remove(data, args, Selection::scores(args.at(2), args.at(3))?, "zremrangebyscore", reply)
}

pub(super) fn zremrangebylex(
    data: &mut Data<'_, '_>,
    args: Args<'_>,
    reply: &mut ReplyWriter<'_>,
) -> Outcome {
    remove(data, args, Selection::members(args.at(2), args.at(3))?, "zremrangebylex", reply)
}

fn remove(
    data: &mut Data<'_, '_>,
    args: Args<'_>,
    selection: Selection<'_>,
    event: &'static str,
    reply: &mut ReplyWriter<'_>,
) -> Outcome {
    let removed = data.edit(args.at(1), |set: &mut SortedSet, _| {
        let ranks = selection.find(set.borrow(), Ascending);
        set.remove_range(ranks.clone());
        ranks.len()
    })?;
    let removed = removed.unwrap_or(0);
    if removed > 0 {
        data.changed(Class::SortedSet, event, args.at(1));
    }
    reply.integer(removed as i64);
    Ok(Effect::changed(removed as u64))
}

/// What bounds are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum By {
    Rank,
    Score,
    Member,
}

/// What a command's name says already; the rest is said by options.
#[derive(Clone, Copy)]
struct Form {
    by: Option<By>,
    direction: Option<Direction>,
}

impl Form {
    /// ZRANGE and ZRANGESTORE.
    const ANY: Self = Self { by: None, direction: None };

    const fn of(by: By, direction: Direction) -> Self {
        Self { by: Some(by), direction: Some(direction) }
    }
}

/// What becomes of the members found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Reply,
    Store,
}

/// LIMIT: how many members are passed over, and how many are wanted at most. Below zero, all are.
#[derive(Clone, Copy)]
struct Limit {
    offset: i64,
    count: i64,
}

/// The range that a command asks for.
struct Query<'a> {
    selection: Selection<'a>,
    direction: Direction,
    limit: Limit,
    told: Told,
}

impl<'a> Query<'a> {
    /// Reads the bounds at `first` and the options that follow them. Bounds are believed last, as in Redis.
    fn read(args: Args<'a>, first: usize, form: Form, purpose: Purpose) -> Result<Self, ErrorReply> {
        let Form { mut by, mut direction } = form;
        let (mut limit, mut told) = (Limit { offset: 0, count: -1 }, Told::Names);
        let mut words = Options::new(args, first + 2);
        while let Some(word) = words.word() {
            match word {
                word if args::is(word, "withscores") && purpose == Purpose::Reply => told = Told::Pairs,
                word if args::is(word, "limit") && words.left() >= 2 => limit = Limit::read(&mut words)?,
                word if args::is(word, "rev") && direction.is_none() => direction = Some(Descending),
                word if args::is(word, "bylex") && by.is_none() => by = Some(By::Member),
                word if args::is(word, "byscore") && by.is_none() => by = Some(By::Score),
                _ => return Err(ErrorReply::Syntax),
            }
        }
        let (by, direction) = (by.unwrap_or(By::Rank), direction.unwrap_or(Ascending));
        if by == By::Rank && limit.count != -1 {
            return Err(ErrorReply::LimitOfRanks);
        }
        if by == By::Member && told == Told::Pairs {
            return Err(ErrorReply::ScoresOfLexRange);
        }
        let (from, to) = (args.at(first), args.at(first + 1));
        let (min, max) = direction.of((from, to), (to, from));
        let selection = match by {
            By::Rank => Selection::ranks(from, to),
            By::Score => Selection::scores(min, max),
            By::Member => Selection::members(min, max),
        }?;
        Ok(Self { selection, direction, limit, told })
    }

    /// The ranks asked for, in ascending order.
    fn ranks(&self, set: SortedSetRef<'_>) -> Range<usize> {
        let Range { start, end } = self.selection.find(set, self.direction);
        if let Selection::Ranks(..) = self.selection {
            return start..end;
        }
        let (skipped, taken) = self.limit.of(end - start);
        match self.direction {
            Ascending => start + skipped..start + skipped + taken,
            Descending => end - skipped - taken..end - skipped,
        }
    }
}

impl Limit {
    fn read(words: &mut Options<'_>) -> Result<Self, ErrorReply> {
        Ok(Self { offset: args::integer(words.value()?)?, count: args::integer(words.value()?)? })
    }

    /// How many of `len` members are passed over, and how many of the others are wanted. An offset below zero passes over all.
    fn of(self, len: usize) -> (usize, usize) {
        let at_most = |n: i64, max: usize| usize::try_from(n).map_or(max, |n| n.min(max));
        let skipped = at_most(self.offset, len);
        (skipped, at_most(self.count, len - skipped))
    }
}
