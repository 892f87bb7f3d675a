//! HRANDFIELD: fields drawn by chance.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use slotway_core::random::below;
use slotway_core::resp::args::Args;
use slotway_core::resp::encode::{Protocol, ReplyWriter};

use crate::commands::Data;
use crate::commands::collection::{Draw, Told, generator, sample};
use crate::registry::{Effect, Outcome};
use crate::value::hash::Pair;
use crate::value::listpack::Element;
use crate::value::{Hash, HashRef};

/// Distinct fields are drawn one by one from a hash that is more than this many times as large, else on one walk along it.
const WALK_FACTOR: usize = 3;

pub(in crate::commands) fn hrandfield(
    data: &mut Data<'_, '_>,
    args: Args<'_>,
    reply: &mut ReplyWriter<'_>,
) -> Outcome {
    let draw = Draw::read(args, "withvalues")?;
    let mut rng = generator(data.random());
    let hash = data.read::<Hash>(args.at(1))?;
    match (hash, draw) {
        (None, None) => reply.null(),
        (None, Some(_)) => reply.array(0),
        (Some(hash), None) => {
            hash.random(&mut rng).into_iter().for_each(|(field, _)| field.write(reply));
        }
        (Some(hash), Some((Draw::Distinct(count), told))) => {
            write_distinct(hash, count, told, &mut rng, reply)
        }
        (Some(hash), Some((Draw::Repeated(count), told))) => {
            write_repeated(hash, count, told, &mut rng, reply)
        }
    }
    Ok(Effect::None)
}

fn write_distinct(
    hash: HashRef<'_>,
    count: usize,
    told: Told,
    rng: &mut impl FnMut() -> u64,
    reply: &mut ReplyWriter<'_>,
) {
    let len = hash.len();
    write_header(count.min(len), told, reply);
    if count >= len {
        hash.iter().for_each(|pair| write_pair(pair, told, reply));
    } else if count <= len / WALK_FACTOR && matches!(hash, HashRef::Big(_)) {
        draw_distinct(hash, count, rng).into_iter().for_each(|pair| write_pair(pair, told, reply));
    } else {
        sample(hash.iter(), len, count, rng).for_each(|pair| write_pair(pair, told, reply));
    }
}

/// Draws until there are `count` different fields, which must be far fewer than there are.
fn draw_distinct<'a>(
    hash: HashRef<'a>,
    count: usize,
    rng: &mut impl FnMut() -> u64,
) -> impl IntoIterator<Item = Pair<'a>> {
    let mut drawn = BTreeMap::new();
    while drawn.len() < count {
        if let Some((Element::Bytes(field), value)) = hash.random(rng) {
            drawn.insert(field, value);
        }
    }
    drawn.into_iter().map(|(field, value)| (Element::Bytes(field), value))
}

fn write_repeated(
    hash: HashRef<'_>,
    count: usize,
    told: Told,
    rng: &mut impl FnMut() -> u64,
    reply: &mut ReplyWriter<'_>,
) {
    write_header(count, told, reply);
    // One walk along the small form, not one for each field drawn.
    let packed: Vec<Pair<'_>> = match hash {
        HashRef::Packed(_) => hash.iter().collect(),
        HashRef::Big(_) => Vec::new(),
    };
    for _ in 0..count {
        let drawn = match hash {
            HashRef::Packed(_) => packed.get(below(rng(), packed.len())).copied(),
            HashRef::Big(_) => hash.random(rng),
        };
        drawn.into_iter().for_each(|pair| write_pair(pair, told, reply));
    }
}

/// Pairs are arrays of their own in RESP3, and follow one another in RESP2.
fn write_header(count: usize, told: Told, reply: &mut ReplyWriter<'_>) {
    let is_flat = told == Told::Pairs && reply.protocol() == Protocol::Resp2;
    reply.array(if is_flat { 2 * count } else { count });
}

fn write_pair((field, value): Pair<'_>, told: Told, reply: &mut ReplyWriter<'_>) {
    if told == Told::Pairs && reply.protocol() == Protocol::Resp3 {
        reply.array(2);
    }
    field.write(reply);
    if told == Told::Pairs {
        value.write(reply);
    }
}
