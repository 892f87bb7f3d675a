//! ZADD and ZINCRBY.

use alloc::vec::Vec;

use slotway_core::resp::args::Args;
use slotway_core::resp::encode::ReplyWriter;
use slotway_core::resp::error::ErrorReply;

use super::super::args::{self, Options};
use super::{Data, write_score_or_null};
use crate::events::Class;
use crate::registry::{Effect, Outcome};
use crate::value::{Limits, SortedSet};

pub(super) fn zadd(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    add(data, args, AddOptions::default(), reply)
}

/// ZADD with INCR, from words that may well be ZADD's.
pub(super) fn zincrby(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    add(data, args, AddOptions { increment: true, ..AddOptions::default() }, reply)
}

fn add(
    data: &mut Data<'_, '_>,
    args: Args<'_>,
    mut options: AddOptions,
    reply: &mut ReplyWriter<'_>,
) -> Outcome {
    let pairs = args.skip(options.read(args)?);
    if pairs.is_empty() || !pairs.len().is_multiple_of(2) {
        return Err(ErrorReply::Syntax);
    }
    options.check(pairs.len() / 2)?;
    // All scores are read before one is believed.
    let scores = pairs.iter().step_by(2).map(args::double);
    let members = scores.zip(pairs.iter().skip(1).step_by(2)).map(|(score, member)| Ok((score?, member)));
    let members: Vec<_> = members.collect::<Result<_, ErrorReply>>()?;
    if options.increment {
        increment(data, args.at(1), options.rule, members[0], reply)
    } else {
        let tally = add_all(data, args.at(1), options.rule, &members)?;
        reply.integer(if options.count_changed { tally.changes() } else { tally.added } as i64);
        Ok(Effect::changed(tally.changes()))
    }
}

/// What a command has done to a sorted set.
#[derive(Clone, Copy, Default)]
pub(in crate::commands) struct Tally {
    /// Members that are new.
    pub(in crate::commands) added: u64,
    /// Members whose scores have changed.
    pub(in crate::commands) updated: u64,
}

impl Tally {
    /// Both together.
    pub(in crate::commands) fn changes(self) -> u64 {
        self.added + self.updated
    }
}

/// Gives all `members` their scores, as far as `rule` allows, and reports the change: ZADD and GEOADD.
pub(in crate::commands) fn add_all(
    data: &mut Data<'_, '_>,
    key: &[u8],
    rule: Rule,
    members: &[(f64, &[u8])],
) -> Result<Tally, ErrorReply> {
    let tally = data.edit_or_create(key, |set: &mut SortedSet, limits| {
        set.expect(members.len(), limits);
        let mut tally = Tally::default();
        for &(score, member) in members {
            match rule.put(set, member, limits, |_| score) {
                Some((None, _)) => tally.added += 1,
                Some((Some(before), after)) if before != after => tally.updated += 1,
                Some(_) | None => {}
            }
        }
        tally
    })?;
    if tally.changes() > 0 {
        data.changed(Class::SortedSet, "zadd", key);
    }
    Ok(tally)
}

/// Adds to the score of one member, and replies with the sum; with null if the rule is against it.
fn increment(
    data: &mut Data<'_, '_>,
    key: &[u8],
    rule: Rule,
    (by, member): (f64, &[u8]),
    reply: &mut ReplyWriter<'_>,
) -> Outcome {
    let done = data.edit_or_create(key, |set: &mut SortedSet, limits| {
        set.expect(1, limits);
        rule.put(set, member, limits, |before| before.map_or(by, |score| score + by))
    })?;
    if done.is_some_and(|(_, after)| after.is_nan()) {
        return Err(ErrorReply::ScoreNotANumber);
    }
    let has_changed = done.is_some_and(|(before, after)| before != Some(after));
    if has_changed {
        data.changed(Class::SortedSet, "zincr", key);
    }
    write_score_or_null(done.map(|(_, after)| after), reply);
    Ok(Effect::changed(has_changed.into()))
}

/// Which members get their scores.
#[derive(Clone, Copy, Default, Debug)]
pub(in crate::commands) struct Rule {
    /// NX or XX: whether a member must be new, or known.
    pub(in crate::commands) existence: Existence,
    /// GT or LT: how a known member's score may change.
    pub(in crate::commands) change: Change,
}

/// NX and XX.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(in crate::commands) enum Existence {
    /// Neither.
    #[default]
    Any,
    /// NX: members that are known stay as they are.
    New,
    /// XX: no member is added.
    Known,
}

/// GT and LT.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(in crate::commands) enum Change {
    /// Neither.
    #[default]
    Any,
    /// GT: scores only grow.
    Greater,
    /// LT: scores only fall.
    Less,
}

impl Rule {
    /// Gives `member` the score that `change` makes of the one it has, if it has one. Returns the scores before and after; `None` if the rule is
    /// against it. A score that would be NaN is returned, but not kept.
    fn put(
        self,
        set: &mut SortedSet,
        member: &[u8],
        limits: &Limits<'_>,
        change: impl Fn(Option<f64>) -> f64,
    ) -> Option<(Option<f64>, f64)> {
        let before = set.borrow().score(member);
        let after = change(before);
        if !self.allows(before, after) {
            return None;
        }
        if !after.is_nan() {
            set.insert(member, after, limits);
        }
        Some((before, after))
    }

    fn allows(self, before: Option<f64>, after: f64) -> bool {
        let existence = match self.existence {
            Existence::Any => true,
            Existence::New => before.is_none(),
            Existence::Known => before.is_some(),
        };
        // What cannot be compared is for the caller to refuse.
        let change = match (self.change, before) {
            (Change::Any, _) | (_, None) => true,
            (Change::Greater, Some(before)) => after > before || after.is_nan(),
            (Change::Less, Some(before)) => after < before || after.is_nan(),
        };
        existence && change
    }
}

/// The options of ZADD as they are written: which of them go together is seen once all are known.
#[derive(Clone, Copy, Default)]
struct AddOptions {
    rule: Rule,
    nx: bool,
    gt: bool,
    lt: bool,
    xx: bool,
    /// CH: changed members are counted too.
    count_changed: bool,
    /// INCR: the score is added to the one there is.
    increment: bool,
}

impl AddOptions {
    /// Reads the words in front of the first score, and returns where that is.
    fn read(&mut self, args: Args<'_>) -> Result<usize, ErrorReply> {
        let mut words = Options::new(args, 2);
        while let Some(word) = words.word() {
            match word {
                word if args::is(word, "nx") => self.nx = true,
                word if args::is(word, "xx") => self.xx = true,
                word if args::is(word, "ch") => self.count_changed = true,
                word if args::is(word, "incr") => self.increment = true,
                word if args::is(word, "gt") => self.gt = true,
                word if args::is(word, "lt") => self.lt = true,
                _ => return Ok(args.len() - words.left() - 1),
            }
        }
        Ok(args.len())
    }

    /// Makes the rule of the words.
    fn check(&mut self, pairs: usize) -> Result<(), ErrorReply> {
        let Self { nx, gt, lt, xx, increment, .. } = *self;
        if nx && xx {
            return Err(ErrorReply::ScoreNxWithXx);
        }
        if u8::from(nx) + u8::from(gt) + u8::from(lt) > 1 {
            return Err(ErrorReply::ScoreGtLtNx);
        }
        if increment && pairs > 1 {
            return Err(ErrorReply::ScoreIncrementPairs);
        }
        self.rule = Rule {
            existence: if nx {
                Existence::New
            } else if xx {
                Existence::Known
            } else {
                Existence::Any
            },
            change: if gt {
                Change::Greater
            } else if lt {
                Change::Less
            } else {
                Change::Any
            },
        };
        Ok(())
    }
}
