//! nodes.conf: what a node knows of its cluster, as text in the format of Redis 7.2.
//!
//! ```text
//!   id ip:port@bus,hostname,tls-port=0,shard-id=... flags primary ping pong epoch link slots...    one line a node
//!   vars currentEpoch 3 lastVoteEpoch 2 checksum 4f1c
//! ```
//!
//! Reading is lenient where servers are known to have written what others refuse (a shard id of a replica that is not its
//! primary's, missing fields, unknown ones, blank lines), and strict where guessing would be dangerous: a file without this node in
//! it is refused rather than answered with a new name, and so is one that was damaged: a digit of an epoch that a disk has turned
//! over could make a node vote twice. The checksum leaves out addresses, which scripts around containers are known to replace; a file
//! without one, of Redis or edited by hand, is taken as it is. Redis skips variables that it does not know.
//!
//! Source of the format: Redis 7.2; files of 7.0 and of Valkey 8 are read too.

use alloc::collections::BTreeMap;
use alloc::string::String;
use core::fmt::{self, Write};
use core::str::SplitWhitespace;

use super::Cluster;
use super::action::Beginning;
use super::config::Config;
use super::input::Now;
use super::nodes::{MYSELF, Nodes, PeerIndex};
use super::peer::Peer;
use crate::crc16::crc16;
use crate::epoch::{Epoch, ReplOffset};
use crate::id::{NodeId, ShardId};
use crate::random::Random;
use crate::topology::parse::{ParseError, ParseOptions, nodes_text};
use crate::topology::{Node, NodeFlags, NodeIndex, Topology};

/// Begins the variable that holds the name a node was met by; its id follows.
const MET_AS: &str = "met-as:";
/// Begins the variable that holds the epoch of a promise; the id of its candidate follows. See `copies`.
const PROMISED: &str = "promised:";
/// The variable that holds how far a primary's stream may have come. See `copies`.
const RESERVED: &str = "stream-reserved";

/// The variable with the checksum of all that stands before it, in hexadecimal.
const CHECKSUM: &str = "checksum";

/// Why a file cannot be used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ConfError {
    /// It cannot be read, at that line.
    Malformed(ParseError),
    /// No line is flagged `myself`.
    NoMyself,
    /// The last line, `vars`, is missing or wrong: the file was cut off.
    NoVars,
    /// It is not as it was written.
    Damaged,
}

impl Cluster {
    /// The node that `text` describes. A file that was never written to is for [`Cluster::new`].
    ///
    /// # Errors
    /// See [`ConfError`]. The caller may try an older copy; it must not go on with a new name.
    pub fn restore(now: Now, config: Config, seed: u64, text: &str) -> Result<Self, ConfError> {
        let topology = nodes_text(text, &ParseOptions::default()).map_err(ConfError::Malformed)?;
        let last_vote_epoch = last_vote_epoch(text).ok_or(ConfError::NoVars)?;
        if is_damaged(text) {
            return Err(ConfError::Damaged);
        }
        let mut cluster = Self::of_topology(now, config, seed, &topology)?;
        cluster.last_vote_epoch = last_vote_epoch;
        cluster.restore_variables(now, text);
        vars(text).into_iter().for_each(|vars| cluster.restore_grants(now, vars));
        cluster.watch.is_restored = true;
        cluster.finish(now);
        Ok(cluster)
    }

    /// A node of a cluster that begins as `topology` shows it, all of its nodes at once: commands are taken from the start.
    ///
    /// # Errors
    /// The picture is nobody's: none of its nodes is `myself`.
    pub fn formed(now: Now, config: Config, seed: u64, topology: &Topology) -> Result<Self, ConfError> {
        let mut cluster = Self::of_topology(now, config, seed, topology)?;
        cluster.save_before_anything_leaves();
        cluster.finish(now);
        Ok(cluster)
    }

    fn of_topology(now: Now, config: Config, seed: u64, topology: &Topology) -> Result<Self, ConfError> {
        let myself = topology.myself().ok_or(ConfError::NoMyself)?;
        let mut random = Random::new(seed);
        let nodes = Nodes::of(peer(now, &mut random, topology, myself));
        let mut cluster = Self::with(now, config, random, nodes);
        cluster.add_saved(now, topology, myself);
        let greatest = topology.nodes().map(|(_, node)| Epoch::from(node.config_epoch)).max();
        cluster.current_epoch = topology.current_epoch().max(greatest.unwrap_or_default());
        if cluster.nodes[MYSELF].is_replica() {
            cluster.follow_primary(Beginning::GoesOn);
        }
        Ok(cluster)
    }

    fn add_saved(&mut self, now: Now, topology: &Topology, myself: NodeIndex) {
        let mut places: BTreeMap<NodeIndex, PeerIndex> = BTreeMap::from([(myself, MYSELF)]);
        for (index, _) in topology.nodes().filter(|(index, _)| *index != myself) {
            let peer = peer(now, &mut self.random, topology, index);
            if let Some(place) = self.nodes.insert(peer) {
                places.insert(index, place);
            }
        }
        for (index, node) in topology.nodes() {
            let place = places[&index];
            self.nodes[place].primary = node.primary.and_then(|primary| places.get(&primary).copied());
            for slot in topology.slots_of(index).iter() {
                self.slots.bind(&mut self.nodes, slot, place);
            }
        }
        // Servers are known to write another shard for a replica than for its primary: the primary's holds.
        for place in places.values() {
            self.nodes[*place].shard_id = self.nodes[self.nodes.primary_of(*place)].shard_id;
        }
        self.slots.migrating.extend(topology.all_migrating().map(|(slot, target)| (slot, places[&target])));
        self.slots.importing.extend(topology.all_importing().map(|(slot, source)| (slot, places[&source])));
    }

    /// The names that nodes were met by, and what was promised. Redis skips variables that it does not know.
    fn restore_variables(&mut self, now: Now, text: &str) {
        let Some(mut words) = vars(text) else { return };
        while let Some((variable, name)) = words.next().zip(words.next()) {
            let candidate = variable.strip_prefix(PROMISED).and_then(|id| NodeId::parse(id.as_bytes()));
            if let Some((to, epoch)) = candidate.zip(name.parse().ok()) {
                self.restore_promise(now, Epoch::new(epoch), to);
            }
            if let Some(reserved) = name.parse().ok().filter(|_| variable == RESERVED) {
                self.restore_reserved(ReplOffset::new(reserved));
            }
            let id = variable.strip_prefix(MET_AS).and_then(|id| NodeId::parse(id.as_bytes()));
            if let Some(index) = id.and_then(|id| self.nodes.find(&id)) {
                self.nodes[index].met_as = Some(name.into());
            }
        }
    }

    /// The file.
    pub(crate) fn conf_text(&self, now: Now) -> String {
        let mut text = String::new();
        for (index, peer) in self.nodes.iter().filter(|(_, peer)| !peer.in_handshake()) {
            // A string takes any text.
            let _ = writeln!(text, "{}", Line { cluster: self, now, index, peer });
        }
        let _ =
            write!(text, "vars currentEpoch {} lastVoteEpoch {}", self.current_epoch, self.last_vote_epoch);
        let known = || self.nodes.iter().filter(|(_, peer)| !peer.in_handshake());
        for (peer, name) in known().filter_map(|(_, peer)| Some((peer, peer.met_as.as_ref()?))) {
            let _ = write!(text, " {MET_AS}{} {name}", peer.id);
        }
        for (epoch, to) in self.saved_promises() {
            let _ = write!(text, " {PROMISED}{to} {epoch}");
        }
        if let Some(reserved) = self.reserved() {
            let _ = write!(text, " {RESERVED} {reserved}");
        }
        let _ = self.write_grants(&mut text);
        let _ = writeln!(text, " {CHECKSUM} {:04x}", checksum(&text));
        text
    }
}

fn peer(now: Now, random: &mut Random, topology: &Topology, index: NodeIndex) -> Peer {
    let node: &Node = topology.node(index);
    let shard_id = node.shard_id.unwrap_or_else(|| ShardId::from_random(random.id_bytes()));
    let mut peer = Peer::new(node.id, shard_id, node.flags, now.instant);
    peer.address.ip.clone_from(&node.ip);
    (peer.address.port, peer.address.tls_port) = (node.port, node.tls_port);
    peer.address.bus_port = node.bus_port;
    peer.hostname = node.hostname.clone().unwrap_or_default();
    peer.human_name.clone_from(&node.human_name);
    // A replica's epoch is its primary's, and says nothing of its own.
    peer.config_epoch = if node.is_replica() { Default::default() } else { node.config_epoch };
    peer.offset = node.repl_offset.unwrap_or_default();
    peer.failed_at = node.is_failed().then_some(now.instant);
    peer.ping_sent = (node.ping_sent.as_ms() > 0 && !peer.is_myself()).then_some(now.instant);
    peer.pong_received = (node.pong_received.as_ms() > 0).then_some(now.instant);
    peer
}

fn vars(text: &str) -> Option<SplitWhitespace<'_>> {
    text.lines().rev().find_map(|line| line.trim().strip_prefix("vars ")).map(str::split_whitespace)
}

fn last_vote_epoch(text: &str) -> Option<Epoch> {
    let mut words = vars(text)?;
    words.find(|word| *word == "lastVoteEpoch")?;
    words.next()?.parse().ok().map(Epoch::new)
}

/// Whether `text` was written to its end: by its last line, and its checksum if it has one.
pub fn is_whole(text: &str) -> bool {
    text.ends_with('\n') && last_vote_epoch(text).is_some() && !is_damaged(text)
}

/// It has a checksum, and that of another text.
fn is_damaged(text: &str) -> bool {
    let mut words = vars(text).into_iter().flatten().skip_while(|word| *word != CHECKSUM);
    let told = words.nth(1).map(|sum| u16::from_str_radix(sum, 16));
    told.is_some_and(|told| told != Ok(checksum(text)))
}

/// The checksum of all words but addresses, up to where it stands itself.
fn checksum(text: &str) -> u16 {
    let mut covered = String::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let is_node = !line.starts_with("vars ");
        let words = line.split(' ').take_while(|word| *word != CHECKSUM).enumerate();
        for word in words.map(|(at, word)| if is_node && at == 1 { without_address(word) } else { word }) {
            covered.push_str(word);
            covered.push(' ');
        }
    }
    crc16(covered.as_bytes())
}

/// What follows `ip:port@bus`.
fn without_address(field: &str) -> &str {
    field.split_once(',').map_or("", |(_, names)| names)
}

/// The line of one node.
struct Line<'a> {
    cluster: &'a Cluster,
    now: Now,
    index: PeerIndex,
    peer: &'a Peer,
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (peer, nodes) = (self.peer, &self.cluster.nodes);
        let (port, other_port) = peer.address.base_and_other_port(self.cluster.config.tls_cluster);
        let other_name = if self.cluster.config.tls_cluster { "tcp-port" } else { "tls-port" };
        write!(f, "{} {}:{port}@{},{}", peer.id, peer.address.ip, peer.address.bus_port, peer.hostname)?;
        write!(f, ",{other_name}={other_port}")?;
        if is_safe(&peer.human_name) {
            write!(f, ",nodename={}", peer.human_name)?;
        }
        write!(f, ",shard-id={} {} ", peer.shard_id, peer.flags.without(NodeFlags::MEET))?;
        match peer.primary.filter(|_| peer.is_replica()) {
            Some(primary) => write!(f, "{}", nodes[primary].id)?,
            None => f.write_str("-")?,
        }
        let epoch = nodes[nodes.primary_of(self.index)].config_epoch;
        let (ping, pong) = (self.now.unix_of(peer.ping_sent), self.now.unix_of(peer.pong_received));
        let is_linked = peer.is_myself() || peer.outbound.is_some();
        write!(f, " {ping} {pong} {epoch} {}", if is_linked { "connected" } else { "disconnected" })?;
        peer.slots.ranges().try_for_each(|range| write!(f, " {range}"))?;
        if peer.is_myself() { self.write_open_slots(f) } else { Ok(()) }
    }
}

impl Line<'_> {
    fn write_open_slots(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (slots, nodes) = (&self.cluster.slots, &self.cluster.nodes);
        for (slot, target) in &slots.migrating {
            write!(f, " [{slot}->-{}]", nodes[*target].id)?;
        }
        for (slot, source) in slots.importing.iter().filter(|(slot, _)| !slots.migrating.contains_key(slot)) {
            write!(f, " [{slot}-<-{}]", nodes[*source].id)?;
        }
        Ok(())
    }
}

/// A name that the format can hold: neither empty, nor with characters that end a field.
fn is_safe(name: &str) -> bool {
    const ENDS: &str = "!#$%&()*+:;<>?@[]^{|}~,=\" ";
    !name.is_empty() && !name.contains(|c: char| ENDS.contains(c) || c.is_control())
}

impl fmt::Display for ConfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfError::Malformed(error) => error.fmt(f),
            ConfError::NoMyself => f.write_str("no line is flagged myself"),
            ConfError::Damaged => f.write_str(
                "the file is not as it was written: it was damaged, or edited (then remove `checksum` from its last line)",
            ),
            ConfError::NoVars => f.write_str("the line `vars` is missing: the file was cut off"),
        }
    }
}

impl core::error::Error for ConfError {}
