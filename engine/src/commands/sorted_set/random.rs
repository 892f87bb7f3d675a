//! ZRANDMEMBER: members drawn by chance.

use alloc::collections::BTreeSet;

use slotway_core::random::below;
use slotway_core::resp::args::Args;
use slotway_core::resp::encode::ReplyWriter;

use super::super::collection::{Draw, Told, generator, sample};
use super::{Data, begin, write, write_all};
use crate::registry::{Effect, Outcome};
use crate::value::sorted_set::Iter;
use crate::value::{SortedSet, SortedSetRef};

/// Distinct members are drawn one by one from a set that is more than this many times as large, else on one walk along it.
const WALK_FACTOR: usize = 3;

pub(super) fn zrandmember(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let draw = Draw::read(args, "withscores")?;
    let mut rng = generator(data.random());
    let set = data.read::<SortedSet>(args.at(1))?;
    match (set, draw) {
        (None, None) => reply.null(),
        (None, Some(_)) => reply.array(0),
        (Some(set), None) => random(set, &mut rng).for_each(|(member, _)| member.write(reply)),
        (Some(set), Some((Draw::Repeated(count), told))) => {
            begin(count, told, reply);
            let drawn = (0..count).flat_map(|_| random(set, &mut rng));
            drawn.for_each(|(member, score)| write(member, score, told, reply));
        }
        (Some(set), Some((Draw::Distinct(count), told))) => {
            write_distinct(set, count, told, &mut rng, reply);
        }
    }
    Ok(Effect::None)
}

fn write_distinct(
    set: SortedSetRef<'_>,
    count: usize,
    told: Told,
    rng: &mut impl FnMut() -> u64,
    reply: &mut ReplyWriter<'_>,
) {
    let len = set.len();
    if count >= len {
        // Redis walks sorted sets backwards here.
        return write_all(set.iter().rev(), told, reply);
    }
    begin(count, told, reply);
    if count <= len / WALK_FACTOR {
        let members = distinct_ranks(len, count, rng).into_iter().flat_map(|rank| set.range(rank..rank + 1));
        members.for_each(|(member, score)| write(member, score, told, reply));
    } else {
        let members = sample(set.iter(), len, count, rng);
        members.for_each(|(member, score)| write(member, score, told, reply));
    }
}

/// Draws until there are `count` different ranks, which must be far fewer than `len`.
fn distinct_ranks(len: usize, count: usize, rng: &mut impl FnMut() -> u64) -> BTreeSet<usize> {
    let mut ranks = BTreeSet::new();
    while ranks.len() < count {
        ranks.insert(below(rng(), len));
    }
    ranks
}

/// One member.
fn random<'a>(set: SortedSetRef<'a>, rng: &mut impl FnMut() -> u64) -> Iter<'a> {
    let rank = below(rng(), set.len());
    set.range(rank..rank + 1)
}
