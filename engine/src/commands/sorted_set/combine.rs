//! ZUNION, ZINTER and ZDIFF of sorted sets, and of sets, whose members all have the score 1.
//!
//! Inputs are read one after another, the smallest first but for ZDIFF: only one can be borrowed at a time. Members found so far are
//! copied; they are at most those of the smallest input for ZINTER, of the first for ZDIFF.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use slotway_core::resp::args::Args;
use slotway_core::resp::encode::ReplyWriter;
use slotway_core::resp::error::{CommandName, ErrorReply};

use super::super::args::{self, Options};
use super::super::collection::Told;
use super::{Data, store, write_all};
use crate::registry::{Effect, Outcome};
use crate::value::listpack::Element;
use crate::value::sorted_set::sort_by_score;
use crate::value::{ObjectRef, SetRef, SortedSet, SortedSetRef};

pub(super) fn zunion(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    show(data, args, Operation::Union, "zunion", reply)
}

pub(super) fn zinter(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    show(data, args, Operation::Intersection, "zinter", reply)
}

pub(super) fn zdiff(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    show(data, args, Operation::Difference, "zdiff", reply)
}

fn show(
    data: &mut Data<'_, '_>,
    args: Args<'_>,
    operation: Operation,
    name: CommandName,
    reply: &mut ReplyWriter<'_>,
) -> Outcome {
    let plan = Plan::read(data, args, 1, Form { operation, purpose: Purpose::Reply, name })?;
    let mut members = plan.execute(data);
    sort_by_score(&mut members);
    let members = members.iter().map(|(member, score)| (Element::Bytes(member), *score));
    write_all(members, plan.told, reply);
    Ok(Effect::None)
}

pub(super) fn zunionstore(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    store_result(data, args, Operation::Union, "zunionstore", reply)
}

pub(super) fn zinterstore(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    store_result(data, args, Operation::Intersection, "zinterstore", reply)
}

pub(super) fn zdiffstore(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    store_result(data, args, Operation::Difference, "zdiffstore", reply)
}

fn store_result(
    data: &mut Data<'_, '_>,
    args: Args<'_>,
    operation: Operation,
    name: CommandName,
    reply: &mut ReplyWriter<'_>,
) -> Outcome {
    let plan = Plan::read(data, args, 2, Form { operation, purpose: Purpose::Store, name })?;
    let result = SortedSet::from_scores(plan.execute(data), &data.limits());
    store(data, args.at(1), result, name, reply)
}

pub(super) fn zintercard(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let form = Form { operation: Operation::Intersection, purpose: Purpose::Count, name: "zintercard" };
    let plan = Plan::read(data, args, 1, form)?;
    let len = plan.execute(data).len();
    reply.integer(if plan.limit == 0 { len } else { len.min(plan.limit) } as i64);
    Ok(Effect::None)
}

/// What is made of the inputs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    /// Members of any.
    Union,
    /// Members of all.
    Intersection,
    /// Members of the first only.
    Difference,
}

/// What becomes of the result.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Reply,
    Store,
    Count,
}

/// What the command's name says.
#[derive(Clone, Copy)]
struct Form {
    operation: Operation,
    purpose: Purpose,
    name: CommandName,
}

/// AGGREGATE: what becomes of the scores that a member has in several inputs.
#[derive(Clone, Copy)]
enum Aggregate {
    Sum,
    Min,
    Max,
}

impl Aggregate {
    fn parse(word: &[u8]) -> Result<Self, ErrorReply> {
        match word {
            word if args::is(word, "sum") => Ok(Aggregate::Sum),
            word if args::is(word, "min") => Ok(Aggregate::Min),
            word if args::is(word, "max") => Ok(Aggregate::Max),
            _ => Err(ErrorReply::Syntax),
        }
    }

    fn of(self, a: f64, b: f64) -> f64 {
        match self {
            // Infinities of both signs sum up to nothing.
            Aggregate::Sum => number_or_zero(a + b),
            Aggregate::Min => {
                if b < a {
                    b
                } else {
                    a
                }
            }
            Aggregate::Max => {
                if b > a {
                    b
                } else {
                    a
                }
            }
        }
    }
}

fn number_or_zero(score: f64) -> f64 {
    if score.is_nan() { 0.0 } else { score }
}

/// A key to read, and what its scores are multiplied by.
struct Source<'a> {
    key: &'a [u8],
    len: usize,
    weight: f64,
}

/// All that a command asks for.
struct Plan<'a> {
    operation: Operation,
    /// In the order in which they are read.
    sources: Vec<Source<'a>>,
    aggregate: Aggregate,
    told: Told,
    /// Most members to be counted; 0 for all.
    limit: usize,
}

impl<'a> Plan<'a> {
    /// Reads the number of keys at `first`, the keys and the options. Keys are looked up before options are read, as in Redis.
    fn read(data: &mut Data<'_, '_>, args: Args<'a>, first: usize, form: Form) -> Result<Self, ErrorReply> {
        let count = usize::try_from(args::integer(args.at(first))?).ok().filter(|count| *count > 0);
        let count = count.ok_or(ErrorReply::NoInputKeys(form.name))?;
        if count > args.len() - first - 1 {
            return Err(ErrorReply::Syntax);
        }
        let keys = args.iter().skip(first + 1).take(count);
        let sources = keys.map(|key| Source::find(data, key)).collect::<Result<_, _>>()?;
        let operation = form.operation;
        let mut plan = Self { operation, sources, aggregate: Aggregate::Sum, told: Told::Names, limit: 0 };
        plan.read_options(Options::new(args, first + 1 + count), form)?;
        if form.operation != Operation::Difference {
            plan.sources.sort_by_key(|source| source.len);
        }
        Ok(plan)
    }

    fn read_options(&mut self, mut words: Options<'_>, form: Form) -> Result<(), ErrorReply> {
        let is_count = form.purpose == Purpose::Count;
        let has_weights = form.operation != Operation::Difference && !is_count;
        while let Some(word) = words.word() {
            match word {
                word if has_weights && args::is(word, "weights") && words.left() >= self.sources.len() => {
                    for source in &mut self.sources {
                        source.weight = args::double_or(words.value()?, ErrorReply::WeightNotAFloat)?;
                    }
                }
                word if has_weights && args::is(word, "aggregate") => {
                    self.aggregate = Aggregate::parse(words.value()?)?;
                }
                word if form.purpose == Purpose::Reply && args::is(word, "withscores") => {
                    self.told = Told::Pairs;
                }
                word if is_count && args::is(word, "limit") => self.limit = limit(words.value()?)?,
                _ => return Err(ErrorReply::Syntax),
            }
        }
        Ok(())
    }

    /// The members of the result, in no particular order, and their scores.
    fn execute(&self, data: &mut Data<'_, '_>) -> Vec<(Vec<u8>, f64)> {
        match self.operation {
            Operation::Union => self.union(data),
            Operation::Intersection => {
                self.narrow(data, |score, other| Some(self.aggregate.of(score, other?)))
            }
            Operation::Difference => self.narrow(data, |score, other| other.is_none().then_some(score)),
        }
    }

    fn union(&self, data: &mut Data<'_, '_>) -> Vec<(Vec<u8>, f64)> {
        let mut members = BTreeMap::new();
        for source in &self.sources {
            for (member, score) in source.members(data) {
                members
                    .entry(member)
                    .and_modify(|sum| *sum = self.aggregate.of(*sum, score))
                    .or_insert(score);
            }
        }
        members.into_iter().collect()
    }

    /// Begins with the first source, and lets `keep` decide for each other one which members stay, and what becomes of their scores.
    fn narrow(
        &self,
        data: &mut Data<'_, '_>,
        keep: impl Fn(f64, Option<f64>) -> Option<f64>,
    ) -> Vec<(Vec<u8>, f64)> {
        let Some((first, others)) = self.sources.split_first() else { return Vec::new() };
        let mut members = first.members(data);
        for source in others {
            let input = Input::peek(data, source.key);
            members.retain_mut(|(member, score)| {
                let other = input.and_then(|input| input.score(member)).map(|other| other * source.weight);
                let kept = keep(*score, other);
                *score = kept.unwrap_or(*score);
                kept.is_some()
            });
        }
        members
    }
}

fn limit(arg: &[u8]) -> Result<usize, ErrorReply> {
    let limit = args::integer_or(arg, ErrorReply::LimitNegative)?;
    usize::try_from(limit).map_err(|_| ErrorReply::LimitNegative)
}

impl<'a> Source<'a> {
    /// Looks the key up, as a read that is counted.
    fn find(data: &mut Data<'_, '_>, key: &'a [u8]) -> Result<Self, ErrorReply> {
        let is_there = data.find(key).is_some();
        let input = Input::peek(data, key);
        match input {
            None if is_there => Err(ErrorReply::WrongType),
            input => Ok(Self { key, len: input.map_or(0, Input::len), weight: 1.0 }),
        }
    }

    /// Copies of all members, with their scores.
    fn members(&self, data: &mut Data<'_, '_>) -> Vec<(Vec<u8>, f64)> {
        let mut members = Vec::with_capacity(self.len);
        let mut add = |member: Element<'_>, score: f64| {
            members.push((member.to_vec(), number_or_zero(score * self.weight)));
        };
        match Input::peek(data, self.key) {
            Some(Input::SortedSet(set)) => set.iter().for_each(|(member, score)| add(member, score)),
            Some(Input::Set(set)) => set.iter().for_each(|member| add(member, 1.0)),
            None => {}
        }
        members
    }
}

/// What can be combined.
#[derive(Clone, Copy)]
enum Input<'a> {
    SortedSet(SortedSetRef<'a>),
    Set(SetRef<'a>),
}

impl<'a> Input<'a> {
    /// Looks at a key without counting that.
    fn peek<'d>(data: &'a mut Data<'d, '_>, key: &'a [u8]) -> Option<Self> {
        let (now, key) = (data.now(), data.key(key));
        match data.db_of(&key).peek(now, &key)?.collection()? {
            ObjectRef::SortedSet(set) => Some(Input::SortedSet(set)),
            ObjectRef::Set(set) => Some(Input::Set(set)),
            ObjectRef::List(_) | ObjectRef::Hash(_) | ObjectRef::Stream(_) => None,
        }
    }

    fn len(self) -> usize {
        match self {
            Input::SortedSet(set) => set.len(),
            Input::Set(set) => set.len(),
        }
    }

    fn score(self, member: &[u8]) -> Option<f64> {
        match self {
            Input::SortedSet(set) => set.score(member),
            Input::Set(set) => set.contains(member).then_some(1.0),
        }
    }
}
