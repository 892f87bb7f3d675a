//! Sorted sets: members in the order of their scores.
//!
//! ```text
//!   add        ZADD, ZINCRBY
//!   range      ZRANGE in all its forms, ZCOUNT, ZREMRANGEBY*: what lies between two bounds  (bound)
//!   pop        ZPOPMIN and kin, which may wait
//!   combine    ZUNION, ZINTER, ZDIFF of sorted sets and sets
//!   random     ZRANDMEMBER
//! ```
//!
//! Here are the commands that name members.

mod add;
mod bound;
mod combine;
mod pop;
mod random;
mod range;
#[cfg(test)]
mod tests;

use slotway_core::resp::args::Args;
use slotway_core::resp::double::DoubleText;
use slotway_core::resp::encode::{Protocol, ReplyWriter};
use slotway_core::resp::error::ErrorReply;

use super::collection::Told;
use super::{Binding, Data, args, collection};
use crate::events::Class;
use crate::registry::{Effect, Handler, Outcome};
use crate::value::listpack::Element;
use crate::value::{Encoding, SortedSet, SortedSetRef};

pub(super) use add::{Existence, Rule, add_all};

/// What this family executes.
pub(super) const COMMANDS: &[Binding] = &[
    ("bzmpop", Handler::Data(pop::bzmpop)),
    ("bzpopmax", Handler::Data(pop::bzpopmax)),
    ("bzpopmin", Handler::Data(pop::bzpopmin)),
    ("zadd", Handler::Data(add::zadd)),
    ("zcard", Handler::Data(zcard)),
    ("zcount", Handler::Data(range::zcount)),
    ("zdiff", Handler::Data(combine::zdiff)),
    ("zdiffstore", Handler::Data(combine::zdiffstore)),
    ("zincrby", Handler::Data(add::zincrby)),
    ("zinter", Handler::Data(combine::zinter)),
    ("zintercard", Handler::Data(combine::zintercard)),
    ("zinterstore", Handler::Data(combine::zinterstore)),
    ("zlexcount", Handler::Data(range::zlexcount)),
    ("zmpop", Handler::Data(pop::zmpop)),
    ("zmscore", Handler::Data(zmscore)),
    ("zpopmax", Handler::Data(pop::zpopmax)),
    ("zpopmin", Handler::Data(pop::zpopmin)),
    ("zrandmember", Handler::Data(random::zrandmember)),
    ("zrange", Handler::Data(range::zrange)),
    ("zrangebylex", Handler::Data(range::zrangebylex)),
    ("zrangebyscore", Handler::Data(range::zrangebyscore)),
    ("zrangestore", Handler::Data(range::zrangestore)),
    ("zrank", Handler::Data(zrank)),
    ("zrem", Handler::Data(zrem)),
    ("zremrangebylex", Handler::Data(range::zremrangebylex)),
    ("zremrangebyrank", Handler::Data(range::zremrangebyrank)),
    ("zremrangebyscore", Handler::Data(range::zremrangebyscore)),
    ("zrevrange", Handler::Data(range::zrevrange)),
    ("zrevrangebylex", Handler::Data(range::zrevrangebylex)),
    ("zrevrangebyscore", Handler::Data(range::zrevrangebyscore)),
    ("zrevrank", Handler::Data(zrevrank)),
    ("zscan", Handler::Data(zscan)),
    ("zscore", Handler::Data(zscore)),
    ("zunion", Handler::Data(combine::zunion)),
    ("zunionstore", Handler::Data(combine::zunionstore)),
];

fn zcard(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let len = data.read::<SortedSet>(args.at(1))?.map_or(0, SortedSetRef::len);
    reply.integer(len as i64);
    Ok(Effect::None)
}

fn zscore(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let set = data.read::<SortedSet>(args.at(1))?;
    write_score_or_null(set.and_then(|set| set.score(args.at(2))), reply);
    Ok(Effect::None)
}

fn zmscore(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let set = data.read::<SortedSet>(args.at(1))?;
    let members = args.skip(2);
    reply.array(members.len());
    for member in members.iter() {
        write_score_or_null(set.and_then(|set| set.score(member)), reply);
    }
    Ok(Effect::None)
}

fn zrank(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    reply_rank(data, args, Direction::Ascending, reply)
}

fn zrevrank(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    reply_rank(data, args, Direction::Descending, reply)
}

fn reply_rank(
    data: &mut Data<'_, '_>,
    args: Args<'_>,
    direction: Direction,
    reply: &mut ReplyWriter<'_>,
) -> Outcome {
    let with_score = match args.get(3) {
        Some(_) if args.len() > 4 => return Err(ErrorReply::Arity(direction.of("zrank", "zrevrank"))),
        Some(word) if !args::is(word, "withscore") => return Err(ErrorReply::Syntax),
        word => word.is_some(),
    };
    let set = data.read::<SortedSet>(args.at(1))?;
    let found = set.and_then(|set| {
        let (rank, score) = set.rank(args.at(2))?;
        Some((direction.of(rank, set.len() - 1 - rank), score))
    });
    match found {
        Some((rank, score)) if with_score => {
            reply.array(2);
            reply.integer(rank as i64);
            reply.double(score);
        }
        Some((rank, _)) => reply.integer(rank as i64),
        None if with_score => reply.null_array(),
        None => reply.null(),
    }
    Ok(Effect::None)
}

fn zrem(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let (key, members) = (args.at(1), args.skip(2));
    let removed = data.edit(key, |set: &mut SortedSet, _| {
        members.iter().filter(|member| set.remove(member).is_some()).count()
    })?;
    let removed = removed.unwrap_or(0);
    if removed > 0 {
        data.changed(Class::SortedSet, "zrem", key);
    }
    reply.integer(removed as i64);
    Ok(Effect::changed(removed as u64))
}

fn zscan(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    collection::scan::<SortedSet>(data, args, reply, |set, page| {
        page.walk(|position, page| {
            set.scan(position, |member, score| {
                // Redis shows what a listpack holds, but prints what its hash table holds with all digits.
                let text = match set.encoding() {
                    Encoding::Listpack => DoubleText::new(score),
                    _ => DoubleText::with_17_digits(score),
                };
                page.pair(member, Element::Bytes(text.as_bytes()));
            })
        });
    })
}

/// From which end members are told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Direction {
    /// From the lowest score.
    Ascending,
    /// From the highest.
    Descending,
}

impl Direction {
    /// One of two things.
    fn of<T>(self, ascending: T, descending: T) -> T {
        match self {
            Direction::Ascending => ascending,
            Direction::Descending => descending,
        }
    }
}

/// Replies with an array of members, and of their scores if they are told.
fn write_all<'a>(
    members: impl ExactSizeIterator<Item = (Element<'a>, f64)>,
    told: Told,
    reply: &mut ReplyWriter<'_>,
) {
    begin(members.len(), told, reply);
    members.for_each(|(member, score)| write(member, score, told, reply));
}

/// Begins the array of `len` members: in RESP2, of twice as many replies if scores are told.
fn begin(len: usize, told: Told, reply: &mut ReplyWriter<'_>) {
    let is_flat = told == Told::Pairs && reply.protocol() == Protocol::Resp2;
    reply.array(if is_flat { 2 * len } else { len });
}

/// Writes one member: in RESP3, as an array with its score if that is told.
fn write(member: Element<'_>, score: f64, told: Told, reply: &mut ReplyWriter<'_>) {
    match told {
        Told::Names => member.write(reply),
        Told::Pairs => {
            if reply.protocol() == Protocol::Resp3 {
                reply.array(2);
            }
            write_pair(member, score, reply);
        }
    }
}

fn write_pair(member: Element<'_>, score: f64, reply: &mut ReplyWriter<'_>) {
    member.write(reply);
    reply.double(score);
}

fn write_score_or_null(score: Option<f64>, reply: &mut ReplyWriter<'_>) {
    match score {
        Some(score) => reply.double(score),
        None => reply.null(),
    }
}

/// Stores a result under `key`, in place of whatever was there, and replies with its number of members. One without members removes the
/// key.
pub(super) fn store(
    data: &mut Data<'_, '_>,
    key: &[u8],
    set: SortedSet,
    event: &'static str,
    reply: &mut ReplyWriter<'_>,
) -> Outcome {
    let len = set.borrow().len();
    let existed = data.store(key, set);
    reply.integer(len as i64);
    match (len, existed) {
        (0, false) => return Ok(Effect::None),
        (0, true) => data.changed(Class::Generic, "del", key),
        (1.., _) => data.changed(Class::SortedSet, event, key),
    }
    Ok(Effect::Changed(1))
}
