//! The text of CLUSTER NODES, and of the file in which a server keeps it.
//!
//! ```text
//!   id ip:port@bus,hostname,aux=value flags primary ping pong epoch link slots...
//! ```
//!
//! Redis 3 has no `@bus`, 7.0 brought the host name, 7.2 the auxiliary fields, which the file has and clients do not
//! see. An address is cut at its last colon, since IPv6 comes without brackets. The `vars` line is the file's.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::endpoint::without_brackets;
use super::{Complaint, ParseError, ParseOptions, Problem, Read, built};
use crate::epoch::{ConfigEpoch, Epoch};
use crate::id::{NodeId, ShardId};
use crate::slot::{Slot, SlotRange};
use crate::time::UnixMs;
use crate::topology::{LinkState, Node, NodeFlags, NodeIndex, Topology, TopologyBuilder};
use crate::words;

/// From client port to bus port, where a server tells the former only.
const BUS_PORT_DISTANCE: u16 = 10_000;

/// See [`super::nodes_text`]. Nodes first, since lines name nodes of later lines.
pub(super) fn read(text: &str, options: &ParseOptions) -> Read<Topology> {
    let mut lines = Vec::new();
    let mut builder = TopologyBuilder::new(options.version);
    for (number, line) in text.split('\n').enumerate() {
        let mut words = line.split_ascii_whitespace();
        match words.next() {
            None => {}
            Some("vars") => read_vars(words, &mut builder).map_err(|problem| located(number, *problem))?,
            Some(id) => {
                let read = read_node(id, words, options, &mut builder);
                lines.push((number, read.map_err(|problem| located(number, *problem))?));
            }
        }
    }
    for (number, line) in lines {
        line.relate(&mut builder).map_err(|problem| located(number, *problem))?;
    }
    built(builder)
}

/// Lines are numbered from 0 here, from 1 for a reader.
fn located(line: usize, problem: Problem) -> Complaint {
    Box::new(ParseError::new(words::joined(&["line ", &words::number(line as u64 + 1)]), problem))
}

/// `currentEpoch 3 lastVoteEpoch 0`, in any order; other variables are later servers'.
fn read_vars(mut words: Words<'_>, builder: &mut TopologyBuilder) -> Result<(), Box<Problem>> {
    while let Some(name) = words.next() {
        let value = words.next().ok_or_else(|| Problem::missing("the value of a variable"))?;
        if name == "currentEpoch" {
            builder.current_epoch(Epoch::new(number(value, "an epoch")?));
        }
    }
    Ok(())
}

type Words<'a> = core::str::SplitAsciiWhitespace<'a>;

/// What a line says of other nodes and of slots, of which only its primary has been read.
struct Line<'a> {
    node: NodeIndex,
    is_myself: bool,
    primary: Option<NodeId>,
    slots: Words<'a>,
}

enum Way {
    Out,
    In,
}

/// Adds the node that a line describes.
fn read_node<'a>(
    id: &str,
    mut words: Words<'a>,
    options: &ParseOptions,
    builder: &mut TopologyBuilder,
) -> Result<Line<'a>, Box<Problem>> {
    let mut next = |what| words.next().ok_or_else(|| Problem::missing(what));
    let mut node = Node::new(node_id(id)?);
    let place = next("the address")?;
    node.flags =
        next("the flags")?.split(',').filter_map(NodeFlags::parse_name).fold(NodeFlags::NONE, |a, b| a | b);
    read_place(place, &mut node, options)?;
    let primary = next("the primary's id or -")?;
    node.ping_sent = UnixMs::from_ms(number(next("the time of the last ping")?, "a time in milliseconds")?);
    node.pong_received =
        UnixMs::from_ms(number(next("the time of the last pong")?, "a time in milliseconds")?);
    node.config_epoch = ConfigEpoch::new(number(next("the config epoch")?, "an epoch")?);
    node.link = link(next("the state of the link")?)?;
    let has_primary = node.is_replica() && primary != "-";
    Ok(Line {
        is_myself: node.flags.contains(NodeFlags::MYSELF),
        primary: if has_primary { Some(node_id(primary)?) } else { None },
        node: builder.node(node),
        slots: words,
    })
}

impl Line<'_> {
    fn relate(self, builder: &mut TopologyBuilder) -> Result<(), Box<Problem>> {
        if let Some(primary) = self.primary {
            builder.set_primary(self.node, described(primary, builder)?);
        }
        for word in self.slots.clone() {
            self.read_slots(word, builder)?;
        }
        Ok(())
    }

    /// `7`, `7-9`, `[93->-id]` (leaves) or `[93-<-id]` (arrives).
    fn read_slots(&self, word: &str, builder: &mut TopologyBuilder) -> Result<(), Box<Problem>> {
        let Some(open) = word.strip_prefix('[') else {
            let range = SlotRange::parse(word.as_bytes());
            let range = range.ok_or_else(|| Problem::unexpected("a slot or a range of slots", word))?;
            builder.own(self.node, [range]);
            return Ok(());
        };
        let (slot, way, peer) = open_slot(open)
            .ok_or_else(|| Problem::unexpected("an open slot, [slot->-id] or [slot-<-id]", word))?;
        if !self.is_myself {
            return Err(Problem::unexpected("no open slots", "some, of another node"));
        }
        let peer = described(peer, builder)?;
        match way {
            Way::Out => builder.migrating(slot, peer),
            Way::In => builder.importing(slot, peer),
        }
        Ok(())
    }
}

fn described(id: NodeId, builder: &TopologyBuilder) -> Result<NodeIndex, Box<Problem>> {
    builder.find(&id).ok_or_else(|| Box::new(Problem::UnknownNode(id.into())))
}

fn open_slot(text: &str) -> Option<(Slot, Way, NodeId)> {
    let (slot, rest) = text.strip_suffix(']')?.split_once('-')?;
    let (way, peer) = match rest.strip_prefix(">-") {
        Some(peer) => (Way::Out, peer),
        None => (Way::In, rest.strip_prefix("<-")?),
    };
    Some((Slot::parse(slot.as_bytes())?, way, NodeId::parse(peer.as_bytes())?))
}

/// `ip:port@bus,hostname,aux=value...`. The host name may be empty, and is left out by servers before 7.0.
fn read_place(text: &str, node: &mut Node, options: &ParseOptions) -> Result<(), Box<Problem>> {
    const EXPECTED: &str = "an address, ip:port or ip:port@bus";
    let (address, extras) = text.split_once(',').unwrap_or((text, ""));
    let (address, bus) =
        address.split_once('@').map_or((address, None), |(address, bus)| (address, Some(bus)));
    let (ip, port) = address.rsplit_once(':').ok_or_else(|| Problem::unexpected(EXPECTED, text))?;
    node.port = number(port, "a port")?;
    node.bus_port = match bus {
        Some(bus) => number(bus, "a bus port")?,
        None if node.port == 0 => 0,
        None => node.port.checked_add(BUS_PORT_DISTANCE).unwrap_or_default(),
    };
    node.ip = without_brackets(ip).into();
    // Only the node that was asked may not know its own address yet, and there its client has reached it.
    if node.ip.is_empty() && node.flags.contains(NodeFlags::MYSELF) {
        node.endpoint.clone_from(&options.queried_host);
    }
    for extra in extras.split(',') {
        match extra.split_once('=') {
            Some((name, value)) => read_aux(name, value, node)?,
            None if extra.is_empty() || node.hostname.is_some() => {}
            None => node.hostname = Some(extra.into()),
        }
    }
    Ok(())
}

/// Other auxiliary fields are later servers', and say nothing that a topology holds.
fn read_aux(name: &str, value: &str, node: &mut Node) -> Result<(), Box<Problem>> {
    match name {
        "shard-id" => {
            let id = ShardId::parse(value.as_bytes());
            node.shard_id = Some(id.ok_or_else(|| Problem::unexpected("a shard id", value))?);
        }
        "nodename" => node.human_name = value.into(),
        "tls-port" => node.tls_port = number(value, "a port")?,
        // The main port is then the one with TLS.
        "tcp-port" => node.tls_port = core::mem::replace(&mut node.port, number(value, "a port")?),
        _ => {}
    }
    Ok(())
}

fn node_id(text: &str) -> Result<NodeId, Box<Problem>> {
    const EXPECTED: &str = "a node id: 40 characters of a-z and 0-9";
    NodeId::parse(text.as_bytes()).ok_or_else(|| Problem::unexpected(EXPECTED, text))
}

fn link(text: &str) -> Result<LinkState, Box<Problem>> {
    match text {
        "connected" => Ok(LinkState::Connected),
        "disconnected" => Ok(LinkState::Disconnected),
        _ => Err(Problem::unexpected("connected or disconnected", text)),
    }
}

fn number<N: TryFrom<u64>>(text: &str, expected: &'static str) -> Result<N, Box<Problem>> {
    // One reader for numbers of all sizes.
    let number = text.parse::<u64>().ok().and_then(|number| N::try_from(number).ok());
    number.ok_or_else(|| Problem::unexpected(expected, text))
}
