//! XCLAIM and XAUTOCLAIM: what is pending for one consumer becomes pending for another.

use alloc::vec::Vec;

use slotway_core::resp::args::Args;
use slotway_core::resp::encode::ReplyWriter;
use slotway_core::resp::error::{ErrorReply, StreamError};
use slotway_core::time::UnixMs;

use super::pending::group_of;
use super::propagate::Given;
use super::{ids, read_counted, reply};
use crate::commands::Data;
use crate::commands::args::{self, Options};
use crate::events::Class;
use crate::registry::{Effect, Outcome};
use crate::value::Stream;
use crate::value::stream::{Delivery, Group, Log, PartialId, StreamId};

pub(super) fn xclaim(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let (key, name) = (args.at(1), args.at(2));
    group_of(read_counted(data, key)?, key, name)?;
    let words = ClaimWords::read(args, data.now())?;
    edit(data, key, name, words.claim, |log, group, noted| words.execute(log, group, noted, reply))
}

pub(super) fn xautoclaim(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let (key, name) = (args.at(1), args.at(2));
    let words = AutoClaimWords::read(args, data.now())?;
    group_of(read_counted(data, key)?, key, name)?;
    edit(data, key, name, words.claim, |log, group, noted| words.execute(log, group, noted, reply))
}

/// Lets the claimant do its work; `execute` returns how many changes it made.
fn edit(
    data: &mut Data<'_, '_>,
    key: &[u8],
    name: &[u8],
    claim: Claim<'_>,
    execute: impl FnOnce(&Log, &mut Group, &mut Option<Given>) -> u64,
) -> Outcome {
    let mut noted = data.records().then(Given::default);
    let edited = data.edit(key, |stream: &mut Stream, _| {
        let Stream { log, groups } = stream;
        groups.edit(name, |group| {
            let was_added = group.see(claim.claimant, claim.now);
            let changes = execute(log, group, &mut noted);
            noted.iter_mut().for_each(|noted| noted.note_position(group));
            (was_added, changes)
        })
    })?;
    let (was_added, changes) = edited.flatten().unwrap_or_default();
    if was_added {
        data.event(Class::Stream, "xgroup-createconsumer", key);
    }
    data.propagate_nothing();
    if let Some(noted) = noted {
        noted.propagate(data, key, name);
    }
    Ok(Effect::changed(changes + u64::from(was_added)))
}

/// How entries are claimed.
#[derive(Clone, Copy)]
struct Claim<'a> {
    claimant: &'a [u8],
    now: UnixMs,
    /// What has not been idle that long stays where it is.
    min_idle_ms: u64,
    /// When the entries are to count as delivered.
    delivered_at: UnixMs,
    /// How often they are to count as delivered, if not once more than before.
    delivery_count: Option<u64>,
    /// Entries become pending that were not.
    force: bool,
    /// Ids are told instead of entries, and do not count as a delivery.
    just_id: bool,
}

/// What became of one entry.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Claimed {
    /// It is the claimant's, and has been told.
    Taken,
    /// It was pending, and is not in the stream any more: now it is not pending either.
    Gone,
    /// It was not pending, or not idle enough.
    No,
}

impl<'a> Claim<'a> {
    /// A claim by the words that both commands begin with.
    fn read(args: Args<'a>, now: UnixMs, command: &'static str) -> Result<Self, ErrorReply> {
        let min_idle_ms = number(args.at(4), "min-idle-time", command)?.max(0) as u64;
        Ok(Self {
            claimant: args.at(3),
            now,
            min_idle_ms,
            delivered_at: now,
            delivery_count: None,
            force: false,
            just_id: false,
        })
    }

    fn one(
        &self,
        log: &Log,
        group: &mut Group,
        id: StreamId,
        noted: &mut Option<Given>,
        reply: &mut ReplyWriter<'_>,
    ) -> Claimed {
        let before = group.pending().get(&id).map(|pending| pending.delivery);
        let Some(entry) = log.get(id) else {
            // A replica finds out itself that it is gone.
            noted.iter_mut().for_each(|noted| noted.note(group, id));
            return if group.acknowledge(id) { Claimed::Gone } else { Claimed::No };
        };
        let Some(count) = self.count_after(before) else { return Claimed::No };
        group.assign(id, self.claimant, Delivery { at: self.delivered_at, count });
        group.set_active(self.claimant, self.now);
        noted.iter_mut().for_each(|noted| noted.note(group, id));
        if self.just_id {
            reply::id(id, reply)
        } else {
            reply::entry(entry, reply)
        }
        Claimed::Taken
    }

    /// How often an entry counts as delivered once it is claimed; `None` if it cannot be.
    fn count_after(&self, before: Option<Delivery>) -> Option<u64> {
        let count = match before {
            Some(delivery) if self.now.ms_since(delivery.at) < self.min_idle_ms => return None,
            Some(delivery) => delivery.count,
            None if self.force => 1,
            None => return None,
        };
        Some(self.delivery_count.unwrap_or(count.wrapping_add(u64::from(!self.just_id))))
    }
}

/// The words of XCLAIM.
struct ClaimWords<'a> {
    claim: Claim<'a>,
    ids: Vec<StreamId>,
    /// The group goes on after this id, if that is further on.
    last_id: StreamId,
}

impl<'a> ClaimWords<'a> {
    fn read(args: Args<'a>, now: UnixMs) -> Result<Self, ErrorReply> {
        let claim = Claim::read(args, now, "XCLAIM")?;
        let parsed = args.skip(5).iter().map_while(|arg| PartialId::parse(arg)?.complete(0));
        let ids: Vec<StreamId> = parsed.collect();
        let mut options = Options::new(args, 5 + ids.len());
        let mut words = Self { claim, ids, last_id: StreamId::MIN };
        while let Some(word) = options.word() {
            words.option(word, &mut options)?;
        }
        Ok(words)
    }

    fn option(&mut self, word: &[u8], options: &mut Options<'_>) -> Result<(), ErrorReply> {
        let claim = &mut self.claim;
        match options.left() {
            _ if args::is(word, "force") => claim.force = true,
            _ if args::is(word, "justid") => claim.just_id = true,
            1.. if args::is(word, "idle") => {
                let idle = number(options.value()?, "IDLE option", "XCLAIM")?;
                claim.delivered_at = not_later(claim.now, (claim.now.as_ms() as i64).wrapping_sub(idle));
            }
            1.. if args::is(word, "time") => {
                let time = number(options.value()?, "TIME option", "XCLAIM")?;
                claim.delivered_at = not_later(claim.now, time);
            }
            1.. if args::is(word, "retrycount") => {
                let count = number(options.value()?, "RETRYCOUNT option", "XCLAIM")?;
                claim.delivery_count = u64::try_from(count).ok();
            }
            1.. if args::is(word, "lastid") => self.last_id = ids::id(options.value()?)?,
            _ => return Err(StreamError::ClaimOption(word.to_vec()).into()),
        }
        Ok(())
    }

    fn execute(
        &self,
        log: &Log,
        group: &mut Group,
        noted: &mut Option<Given>,
        reply: &mut ReplyWriter<'_>,
    ) -> u64 {
        let goes_on = self.last_id > group.last_id();
        if goes_on {
            group.set_position(self.last_id, group.entries_read());
        }
        let (array, mut taken, mut gone) = (reply.deferred(), 0, 0);
        for id in &self.ids {
            match self.claim.one(log, group, *id, noted, reply) {
                Claimed::Taken => taken += 1,
                Claimed::Gone => gone += 1,
                Claimed::No => {}
            }
        }
        reply.close(array, taken);
        if let Some(noted) = noted {
            noted.has_moved = goes_on && noted.entries.is_empty();
        }
        // The new position is a change of its own only where no claim goes with it.
        match taken as u64 + gone {
            0 => u64::from(goes_on),
            changes => changes,
        }
    }
}

/// A point in time that is neither in the future nor before 1970; else now.
fn not_later(now: UnixMs, ms: i64) -> UnixMs {
    u64::try_from(ms).map(UnixMs::from_ms).ok().filter(|time| *time <= now).unwrap_or(now)
}

fn number(arg: &[u8], what: &'static str, command: &'static str) -> Result<i64, ErrorReply> {
    args::integer_or(arg, StreamError::NotANumber(what, command).into())
}

/// The words of XAUTOCLAIM.
struct AutoClaimWords<'a> {
    claim: Claim<'a>,
    from: StreamId,
    count: usize,
}

impl<'a> AutoClaimWords<'a> {
    const COUNT_DEFAULT: i64 = 100;
    /// Redis has room for no more ids.
    const COUNT_MAX: i64 = i64::MAX / 16;
    /// How many times COUNT entries are looked at.
    const ATTEMPTS: usize = 10;

    fn read(args: Args<'a>, now: UnixMs) -> Result<Self, ErrorReply> {
        let mut claim = Claim::read(args, now, "XAUTOCLAIM")?;
        let from = ids::range_start(args.at(5))?;
        let (mut options, mut count) = (Options::new(args, 6), Self::COUNT_DEFAULT);
        while let Some(word) = options.word() {
            if args::is(word, "count") {
                let refusal = || ErrorReply::from(StreamError::CountNotPositive);
                count = args::integer_or(options.value()?, refusal())?;
                if !(1..=Self::COUNT_MAX).contains(&count) {
                    return Err(refusal());
                }
            } else if args::is(word, "justid") {
                claim.just_id = true;
            } else {
                return Err(ErrorReply::Syntax);
            }
        }
        Ok(Self { claim, from, count: count as usize })
    }

    /// Replies with where to go on, what was claimed, and which entries were gone.
    fn execute(
        &self,
        log: &Log,
        group: &mut Group,
        noted: &mut Option<Given>,
        reply: &mut ReplyWriter<'_>,
    ) -> u64 {
        let mut claimed = Vec::new();
        let (mut taken, mut gone, mut next) = (0, Vec::new(), Some(self.from));
        let mut entries = ReplyWriter::new(&mut claimed, reply.protocol());
        for _ in 0..self.count.saturating_mul(Self::ATTEMPTS) {
            let Some(id) = next_pending(group, next).filter(|_| taken + gone.len() < self.count) else {
                break;
            };
            match self.claim.one(log, group, id, noted, &mut entries) {
                Claimed::Taken => taken += 1,
                Claimed::Gone => gone.push(id),
                Claimed::No => {}
            }
            next = id.next();
        }
        reply.array(3);
        reply::id(next_pending(group, next).unwrap_or(StreamId::MIN), reply);
        reply.array(taken);
        reply.raw(&claimed);
        reply.array(gone.len());
        gone.iter().for_each(|id| reply::id(*id, reply));
        (taken + gone.len()) as u64
    }
}

/// The first id from here on that is pending.
fn next_pending(group: &Group, from: Option<StreamId>) -> Option<StreamId> {
    group.pending().range(from?..).next().map(|(id, _)| *id)
}
