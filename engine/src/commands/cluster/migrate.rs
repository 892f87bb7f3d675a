//! The commands of atomic slot migration: what operators say, and what source and target say to each other (SYNCSLOTS).
//!
//! Source of the forms: Valkey 9. RESOLVE is ours: see `core::cluster::handoff`.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use slotway_core::cluster::{Admin, HandoffInput, Input, Job, Message, Side, Verdict};
use slotway_core::id::{JobId, NodeId};
use slotway_core::resp::args::Args;
use slotway_core::resp::encode::ReplyWriter;
use slotway_core::resp::error::{ErrorReply, MigrationError};
use slotway_core::slot::{Slot, SlotRange};
use slotway_core::slot_set::SlotSet;
use slotway_core::topology::NodeIndex;

use super::super::{Binding, Connection, Whole, args};
use super::change::{order, slot, with_cluster};
use super::{ask, known};
use crate::keyspace::DbIndex;
use crate::registry::{Effect, Handler, Outcome};
use crate::session::{After, Import};

/// What this family executes.
pub(in crate::commands) const COMMANDS: &[Binding] = &[
    ("cluster|cancelslotmigrations", Handler::Node(cancelslotmigrations)),
    ("cluster|getslotmigrations", Handler::Session(getslotmigrations)),
    ("cluster|migrateslots", Handler::Node(migrateslots)),
    ("cluster|syncslots", Handler::Node(syncslots)),
];

/// The one database of a cluster.
const CLUSTER_DB: DbIndex = DbIndex(0);

fn migrateslots(whole: &mut Whole<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    known(&whole.connection)?;
    let (mut wanted, mut at) = (Vec::new(), 2);
    while at < args.len() {
        if !args.is(at, "slotsrange") {
            return Err(ErrorReply::Syntax);
        }
        let ranges = Ranges::read(whole, args, at + 1)?;
        if !args.is(ranges.end, "node") || ranges.end + 1 >= args.len() {
            return Err(ErrorReply::Syntax);
        }
        wanted.push((ranges.slots, target(args.at(ranges.end + 1))?));
        at = ranges.end + 2;
    }
    order(whole, Admin::MigrateSlots(wanted), reply)
}

fn target(name: &[u8]) -> Result<NodeId, ErrorReply> {
    let invalid = || MigrationError::InvalidNode(String::from_utf8_lossy(name).into_owned());
    Ok(NodeId::parse(name).ok_or_else(invalid)?)
}

fn cancelslotmigrations(whole: &mut Whole<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    order(whole, Admin::CancelSlotMigrations, reply)
}

/// Slots behind SLOTSRANGE, and where the words go on.
struct Ranges {
    slots: SlotSet,
    end: usize,
}

impl Ranges {
    /// The first word that is no number ends them. All slots must be of one owner.
    fn read(whole: &Whole<'_>, args: Args<'_>, first: usize) -> Result<Self, ErrorReply> {
        let (mut ranges, mut end) = (Vec::<SlotRange>::new(), first);
        let mut owner: Option<NodeIndex> = None;
        let topology = with_cluster(whole, |now, cluster| cluster.topology(now))?;
        while end < args.len() && args::integer(args.at(end)).is_ok() {
            let start = slot(args.at(end))?;
            let last = slot(args.get(end + 1).ok_or(MigrationError::NoEnd)?)?;
            let range = SlotRange::new(start, last).ok_or(MigrationError::Descending(start, last))?;
            for slot in range.iter() {
                let of_slot = topology.owner(slot).ok_or(MigrationError::NotServed(slot))?;
                if *owner.get_or_insert(of_slot) != of_slot {
                    return Err(MigrationError::SeveralOwners.into());
                }
            }
            let overlaps =
                |before: &&SlotRange| before.start() <= range.end() && range.start() <= before.end();
            if let Some(before) = ranges.iter().find(overlaps) {
                return Err(MigrationError::Overlap(range, *before).into());
            }
            ranges.push(range);
            end += 2;
        }
        if ranges.is_empty() {
            return Err(MigrationError::NoRanges.into());
        }
        Ok(Self { slots: ranges.into_iter().collect(), end })
    }

    /// The same without a look at owners: what the primary, or the file, says is right.
    fn believe(args: Args<'_>, first: usize) -> Result<Self, ErrorReply> {
        let (mut slots, mut end) = (SlotSet::EMPTY, first);
        while end + 1 < args.len() && args::integer(args.at(end)).is_ok() {
            let (start, last) = (slot(args.at(end))?, slot(args.at(end + 1))?);
            slots.extend(SlotRange::new(start, last));
            end += 2;
        }
        Ok(Self { slots, end })
    }
}

fn getslotmigrations(connection: &mut Connection<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    known(connection)?;
    let jobs = ask(connection, |_, cluster| cluster.jobs().to_vec()).unwrap_or_default();
    reply.array(jobs.len());
    jobs.iter().for_each(|job| write_job(connection, job, reply));
    Ok(Effect::None)
}

/// What Valkey tells of a job, and how much has been sent, if this node knows.
fn write_job(connection: &Connection<'_>, job: &Job, reply: &mut ReplyWriter<'_>) {
    let progress = connection.node.migrated(job.id);
    reply.map(11 + if progress.is_some() { 4 } else { 0 });
    let side = alloc::format!("{}", job.side);
    let ranges: Vec<String> =
        job.slots.ranges().map(|range| alloc::format!("{}-{}", range.start(), range.end())).collect();
    for (name, text) in [
        ("name", job.id.as_str()),
        ("operation", &side),
        ("slot_ranges", &ranges.join(" ")),
        ("target_node", job.target.as_str()),
        ("source_node", job.source.as_str()),
    ] {
        reply.bulk(name.as_bytes());
        reply.bulk(text.as_bytes());
    }
    for (name, at) in
        [("create_time", job.created), ("last_update_time", job.updated), ("last_ack_time", job.heard)]
    {
        reply.bulk(name.as_bytes());
        reply.integer(at.as_secs() as i64);
    }
    for (name, text) in [("state", job.state.name()), ("message", &job.why)] {
        reply.bulk(name.as_bytes());
        reply.bulk(text.as_bytes());
    }
    // Nothing is copied.
    reply.bulk(b"cow_size");
    reply.integer(0);
    if let Some(progress) = progress {
        for (name, count) in [
            ("slots_total", job.slots.len() as u64),
            ("slots_done", progress.slots as u64),
            ("keys_done", progress.keys),
            ("bytes_done", progress.bytes),
        ] {
            reply.bulk(name.as_bytes());
            reply.integer(count as i64);
        }
    }
}

fn syncslots(whole: &mut Whole<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    known(&whole.connection)?;
    let is_told = whole.connection.session.is_primary_link;
    match args.at(2) {
        word if args::is(word, "establish") && is_told => track(whole, args, reply),
        word if args::is(word, "establish") => establish(whole, args, reply),
        word if args::is(word, "finish") => finish(whole, args, reply),
        word if args::is(word, "resolve") => resolve(whole, args, reply),
        // What a later version can do besides.
        word if args::is(word, "capa") => Ok(Effect::None),
        word => match Message::parse(word) {
            Some(_) if is_told => Ok(Effect::None),
            Some(message) => hear(whole, message),
            None => Err(ErrorReply::Syntax),
        },
    }
}

/// The words of ESTABLISH, FINISH and RESOLVE: names with their values, in any order.
#[derive(Default)]
struct Words {
    job: Option<JobId>,
    node: Option<NodeId>,
    slots: Option<SlotSet>,
}

impl Words {
    /// `node` is the word in front of the name of a node; what is behind `ignored` is for people.
    fn read(
        args: Args<'_>,
        node: &'static str,
        ignored: [&str; 2],
        ranges: impl Fn(usize) -> Result<Ranges, ErrorReply>,
    ) -> Result<Self, ErrorReply> {
        let (mut words, mut at) = (Self::default(), 3);
        while at < args.len() {
            let value = args.get(at + 1).ok_or(ErrorReply::Syntax)?;
            match args.at(at) {
                word if args::is(word, "slotsrange") && words.slots.is_none() => {
                    let ranges = ranges(at + 1)?;
                    words.slots = Some(ranges.slots);
                    at = ranges.end;
                    continue;
                }
                word if args::is(word, "name") && words.job.is_none() => {
                    words.job = Some(JobId::parse(value).ok_or(ErrorReply::Syntax)?);
                }
                word if args::is(word, node) && words.node.is_none() => {
                    words.node = Some(NodeId::parse(value).ok_or(ErrorReply::Syntax)?);
                }
                word if ignored.iter().any(|ignored| word.eq_ignore_ascii_case(ignored.as_bytes())) => {}
                _ => return Err(ErrorReply::Syntax),
            }
            at += 2;
        }
        Ok(words)
    }
}

/// A source wants to give slots to this node: the connection is its link from now on.
fn establish(whole: &mut Whole<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let words = Words::read(args, "source", ["", ""], |first| Ranges::read(whole, args, first))?;
    let (Some(job), Some(source), Some(slots)) = (words.job, words.node, words.slots) else {
        return Err(ErrorReply::Syntax);
    };
    with_cluster(whole, |now, cluster| cluster.establish(now, job, source, slots.clone()))??;
    let session = &mut *whole.connection.session;
    session.import = Some(Arc::new(Import { job, source, slots }));
    (session.after, session.card_changed) = (After::Import, true);
    reply.ok();
    Ok(Effect::None)
}

/// The primary, or the file, tells that slots are on their way here: they are hidden.
fn track(whole: &mut Whole<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let words = Words::read(args, "source", ["", ""], |first| Ranges::believe(args, first))?;
    let (Some(job), Some(slots)) = (words.job, words.slots) else { return Err(ErrorReply::Syntax) };
    hide(whole, &slots, true);
    whole.connection.node.track_import(job, Some(&slots));
    keep(whole, args);
    reply.ok();
    Ok(Effect::None)
}

fn finish(whole: &mut Whole<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let words = Words::read(args, "", ["state", "message"], |first| Ranges::believe(args, first))?;
    let job = words.job.ok_or(ErrorReply::Syntax)?;
    if !whole.connection.session.is_primary_link {
        return Err(MigrationError::OnlyForLinks("FINISH").into());
    }
    let slots = whole.connection.node.track_import(job, None).ok_or(MigrationError::UnknownJob)?;
    hide(whole, &slots, false);
    keep(whole, args);
    reply.ok();
    Ok(Effect::None)
}

/// What a primary has told belongs into the file of this replica: the keys that follow it are in there, and are to be hidden after a restart too.
fn keep(whole: &mut Whole<'_>, args: Args<'_>) {
    Whole::propagate(whole.connection.node, whole.effects, whole.in_transaction, CLUSTER_DB, args);
}

fn hide(whole: &Whole<'_>, slots: &SlotSet, hidden: bool) {
    let layout = whole.shards.layout();
    let hide = |slot: Slot| {
        whole.shards.one_shard(layout.shard_of(slot), &mut |shard| shard.db(CLUSTER_DB).hide(slot, hidden));
    };
    slots.iter().for_each(hide);
}

/// A source that lost its link after it had granted the slots.
fn resolve(whole: &mut Whole<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let words = Words::read(args, "target", ["", ""], |first| Ranges::believe(args, first))?;
    let (Some(job), Some(target), Some(slots)) = (words.job, words.node, words.slots) else {
        return Err(ErrorReply::Syntax);
    };
    let verdict = with_cluster(whole, |now, cluster| {
        (cluster.id() == target).then(|| cluster.resolve(now, job, &slots))
    })?;
    reply.simple(match verdict.ok_or(MigrationError::NotAsked)? {
        Verdict::Claimed => "CLAIMED",
        Verdict::Never => "NEVER",
    });
    Ok(Effect::None)
}

/// The other side of this link says something.
fn hear(whole: &mut Whole<'_>, message: Message) -> Outcome {
    let import = whole.connection.session.import.clone();
    let job = import.ok_or(MigrationError::OnlyForLinks(message.name()))?.job;
    with_cluster(whole, |now, cluster| {
        debug_assert!(cluster.jobs().iter().all(|known| known.id != job || known.side == Side::Target));
        cluster.handle(now, Input::Handoff(HandoffInput::Heard(job, message)));
    })?;
    Ok(Effect::None)
}
