//! Connections: of clients, of replicas to their primaries, of keys on their way, and of the operator.
//!
//! Who opened a connection is told by its name: first clients, then nodes, then the operator.

use super::{Event, World};
use crate::check::Violation;
use crate::client::{Action, Input};
use crate::control::member::Health;
use crate::network::{Arrival, Arrivals, LinkId, Packet, Side};
use crate::node::{Carried, Out};
use crate::operator::{PATIENCE_MS, Wish};
use crate::trace::Shown;

/// How long MIGRATE waits for an answer, in milliseconds.
const CARRY_MS: u64 = 150;
/// Time between two slices of a snapshot, in microseconds.
const SLICE_US: u64 = 500;

/// Who opened a connection.
enum Opener {
    Client,
    Node(usize),
    Operator,
}

impl World {
    fn opener(&self, link: LinkId) -> Opener {
        match link.client.checked_sub(self.swarm.clients) {
            None => Opener::Client,
            Some(number) if number < self.nodes.len() => Opener::Node(number),
            Some(_) => Opener::Operator,
        }
    }

    pub(super) fn arrive(&mut self, arrival: Arrival) -> Result<(), Violation> {
        match (arrival.to, self.opener(arrival.link)) {
            (Side::Node, _) => match self.network.node_of(arrival.link) {
                Some(number) => self.arrive_at_node(number, arrival),
                None => Ok(()),
            },
            (Side::Client, Opener::Node(number)) => self.arrive_at_node(number, arrival),
            (Side::Client, Opener::Client) => {
                if let Some(packet) = self.network.arrive(arrival) {
                    self.reply(arrival.link, packet);
                }
                Ok(())
            }
            (Side::Client, Opener::Operator) => {
                let bytes = match self.network.arrive(arrival) {
                    Some(Packet::Bytes(bytes)) => Some(bytes),
                    Some(Packet::End) => None,
                    None => return Ok(()),
                };
                let wish = self.operator.answered(arrival.link, bytes.as_deref());
                self.grant(wish)
            }
        }
    }

    fn arrive_at_node(&mut self, number: usize, arrival: Arrival) -> Result<(), Violation> {
        let (now, member) = (self.now(), &self.bus.members()[number]);
        let idle_until = member.paused.max(self.asleep[number]);
        if member.health == Health::Up && idle_until > now {
            self.timeline.plan(idle_until, Event::Arrival(arrival));
            return Ok(());
        }
        let (health, life) = (member.health, member.life);
        let Some(packet) = self.network.arrive(arrival) else { return Ok(()) };
        let Arrival { link, to } = arrival;
        let is_of_this_life = match to {
            Side::Node => *self.served.entry(link).or_insert(life) == life,
            Side::Client => link.serial / super::DIALS_PER_LIFE == life,
        };
        match (health, packet) {
            (Health::Vanished, _) => {
                // What is lost is not sent again by this world: nothing more is to be made of that connection.
                self.served.insert(link, u32::MAX);
                Ok(())
            }
            (Health::Up, packet) if is_of_this_life => self.serve(number, link, to, packet),
            (_, Packet::End) => Ok(()),
            (Health::Up | Health::Stopped, Packet::Bytes(_)) => {
                let arrivals = self.network.reset(now, link);
                self.plan(arrivals);
                Ok(())
            }
        }
    }

    /// A packet comes to a node.
    fn serve(&mut self, number: usize, link: LinkId, to: Side, packet: Packet) -> Result<(), Violation> {
        let now = self.now();
        let arrow = if to == Side::Node { "->" } else { "<-" };
        match &packet {
            Packet::Bytes(bytes) => {
                self.bus.trace().line(now, format_args!("{link} {arrow} n{number} {}", Shown(bytes)));
                if is_about_cluster(bytes) {
                    self.bus.wait_for_disk(number)?;
                }
            }
            Packet::End => self.bus.trace().line(now, format_args!("{link} {arrow} n{number} end")),
        }
        self.with(number, |node| match (to, packet) {
            (Side::Node, Packet::Bytes(bytes)) => node.receive(link, &bytes),
            (Side::Node, Packet::End) => node.disconnect(link),
            (Side::Client, Packet::Bytes(bytes)) => node.answered(link, &bytes),
            (Side::Client, Packet::End) => node.hung_up(link),
        })?;
        self.see_to_effects()?;
        self.walk(number);
        Ok(())
    }

    /// Plans the next slice of a snapshot, if one is wanted or under way.
    pub(super) fn walk(&mut self, number: usize) {
        let wants = self.nodes[number].as_ref().is_some_and(crate::node::SimNode::wants_slice);
        if wants && self.walking.insert(number) {
            let life = self.bus.members()[number].life;
            self.timeline.plan(self.now().plus_us(SLICE_US), Event::Snapshot(number, life));
        }
    }

    /// What a node wants sent.
    pub(super) fn send(&mut self, number: usize, out: Out) -> Result<(), Violation> {
        let now = self.now();
        let at = now.max(self.asleep[number]);
        let arrivals = match out {
            Out::Reply(link, bytes) => self.network.send(at, link, Side::Client, bytes),
            Out::Close(link) => self.network.close(now, link, Side::Node),
            Out::Dial(link, address) => {
                self.bus.trace().line(now, format_args!("{link}, which is n{number}, opens {address}"));
                let node = self.node_at(&address);
                self.network.open(now, link, node)
            }
            Out::Ask(link, bytes) => self.network.send(at, link, Side::Node, bytes),
            Out::Hang(link) => self.network.close(now, link, Side::Client),
            Out::Abort(link) => self.network.abort(now, link),
            Out::Note(line) => {
                self.bus.trace().line(now, format_args!("{line}"));
                Arrivals::new()
            }
            Out::Synced(primary) => {
                if let Some(primary) = self.number_of(&primary) {
                    self.lacking.remove(&number);
                    self.custody.synced(number, primary);
                }
                Arrivals::new()
            }
            Out::Carried(how) => {
                self.bus.trace().line(now, format_args!("n{number}: keys carried: {how:?}"));
                match &how {
                    Carried::All => self.ghosts.arrived(&self.carried),
                    Carried::NotAll { arrived, .. } => self.ghosts.arrived(arrived),
                }
                let wish = self.operator.carried(&how);
                return self.grant(wish);
            }
        };
        self.plan(arrivals);
        Ok(())
    }

    /// The node that listens at an address; none if its host says so.
    fn node_at(&self, address: &str) -> Option<usize> {
        self.number_of(address).filter(|number| self.bus.members()[*number].health != Health::Stopped)
    }

    fn number_of(&self, address: &str) -> Option<usize> {
        self.bus.members().iter().position(|member| member.address() == address)
    }

    /// A packet comes to a client.
    fn reply(&mut self, link: LinkId, packet: Packet) {
        let now = self.now();
        let input = match packet {
            Packet::Bytes(bytes) => {
                self.bus.trace().line(now, format_args!("{link} <- {}", Shown(&bytes)));
                Input::Bytes(link, bytes)
            }
            Packet::End => {
                self.bus.trace().line(now, format_args!("{link} <- end"));
                Input::End(link)
            }
        };
        self.client(link.client, input);
    }

    pub(super) fn client(&mut self, client: usize, input: Input) {
        let now = self.now();
        for action in self.clients[client].handle(now, input, &mut self.history) {
            let arrivals = match action {
                Action::Open(link, address) => {
                    self.bus.trace().line(now, format_args!("{link} opens {address}"));
                    let node = self.node_at(&address);
                    self.network.open(now, link, node)
                }
                Action::Send(link, bytes) => self.network.send(now, link, Side::Node, bytes),
                Action::Close(link) => {
                    self.bus.trace().line(now, format_args!("{link} closes"));
                    self.network.close(now, link, Side::Client)
                }
                Action::Wake(at, timer) => {
                    self.timeline.plan(at, Event::Client(client, timer));
                    Arrivals::new()
                }
            };
            self.plan(arrivals);
        }
        for id in core::mem::take(&mut self.history.told) {
            self.custody.told(&self.history, id);
        }
    }

    /// Does what the operator wants.
    pub(super) fn grant(&mut self, wish: Option<Wish>) -> Result<(), Violation> {
        let (Some(wish), now) = (wish, self.now()) else { return Ok(()) };
        let nodes = &self.nodes;
        self.ghosts.look(|number, key| Some(nodes[number].as_ref()?.has(key)));
        match wish {
            Wish::Later => {
                let at = now.plus_us(self.operator.pause_us());
                self.timeline.plan(at, Event::Step);
            }
            Wish::Ask(place, link, bytes) => {
                self.bus.trace().line(now, format_args!("operator: {}", self.operator.doing()));
                let is_refused = self.bus.members()[place].health == Health::Stopped;
                let opened = self.network.open(now, link, Some(place).filter(|_| !is_refused));
                self.plan(opened);
                let sent = self.network.send(now, link, Side::Node, bytes);
                self.plan(sent);
                self.timeline.plan(now.plus_ms(PATIENCE_MS), Event::Patience(link));
            }
            Wish::Carry(from, to, keys) => {
                let address = self.bus.members()[to].address();
                let life = self.bus.members()[from].life;
                // Should the node be down, or stop meanwhile, nobody tells.
                self.timeline.plan(now.plus_ms(PATIENCE_MS), Event::Patience(self.operator.waits()));
                self.timeline.plan(now.plus_ms(CARRY_MS), Event::GiveUp(from, life));
                self.ghosts.sent(&keys, from, to);
                self.carried.clone_from(&keys);
                self.with(from, |node| node.carry(&keys, &address))?;
                return self.see_to_effects();
            }
        }
        Ok(())
    }

    pub(super) fn plan(&mut self, arrivals: Arrivals) {
        arrivals.into_iter().for_each(|(at, arrival)| self.timeline.plan(at, Event::Arrival(arrival)));
    }
}

/// Whether a request may talk to the control plane.
fn is_about_cluster(bytes: &[u8]) -> bool {
    bytes.windows(7).any(|window| window == b"CLUSTER")
}
