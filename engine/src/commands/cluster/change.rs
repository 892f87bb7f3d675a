//! The CLUSTER commands that change something. The control plane does it, or says why not.

use alloc::format;
use alloc::string::String;
use core::net::IpAddr;

use slotway_core::cluster::{Admin, Bump, Cluster, Done, FailoverMode, Now, SetSlot};
use slotway_core::epoch::ConfigEpoch;
use slotway_core::id::NodeId;
use slotway_core::resp::args::{Args, ArgsBuf};
use slotway_core::resp::encode::ReplyWriter;
use slotway_core::resp::error::{ClusterError, ErrorReply};
use slotway_core::slot::{Slot, SlotRange};
use slotway_core::slot_set::SlotSet;
use slotway_core::topology::Topology;

use super::super::server::{FlushMode, flush};
use super::super::{Binding, Whole, args};
use super::{ask, known, slot_of};
use crate::keyspace::DbIndex;
use crate::registry::{Effect, Handler, Outcome};

/// What this family executes.
pub(in crate::commands) const COMMANDS: &[Binding] = &[
    ("cluster|addslots", Handler::Node(addslots)),
    ("cluster|addslotsrange", Handler::Node(addslotsrange)),
    ("cluster|bumpepoch", Handler::Node(bumpepoch)),
    ("cluster|delslots", Handler::Node(delslots)),
    ("cluster|delslotsrange", Handler::Node(delslotsrange)),
    ("cluster|failover", Handler::Node(failover)),
    ("cluster|flushslots", Handler::Node(flushslots)),
    ("cluster|forget", Handler::Node(forget)),
    ("cluster|meet", Handler::Node(meet)),
    ("cluster|replicate", Handler::Node(replicate)),
    ("cluster|reset", Handler::Node(reset)),
    ("cluster|saveconfig", Handler::Node(saveconfig)),
    ("cluster|set-config-epoch", Handler::Node(set_config_epoch)),
    ("cluster|setslot", Handler::Node(setslot)),
];

/// From client port to bus port, unless MEET says otherwise.
const BUS_PORT_DISTANCE: i64 = 10_000;
/// The one database of a cluster.
const CLUSTER_DB: DbIndex = DbIndex(0);
/// The longest name of a host.
const HOST_LEN_MAX: usize = 253;

/// Lets the control plane do it, and answers.
pub(super) fn order(whole: &mut Whole<'_>, admin: Admin, reply: &mut ReplyWriter<'_>) -> Outcome {
    match with_cluster(whole, |now, cluster| cluster.admin(now, admin.clone()))?? {
        Done::Ok => reply.ok(),
        Done::Emptied => return emptied(whole, reply),
        Done::Bump(Bump::Bumped(epoch)) => reply.simple(&format!("BUMPED {epoch}")),
        Done::Bump(Bump::Still(epoch)) => reply.simple(&format!("STILL {epoch}")),
        Done::Reports(count) => reply.integer(count as i64),
    }
    Ok(Effect::None)
}

/// All keys go before the answer: whoever has it may give the node slots, and write. Redis does not write to its append-only file that they are
/// gone, and has them again after a restart; we do.
fn emptied(whole: &mut Whole<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let mut request = ArgsBuf::default();
    request.push(b"FLUSHALL");
    let removed = flush(whole, CLUSTER_DB.0..CLUSTER_DB.0 + 1, FlushMode::Async, request.as_args());
    reply.ok();
    Ok(Effect::changed(removed))
}

/// Talks to the control plane.
///
/// # Errors
/// The node is in no cluster, or in one that cannot be changed.
pub(super) fn with_cluster<R>(
    whole: &Whole<'_>,
    visit: impl Fn(Now, &mut Cluster) -> R,
) -> Result<R, ErrorReply> {
    known(&whole.connection)?;
    ask(&whole.connection, visit).ok_or_else(|| ErrorReply::other("ERR The topology of this node is fixed"))
}

fn meet(whole: &mut Whole<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    known(&whole.connection)?;
    if args.len() > 5 {
        return Err(wrong_words(args));
    }
    let host = args.at(2);
    let number = |arg: &[u8], what: &str| {
        args::integer_or(
            arg,
            ErrorReply::Other(around(&format!("ERR Invalid {what} port specified: "), arg, "")),
        )
    };
    let port = number(args.at(3), "base")?;
    let bus_port = match args.get(4) {
        Some(arg) => number(arg, "bus")?,
        None => port.saturating_add(BUS_PORT_DISTANCE),
    };
    let text = core::str::from_utf8(host).ok().filter(|text| is_host(text));
    let ports = (valid_port(port), valid_port(bus_port));
    let (Some(text), (Some(port), Some(bus_port))) = (text, ports) else {
        let port = around(":", args.at(3), "");
        return Err(ErrorReply::Other(around("ERR Invalid node address specified: ", host, &port)));
    };
    let is_name = text.parse::<IpAddr>().is_err();
    order(whole, Admin::Meet { host: text.into(), is_name, port, bus_port }, reply)
}

/// An address, or, which Redis does not take, a name.
fn is_host(text: &str) -> bool {
    let is_name =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
    // What has nothing but digits and dots was to be an address.
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    text.parse::<IpAddr>().is_ok()
        || (is_name(text) && !is_number && !text.is_empty() && text.len() <= HOST_LEN_MAX)
}

fn valid_port(number: i64) -> Option<u16> {
    u16::try_from(number).ok().filter(|port| *port > 0)
}

fn around(before: &str, sent: &[u8], after: &str) -> String {
    format!("{before}{}{after}", String::from_utf8_lossy(sent))
}

fn forget(whole: &mut Whole<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let node = node_id(whole, args.at(2))?;
    order(whole, Admin::Forget(node), reply)
}

/// A name that can be one; others are of no node.
fn node_id(whole: &Whole<'_>, name: &[u8]) -> Result<NodeId, ErrorReply> {
    known(&whole.connection)?;
    NodeId::parse(name).ok_or_else(|| ErrorReply::UnknownNode(name.to_vec()))
}

fn addslots(whole: &mut Whole<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let slots = slots_of(whole, args, Change::Add)?;
    order(whole, Admin::AddSlots(slots), reply)
}

fn delslots(whole: &mut Whole<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let slots = slots_of(whole, args, Change::Delete)?;
    order(whole, Admin::DeleteSlots(slots), reply)
}

fn addslotsrange(whole: &mut Whole<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let slots = ranges_of(whole, args, Change::Add, "cluster|addslotsrange")?;
    order(whole, Admin::AddSlots(slots), reply)
}

fn delslotsrange(whole: &mut Whole<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let slots = ranges_of(whole, args, Change::Delete, "cluster|delslotsrange")?;
    order(whole, Admin::DeleteSlots(slots), reply)
}

/// What becomes of slots.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    Add,
    Delete,
}

fn slots_of(whole: &Whole<'_>, args: Args<'_>, change: Change) -> Result<SlotSet, ErrorReply> {
    let mut changed = Changed::new(whole, change)?;
    // All are read before the first is looked at.
    let slots = args.skip(2).iter().map(slot).collect::<Result<alloc::vec::Vec<_>, _>>()?;
    slots.into_iter().try_for_each(|slot| changed.add(slot))?;
    Ok(changed.slots)
}

/// Each range is read and looked at before the next, as in Redis.
fn ranges_of(
    whole: &Whole<'_>,
    args: Args<'_>,
    change: Change,
    name: &'static str,
) -> Result<SlotSet, ErrorReply> {
    let mut changed = Changed::new(whole, change)?;
    if args.len() % 2 == 1 {
        return Err(ErrorReply::Arity(name));
    }
    for at in (2..args.len()).step_by(2) {
        let (start, end) = (slot(args.at(at))?, slot(args.at(at + 1))?);
        let range = SlotRange::new(start, end).ok_or_else(|| {
            ErrorReply::other(format!("ERR start slot number {start} is greater than end slot number {end}"))
        })?;
        range.iter().try_for_each(|slot| changed.add(slot))?;
    }
    Ok(changed.slots)
}

/// Slots that are to be added or deleted, so far.
struct Changed {
    topology: Topology,
    change: Change,
    slots: SlotSet,
}

impl Changed {
    fn new(whole: &Whole<'_>, change: Change) -> Result<Self, ErrorReply> {
        let topology = with_cluster(whole, |now, cluster| cluster.topology(now))?;
        Ok(Self { topology, change, slots: SlotSet::new() })
    }

    /// One more, which must have an owner, or none, and be named for the first time.
    fn add(&mut self, slot: Slot) -> Result<(), ErrorReply> {
        match (self.change, self.topology.owner(slot)) {
            (Change::Add, Some(_)) => Err(ClusterError::SlotBusy(slot).into()),
            (Change::Delete, None) => Err(ClusterError::SlotUnassigned(slot).into()),
            _ if !self.slots.insert(slot) => Err(ClusterError::SlotTwice(slot).into()),
            (Change::Add, None) | (Change::Delete, Some(_)) => Ok(()),
        }
    }
}

pub(super) fn slot(arg: &[u8]) -> Result<Slot, ErrorReply> {
    slot_of(arg).ok().flatten().ok_or(ErrorReply::InvalidSlot)
}

fn flushslots(whole: &mut Whole<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let has_keys = has_keys(whole);
    order(whole, Admin::FlushSlots { has_keys }, reply)
}

fn has_keys(whole: &Whole<'_>) -> bool {
    let mut found = false;
    whole.shards.each_shard(&mut |shard| found |= !shard.db(CLUSTER_DB).is_empty());
    found
}

fn setslot(whole: &mut Whole<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let is_replica = with_cluster(whole, |_, cluster| cluster.is_replica())?;
    if is_replica {
        return Err(ClusterError::SetSlotOnReplica.into());
    }
    let slot = slot(args.at(2))?;
    let to = match (args.at(3), args.len()) {
        (word, 5) if args::is(word, "migrating") => {
            SetSlot::Migrating(other_end(whole, slot, args.at(4), true)?)
        }
        (word, 5) if args::is(word, "importing") => {
            SetSlot::Importing(other_end(whole, slot, args.at(4), false)?)
        }
        (word, 4) if args::is(word, "stable") => SetSlot::Stable,
        (word, 5) if args::is(word, "node") => SetSlot::Node(node_id(whole, args.at(4))?),
        _ => {
            return Err(ErrorReply::other(
                "ERR Invalid CLUSTER SETSLOT action or number of arguments. Try CLUSTER HELP",
            ));
        }
    };
    let mut keys = 0;
    let shard = whole.shards.layout().shard_of(slot);
    whole.shards.one_shard(shard, &mut |shard| keys = shard.db(CLUSTER_DB).len_in_slot(slot));
    order(whole, Admin::SetSlot { slot, to, has_keys: keys > 0 }, reply)
}

/// The name of the other node of an open slot. Whose slot it is comes first, as in Redis.
fn other_end(whole: &Whole<'_>, slot: Slot, name: &[u8], is_to_be_mine: bool) -> Result<NodeId, ErrorReply> {
    let is_mine = with_cluster(whole, |now, cluster| {
        let topology = cluster.topology(now);
        topology.myself().is_some() && topology.owner(slot) == topology.myself()
    })?;
    match (is_to_be_mine, is_mine) {
        (true, false) => Err(ClusterError::NotMySlot(slot).into()),
        (false, true) => Err(ClusterError::MySlot(slot).into()),
        (true, true) | (false, false) => {
            let words = || ErrorReply::Other(around("ERR I don't know about node ", name, ""));
            NodeId::parse(name).ok_or_else(words)
        }
    }
}

fn replicate(whole: &mut Whole<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let (primary, has_keys) = (node_id(whole, args.at(2))?, has_keys(whole));
    order(whole, Admin::Replicate { primary, has_keys }, reply)
}

fn failover(whole: &mut Whole<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    known(&whole.connection)?;
    let mode = match args.get(2) {
        _ if args.len() > 3 => return Err(wrong_words(args)),
        None => FailoverMode::Agreed,
        Some(word) if args::is(word, "force") => FailoverMode::Force,
        Some(word) if args::is(word, "takeover") => FailoverMode::Takeover,
        Some(_) => return Err(ErrorReply::Syntax),
    };
    order(whole, Admin::Failover(mode), reply)
}

fn reset(whole: &mut Whole<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    known(&whole.connection)?;
    let hard = match args.get(2) {
        _ if args.len() > 3 => return Err(wrong_words(args)),
        None => false,
        Some(word) if args::is(word, "soft") => false,
        Some(word) if args::is(word, "hard") => true,
        Some(_) => return Err(ErrorReply::Syntax),
    };
    let has_keys = has_keys(whole);
    order(whole, Admin::Reset { hard, has_keys }, reply)
}

fn bumpepoch(whole: &mut Whole<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    order(whole, Admin::BumpEpoch, reply)
}

fn saveconfig(whole: &mut Whole<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    order(whole, Admin::SaveConfig, reply)
}

fn set_config_epoch(whole: &mut Whole<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    known(&whole.connection)?;
    let number = args::integer(args.at(2))?;
    let epoch = u64::try_from(number)
        .map_err(|_| ErrorReply::other(format!("ERR Invalid config epoch specified: {number}")))?;
    order(whole, Admin::SetConfigEpoch(ConfigEpoch::new(epoch)), reply)
}

fn wrong_words(args: Args<'_>) -> ErrorReply {
    ErrorReply::SubcommandSyntax { sent: args.at(1).to_vec(), container: "CLUSTER" }
}
