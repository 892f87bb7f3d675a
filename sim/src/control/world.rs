//! The loop: one queue of events, and what each of them does to a cluster of control planes.

mod around;
mod operator;
pub mod script;
pub mod stage;
mod weather;

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use slotway_core::bus::{Frame, MessageKind};
use slotway_core::cluster::{Action, Durability, Input, LinkId, Loss, Profile};
use slotway_core::epoch::{ConfigEpoch, Epoch};
use slotway_core::id::{NodeId, ShardId};
use slotway_core::plan;
use slotway_core::topology::{ClusterState, Node, NodeIndex, Topology, TopologyBuilder};

use super::check::{self, Witness};
use super::disk::{Found, Wear};
use super::lie::Liar;
use super::member::{BUS_PORT, Health, Member, Membership, name_of};
use super::swarm::Swarm;
use super::{Outcome, Plot};
use crate::chance::{Chance, Permille};
use crate::check::Violation;
use crate::network::{self, Arrival, Arrivals, Network, Packet, Side};
use crate::timeline::{Time, Timeline};
use crate::trace::Trace;

/// A connection begins with a byte each way: that it is wanted, and that it stands.
const GREETING: u8 = b'!';

/// Something that happens.
enum Event {
    Arrival(Arrival),
    /// A machine's deadline, in that life of its node.
    Wake(usize, u32),
    /// The durable write with that number has arrived, of that life.
    Synced(usize, u32, u64),
    /// A node that is down starts again.
    Restart(usize, Found),
    Weather,
}

/// A cluster, and all that can happen to it.
pub struct World {
    seed: u64,
    plot: Plot,
    swarm: Swarm,
    timeline: Timeline<Event>,
    trace: Trace,
    chance: Chance,
    network: Network,
    members: Vec<Member>,
    /// The end that opened a connection knows that it stands.
    greeted: BTreeMap<network::LinkId, bool>,
    witness: Witness,
    addresses: usize,
    storm_ends: Time,
    is_calm: bool,
    /// What there is around the machines besides, if anything, has to see to these.
    effects: Option<Vec<(usize, Effect)>>,
    /// What is done now is what a client's command asked for: SETSLOT may give a slot to whom it likes.
    is_commanded: bool,
    /// What has been sent, if somebody wants to see it.
    flights: Option<Vec<Flight>>,
}

/// A frame on its way, for whoever looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Flight {
    /// Who sent it.
    pub from: usize,
    /// To whom.
    pub to: usize,
    /// What it is, in the words of the protocol.
    pub kind: &'static str,
    /// When it was sent.
    pub sent: Time,
    /// When it arrives, unless its connection ends before.
    pub arrives: Time,
}

/// What concerns data and clients, which this world does not have: for the one around it.
#[derive(Debug)]
pub enum Effect {
    /// The machine wants it done.
    Wanted(Action),
    /// The process has ended.
    Stopped(Health),
    /// It has started again.
    Started,
    /// It hears nothing of that node until then.
    Deaf(usize, Time),
}

impl World {
    /// The world of `seed`; what happens in it is written to `trace`.
    pub fn new(seed: u64, trace: Trace, plot: Plot) -> Self {
        Self::with(Swarm::of_seed(seed), seed, trace, plot)
    }

    /// A world of this kind.
    pub fn with(swarm: Swarm, seed: u64, trace: Trace, plot: Plot) -> Self {
        let mut chance = Chance::stream(seed, "control");
        let mut members = populate(&swarm, 0, plot, &mut chance);
        if swarm.foreigners > 0 {
            let other = Swarm { primaries: swarm.foreigners, replicas: 0, ..swarm.clone() };
            let mut foreigners = populate(&other, members.len(), plot, &mut chance);
            foreigners.iter_mut().for_each(|member| member.cluster = Membership::Foreign);
            members.extend(foreigners);
        }
        give_character(&mut members, &swarm, seed);
        Self {
            seed,
            plot,
            timeline: Timeline::new(),
            trace,
            chance,
            network: Network::new(seed, swarm.weather),
            greeted: BTreeMap::new(),
            witness: Witness::new(swarm.node_timeout_ms),
            addresses: members.len(),
            members,
            storm_ends: Time::from_us(swarm.storm_s * 1_000_000),
            is_calm: false,
            effects: None,
            is_commanded: false,
            flights: None,
            swarm,
        }
    }

    /// Runs to the end, or to the first violation.
    pub fn run(mut self) -> Outcome {
        let violation = self.play().err();
        Outcome {
            seed: self.seed,
            simulated: self.timeline.now(),
            nodes: self.members.len(),
            trace: self.trace,
            tally: self.witness.tally,
            violation,
        }
    }

    fn play(&mut self) -> Result<(), Violation> {
        self.begin()?;
        self.play_until(self.storm_ends)?;
        self.calm();
        let calm = self.timeline.now();
        let timeout_ms = self.swarm.node_timeout_ms;
        self.play_until(calm.plus_ms(10 * timeout_ms + 5000))?;
        self.all_is_well()?;
        self.play_until(calm.plus_ms(20 * timeout_ms + 5000))?;
        self.all_is_well()?;
        let agree = |cluster| check::all_agree(&self.members, cluster, self.timeline.now());
        agree(Membership::Ours).and_then(|()| agree(Membership::Foreign))
    }

    fn all_is_well(&self) -> Result<(), Violation> {
        let is_up = |cluster| check::is_up(&self.members, cluster, self.timeline.now());
        is_up(Membership::Ours).and_then(|()| is_up(Membership::Foreign))
    }

    fn play_until(&mut self, end: Time) -> Result<(), Violation> {
        while self.timeline.now() < end {
            let event = self.timeline.advance().expect("weather always comes again");
            self.happen(event)?;
        }
        Ok(())
    }

    fn happen(&mut self, event: Event) -> Result<(), Violation> {
        match event {
            Event::Arrival(arrival) => self.arrive(arrival),
            Event::Wake(number, life) => self.wake(number, life),
            Event::Synced(number, life, sync) => self.synced(number, life, sync),
            Event::Restart(number, found) => self.restart(number, found),
            Event::Weather => self.change_weather(),
        }
    }

    fn wake(&mut self, number: usize, life: u32) -> Result<(), Violation> {
        let (now, member) = (self.timeline.now(), &mut self.members[number]);
        if member.life != life || member.health != Health::Up {
            return Ok(());
        }
        if member.paused > now {
            self.timeline.plan(member.paused, Event::Wake(number, life));
            return Ok(());
        }
        member.wake = None;
        member.handle(now, Input::Wake);
        self.carry_out(number)
    }

    fn synced(&mut self, number: usize, life: u32, sync: u64) -> Result<(), Violation> {
        let (now, member) = (self.timeline.now(), &mut self.members[number]);
        if member.life != life || member.disk.syncing() != Some(sync) {
            return Ok(());
        }
        member.disk.end_sync();
        self.witness.saved(member.id, member.disk.durable(), now)?;
        member.handle(now, Input::Persisted);
        self.carry_out(number)
    }

    /// A packet comes to one end of a connection.
    fn arrive(&mut self, arrival: Arrival) -> Result<(), Violation> {
        let now = self.timeline.now();
        let Arrival { link: wire, to } = arrival;
        let Some(number) = self.node_at(wire, to) else { return Ok(()) };
        let member = &self.members[number];
        if member.health == Health::Up && member.paused > now {
            self.timeline.plan(member.paused, Event::Arrival(arrival));
            return Ok(());
        }
        let Some(packet) = self.network.arrive(arrival) else { return Ok(()) };
        match (member.health, packet) {
            (Health::Vanished, _) | (Health::Stopped, Packet::End) => Ok(()),
            (Health::Stopped, Packet::Bytes(_)) => {
                self.reset(wire);
                Ok(())
            }
            (Health::Up, Packet::Bytes(bytes)) => self.read(number, wire, to, bytes),
            (Health::Up, Packet::End) => self.lose(number, wire, to),
        }
    }

    fn read(
        &mut self,
        number: usize,
        wire: network::LinkId,
        side: Side,
        bytes: Vec<u8>,
    ) -> Result<(), Violation> {
        // A reset may let nothing of a packet arrive.
        let Some((&first, rest)) = bytes.split_first() else { return Ok(()) };
        let known = self.members[number].link_of(wire, side);
        let (link, bytes) = match (known, side) {
            (Some(link), Side::Client) if self.greeted.get(&wire) == Some(&false) => {
                self.connected(number, wire, link)?;
                (link, rest)
            }
            (Some(link), _) => (link, &bytes[..]),
            (None, Side::Node) if first == GREETING && !self.greeted.contains_key(&wire) => {
                (self.accept(number, wire)?, rest)
            }
            // It belongs to an earlier life of this node.
            (None, _) => {
                self.reset(wire);
                return Ok(());
            }
        };
        let Some(frames) = self.members[number].frames(link, bytes) else { return Ok(()) };
        frames.iter().try_for_each(|frame| self.hear(number, link, frame))
    }

    fn connected(&mut self, number: usize, wire: network::LinkId, link: LinkId) -> Result<(), Violation> {
        self.greeted.insert(wire, true);
        let target = self.network.node_of(wire).unwrap_or(number);
        let remote_ip = String::from(self.members[target].ip());
        self.input(number, Input::Connected { link, remote_ip: &remote_ip })
    }

    fn accept(&mut self, number: usize, wire: network::LinkId) -> Result<LinkId, Violation> {
        let now = self.timeline.now();
        self.greeted.insert(wire, false);
        let link = self.members[number].accept(wire);
        let arrivals = self.network.send(now, wire, Side::Client, vec![GREETING]);
        self.plan(arrivals);
        let [remote, local] = [wire.client, number].map(|at| String::from(self.members[at].ip()));
        self.input(number, Input::Accepted { link, remote_ip: &remote, local_ip: &local })?;
        Ok(link)
    }

    /// A whole frame.
    fn hear(&mut self, number: usize, link: LinkId, bytes: &[u8]) -> Result<(), Violation> {
        let now = self.timeline.now();
        // The link may have been closed by the frame before.
        if self.members[number].wire_of(link).is_none() {
            return Ok(());
        }
        let Ok(frame) = Frame::parse(bytes) else { return Ok(()) };
        let kind = frame.kind().map_or("?", MessageKind::name);
        if let Frame::Full { header, .. } = &frame {
            self.trace.line(
                now,
                format_args!("n{number} hears {kind} of {}", number_of(&self.members, header.sender)),
            );
            self.members[number].hear(header, now);
        }
        let version = self.members[number].machine().version();
        self.witness.received(self.members[number].id, version, &frame, now);
        self.input(number, Input::Frame { link, frame: &frame })
    }

    fn lose(&mut self, number: usize, wire: network::LinkId, side: Side) -> Result<(), Violation> {
        let Some(link) = self.members[number].link_of(wire, side) else { return Ok(()) };
        self.members[number].drop_link(link);
        let other = self.node_at(wire, side.other());
        // A process that is gone resets its connections.
        let is_refused = other.is_none_or(|other| self.members[other].health == Health::Stopped);
        let why = if is_refused { Loss::Refused } else { Loss::Ended };
        self.input(number, Input::Lost { link, why })
    }

    fn input(&mut self, number: usize, input: Input<'_>) -> Result<(), Violation> {
        self.members[number].handle(self.timeline.now(), input);
        self.carry_out(number)
    }

    /// Does what a machine wants done, and plans when to wake it.
    fn carry_out(&mut self, number: usize) -> Result<(), Violation> {
        loop {
            let action = self.members[number].machine().poll_action();
            let Some(action) = action else { break };
            self.act(number, action)?;
        }
        let (now, member) = (self.timeline.now(), &mut self.members[number]);
        let deadline = member.deadline().max(now.plus_us(1));
        if member.health == Health::Up && member.wake.is_none_or(|wake| deadline < wake) {
            member.wake = Some(deadline);
            self.timeline.plan(deadline, Event::Wake(number, member.life));
        }
        Ok(())
    }

    fn act(&mut self, number: usize, action: Action) -> Result<(), Violation> {
        let now = self.timeline.now();
        if self.members[number].health != Health::Up {
            return Ok(());
        }
        match action {
            Action::Connect { link, host, port } => self.connect(number, link, &host, port),
            Action::Send { link, frame } => return self.send(number, link, &frame),
            Action::Close { link } => {
                if let Some((wire, side)) = self.members[number].drop_link(link) {
                    let arrivals = self.network.close(now, wire, side);
                    self.plan(arrivals);
                }
            }
            Action::Persist { conf, durability } => return self.persist(number, conf, durability),
            Action::Publish(view) => {
                self.tell(number, || Effect::Wanted(Action::Publish(view.clone())));
                let before = self.members[number].show(view, now);
                let member = &self.members[number];
                if let Some(after) = &member.view {
                    check::shown::view_is_clean(member, &self.members, after, now)?;
                }
                if let (Some(before), Some(after), false) = (&before, &member.view, self.is_commanded) {
                    self.witness.view_changed(member.id, before, after, now)?;
                }
                if let Some(shown) = &member.view {
                    self.witness.pictured(member.id, shown.version());
                }
            }
            Action::Follow(source) if self.effects.is_none() => {
                self.members[number].follow(now, source.is_some());
            }
            Action::Note(event) => {
                let id = self.members[number].id;
                self.trace.line(now, format_args!("n{number}: {event}"));
                return self.witness.noted(id, &event, now);
            }
            Action::Follow(_)
            | Action::Deliver { .. }
            | Action::PauseWrites
            | Action::ResumeWrites
            | Action::DropKeys(_)
            | Action::Handoff(_) => self.tell(number, || Effect::Wanted(action)),
        }
        Ok(())
    }

    fn connect(&mut self, number: usize, link: LinkId, host: &str, port: u16) {
        let now = self.timeline.now();
        let wire = self.members[number].open(number, link);
        // A machine dials an address or a name, never nothing.
        let is_there = |(_, member): &(usize, &Member)| {
            port == BUS_PORT && (member.ip() == host || member.hostname() == host)
        };
        // An address may be that of a node that is down and of the one that has it now.
        let there = self.members.iter().enumerate().filter(is_there);
        let target = there.max_by_key(|(_, member)| member.health == Health::Up).map(|(at, _)| at);
        let is_refused = target.is_some_and(|target| self.members[target].health == Health::Stopped);
        let arrivals = match target.filter(|_| !is_refused) {
            Some(target) => {
                let opened = self.network.open(now, wire, Some(target));
                self.plan(opened);
                self.network.send(now, wire, Side::Node, vec![GREETING])
            }
            // Nobody has that address: some networks say so, others do not.
            None if !is_refused && self.chance.happens(Permille(500)) => Arrivals::new(),
            None => self.network.open(now, wire, None),
        };
        self.plan(arrivals);
    }

    fn send(&mut self, number: usize, link: LinkId, frame: &[u8]) -> Result<(), Violation> {
        let now = self.timeline.now();
        let Some((wire, side)) = self.members[number].wire_of(link) else { return Ok(()) };
        let to = side.other();
        let there = self.node_at(wire, to);
        let other = there.map_or_else(String::new, |other| format!("n{other}"));
        self.witness.sent(self.members[number].id, &other, frame, now)?;
        let bytes = self.lie(number, frame).unwrap_or_else(|| frame.into());
        let arrivals = self.network.send(now, wire, to, bytes);
        if let (Some(flights), Some(number_there)) = (&mut self.flights, there) {
            let kind = Frame::parse(frame).ok().and_then(|frame| frame.kind()).map_or("?", MessageKind::name);
            let arrives = arrivals.last().map_or(now, |(at, _)| *at);
            flights.push(Flight { from: number, to: number_there, kind, sent: now, arrives });
        }
        self.plan(arrivals);
        Ok(())
    }

    /// What is sent instead, by who lies now and then.
    fn lie(&mut self, number: usize, frame: &[u8]) -> Option<Vec<u8>> {
        let now = self.timeline.now();
        if self.is_calm || self.members[number].liar.is_none() || !self.chance.happens(self.swarm.lie) {
            return None;
        }
        let ips: Vec<String> = self.members.iter().map(|member| member.ip().into()).collect();
        let (lie, bytes) = self.members[number].liar.as_mut()?.twist(frame, &ips, now.wall())?;
        self.witness.tally.lies += 1;
        self.trace.line(now, format_args!("n{number} lies: {lie:?}"));
        Some(bytes)
    }

    fn persist(&mut self, number: usize, conf: String, durability: Durability) -> Result<(), Violation> {
        let now = self.timeline.now();
        let life = self.members[number].life;
        if durability != Durability::BeforeTheNextAction {
            self.members[number].disk.write(conf);
            return Ok(());
        }
        if now == Time::default() {
            // The file that each node begins with was there before.
            let sync = self.members[number].disk.begin_sync(conf);
            return self.synced(number, life, sync);
        }
        if self.plot == Plot::PersistedTooEarly {
            self.members[number].disk.write(conf);
            self.members[number].handle(now, Input::Persisted);
            return Ok(());
        }
        if !self.is_calm && self.chance.happens(self.swarm.disk_full) {
            self.trace.line(now, format_args!("n{number}: its disk is full"));
            self.stop(number, Health::Stopped);
            return Ok(());
        }
        let sync = self.members[number].disk.begin_sync(conf);
        let at = now.plus_us(self.chance.within(0..=self.swarm.sync_us));
        self.timeline.plan(at, Event::Synced(number, life, sync));
        Ok(())
    }

    /// A process ends; it will start again.
    fn stop(&mut self, number: usize, health: Health) {
        let found = self.end(number, health);
        if self.members[number].cluster == Membership::Gone {
            return;
        }
        let at = self.timeline.now().plus_us(self.chance.within(0..=self.swarm.down_ms * 1000));
        self.timeline.plan(at, Event::Restart(number, found));
    }

    /// A process ends. What it leaves on its disk is returned.
    fn end(&mut self, number: usize, health: Health) -> Found {
        let now = self.timeline.now();
        self.witness.tally.crashes += 1;
        self.trace.line(now, format_args!("n{number} stops: {health:?}"));
        let wires = self.members[number].wires();
        self.members[number].stop(now, health);
        if health == Health::Stopped {
            wires.into_iter().for_each(|wire| self.reset(wire));
        }
        self.tell(number, || Effect::Stopped(health));
        let disk = &mut self.members[number].disk;
        match health {
            // With data around there is more than one file, and all of them outlive a process.
            Health::Stopped if self.effects.is_some() => disk.outlive(),
            Health::Up | Health::Stopped | Health::Vanished => disk.crash(&mut self.chance, self.swarm.torn),
        }
    }

    fn restart(&mut self, number: usize, found: Found) -> Result<(), Violation> {
        let now = self.timeline.now();
        if self.members[number].cluster == Membership::Gone {
            return Ok(());
        }
        self.find_address(number);
        if !self.is_calm && self.may_be_wiped(number) && self.chance.happens(self.swarm.wiped) {
            self.witness.tally.wiped += 1;
            return self.start_anew(number);
        }
        let found = self.wear_out(number, found);
        let (id, seed) = (self.members[number].id, self.chance.next());
        let mut text = found.text;
        if !self.members[number].start(now, &text, seed) {
            self.witness.tally.refused_files += 1;
            if found.predecessor.is_empty() {
                // It stopped before anything of it was durable, so nobody can have been told anything that counts.
                self.trace.line(now, format_args!("n{number} refuses its first file, which is removed"));
                return self.start_anew(number);
            }
            self.trace
                .line(now, format_args!("n{number} refuses its file; its predecessor is put in its place"));
            text = found.predecessor;
            let starts = self.members[number].start(now, &text, seed);
            assert!(starts, "a file that was written whole is read:\n{text}");
        }
        self.trace.line(now, format_args!("n{number} starts at {}", self.members[number].ip()));
        let name = self.members[number].machine().id();
        if name != id {
            let finding = format!("{id} is {name} after a restart");
            return Err(Violation { invariant: "S11 a node keeps its name", finding, at: now });
        }
        if found.may_be_old {
            self.trace.line(now, format_args!("n{number} has the file of another time"));
            self.witness.went_back(id, &text);
        }
        self.witness.saved(id, &text, now)?;
        self.witness.started(id);
        self.members[number].disk.go_on_with(text);
        self.tell(number, || Effect::Started);
        self.input(number, Input::Wake)
    }

    /// Disks rot, and people put back files that they kept; but not while the node is somebody's owner of slots. If its file is of a time
    /// when it copied another, and that other now copies it, nobody claims the slots: neither Redis nor we mend that.
    fn wear_out(&mut self, number: usize, found: Found) -> Found {
        if !self.may_be_wiped(number) {
            return found;
        }
        let wear = Wear { rotten: self.swarm.rotten, old: self.swarm.old_file };
        self.members[number].disk.wear_out(found, &mut self.chance, wear)
    }

    /// A host that starts may have another address than before, even one that was another's.
    fn find_address(&mut self, number: usize) {
        // Without names, only one node may move: two that do not know where the other is find nobody to ask.
        let may_move = self.swarm.has_names || number == 0;
        let is_taken = self.members.iter().enumerate().any(|(at, other)| {
            at != number && other.health == Health::Up && other.ip() == self.members[number].ip()
        });
        let must_move = is_taken || (may_move && self.chance.happens(self.swarm.moves));
        if !must_move {
            return;
        }
        self.witness.tally.moves += 1;
        // One that nobody has now: who was down may have lost its address to another host already.
        let is_free =
            |ip: &str| self.members.iter().all(|other| other.health != Health::Up || other.ip() != ip);
        let down = self.members.iter().find(|other| {
            other.health != Health::Up && other.ip() != self.members[number].ip() && is_free(other.ip())
        });
        let reused = down.filter(|_| self.swarm.has_names && self.chance.happens(Permille(300)));
        self.addresses += usize::from(reused.is_none());
        let address = reused.map_or_else(|| ip(self.addresses), |other| other.ip().into());
        self.members[number].move_to(address);
    }

    /// The node at one end of a connection, while the connection is known.
    fn node_at(&self, wire: network::LinkId, side: Side) -> Option<usize> {
        match side {
            Side::Client => Some(wire.client),
            Side::Node => self.network.node_of(wire),
        }
    }

    /// Both ends hear of the end of a connection.
    fn reset(&mut self, wire: network::LinkId) {
        let arrivals = self.network.reset(self.timeline.now(), wire);
        self.plan(arrivals);
    }

    fn tell(&mut self, number: usize, effect: impl FnOnce() -> Effect) {
        if let Some(effects) = &mut self.effects {
            effects.push((number, effect()));
        }
    }

    fn plan(&mut self, arrivals: Arrivals) {
        arrivals.into_iter().for_each(|(at, arrival)| self.timeline.plan(at, Event::Arrival(arrival)));
    }

    /// From now on nothing fails. What is down starts as it would have.
    pub(super) fn calm(&mut self) {
        self.trace.line(self.timeline.now(), format_args!("all is well"));
        self.is_calm = true;
        self.network.calm();
        self.members.iter_mut().for_each(|member| member.jump(0));
    }
}

/// What `id` is called in the trace.
fn number_of(members: &[Member], id: NodeId) -> String {
    members
        .iter()
        .position(|member| member.id == id)
        .map_or_else(|| id.to_string(), |number| format!("n{number}"))
}

fn ip(number: usize) -> String {
    format!("10.0.{}.{}", number / 250, number % 250 + 1)
}

/// The nodes of a cluster; their numbers begin with `first`.
fn populate(swarm: &Swarm, first: usize, plot: Plot, chance: &mut Chance) -> Vec<Member> {
    let topology = begin(swarm, first, chance);
    let of = |(number, (index, _)): (usize, (NodeIndex, &Node))| {
        Member::new(first + number, &topology.as_seen_by(index, 1), swarm, plot, chance)
    };
    topology.nodes().enumerate().map(of).collect()
}

/// Some behave as others do, some lie.
fn give_character(members: &mut [Member], swarm: &Swarm, seed: u64) {
    const PROFILES: [Profile; 4] = [Profile::Slotway, Profile::Redis70, Profile::Redis72, Profile::Valkey8];
    let mut chance = Chance::stream(seed, "character");
    for (number, member) in members.iter_mut().enumerate() {
        if swarm.has_profiles {
            member.play(*chance.pick(&PROFILES));
        }
        if swarm.lie > Permille(0) && (swarm.conspires || number == 0 || chance.happens(Permille(300))) {
            let own = Chance::stream(seed, &format!("liar {number}"));
            member.liar = Some(Liar::new(own, swarm.lies.clone()));
        }
    }
}

/// The cluster as it begins: primaries first, then their replicas in turn.
fn begin(swarm: &Swarm, first: usize, chance: &mut Chance) -> Topology {
    let mut builder = TopologyBuilder::new(1);
    builder.state(ClusterState::Ok);
    let mut name = || -> [u8; 20] { core::array::from_fn(|_| chance.next() as u8) };
    let shards: Vec<ShardId> = (0..swarm.primaries).map(|_| ShardId::from_random(name())).collect();
    let mut places: Vec<NodeIndex> = Vec::new();
    for number in 0..swarm.primaries * (1 + swarm.replicas) {
        let epoch = if swarm.begins_colliding { 1 } else { number as u64 + 1 };
        let is_primary = number < swarm.primaries;
        places.push(builder.node(Node {
            shard_id: Some(shards[number % swarm.primaries]),
            ip: ip(first + number),
            port: 7000,
            bus_port: BUS_PORT,
            hostname: swarm.has_names.then(|| name_of(first + number)),
            config_epoch: ConfigEpoch::new(if is_primary { epoch } else { 0 }),
            ..Node::new(NodeId::from_random(name()))
        }));
    }
    for (number, &place) in places.iter().enumerate().skip(swarm.primaries) {
        builder.set_primary(place, places[number % swarm.primaries]);
    }
    for (place, ranges) in places.iter().zip(plan::spread(swarm.primaries)) {
        builder.own(*place, ranges);
    }
    builder.current_epoch(Epoch::new(swarm.primaries as u64));
    builder.build().expect("each slot has one owner, and names are distinct")
}
