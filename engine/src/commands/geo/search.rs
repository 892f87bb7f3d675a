//! GEOSEARCH, GEORADIUS and their kin: the members in an area.
//!
//! | command           | center               | shape        | result may be stored         |
//! |-------------------|----------------------|--------------|------------------------------|
//! | GEORADIUS         | arguments            | a radius     | STORE, STOREDIST, but in _RO |
//! | GEORADIUSBYMEMBER | argument             | a radius     | STORE, STOREDIST, but in _RO |
//! | GEOSEARCH         | FROMMEMBER, -LONLAT  | BYRADIUS/BOX |                              |
//! | GEOSEARCHSTORE    | FROMMEMBER, -LONLAT  | BYRADIUS/BOX | always; STOREDIST            |

use alloc::vec::Vec;
use core::cmp::Ordering;
use core::ops::Range;

use slotway_core::resp::args::Args;
use slotway_core::resp::encode::ReplyWriter;
use slotway_core::resp::error::ErrorReply;

use super::super::args::{self, Options};
use super::super::partial_sort::partial_sort;
use super::super::sorted_set::store;
use super::{Data, Unit, point, point_of, write_distance, write_point};
use crate::geohash::{Point, Shape, cover};
use crate::registry::{Effect, Outcome};
use crate::value::{SortedSet, SortedSetRef};

pub(super) fn georadius(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    search(data, args, Form::Radius { may_store: true }, reply)
}

pub(super) fn georadius_ro(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    search(data, args, Form::Radius { may_store: false }, reply)
}

pub(super) fn georadiusbymember(
    data: &mut Data<'_, '_>,
    args: Args<'_>,
    reply: &mut ReplyWriter<'_>,
) -> Outcome {
    search(data, args, Form::RadiusOfMember { may_store: true }, reply)
}

pub(super) fn georadiusbymember_ro(
    data: &mut Data<'_, '_>,
    args: Args<'_>,
    reply: &mut ReplyWriter<'_>,
) -> Outcome {
    search(data, args, Form::RadiusOfMember { may_store: false }, reply)
}

pub(super) fn geosearch(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    search(data, args, Form::Search, reply)
}

pub(super) fn geosearchstore(
    data: &mut Data<'_, '_>,
    args: Args<'_>,
    reply: &mut ReplyWriter<'_>,
) -> Outcome {
    search(data, args, Form::SearchStore, reply)
}

fn search(data: &mut Data<'_, '_>, args: Args<'_>, form: Form, reply: &mut ReplyWriter<'_>) -> Outcome {
    let set = data.read::<SortedSet>(args.at(form.source()))?;
    let query = Query::read(args, form, set)?;
    let found = set.map_or_else(Vec::new, |set| query.execute(set));
    let Some(destination) = query.destination else {
        reply.array(found.len());
        found.iter().for_each(|place| query.write(place, reply));
        return Ok(Effect::None);
    };
    let count = found.len() as u64;
    let members = found.into_iter().map(|place| (place.score(query.unit, destination.what), place.member));
    let members =
        SortedSet::from_scores(members.map(|(score, member)| (member, score)).collect(), &data.limits());
    match store(data, destination.key, members, form.event(), reply)? {
        Effect::Changed(_) => Ok(Effect::Changed(count.max(1))),
        effect => Ok(effect),
    }
}

/// A command, as far as its arguments differ from those of others.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Radius { may_store: bool },
    RadiusOfMember { may_store: bool },
    Search,
    SearchStore,
}

impl Form {
    /// Which argument is the key that is searched.
    fn source(self) -> usize {
        if self == Form::SearchStore { 2 } else { 1 }
    }

    /// Where options begin.
    fn options(self) -> usize {
        match self {
            Form::Radius { .. } => 6,
            Form::RadiusOfMember { .. } => 5,
            Form::Search => 2,
            Form::SearchStore => 3,
        }
    }

    /// True if the area is told by options.
    fn is_search(self) -> bool {
        matches!(self, Form::Search | Form::SearchStore)
    }

    /// True if STORE and STOREDIST name a key.
    fn may_store(self) -> bool {
        matches!(self, Form::Radius { may_store: true } | Form::RadiusOfMember { may_store: true })
    }

    fn event(self) -> &'static str {
        if self.is_search() { "geosearchstore" } else { "georadiusstore" }
    }
}

/// Where a result goes.
#[derive(Clone, Copy)]
struct Destination<'a> {
    key: &'a [u8],
    what: Stored,
}

/// What becomes the score of a member that is stored.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stored {
    Place,
    Distance,
}

/// What a reply tells besides members.
#[derive(Clone, Copy, Default)]
struct Told {
    distance: bool,
    hash: bool,
    point: bool,
}

impl Told {
    fn count(self) -> usize {
        [self.distance, self.hash, self.point].into_iter().filter(|told| *told).count()
    }
}

/// A member found.
struct Found {
    member: Vec<u8>,
    score: f64,
    point: Point,
    /// From the center, in meters.
    distance: f64,
}

impl Found {
    fn score(&self, unit: Unit, what: Stored) -> f64 {
        match what {
            Stored::Place => self.score,
            Stored::Distance => unit.of_meters(self.distance),
        }
    }
}

/// What a command asks for.
struct Query<'a> {
    center: Option<Point>,
    shape: Option<Shape>,
    unit: Unit,
    told: Told,
    /// By distance: the nearest first is `Less`.
    order: Option<Ordering>,
    count: Option<usize>,
    /// ANY: the first ones found will do.
    any: bool,
    destination: Option<Destination<'a>>,
}

impl<'a> Query<'a> {
    /// Reads all arguments. A center that is a member is looked for at once, so that errors come in Redis' order.
    fn read(args: Args<'a>, form: Form, set: Option<SortedSetRef<'_>>) -> Result<Self, ErrorReply> {
        let mut query = Self {
            center: None,
            shape: None,
            unit: Unit::METER,
            told: Told::default(),
            order: None,
            count: None,
            any: false,
            destination: None,
        };
        let mut words = Options::new(args, form.options());
        match form {
            Form::Radius { .. } => {
                query.center = Some(point(args.at(2), args.at(3))?);
                query.set_radius(args.at(4), args.at(5))?;
            }
            // Without a set, nobody looks at member and radius.
            Form::RadiusOfMember { .. } if set.is_none() => {}
            Form::RadiusOfMember { .. } => {
                query.center = Some(point_of(set, args.at(2)).ok_or(ErrorReply::GeoMember)?);
                query.set_radius(args.at(3), args.at(4))?;
            }
            Form::Search => {}
            Form::SearchStore => {
                query.destination = Some(Destination { key: args.at(1), what: Stored::Place });
            }
        }
        let mut area = AreaWords::default();
        while let Some(word) = words.word() {
            let understood = query.result_word(word, &mut words)?
                || form.may_store() && query.store_word(word, &mut words)
                || form.is_search() && query.area_word(word, &mut words, set, &mut area)?
                || form == Form::SearchStore && query.distance_word(word);
            if !understood {
                return Err(ErrorReply::Syntax);
            }
        }
        query.check(args, form, area)?;
        Ok(query)
    }

    /// Words about the reply, which all commands know.
    fn result_word(&mut self, word: &[u8], words: &mut Options<'a>) -> Result<bool, ErrorReply> {
        match word {
            word if args::is(word, "withdist") => self.told.distance = true,
            word if args::is(word, "withhash") => self.told.hash = true,
            word if args::is(word, "withcoord") => self.told.point = true,
            word if args::is(word, "any") => self.any = true,
            word if args::is(word, "asc") => self.order = Some(Ordering::Less),
            word if args::is(word, "desc") => self.order = Some(Ordering::Greater),
            word if args::is(word, "count") && words.left() >= 1 => {
                let count = args::integer(words.value()?)?;
                let count = usize::try_from(count).ok().filter(|count| *count > 0);
                self.count = Some(count.ok_or(ErrorReply::GeoCount)?);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// STORE and STOREDIST of GEORADIUS.
    fn store_word(&mut self, word: &[u8], words: &mut Options<'a>) -> bool {
        let what = match word {
            word if args::is(word, "store") => Stored::Place,
            word if args::is(word, "storedist") => Stored::Distance,
            _ => return false,
        };
        self.destination = words.word().map(|key| Destination { key, what });
        self.destination.is_some()
    }

    /// STOREDIST of GEOSEARCHSTORE.
    fn distance_word(&mut self, word: &[u8]) -> bool {
        let understood = args::is(word, "storedist");
        if let Some(destination) = &mut self.destination
            && understood
        {
            destination.what = Stored::Distance;
        }
        understood
    }

    /// Words about the area of GEOSEARCH.
    fn area_word(
        &mut self,
        word: &[u8],
        words: &mut Options<'a>,
        set: Option<SortedSetRef<'_>>,
        area: &mut AreaWords,
    ) -> Result<bool, ErrorReply> {
        match word {
            word if args::is(word, "frommember") && words.left() >= 1 && !area.from_point => {
                let member = words.value()?;
                if set.is_some() {
                    self.center = Some(point_of(set, member).ok_or(ErrorReply::GeoMember)?);
                }
                area.from_member = true;
            }
            word if args::is(word, "fromlonlat") && words.left() >= 2 && !area.from_member => {
                self.center = Some(point(words.value()?, words.value()?)?);
                area.from_point = true;
            }
            word if args::is(word, "byradius") && words.left() >= 2 && !area.by_box => {
                self.set_radius(words.value()?, words.value()?)?;
                area.by_radius = true;
            }
            word if args::is(word, "bybox") && words.left() >= 3 && !area.by_radius => {
                self.set_box(words.value()?, words.value()?, words.value()?)?;
                area.by_box = true;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn set_radius(&mut self, radius: &[u8], unit: &[u8]) -> Result<(), ErrorReply> {
        let radius = args::double_or(radius, ErrorReply::RadiusNotAFloat)?;
        if radius < 0.0 {
            return Err(ErrorReply::RadiusNegative);
        }
        self.unit = Unit::parse(unit)?;
        self.shape = Some(Shape::Circle { radius: self.unit.to_meters(radius) });
        Ok(())
    }

    fn set_box(&mut self, width: &[u8], height: &[u8], unit: &[u8]) -> Result<(), ErrorReply> {
        let width = args::double_or(width, ErrorReply::WidthNotAFloat)?;
        let height = args::double_or(height, ErrorReply::HeightNotAFloat)?;
        if width < 0.0 || height < 0.0 {
            return Err(ErrorReply::BoxNegative);
        }
        self.unit = Unit::parse(unit)?;
        let (width, height) = (self.unit.to_meters(width), self.unit.to_meters(height));
        self.shape = Some(Shape::Box { width, height });
        Ok(())
    }

    /// What can only be told once all words are known.
    fn check(&mut self, args: Args<'_>, form: Form, area: AreaWords) -> Result<(), ErrorReply> {
        if self.destination.is_some() && self.told.count() > 0 {
            let who = if form == Form::SearchStore { "GEOSEARCHSTORE" } else { "STORE option in GEORADIUS" };
            return Err(ErrorReply::GeoStoreWith(who));
        }
        if form.is_search() && !(area.from_member || area.from_point) {
            return Err(ErrorReply::GeoCenter(args.at(0).to_vec()));
        }
        if form.is_search() && !(area.by_radius || area.by_box) {
            return Err(ErrorReply::GeoShape(args.at(0).to_vec()));
        }
        if self.any && self.count.is_none() {
            return Err(ErrorReply::GeoAnyWithoutCount);
        }
        if self.count.is_some() && !self.any {
            self.order = self.order.or(Some(Ordering::Less));
        }
        Ok(())
    }

    /// The members in the area, as many as are wanted.
    fn execute(&self, set: SortedSetRef<'_>) -> Vec<Found> {
        let (Some(center), Some(shape)) = (self.center, self.shape) else { return Vec::new() };
        let places = cover(center, shape).flat_map(|cell| {
            let scores = cell.scores();
            set.range(set.between(|_, score| score >= scores.start, |_, score| score >= scores.end))
        });
        let found = places.filter_map(|(member, score)| {
            let point = Point::of_score(score);
            let distance = shape.distance(center, point)?;
            Some(Found { member: member.to_vec(), score, point, distance })
        });
        let enough = if self.any { self.count } else { None };
        let mut found: Vec<Found> = found.take(enough.unwrap_or(usize::MAX)).collect();
        let wanted = 0..self.count.unwrap_or(usize::MAX).min(found.len());
        if let Some(order) = self.order {
            sort(&mut found, &wanted, order);
        }
        found.truncate(wanted.end);
        found
    }

    fn write(&self, place: &Found, reply: &mut ReplyWriter<'_>) {
        if self.told.count() > 0 {
            reply.array(1 + self.told.count());
        }
        reply.bulk(&place.member);
        if self.told.distance {
            write_distance(self.unit.of_meters(place.distance), reply);
        }
        if self.told.hash {
            reply.integer(place.score as i64);
        }
        if self.told.point {
            write_point(place.point, reply);
        }
    }
}

/// Puts those nearest to the center, or farthest from it, into the places `wanted`.
fn sort(found: &mut [Found], wanted: &Range<usize>, order: Ordering) {
    let compare = |a: &Found, b: &Found| {
        let nearer = a.distance.partial_cmp(&b.distance).unwrap_or(Ordering::Equal);
        if order == Ordering::Less { nearer } else { nearer.reverse() }
    };
    if wanted.len() == found.len() {
        found.sort_by(compare);
    } else {
        partial_sort(found, wanted, &compare);
    }
}

/// Which words about the area have been read.
#[derive(Clone, Copy, Default)]
struct AreaWords {
    from_member: bool,
    from_point: bool,
    by_radius: bool,
    by_box: bool,
}
