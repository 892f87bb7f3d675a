//! Places: sorted sets whose scores are geohashes.
//!
//! Here are the commands on members; [`search`] has those on areas.

mod search;
#[cfg(test)]
mod tests;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use slotway_core::resp::args::Args;
use slotway_core::resp::encode::ReplyWriter;
use slotway_core::resp::error::{ErrorReply, Float};

use super::args::{self, Options};
use super::sorted_set::{Existence, Rule, add_all};
use super::{Binding, Data};
use crate::geohash::Point;
use crate::number::Finite;
use crate::registry::{Effect, Handler, Outcome};
use crate::value::{SortedSet, SortedSetRef};

/// What this family executes.
pub(super) const COMMANDS: &[Binding] = &[
    ("geoadd", Handler::Data(geoadd)),
    ("geodist", Handler::Data(geodist)),
    ("geohash", Handler::Data(geohash)),
    ("geopos", Handler::Data(geopos)),
    ("georadius", Handler::Data(search::georadius)),
    ("georadius_ro", Handler::Data(search::georadius_ro)),
    ("georadiusbymember", Handler::Data(search::georadiusbymember)),
    ("georadiusbymember_ro", Handler::Data(search::georadiusbymember_ro)),
    ("geosearch", Handler::Data(search::geosearch)),
    ("geosearchstore", Handler::Data(search::geosearchstore)),
];

fn geoadd(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let AddOptions { existence, count_changed, first } = AddOptions::read(args)?;
    let triples = args.skip(first);
    let scores = (0..triples.len()).step_by(3).map(|at| {
        let point = point(triples.at(at), triples.at(at + 1))?;
        Ok((point.score(), triples.at(at + 2)))
    });
    let members: Vec<_> = scores.collect::<Result<_, ErrorReply>>()?;
    if members.is_empty() {
        return Err(ErrorReply::Syntax);
    }
    let tally = add_all(data, args.at(1), Rule { existence, ..Rule::default() }, &members)?;
    propagate_as_zadd(data, args, first, &members);
    reply.integer(if count_changed { tally.changes() } else { tally.added } as i64);
    Ok(Effect::changed(tally.changes()))
}

/// To replicas it is what it is made of: scores.
fn propagate_as_zadd(data: &mut Data<'_, '_>, args: Args<'_>, first: usize, members: &[(f64, &[u8])]) {
    if data.records() {
        let scores: Vec<_> = members.iter().map(|(score, _)| alloc::format!("{score}")).collect();
        let pairs = scores.iter().zip(members).flat_map(|(score, (_, member))| [score.as_bytes(), *member]);
        let head = [b"ZADD", args.at(1)].into_iter().chain(args.iter().take(first).skip(2));
        data.propagate(&head.chain(pairs).collect::<Vec<_>>());
    }
}

fn geopos(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let set = data.read::<SortedSet>(args.at(1))?;
    let members = args.skip(2);
    reply.array(members.len());
    for member in members.iter() {
        match point_of(set, member) {
            Some(point) => write_point(point, reply),
            None => reply.null_array(),
        }
    }
    Ok(Effect::None)
}

fn geohash(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let set = data.read::<SortedSet>(args.at(1))?;
    let members = args.skip(2);
    reply.array(members.len());
    for member in members.iter() {
        reply.bulk_or_null(point_of(set, member).map(Point::text).as_ref().map(<[u8; 11]>::as_slice));
    }
    Ok(Effect::None)
}

fn geodist(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let unit = match args.get(4) {
        Some(_) if args.len() > 5 => return Err(ErrorReply::Syntax),
        Some(unit) => Unit::parse(unit)?,
        None => Unit::METER,
    };
    let set = data.read::<SortedSet>(args.at(1))?;
    match (point_of(set, args.at(2)), point_of(set, args.at(3))) {
        (Some(from), Some(to)) => write_distance(unit.of_meters(from.distance(to)), reply),
        _ => reply.null(),
    }
    Ok(Effect::None)
}

/// A unit of length.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Unit {
    meters: f64,
}

impl Unit {
    const METER: Self = Self { meters: 1.0 };

    fn parse(word: &[u8]) -> Result<Self, ErrorReply> {
        let units = [("m", 1.0), ("km", 1000.0), ("ft", 0.3048), ("mi", 1609.34)];
        let unit = units.into_iter().find(|(name, _)| args::is(word, name));
        unit.map(|(_, meters)| Self { meters }).ok_or(ErrorReply::GeoUnit)
    }

    fn to_meters(self, length: f64) -> f64 {
        length * self.meters
    }

    fn of_meters(self, meters: f64) -> f64 {
        meters / self.meters
    }
}

/// The options of GEOADD.
struct AddOptions {
    existence: Existence,
    /// CH: changed members are counted too.
    count_changed: bool,
    /// Where the first place is.
    first: usize,
}

impl AddOptions {
    fn read(args: Args<'_>) -> Result<Self, ErrorReply> {
        let (mut nx, mut xx, mut count_changed) = (false, false, false);
        let mut words = Options::new(args, 2);
        let first = loop {
            let at = args.len() - words.left();
            match words.word() {
                Some(word) if args::is(word, "nx") => nx = true,
                Some(word) if args::is(word, "xx") => xx = true,
                Some(word) if args::is(word, "ch") => count_changed = true,
                Some(_) | None => break at,
            }
        };
        let existence = match (nx, xx) {
            (true, true) => return Err(ErrorReply::Syntax),
            (true, false) => Existence::New,
            (false, true) => Existence::Known,
            (false, false) => Existence::Any,
        };
        let is_whole = (args.len() - first).is_multiple_of(3);
        if is_whole { Ok(Self { existence, count_changed, first }) } else { Err(ErrorReply::Syntax) }
    }
}

/// Reads a longitude and a latitude.
fn point(longitude: &[u8], latitude: &[u8]) -> Result<Point, ErrorReply> {
    let (longitude, latitude) = (args::double(longitude)?, args::double(latitude)?);
    Point::new(longitude, latitude).ok_or(ErrorReply::OffTheMap(Float(longitude), Float(latitude)))
}

fn point_of(set: Option<SortedSetRef<'_>>, member: &[u8]) -> Option<Point> {
    set.and_then(|set| set.score(member)).map(Point::of_score)
}

/// A place as an array of its coordinates, with all digits that Redis shows.
fn write_point(point: Point, reply: &mut ReplyWriter<'_>) {
    reply.array(2);
    for coordinate in [point.longitude, point.latitude] {
        let text = Finite::from_double(coordinate).map_or_else(String::new, |number| number.to_string());
        reply.double_text(&text);
    }
}

/// A distance with four digits behind the point, in either dialect a bulk string.
fn write_distance(distance: f64, reply: &mut ReplyWriter<'_>) {
    let scaled = libm::rint(distance * 10_000.0) as u64;
    reply.bulk(format!("{}.{:04}", scaled / 10_000, scaled % 10_000).as_bytes());
}
