//! Connections between clients and nodes: bytes arrive in order or not at all, and late.
//!
//! ```text
//!   send --> cut? --> held up? --> one way's queue --(an arrival per packet)--> arrive --> bytes, or the end
//!                `--> reset: a part of the bytes, then the end, on both sides
//! ```
//!
//! What TCP promises holds: within a connection nothing is lost, doubled or overtaken. What it does not promise is drawn
//! by seed: delay, pieces cut anywhere, a connection that ends in the middle of a request, one way that is cut off while
//! the other works. During a partition bytes wait, as they are sent again until they pass.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use core::fmt;

use crate::chance::Chance;
use crate::swarm::Weather;
use crate::timeline::Time;

/// A connection. Never used twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct LinkId {
    /// The client that opened it.
    pub client: usize,
    /// Which of its connections it is.
    pub serial: u32,
}

impl fmt::Display for LinkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "c{}.{}", self.client, self.serial)
    }
}

/// An end of a connection.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Side {
    /// The one that opened it.
    Client,
    /// The one that serves it.
    Node,
}

impl Side {
    /// The other end.
    pub fn other(self) -> Side {
        match self {
            Side::Client => Side::Node,
            Side::Node => Side::Client,
        }
    }
}

/// What arrives at an end of a connection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Packet {
    /// Bytes that were sent, or a part of them.
    Bytes(Vec<u8>),
    /// The connection has ended.
    End,
}

/// A packet is due at this end of this connection. There is one for each packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Arrival {
    /// The connection.
    pub link: LinkId,
    /// Where the packet arrives.
    pub to: Side,
}

/// Arrivals to plan, each with its time.
pub type Arrivals = Vec<(Time, Arrival)>;

/// All connections.
pub struct Network {
    chance: Chance,
    weather: Weather,
    links: BTreeMap<LinkId, Link>,
    /// Until when nothing arrives at this side of a client's connections to a node.
    cut: BTreeMap<(usize, usize, Side), Time>,
    /// How much longer everything takes on the same, in microseconds.
    slow: BTreeMap<(usize, usize, Side), u64>,
}

struct Link {
    node: Option<usize>,
    ways: [Way; 2],
}

/// One direction of a connection.
#[derive(Default)]
struct Way {
    queue: VecDeque<Packet>,
    /// When the last packet arrives: later ones do not overtake it.
    last: Time,
    /// Nothing more is sent this way.
    ended: bool,
}

impl Network {
    /// A network without connections.
    pub fn new(seed: u64, weather: Weather) -> Self {
        Self {
            chance: Chance::stream(seed, "network"),
            weather,
            links: BTreeMap::new(),
            cut: BTreeMap::new(),
            slow: BTreeMap::new(),
        }
    }

    /// Opens a connection; `node` is `None` where nobody listens, and then it ends at once.
    pub fn open(&mut self, now: Time, link: LinkId, node: Option<usize>) -> Arrivals {
        self.links.insert(link, Link { node, ways: [Way::default(), Way::default()] });
        if node.is_some() { Arrivals::new() } else { self.end(now, link, Side::Client).into_iter().collect() }
    }

    /// The node that serves `link`.
    pub fn node_of(&self, link: LinkId) -> Option<usize> {
        self.links.get(&link)?.node
    }

    /// The connections to `node`, and those that `client` has opened.
    pub fn links_of(&self, node: usize, client: usize) -> Vec<LinkId> {
        let is_theirs = |(id, link): &(&LinkId, &Link)| link.node == Some(node) || id.client == client;
        self.links.iter().filter(is_theirs).map(|(id, _)| *id).collect()
    }

    /// Sends bytes towards one end of a connection. Bytes for a connection that has ended are lost.
    pub fn send(&mut self, now: Time, link: LinkId, to: Side, mut bytes: Vec<u8>) -> Arrivals {
        if self.chance.happens(self.weather.reset) {
            bytes.truncate(self.chance.below(bytes.len() + 1));
            let part = self.push(now, link, to, Packet::Bytes(bytes));
            return part.into_iter().chain(self.reset(now, link)).collect();
        }
        let rest = match self.chance.happens(self.weather.split) {
            true => bytes.split_off(self.chance.below(bytes.len() + 1)),
            false => Vec::new(),
        };
        let pieces = [bytes, rest].into_iter().filter(|piece| !piece.is_empty());
        pieces.filter_map(|piece| self.push(now, link, to, Packet::Bytes(piece))).collect()
    }

    /// Ends a connection on both sides; what is under way still arrives.
    pub fn reset(&mut self, now: Time, link: LinkId) -> Arrivals {
        [Side::Client, Side::Node].into_iter().filter_map(|to| self.end(now, link, to)).collect()
    }

    /// One side closes: it hears nothing more, the other side hears the end after all that was sent.
    pub fn close(&mut self, now: Time, link: LinkId, by: Side) -> Arrivals {
        if let Some(found) = self.links.get_mut(&link) {
            let way = &mut found.ways[by as usize];
            way.queue.clear();
            way.ended = true;
        }
        self.end(now, link, by.other()).into_iter().collect()
    }

    /// The side that opened a connection gives it up, and all that has not arrived: what is still to be sent again never is.
    pub fn abort(&mut self, now: Time, link: LinkId) -> Arrivals {
        if let Some(found) = self.links.get_mut(&link) {
            found.ways.iter_mut().for_each(|way| way.queue.clear());
        }
        self.close(now, link, Side::Client)
    }

    /// Takes the packet that is due; `None` if its connection was closed in the meantime.
    pub fn arrive(&mut self, arrival: Arrival) -> Option<Packet> {
        let link = self.links.get_mut(&arrival.link)?;
        let packet = link.ways[arrival.to as usize].queue.pop_front();
        if link.ways.iter().all(|way| way.ended && way.queue.is_empty()) {
            self.links.remove(&arrival.link);
        }
        packet
    }

    /// Lets nothing arrive at one side of the connections between a client and a node, for some time.
    pub fn cut_off(&mut self, client: usize, node: usize, to: Side, until: Time) {
        self.cut.insert((client, node, to), until);
    }

    /// Makes everything take so much longer from one node to another, on connections that either has opened. For nodes that are clients of
    /// each other.
    pub fn slow_down(&mut self, from: usize, to: usize, us: u64) {
        self.slow.insert((from, to, Side::Node), us);
        self.slow.insert((to, from, Side::Client), us);
    }

    /// Ends all faults. What they have delayed stays late.
    pub fn calm(&mut self) {
        self.weather = self.weather.calm();
        self.cut.clear();
        self.slow.clear();
    }

    fn end(&mut self, now: Time, link: LinkId, to: Side) -> Option<(Time, Arrival)> {
        let arrival = self.push(now, link, to, Packet::End);
        if let Some(found) = self.links.get_mut(&link) {
            found.ways[to as usize].ended = true;
        }
        arrival
    }

    fn push(&mut self, now: Time, link: LinkId, to: Side, packet: Packet) -> Option<(Time, Arrival)> {
        let delay_us = self.delay_us();
        let found = self.links.get_mut(&link)?;
        let way = &mut found.ways[to as usize];
        if way.ended {
            return None;
        }
        let cut = found.node.and_then(|node| self.cut.get(&(link.client, node, to)));
        let slow_us =
            found.node.and_then(|node| self.slow.get(&(link.client, node, to))).copied().unwrap_or(0);
        let passes = cut.copied().unwrap_or_default().max(now).plus_us(delay_us + slow_us);
        way.last = way.last.max(passes);
        way.queue.push_back(packet);
        Some((way.last, Arrival { link, to }))
    }

    fn delay_us(&mut self) -> u64 {
        let Weather { latency_us, jitter_us, stall, stall_ms, .. } = self.weather;
        let stalled_us = if self.chance.happens(stall) { self.chance.within(0..=stall_ms * 1000) } else { 0 };
        latency_us + self.chance.within(0..=jitter_us) + stalled_us
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::Permille;

    const LINK: LinkId = LinkId { client: 0, serial: 1 };

    /// Sends `messages` to the node and returns what arrives there, in order of time.
    fn sent_through(seed: u64, weather: Weather, messages: &[&[u8]]) -> Vec<Packet> {
        let mut network = Network::new(seed, weather);
        let mut arrivals = network.open(Time::default(), LINK, Some(0));
        for message in messages {
            arrivals.extend(network.send(Time::default(), LINK, Side::Node, message.to_vec()));
        }
        arrivals.retain(|(_, arrival)| arrival.to == Side::Node);
        assert!(arrivals.is_sorted_by_key(|(at, _)| *at), "nothing overtakes");
        arrivals.into_iter().filter_map(|(_, arrival)| network.arrive(arrival)).collect()
    }

    fn bytes(packets: &[Packet]) -> Vec<u8> {
        let pieces = packets.iter().filter_map(|packet| match packet {
            Packet::Bytes(bytes) => Some(bytes.as_slice()),
            Packet::End => None,
        });
        pieces.collect::<Vec<_>>().concat()
    }

    #[test]
    fn pieces_and_stalls_change_neither_bytes_nor_order() {
        let rough =
            Weather { split: Permille(700), stall: Permille(500), stall_ms: 50, ..Weather::default() };
        for seed in 0..50 {
            assert_eq!(bytes(&sent_through(seed, rough, &[b"one", b"two", b"three"])), b"onetwothree");
        }
    }

    #[test]
    fn a_reset_lets_a_beginning_arrive_and_then_the_end() {
        let resets = Weather { reset: Permille(400), ..Weather::default() };
        let mut lengths = alloc::collections::BTreeSet::new();
        for seed in 0..200 {
            let packets = sent_through(seed, resets, &[b"one", b"two", b"three"]);
            let arrived = bytes(&packets);
            assert!(b"onetwothree".starts_with(&arrived));
            assert_eq!(arrived.len() < 11, packets.last() == Some(&Packet::End) && arrived.len() < 11);
            lengths.insert(arrived.len());
        }
        assert_eq!(lengths.len(), 12, "requests are cut everywhere");
    }

    #[test]
    fn a_partition_holds_back_one_way_only() {
        let mut network = Network::new(1, Weather::default());
        network.open(Time::default(), LINK, Some(0));
        network.cut_off(0, 0, Side::Node, Time::from_us(500));
        let there = network.send(Time::default(), LINK, Side::Node, b"x".to_vec());
        let back = network.send(Time::default(), LINK, Side::Client, b"y".to_vec());
        assert_eq!((there[0].0, back[0].0), (Time::from_us(500), Time::from_us(0)));
    }

    #[test]
    fn a_connection_to_nobody_ends_at_once() {
        let mut network = Network::new(1, Weather::default());
        let refused = network.open(Time::default(), LINK, None);
        assert_eq!(network.arrive(refused[0].1), Some(Packet::End));
    }
}
